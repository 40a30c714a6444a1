"""Metrics against numbers worked out by hand and against the official script's algorithm, restated here."""

from __future__ import annotations

import re
import string
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from odqa.evaluation.metrics import (
    best_threshold,
    exact_match,
    mean,
    position_accuracy,
    rouge1_f1,
    score_each,
    token_f1,
)
from odqa.text import normalize_answer
from odqa.types import Reference, Span


class Official:
    """evaluate-v2.0.py as its behaviour is published: the oracle, kept as naive as possible."""

    @staticmethod
    def normalize(text):
        text = "".join(sign for sign in text.lower() if sign not in string.punctuation)
        return " ".join(re.sub(r"\b(a|an|the)\b", " ", text).split())

    @classmethod
    def gold(cls, references):
        return [text for text in references if cls.normalize(text)] or [""]

    @classmethod
    def exact(cls, prediction, references):
        return max(int(cls.normalize(prediction) == cls.normalize(gold)) for gold in cls.gold(references))

    @classmethod
    def f1(cls, prediction, references):
        def pair(gold):
            left, right = cls.normalize(gold).split(), cls.normalize(prediction).split()
            if not left or not right:
                return int(left == right)
            same = sum((Counter(left) & Counter(right)).values())
            if same == 0:
                return 0
            precision, recall = same / len(right), same / len(left)
            return 2 * precision * recall / (precision + recall)

        return max(pair(gold) for gold in cls.gold(references))

    @staticmethod
    def best_threshold(predictions, f1, differences, answerable):
        """The plain meaning, for distinct differences: try every cut and keep the first best one."""

        def total(cut):
            return sum(
                f1[key] if answerable[key] else float(not predictions[key]) for key in f1 if differences[key] <= cut
            ) + sum(not answerable[key] for key in f1 if differences[key] > cut)

        best, threshold = total(float("-inf")), 0.0
        for cut in sorted(differences.values()):
            if total(cut) > best:
                best, threshold = total(cut), cut
        return best / len(f1), threshold


words = st.sampled_from(["the", "a", "An", "Paris", "paris", "Seine,", "river", "é", "U.S.", "1889", "!", "-", "東京"])
texts = st.lists(words, max_size=5).map(" ".join)
references = st.lists(texts, max_size=4)


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        ("The  Eiffel Tower!", "eiffel tower"),
        ("an apple\ta day", "apple day"),
        ("U.S.", "us"),
        ("theatre", "theatre"),
        ("the", ""),
        ("«Été»", "«été»"),
        ("", ""),
    ],
)
def test_normalisation_lowers_and_drops_punctuation_articles_and_spaces(text, normal):
    assert normalize_answer(text) == normal


@pytest.mark.parametrize(
    ("prediction", "gold", "exact", "f1"),
    [
        ("the Seine", ["Seine", "river Seine"], 1.0, 1.0),
        ("Seine", ["river Seine"], 0.0, 2 / 3),  # precision 1/1, recall 1/2
        ("the big river Seine", ["river Seine in Paris"], 0.0, 4 / 7),  # 2 of 3 and of 4 tokens shared
        ("Paris Paris", ["Paris"], 0.0, 2 / 3),  # counted once: precision 1/2, recall 1/1
        ("Berlin", ["Paris"], 0.0, 0.0),
        ("", ["Paris"], 0.0, 0.0),
        ("", [], 1.0, 1.0),
        ("Paris", [], 0.0, 0.0),
        ("the", [], 1.0, 1.0),  # nothing is left of it
        ("", ["the", "Paris"], 0.0, 0.0),  # the reference "the" does not count
        ("", ["the"], 1.0, 1.0),  # and without another one the question scores as unanswerable
    ],
)
def test_exact_match_and_f1_by_hand(prediction, gold, exact, f1):
    assert exact_match(prediction, gold) == exact
    assert token_f1(prediction, gold) == pytest.approx(f1)


@given(texts, references)
def test_exact_match_and_f1_agree_with_the_official_script(prediction, gold):
    assert normalize_answer(prediction) == Official.normalize(prediction)
    assert exact_match(prediction, gold) == Official.exact(prediction, gold)
    assert token_f1(prediction, gold) == pytest.approx(Official.f1(prediction, gold), abs=1e-12)


@given(texts, references)
def test_f1_lies_between_exact_match_and_one(prediction, gold):
    assert exact_match(prediction, gold) <= token_f1(prediction, gold) <= 1


