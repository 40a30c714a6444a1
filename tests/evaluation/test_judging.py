"""What decisions are worth, by hand: given, forced, the best of five, and without the gold passages."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import pytest

from odqa.answering.candidates import Candidates
from odqa.answering.deciders import ReaderRule
from odqa.answering.fit_file import Fit
from odqa.evaluation.cases import Case, read, search
from odqa.evaluation.judging import NOTHING, Judge, Judgement, Scores, correctness, judge_predictions
from odqa.evaluation.readings import Readings
from odqa.index.retriever import Retriever
from odqa.types import Example, Mode, Reading, Span
from tests.answering.hits import hit
from tests.evaluation.made import example, over_index, own_context

CONTEXT = "Paris lies on the river Seine, Berlin on the Spree."
RIGHT = Scores(1.0, 1.0, 1.0)


def judged(answers: Sequence[str], spans: Mapping[str, float], threshold: float = 0.0) -> Judgement:
    (judgement,) = Judge(ReaderRule(threshold)).judge([own_context("q", CONTEXT, answers, spans)], 1)
    return judgement


def test_an_answer_that_is_given_counts_as_it_is() -> None:
    # "the river Seine" has two of three words of "the Seine" for ROUGE, and for F1, where articles do not count, one of
    # two; Paris is right, but second.
    one = judged(["the Seine", "Paris"], {"the river Seine": 2.0, "Paris": 1.0})
    assert (one.id, one.answerable, one.answered, one.prediction) == ("q", True, True, "the river Seine")
    assert one.given == one.forced == Scores(pytest.approx(4 / 5), 0.0, pytest.approx(2 / 3))
    assert one.top5 == RIGHT
    weights = [math.exp(2), math.exp(1), 1]
    assert one.confidence == one.decision.confidence == pytest.approx(weights[0] / sum(weights))
    assert one.answerability == 2.0


def test_an_answer_that_is_withheld_counts_only_where_it_is_forced() -> None:
    one = judged(["Paris"], {"Paris": -1.0})
    assert (one.answered, one.prediction) == (False, "")
    assert (one.given, one.forced, one.top5) == (NOTHING, RIGHT, RIGHT)
    assert one.first is not None and one.first.text == "Paris"
    # Its confidence is that of being right, and that of the decision is the probability of no answer.
    assert one.confidence == pytest.approx(1 - one.decision.confidence) == pytest.approx(1 / (1 + math.e))


def test_of_an_unanswerable_question_only_the_decision_counts() -> None:
    for margin, given in ((1.0, NOTHING), (-1.0, RIGHT)):
        one = judged([], {"Paris": margin})
        assert (one.given, one.forced, one.top5) == (given, NOTHING, NOTHING)


def test_without_any_span_there_is_no_answer_and_no_confidence_in_one() -> None:
    one = judged(["Paris"], {})
    assert (one.first, one.confidence, one.prediction) == (None, 0.0, "")
    assert (one.given, one.forced, one.top5) == (NOTHING,) * 3
    assert judged([], {}).given == RIGHT


@pytest.mark.parametrize(("place", "best"), [(5, 1.0), (6, 0.0)])
def test_no_more_than_five_answers_count(place: int, best: float) -> None:
    texts = ["lies", "Seine", "river", "Berlin", "Spree"]
    texts.insert(place - 1, "Paris")
    one = judged(["Paris"], {text: -float(at) for at, text in enumerate(texts)}, -math.inf)
    assert one.top5.exact_match == best
    assert len(one.decision.answers) == 5


def test_the_first_hits_decide_and_texts_are_scored_by_the_rules_of_the_language() -> None:
    asked = example("q", "Der Fluss.", ["der Rhein"])
    case = over_index(asked, [("Ein See.", {"See": 1.0}), ("Der Rhein.", {"Rhein": 2.0})])
    for k, prediction in ((1, "See"), (2, "Rhein")):
        (one,) = Judge(ReaderRule(), "de").judge([case], k)
        assert one.prediction == prediction
        assert one.given.exact_match == float(k == 2)
    (english,) = Judge(ReaderRule()).judge([case], 2)
    assert english.given.exact_match == 0.0


def test_where_the_gold_passages_are_removed_the_next_ones_decide() -> None:
    passages = [
        ("Paris is the capital.", {"Paris": 3.0}),
        ("Lyon is in France too.", {"Lyon": 2.0}),
        ("Some say Paris.", {"Paris": 1.0}),
        ("Bonn was one.", {"Bonn": 4.0}),
    ]
    answerable = over_index(example("a", "Paris.", ["Paris"]), passages, gold=[1], own=[2])
    unanswerable = over_index(example("u", "Paris."), passages, own=[1])
    judge = Judge(ReaderRule())
    assert [one.prediction for one in judge.judge([answerable, unanswerable], 2)] == ["Paris", "Paris"]
    (one,) = judge.judge_removed([answerable, unanswerable], 1)  # Only where there is something to remove.
    assert (one.id, one.prediction, one.forced) == ("a", "Paris", RIGHT)
    assert [place.passage.id for place in one.decision.answers[0].places] == ["p3"]
    (one,) = judge.judge_removed([answerable], 2)
    assert [answer.text for answer in one.decision.answers] == ["Bonn", "Paris"]


@pytest.mark.parametrize("mode", Mode)
def test_what_is_removed_from_an_index_is_not_among_the_answers(
    mode: Mode, examples: list[Example], retrievers: dict[Mode, Retriever], readings: Readings, fit: Fit
) -> None:
    found = search(examples, retrievers[mode], 2)
    cases: list[Case] = read(found.queries, 2, readings)
    judge = Judge(fit.get(None))
    removed = list(judge.judge_removed(cases, 2))
    assert [one.id for one in removed] == [one.id for one in examples if one.answerable]

    def gold(some: Judgement) -> bool:
        away = some.query.gold | some.query.own
        return any(place.passage.id in away for answer in some.decision.answers for place in answer.places)

    assert not any(map(gold, removed))
    assert any(map(gold, judge.judge(cases, 2)))
    assert all(one.first for one in removed if mode != Mode.BM25)


def test_predictions_are_scored_and_one_that_is_missing_is_wrong() -> None:
    some = [example("a", CONTEXT, ["Paris"]), example("b", CONTEXT, ["Paris"]), example("c", CONTEXT), example("d", "")]
    found = judge_predictions(some, {"a": "paris", "c": "", "stranger": "Paris"})
    assert [(one.id, one.answerable, one.given) for one in found] == [
        ("a", True, RIGHT),
        ("b", True, NOTHING),
        ("c", False, RIGHT),
        ("d", False, NOTHING),
    ]


def test_which_decisions_are_right_and_how_confident_they_are_by_hand() -> None:
    # Weights 3 and, for no answer, 1. With the threshold at log 9 and T = 2: their square roots, of 3 and of 9.
    place = Candidates.of([hit(0, 24)], [Reading((Span(0, 5, math.log(3)),), 0.0)])
    nothing = Candidates.of([hit(0, 24)], [Reading((), 0.0)])
    questions = [("where?", place, ["Paris"]), ("who?", nothing, []), ("which?", place, [])]
    confidence, right = correctness(ReaderRule(), questions)
    assert confidence == pytest.approx([3 / 4, 1, 3 / 4])
    assert right.tolist() == [True, True, False]
    confidence, right = correctness(ReaderRule(math.log(9), 2.0), questions)
    assert confidence == pytest.approx([3 / (3 + math.sqrt(3)), 1, 3 / (3 + math.sqrt(3))])
    assert right.tolist() == [False, True, True]
