"""Metrics against numbers worked out by hand and against the official script's algorithm, restated here."""

from __future__ import annotations

import math
import re
import string
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from odqa.evaluation.metrics import (
    best_sentence,
    best_threshold,
    exact_match,
    ndcg,
    position_accuracy,
    recall,
    reciprocal_rank,
    rouge1_f1,
    token_f1,
)
from odqa.retrieval.words import Analyzer
from odqa.text import normalize_answer
from odqa.types import Hit, Passage, Reference, Span


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


def test_best_threshold_by_hand():
    # By margin: right, unanswerable, right, unanswerable. Abstaining everywhere gives 2 of 4 points; answering the
    # first gives 3, the second takes one, the third gives 3 again and the last takes one: the first 3 is kept.
    margins = [-4.0, -0.5, 3.0, 1.0]
    assert best_threshold([0.0, 1.0, 1.0, 0.0], [False, True, True, False], margins) == (0.75, 3.0)


def test_where_abstaining_is_best_there_is_no_margin():
    assert best_threshold([0.0], [False], [5.0]) == (1.0, None)


def test_a_question_without_any_span_is_never_answered():
    found = best_threshold([1.0, 1.0, 0.0], [True, True, False], [-7.0, -math.inf, -math.inf])
    assert found == (pytest.approx(2 / 3), -7.0)


questions = st.lists(
    st.tuples(texts, references, st.integers(-50, 50)), min_size=1, max_size=8, unique_by=lambda row: row[2]
)


@given(questions)
def test_best_threshold_is_that_of_the_official_script(rows):
    predictions = {str(at): row[0] for at, row in enumerate(rows)}
    answerable = {str(at): bool(row[1]) for at, row in enumerate(rows)}
    # In quarters every sum is exact, whatever its order. The script has null - best span, an empty text for no span.
    differences = {str(at): row[2] / 4 for at, row in enumerate(rows)}
    f1 = {str(at): round(4 * token_f1(text, gold)) / 4 for at, (text, gold, _) in enumerate(rows)}
    f1 |= {key: 0.0 for key, text in predictions.items() if answerable[key] and not text}
    best, difference = Official.best_threshold(predictions, f1, differences, answerable)
    margins = [-differences[key] if predictions[key] else -math.inf for key in f1]
    # Where it is best never to answer the script says 0.0, by which some would be answered.
    never = best == list(answerable.values()).count(False) / len(answerable)
    found = best_threshold(list(f1.values()), list(answerable.values()), margins)
    assert found == (best, None if never else -difference)


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
        best_threshold([], [], [])
    with pytest.raises(ValueError, match="at least one question"):
        position_accuracy({}, {})


# Places of the relevant passages that were found, and how many there are.
FIRST = ([1], 1)
THIRD = ([3], 1)
NONE = ([], 1)
TWO_OF_THREE = ([4, 2], 3)


def test_the_scores_of_retrieval_by_hand() -> None:
    assert [recall(*case, k) for case, k in ((FIRST, 1), (THIRD, 1), (THIRD, 3), (NONE, 100))] == [1, 0, 1, 0]
    assert [recall(*TWO_OF_THREE, k) for k in (2, 9)] == pytest.approx([1 / 3, 2 / 3])
    ranks = [ranks for ranks, _ in (FIRST, THIRD, NONE, TWO_OF_THREE)]
    assert [reciprocal_rank(some, 10) for some in ranks] == pytest.approx([1, 1 / 3, 0, 1 / 2])
    assert reciprocal_rank(THIRD[0], 2) == 0
    # The best order of one has 1 / log2(2) = 1; the third place has 1 / log2(4).
    assert [ndcg(*case, 10) for case in (FIRST, THIRD, NONE)] == pytest.approx([1, 1 / 2, 0])
    assert ndcg(*THIRD, 2) == 0
    best = 1 + 1 / math.log2(3) + 1 / 2
    assert ndcg(*TWO_OF_THREE, 10) == pytest.approx((1 / math.log2(3) + 1 / math.log2(5)) / best)
    assert ndcg(*TWO_OF_THREE, 2) == pytest.approx((1 / math.log2(3)) / (1 + 1 / math.log2(3)))


RUNS = st.lists(st.tuples(st.permutations(range(12)), st.sets(st.integers(0, 15), min_size=1)), min_size=1, max_size=6)


@given(runs=RUNS, k=st.integers(1, 12))
def test_every_metric_lies_between_0_and_1_and_a_perfect_order_has_1(
    runs: list[tuple[list[int], set[int]]], k: int
) -> None:
    for order, relevant in runs:
        ranks = [rank for rank, row in enumerate(order, start=1) if row in relevant]
        for value in (recall(ranks, len(relevant), k), reciprocal_rank(ranks, k), ndcg(ranks, len(relevant), k)):
            assert 0 <= value <= 1 + 1e-9
    assert recall([1, 2], 2, 2) == reciprocal_rank([2, 1], 1) == ndcg([2, 1], 2, 5) == 1


def test_the_metrics_are_those_of_ranx() -> None:
    ranx = pytest.importorskip("ranx")
    orders = {"a": [3, 1, 2, 7], "b": [5, 6, 0, 9], "c": [8, 4, 2, 1], "d": [0, 1, 2, 3]}
    relevant = {"a": {3}, "b": {0, 9, 11}, "c": {7}, "d": {1, 2, 14}}
    run = ranx.Run({name: {str(row): float(-at) for at, row in enumerate(rows)} for name, rows in orders.items()})
    qrels = ranx.Qrels({name: {str(row): 1 for row in rows} for name, rows in relevant.items()})
    ranks = {name: [at for at, row in enumerate(orders[name], 1) if row in relevant[name]] for name in orders}
    for k in (1, 2, 3, 10):
        ours = {
            f"recall@{k}": [recall(ranks[name], len(relevant[name]), k) for name in orders],
            f"mrr@{k}": [reciprocal_rank(ranks[name], k) for name in orders],
            f"ndcg@{k}": [ndcg(ranks[name], len(relevant[name]), k) for name in orders],
        }
        for metric, values in ours.items():
            assert ranx.evaluate(qrels, run, metric) == pytest.approx(sum(values) / len(values)), metric


def found(*texts: str) -> list[Hit]:
    return [Hit(Passage(text, text, "Title", text, 0), 1.0, rank) for rank, text in enumerate(texts, start=1)]


def test_the_best_sentence_of_the_first_passage_shares_the_most_stems():
    stems = Analyzer("en")
    text = "The tower is tall. An engineer built the towers of Paris. Gustave built a tower in Paris."
    # As stems, towers is tower: the last two share tower, built and Paris with the question, and the earlier one wins.
    question = "Who built the Paris towers?"
    assert (
        best_sentence(question, found(text, f"{question} Me."), stems).strip()
        == "An engineer built the towers of Paris."
    )
    assert best_sentence("What is tall?", found(text), stems).strip() == "The tower is tall."


def test_without_a_passage_there_is_no_best_sentence():
    assert best_sentence("Who?", [], Analyzer("en")) == best_sentence("Who?", found(""), Analyzer("en")) == ""