@pytest.mark.parametrize(
    ("prediction", "gold", "expected"),
    [
        ("the Seine", ["Seine"], 2 / 3),  # articles count: precision 1/2, recall 1/1
        ("the Seine", ["Berlin", "the Seine river"], 0.8),  # the best of 0 and 2 * 2 / 5
        ("rivers", ["river"], 0.0),  # no stemming
        ("", ["Seine"], 0.0),
        ("", [], 1.0),
        (" \n", [], 1.0),
        ("Seine", [], 0.0),
        ("the", [], 0.0),
        ("東京", ["東京"], 0.0),  # rouge-score sees only a-z and 0-9
    ],
)
def test_rouge_by_hand(prediction, gold, expected):
    assert rouge1_f1(prediction, gold) == pytest.approx(expected)


@given(texts, references.filter(bool))
def test_rouge_is_that_of_rouge_score(prediction, gold):
    from rouge_score.rouge_scorer import RougeScorer

    scores = RougeScorer(["rouge1"], use_stemmer=False).score_multi(gold, prediction)
    assert rouge1_f1(prediction, gold) == scores["rouge1"].fmeasure


def test_a_question_without_a_prediction_scores_zero_even_when_unanswerable():
    scores = score_each(exact_match, {"a": "Paris"}, {"a": ["Paris"], "b": ["Berlin"], "c": []})
    assert scores == {"a": 1.0, "b": 0.0, "c": 0.0}
    assert mean(scores) == pytest.approx(1 / 3)
    assert mean(scores, ["a", "b"]) == 0.5
    assert mean(scores, []) is None


def test_best_threshold_by_hand():
    # Sorted by difference: a (right, answerable), u (unanswerable), b (right, answerable), v (unanswerable).
    # Abstaining everywhere gives 2 of 4 points; answering a 3, then u 2, b 3, v 2: the first 3 is kept.
    gold = {"a": ["Paris"], "b": ["Berlin"], "u": [], "v": []}
    predictions = {"a": "Paris", "b": "Berlin", "u": "Seine", "v": "Spree"}
    f1 = score_each(token_f1, predictions, gold)
    differences = {"v": 4.0, "b": 0.5, "a": -3.0, "u": -1.0}
    assert best_threshold(f1, predictions, gold, differences) == (0.75, -3.0)


def test_best_threshold_of_a_set_where_abstaining_is_best_is_zero_as_in_the_script():
    assert best_threshold({"u": 0.0}, {"u": "Seine"}, {"u": []}, {"u": -5.0}) == (1.0, 0.0)


def test_a_question_without_a_score_difference_is_never_answered():
    gold = {"a": ["Paris"], "b": ["Berlin"], "u": []}
    predictions = {"a": "Paris", "b": "", "u": ""}
    f1 = {"a": 1.0, "b": 0.0, "u": 1.0}
    assert best_threshold(f1, predictions, gold, {"a": 7.0, "stranger": -9.0}) == (pytest.approx(2 / 3), 7.0)


questions = st.lists(
    st.tuples(texts, references, st.integers(-50, 50)), min_size=1, max_size=8, unique_by=lambda row: row[2]
)


@given(questions)
def test_best_threshold_is_the_best_of_all_cuts(rows):
    predictions = {str(at): row[0] for at, row in enumerate(rows)}
    gold = {str(at): row[1] for at, row in enumerate(rows)}
    # In quarters every sum is exact, whatever its order.
    differences = {str(at): row[2] / 4 for at, row in enumerate(rows)}
    f1 = {key: round(4 * value) / 4 for key, value in score_each(token_f1, predictions, gold).items()}
    f1 |= {key: float(not predictions[key]) for key in f1 if not gold[key]}
    answerable = {key: bool(value) for key, value in gold.items()}
    expected = Official.best_threshold(predictions, f1, differences, answerable)
    assert best_threshold(f1, predictions, gold, differences) == expected


def test_position_accuracy_by_hand():
    gold = {
        "both": [Reference("Paris", 4)],
        "start": [Reference("Paris", 4), Reference("Paris, France", 20)],
        "end": [Reference("Paris", 4)],
        "abstained": [Reference("Paris", 4)],
        "lacking": [],
        "unanswerable": [],
        "invented": [],
    }
    spans = {
        "both": Span(4, 9, 1.0),
        "start": Span(20, 25, 1.0),
        "end": Span(0, 9, 1.0),
        "abstained": None,
        "unanswerable": None,
        "invented": Span(4, 9, 1.0),
    }
    # Start right: both, start, unanswerable; end right: both, end, unanswerable.
    assert position_accuracy(spans, gold) == (3 / 7, 3 / 7)
    assert position_accuracy({"start": Span(20, 9, 0.0)}, {"start": gold["start"]}) == (1.0, 1.0)


def test_scores_over_no_question_are_refused_where_none_can_be_given():
    with pytest.raises(ValueError, match="at least one question"):
        best_threshold({}, {}, {}, {})
    with pytest.raises(ValueError, match="at least one question"):
        position_accuracy({}, {})
