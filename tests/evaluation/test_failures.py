"""What went wrong with a decision, by hand, and which unanswerable questions a person should look at."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import pytest

from odqa.answering.deciders import ReaderRule
from odqa.evaluation.failures import (
    ABSTAINED,
    ANSWERED,
    KINDS,
    NOT_RETRIEVED,
    OUTRANKED,
    SHOWN,
    WRONG_SPAN,
    audit,
    failure,
    failures,
    specimen,
)
from odqa.evaluation.judging import Judge, Judgement
from odqa.evaluation.report import Excerpt
from odqa.types import Reference
from tests.evaluation.made import Spans, example, over_index

GOLD, OTHER = "Paris is by the Seine.", "Lyon is by the Rhône."
CONTEXT = f"A context. {GOLD}"


def judged(
    key: str, answers: Sequence[str], passages: Sequence[tuple[str, Spans]], *, own: Sequence[int] = (), k: int = 2
) -> Judgement:
    """``own`` are the ranks of the passages that are pieces of the context, gold where the question is answerable."""
    (one,) = Judge(ReaderRule()).judge([over_index(example(key, CONTEXT, answers), passages, gold=own)], k)
    return one


@pytest.mark.parametrize(
    ("answers", "passages", "own", "expected"),
    [
        (["Paris"], [(GOLD, {"Paris": 1.0})], [1], None),
        ([], [(GOLD, {"Paris": -1.0})], [1], None),
        (["Paris"], [(OTHER, {"Lyon": 1.0}), (OTHER, {})], [], NOT_RETRIEVED),
        (["Paris"], [(OTHER, {"Lyon": -1.0}), (OTHER, {}), (GOLD, {"Paris": 9.0})], [3], NOT_RETRIEVED),  # k is 2.
        (["Paris"], [(OTHER, {"Lyon": 2.0}), (GOLD, {"Paris": 1.0})], [2], OUTRANKED),
        (["Paris"], [(OTHER, {}), (GOLD, {"Seine": 1.0})], [2], WRONG_SPAN),
        (
            ["Paris"],
            [(OTHER, {"by the": 2.0}), (GOLD, {"by the": 1.0})],
            [2],
            WRONG_SPAN,
        ),  # One of its places is there.
        (["Paris"], [(OTHER, {}), (GOLD, {"Paris": -1.0})], [2], ABSTAINED),
        (["Paris"], [(OTHER, {}), (GOLD, {})], [2], ABSTAINED),
        ([], [(OTHER, {"Lyon": 1.0})], [], ANSWERED),
    ],
)
def test_what_went_wrong(
    answers: list[str], passages: list[tuple[str, Spans]], own: list[int], expected: str | None
) -> None:
    assert failure(judged("q", answers, passages, own=own), 2) == expected


def outranked(key: str, margin: float) -> Judgement:
    return judged(key, ["Paris"], [(OTHER, {"Lyon": margin}), (GOLD, {})], own=[2])


def answered(key: str, margin: float) -> Judgement:
    return judged(key, [], [(OTHER, {"Lyon": margin})])


def test_failures_are_counted_and_the_most_confident_of_each_kind_shown_by_turns() -> None:
    right = judged("right", ["Paris"], [(GOLD, {"Paris": 9.0})], own=[1])
    some = [
        answered("u1", 1.0),
        answered("u2", 3.0),
        outranked("o1", 0.5),
        right,
        outranked("o2", 2.0),
        answered("u3", 2.0),
    ]
    found = failures(some, 2)
    assert found.counts == {**dict.fromkeys(KINDS, 0), OUTRANKED: 2, ANSWERED: 3}
    assert [(one.id, one.kind) for one in found.worst] == [
        ("o2", OUTRANKED),
        ("u2", ANSWERED),
        ("o1", OUTRANKED),
        ("u3", ANSWERED),
        ("u1", ANSWERED),
    ]


def test_all_failures_are_counted_and_some_shown() -> None:
    found = failures([answered(f"u{number}", 1.0 + number / 100) for number in range(SHOWN + 3)], 2)
    assert found.counts[ANSWERED] == SHOWN + 3
    assert [one.id for one in found.worst] == [f"u{number}" for number in range(SHOWN + 2, 2, -1)]


def test_the_audit_is_of_confident_answers_from_another_passage_than_the_question_s_own() -> None:
    some = [
        judged("sure", [], [(OTHER, {"Lyon": 2.0})]),
        judged("surer", [], [(OTHER, {"Lyon": 4.0}), (GOLD, {"Seine": 1.0})], own=[2]),
        judged("doubtful", [], [(OTHER, {"Lyon": -0.1})]),
        judged("its own passage", [], [(OTHER, {}), (GOLD, {"Paris": 9.0})], own=[2]),
        judged("also its own", [], [(OTHER, {"by the": 2.0}), (GOLD, {"by the": 1.0})], own=[2]),
        judged("answerable", ["Paris"], [(OTHER, {"Lyon": 9.0})]),
        judged("nothing", [], [(OTHER, {})]),
    ]
    assert [one.id for one in audit(some)] == ["surer", "sure"]


def test_a_question_in_full() -> None:
    shown = specimen(
        judged("q", ["Seine", "Paris", "Seine"], [(OTHER, {"Lyon": math.log(3)}), (GOLD, {})], own=[2]), "wrong"
    )
    start = CONTEXT.index("Seine")
    assert (shown.id, shown.question, shown.expected, shown.kind) == ("q", "q?", ("Seine", "Paris"), "wrong")
    assert (shown.answer, shown.given, shown.document) == ("Lyon", True, "Title 1")
    assert (shown.confidence, shown.no_answer_probability) == pytest.approx((3 / 4, 1 / 4))
    assert shown.passage == Excerpt(OTHER, 0, 4)
    assert (shown.gold, shown.gold_rank) == (Excerpt(CONTEXT, start, start + 5), 2)


@pytest.mark.parametrize("start", [-1, 3])
def test_an_answer_that_does_not_stand_in_the_context_marks_nothing_there(start: int) -> None:
    one = judged("q", ["Seine"], [(OTHER, {"Lyon": 2.0})])
    example = replace(one.query.example, references=(Reference("Seine", start),))
    shown = specimen(replace(one, query=replace(one.query, example=example)))
    assert shown.gold == Excerpt(CONTEXT, 0, 0) and shown.expected == ("Seine",)


def test_a_question_of_which_nothing_is_known_in_full() -> None:
    shown = specimen(judged("q", [], [(OTHER, {})]))
    assert (shown.expected, shown.answer, shown.given, shown.document) == ((), "", False, "")
    assert (shown.confidence, shown.no_answer_probability) == (0.0, 1.0)
    assert shown.passage == Excerpt("", 0, 0)
    assert (shown.gold, shown.gold_rank) == (Excerpt(CONTEXT, 0, 0), None)
