"""Which passages are read for which question, by a rule whose confidence can be counted by hand."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from odqa.answering.candidates import Candidates
from odqa.answering.deciders import Decider, Enough, FittedRule, ReaderRule
from odqa.answering.question import Ask
from odqa.answering.ranking import RANKINGS, Weights
from odqa.answering.steps import Decided, decide
from odqa.types import Hit, Reading, Span
from tests.answering.fits import CALIBRATOR
from tests.answering.hits import hit, pairs, reading

# An answer is right with odds of exp(margin) to 2: at a margin of log 6 with 75 %, of log 18 with 90 %.
RULE = FittedRule("null", Weights(), CALIBRATOR, 0.4, Enough(1, 0.8))
HITS = (hit(0, 24, 1), hit(25, 50, 2), hit(51, 72, 3))
NOTHING = Reading((), 0.0)
Rows = Sequence[Reading]


class Reads:
    """A reader that knows the readings of every question's passages, and remembers what it was asked to read."""

    def __init__(self, known: dict[str, Rows]) -> None:
        self.known = known
        self.asked: list[dict[str, list[int]]] = []

    def __call__(self, questions: Sequence[str], found: Sequence[Sequence[Hit]]) -> list[list[Reading]]:
        ranks = {question: [one.rank for one in hits] for question, hits in zip(questions, found, strict=True)}
        self.asked.append(ranks)
        return [[self.known[question][rank - 1] for rank in ranks[question]] for question in questions]


def run(known: dict[str, Rows], rule: Decider = RULE, **how: float) -> tuple[list[Decided], list[dict[str, list[int]]]]:
    """What is decided on the questions, each with as many of the hits as it has readings, and what was read for it."""
    reads = Reads(known)
    found = [HITS[: len(readings)] for readings in known.values()]
    return decide(rule, list(known), found, reads, Ask(**{"n": 1} | how)), reads.asked  # type: ignore[arg-type]


def sure(odds: float) -> Reading:
    """A reading of one answer, five characters long, whose margin is the logarithm of ``odds``."""
    return reading(0.0, (0, 5, odds))


def test_where_the_first_passage_gives_a_sure_answer_no_other_is_read() -> None:
    (decided,), asked = run({"a": [sure(18), sure(18), NOTHING]})
    assert asked == [{"a": [1]}]
    assert (decided.passages, len(decided.decision.answers)) == (1, 1)
    assert decided.decision.confidence == pytest.approx(0.9)


@pytest.mark.parametrize(
    ("first", "how"),
    [
        (sure(6), {}),  # Not sure enough.
        (NOTHING, {}),  # No answer at all, for sure.
        (sure(0.01), {}),  # An answer that is withheld: that there is none is probable.
        (sure(18), {"n": 2}),  # Too few answers.
        (sure(18), {"min_confidence": 0.95}),  # Less sure than is asked for.
        (sure(0.01), {"min_confidence": 0.0}),
    ],
)
def test_where_the_first_passage_is_not_enough_the_rest_is_read(first: Reading, how: dict[str, float]) -> None:
    (decided,), asked = run({"a": [first, NOTHING, sure(3)]}, **how)
    assert asked == [{"a": [1]}, {"a": [2, 3]}]
    assert decided.passages == 3
    assert decided.decision == RULE.decide("a", Candidates.of(HITS, [first, NOTHING, sure(3)]))


@pytest.mark.parametrize(("odds", "passages"), [(0.4, 2), (18, 1)])
def test_an_answer_that_is_given_only_as_more_are_expected_is_not_enough(odds: float, passages: int) -> None:
    """Of odds of 0.4 to 2 "no answer" has 1 / 2.4, beyond the threshold where half of the questions have an answer."""
    rule = replace(RULE, enough=Enough(1, 0.001)).expecting(0.9)
    (decided,), _ = run({"a": [sure(odds), NOTHING]}, rule)
    assert decided.decision.answered and decided.passages == passages


