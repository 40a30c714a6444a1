"""When the first passages are enough: on questions so few that what must come out can be counted, and on drawn ones."""

from __future__ import annotations

import math
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from odqa.answering.candidates import Candidates
from odqa.answering.deciders import Enough, FittedRule
from odqa.answering.ranking import Weights
from odqa.fitting.steps import FIRST, Pair, fit_enough
from odqa.types import Hit, Passage, Reading, Span
from tests.answering.fits import CALIBRATOR

# An answer is right with odds of exp(margin) to 2, and given where there is one with a probability of at least 1/2.
RULE = FittedRule("null", Weights(), CALIBRATOR, 0.5)
HITS = tuple(
    Hit(Passage(f"p{rank}", f"d{rank}", "Title", text, 0), 1.0, rank)
    for rank, text in enumerate(["alpha", *["beta"] * FIRST], start=1)
)


def read(odds: float) -> Reading:
    """A reading of a whole passage, whose margin is the logarithm of ``odds``; 0 is none."""
    return Reading((Span(0, 4, math.log(odds)),) if odds else (), 0.0)


def pair(first: float, last: float = 0.0, kind: str = "answerable") -> Pair:
    """A question that the first of six passages answers with odds of ``first``, and the last with those of ``last``."""
    readings = [read(first), *[read(0)] * (FIRST - 1), read(last)]
    return Pair("who", kind, Candidates.of(HITS, readings[:FIRST]), Candidates.of(HITS, readings))


def confidence(odds: float) -> float:
    return odds / (odds + 2)


def test_where_nothing_changes_any_answer_is_enough() -> None:
    pairs = [pair(6), pair(18, 1), pair(0), pair(0, 18), pair(0, 0, "unanswerable")]
    enough, outcome = fit_enough(RULE, pairs)
    assert enough == Enough(FIRST, 0.0)
    # Two stop after five passages, two are read to the end: what has no answer yet may change.
    assert outcome["answerable"]["passages"] == pytest.approx((5 + 5 + 6 + 6) / 4)
    assert outcome["unanswerable"]["passages"] == 6
    assert [row["same"] for row in outcome.values()] == [1.0, 1.0]


def test_an_answer_that_the_rest_would_change_must_not_be_enough() -> None:
    # The last passage has a better answer than the first, of 6 to 2.
    enough, outcome = fit_enough(RULE, [pair(18), pair(6, 18), pair(3)])
    assert enough == Enough(FIRST, pytest.approx((confidence(6) + confidence(18)) / 2))
    assert outcome["answerable"] == {"passages": pytest.approx((5 + 6 + 6) / 3), "same": 1.0, "confidence_change": 0.0}


def test_where_the_surest_answer_changes_none_that_was_seen_is_enough() -> None:
    enough, outcome = fit_enough(RULE, [pair(18, 60), pair(6)])
    assert enough == Enough(FIRST, pytest.approx((confidence(18) + 1) / 2))
    assert outcome["answerable"]["passages"] == 6


@pytest.mark.parametrize(("unchanged", "least"), [(98, (confidence(6) + confidence(18)) / 2), (99, 0.0)])
def test_one_of_a_hundred_may_change(unchanged: int, least: float) -> None:
    enough, outcome = fit_enough(RULE, [pair(6, 18), *[pair(18)] * unchanged])
    assert enough == Enough(FIRST, pytest.approx(least))
    assert outcome["answerable"]["same"] == (1.0 if least else 0.99)


def test_of_each_kind_by_itself() -> None:
    # One of a hundred and eleven, but one of eleven that are answerable.
    pairs = [pair(6, 18), *[pair(18)] * 10, *[pair(0, kind="absent")] * 100]
    enough, _ = fit_enough(RULE, pairs)
    assert enough == Enough(FIRST, pytest.approx((confidence(6) + confidence(18)) / 2))


def test_the_change_of_confidence_is_told() -> None:
    # That the last passage says what the first does changes no answer, but how sure it is: by the mentions.
    calibrator = CALIBRATOR.from_json(
        CALIBRATOR.as_json() | {"weights": [[0.0] * 4 + [1.0] + [0.0] * 5, *CALIBRATOR.weights[1:]]}
    )
    rule = FittedRule("null", Weights(), calibrator, 0.9)
    hits = (*HITS[:FIRST], Hit(Passage("p9", "d9", "Title", "alpha", 0), 1.0, FIRST + 1))
    readings = [read(6), *[read(0)] * (FIRST - 1), read(3)]
    one = Pair("who", "answerable", Candidates.of(hits, readings[:FIRST]), Candidates.of(hits, readings))
    _, outcome = fit_enough(rule, [one])
    assert outcome["answerable"] == {
        "passages": FIRST,
        "same": 1.0,
        "confidence_change": pytest.approx(2 / 4 - 1 / 3),  # Two mentions: odds of 2 to 2, and not of 1 to 2.
    }


def test_where_there_are_no_more_passages_nothing_is_fitted() -> None:
    some = Candidates.of(HITS[:FIRST], [read(6)] * FIRST)
    assert fit_enough(RULE, [Pair("who", "answerable", some, some)]) == (None, {})
    assert fit_enough(RULE, []) == (None, {})


odds = st.sampled_from([0.0, 1.0, 3.0, 6.0, 10.0, 18.0, 60.0])


@given(
    st.lists(st.builds(pair, odds, odds, st.sampled_from(["answerable", "absent"])), min_size=1, max_size=12),
    st.integers(1, 30),
)
def test_it_keeps_nearly_all_decisions_and_no_smaller_one_does(some: Sequence[Pair], times: int) -> None:
    pairs = [*some] * times
    enough, outcome = fit_enough(RULE, pairs)
    assert enough is not None
    assert all(row["same"] >= 0.99 - 1e-9 and FIRST <= row["passages"] <= FIRST + 1 for row in outcome.values())
    if enough.confidence:  # With the next confidence below it, too many of some kind change.
        changed: dict[str, list[tuple[float, bool]]] = {}
        for one in pairs:
            first, whole = (RULE.decide(one.question, found) for found in (one.first, one.whole))
            same = not first.answered or first.answers[0].text == whole.answers[0].text
            changed.setdefault(one.kind, []).append((first.confidence if first.answered else 0.0, not same))
        assert any(too_many(rows, enough.confidence) for rows in changed.values())


def too_many(rows: Sequence[tuple[float, bool]], least: float) -> bool:
    """Whether more than 1 % change of those at least as sure as the surest one below ``least``."""
    below = max((sure for sure, _ in rows if sure < least), default=least)
    return sum(changed for sure, changed in rows if sure >= below) > 0.01 * len(rows)