def test_less_confidence_than_is_enough_does_not_make_it_enough() -> None:
    (decided,), _ = run({"a": [sure(6), NOTHING]}, min_confidence=0.1)
    assert decided.passages == 2


@pytest.mark.parametrize(
    ("rule", "how"),
    [(RULE, {"exhaustive": True}), (replace(RULE, enough=None), {}), (ReaderRule(), {})],
    ids=["exhaustive", "not fitted", "the reader's own"],
)
def test_all_are_read_at_once(rule: Decider, how: dict[str, float]) -> None:
    (decided,), asked = run({"a": [sure(18), NOTHING, sure(18)]}, rule, **how)
    assert asked == [{"a": [1, 2, 3]}]
    assert decided.passages == 3


def test_the_questions_of_a_batch_are_read_together_and_the_rest_for_those_alone_that_need_it() -> None:
    known = {
        "sure": [sure(18), NOTHING, NOTHING],
        "not": [sure(6), NOTHING, sure(100)],
        "one": [NOTHING],
        "late": [NOTHING, sure(18)],
        "none": [],
    }
    decided, asked = run(known)
    assert asked == [{"sure": [1], "not": [1], "one": [1], "late": [1], "none": []}, {"not": [2, 3], "late": [2]}]
    assert [one.passages for one in decided] == [1, 3, 1, 2, 0]
    for (question, readings), one in zip(known.items(), decided, strict=True):
        hits = HITS[: len(readings)]
        assert one.decision == RULE.decide(question, Candidates.of(hits, readings[: one.passages]))


def test_no_question_no_reading() -> None:
    assert run({}) == ([], [])


def test_what_was_found_and_not_read_is_known_to_be_found() -> None:
    # By its cosine the second passage is the better one, so that the confidence is that of all passages.
    hits = [hit(0, 24, 1, dense=0.5), hit(25, 50, 2, dense=0.75)]
    behind = replace(CALIBRATOR, weights=((1.0, *(0.0,) * 5, -4.0, *(0.0,) * 3), *CALIBRATOR.weights[1:]))
    rule = replace(RULE, calibrator=behind, enough=Enough(1, 0.0))
    for how in (Ask(n=1), Ask(n=1, exhaustive=True)):
        reads = Reads({"a": [sure(18), NOTHING]})
        (decided,) = decide(rule, ["a"], [hits], reads, how)
        odds = math.exp(math.log(18) - 4 * 0.25)
        assert decided.decision.confidence == pytest.approx(odds / (odds + 2))


@given(
    st.lists(pairs(), min_size=1, max_size=3),
    st.sampled_from(RANKINGS),
    st.integers(1, 6),
    st.sampled_from([0.0, 0.5, 0.9]),
    st.integers(1, 3),
)
def test_every_decision_is_that_on_the_passages_that_were_read(
    some: list[list[tuple[Hit, Reading]]], name: str, passages: int, confidence: float, n: int
) -> None:
    rule = FittedRule(name, Weights(), CALIBRATOR, 0.6, Enough(passages, confidence))
    questions = [f"which {number}" for number in range(len(some))]
    found = [[one for one, _ in rows] for rows in some]
    known = {question: [one for _, one in rows] for question, rows in zip(questions, some, strict=True)}
    for question, hits, one in zip(
        questions, found, decide(rule, questions, found, Reads(known), Ask(n=n)), strict=True
    ):
        assert one.decision == rule.decide(question, Candidates.of(hits, known[question][: one.passages]))
        if one.passages < len(hits):
            assert one.passages == passages
            assert one.decision.answered and len(one.decision.answers) >= n
            assert one.decision.confidence >= confidence


def test_what_is_not_read_has_no_place() -> None:
    everywhere = Reading((Span(0, 5, 3.0),), 0.0)
    found = Candidates.of(HITS, [everywhere, everywhere])
    assert found.hits == HITS
    assert {place.hit.rank for place in found.places} == {1, 2}
    with pytest.raises(ValueError, match="zip"):
        Candidates.of(HITS[:1], [everywhere, everywhere])
