"""The named rankings. By hand: scores are logarithms, so that a passage's spans and null have whole weights.

Passage A says Paris (weight 8) and Seine (1), its null weighs 2; passage B says Paris (6), its null weighs 1. That is
18 in all. p(A) = 3/4 and p(B) = 1/4 by their cosines, p'(A) = 1/5 and p'(B) = 4/5 by BM25.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from odqa.answering.candidates import Candidates, Evidence
from odqa.answering.ranking import RANKINGS, Weights, answer_scores, check_ranking, place_scores, rank
from odqa.errors import UsageError
from odqa.types import Hit, Reading, Span
from tests.answering.hits import hit, pairs

HITS = [
    hit(0, 24, 1, dense=0.05 * math.log(3), bm25=0.0),  # A
    hit(51, 72, 2, dense=0.0, bm25=math.log(4)),  # B
]
READINGS = [
    Reading((Span(0, 5, math.log(8)), Span(18, 23, 0.0)), math.log(2)),
    Reading((Span(15, 20, math.log(6)),), 0.0),
]
weights = st.builds(Weights, st.floats(0.1, 10), st.floats(-2, 2), st.floats(-2, 2))
whole = st.integers(-20, 20).map(float)


def evidence_of(hits: Sequence[Hit], readings: Sequence[Reading]) -> Evidence:
    return Candidates.of(hits, readings).evidence


def apart(rows: Sequence[tuple[float, Sequence[float]]]) -> Evidence:
    """A passage of its own document for each (null score, span scores); no two spans overlap."""
    hits = [hit(0, 8, at, f"d{at}", "xbcdefgh") for at in range(1, len(rows) + 1)]
    return evidence_of(
        hits, [Reading(tuple(Span(at, at + 1, score) for at, score in enumerate(spans)), null) for null, spans in rows]
    )


def test_the_evidence_by_hand() -> None:
    # By their margins: Paris in B (6), Paris in A (8 / 2), Seine in A (1 / 2).
    evidence = evidence_of(HITS, READINGS)
    assert np.exp(evidence.span) == pytest.approx([6, 8, 1])
    assert np.exp(evidence.null) == pytest.approx([1, 2, 2])
    assert np.exp(evidence.dense) == pytest.approx([1 / 4, 3 / 4, 3 / 4])
    assert np.exp(evidence.bm25) == pytest.approx([4 / 5, 1 / 5, 1 / 5])
    assert evidence.texts.tolist() == [0, 0, 1]
    assert np.exp(evidence.total) == pytest.approx(np.array([[2, 8, 1], [1, 6, 0]]))


@pytest.mark.parametrize(
    ("name", "fitted", "places", "answers"),
    [
        # Paris in B, Paris in A, Seine in A; then Paris, Seine. T = 1/2 squares what the reader says.
        ("logit", Weights(), [6, 8, 1], [8, 1]),
        ("logit", Weights(1 / 2, 1.0, 2.0), [36, 64, 1], [64, 1]),
        ("null", Weights(), [6, 4, 1 / 2], [6, 1 / 2]),
        ("null", Weights(1 / 2, 1.0, 2.0), [36, 16, 1 / 4], [36, 1 / 4]),
        ("softmax", Weights(), [6 / 18, 8 / 18, 1 / 18], [14 / 18, 1 / 18]),
        ("softmax", Weights(1 / 2, 1.0, 2.0), [36 / 106, 64 / 106, 1 / 106], [100 / 106, 1 / 106]),
        ("prior", Weights(), [6, 4, 1 / 2], [6, 1 / 2]),
        ("prior", Weights(1.0, 1.0, 1.0), [6 / 4 * 4 / 5, 4 * 3 / 4 / 5, 3 / 8 / 5], [1.2, 0.075]),
        ("prior", Weights(1 / 2, 1.0, 2.0), [36 / 4 * 16 / 25, 16 * 3 / 4 / 25, 3 / 16 / 25], [5.76, 0.0075]),
        ("evidence", Weights(), [6, 4, 1 / 2], [10, 1 / 2]),
        ("evidence", Weights(1.0, 1.0, 1.0), [6 / 4 * 4 / 5, 4 * 3 / 4 / 5, 3 / 8 / 5], [1.8, 0.075]),
        ("evidence", Weights(1 / 2, 1.0, 2.0), [36 / 4 * 16 / 25, 16 * 3 / 4 / 25, 3 / 16 / 25], [6.24, 0.0075]),
    ],
)
def test_a_ranking_by_hand(name: str, fitted: Weights, places: list[float], answers: list[float]) -> None:
    evidence = evidence_of(HITS, READINGS)
    scores = place_scores(name, evidence, fitted)
    assert np.exp(scores) == pytest.approx(places)
    assert np.exp(answer_scores(name, scores, evidence.texts)) == pytest.approx(answers)


def test_answers_come_best_first_and_so_do_the_places_of_each() -> None:
    candidates = Candidates.of(HITS, READINGS)
    for name, first in (("logit", "d#1"), ("null", "d#2")):  # A has the larger score, B the larger margin.
        paris, seine = rank(name, Weights(), candidates)
        assert (paris.text, seine.text) == ("Paris", "Seine")
        assert paris.score > seine.score
        assert [place.passage.id for place in paris.places] == [first, {"d#1": "d#2", "d#2": "d#1"}[first]]


@pytest.mark.parametrize("name", ["", "Null", "best"])
def test_an_unknown_ranking_is_refused(name: str) -> None:
    with pytest.raises(UsageError, match=r"no such ranking: .*logit, null, softmax, prior, evidence"):
        check_ranking(name)
    with pytest.raises(UsageError, match="no such ranking: 5"):
        check_ranking(5)  # type: ignore[arg-type]
    with pytest.raises(KeyError):
        place_scores(name, evidence_of(HITS, READINGS), Weights())


def test_huge_scores_do_not_overflow() -> None:
    evidence = apart([(-5000.0, [5000.0, 0.0]), (5000.0, [-5000.0])])
    for name in RANKINGS:
        scores = place_scores(name, evidence, Weights())
        assert np.isfinite(scores).all(), name
        assert np.isfinite(answer_scores(name, scores, evidence.texts)).all(), name


def test_without_places_there_are_no_scores() -> None:
    evidence = evidence_of(HITS, [Reading((), 1.0), Reading((), 2.0)])
    for name in RANKINGS:
        scores = place_scores(name, evidence, Weights())
        assert len(scores) == len(answer_scores(name, scores, evidence.texts)) == 0


rows = st.lists(st.tuples(whole, st.lists(whole, max_size=6)), min_size=1, max_size=5)


@given(rows, st.floats(0.1, 10))
def test_the_shared_softmax_and_the_nulls_sum_to_1(some: list[tuple[float, list[float]]], temperature: float) -> None:
    evidence, fitted = apart(some), Weights(temperature)
    scores = place_scores("softmax", evidence, fitted)
    nulls = np.exp(place_scores("softmax", replace(evidence, span=evidence.total[:, 0]), fitted))
    assert len(scores) == sum(len(spans) for _, spans in some)
    assert np.exp(scores).sum() + nulls.sum() == pytest.approx(1)
    assert np.exp(answer_scores("softmax", scores, evidence.texts)).sum() + nulls.sum() == pytest.approx(1)


@given(pairs(), st.floats(0.1, 10))
def test_places_left_out_take_their_share_of_the_softmax_with_them(
    found: list[tuple[Hit, Reading]], temperature: float
) -> None:
    evidence, fitted = evidence_of(*zip(*found, strict=True)), Weights(temperature)
    nulls = np.exp(place_scores("softmax", replace(evidence, span=evidence.total[:, 0]), fitted)).sum()
    assert np.exp(place_scores("softmax", evidence, fitted)).sum() + nulls <= 1 + 1e-9


@given(rows, st.data(), whole.filter(bool), st.sampled_from([1 / 2, 1.0, 4.0]))
def test_a_passage_s_own_scale_moves_logit_and_not_null(
    some: list[tuple[float, list[float]]], data: st.DataObject, constant: float, temperature: float
) -> None:
    which = data.draw(st.integers(0, len(some) - 1))
    moved = list(some)
    moved[which] = (some[which][0] + constant, [score + constant for score in some[which][1]])
    before, after, fitted = apart(some), apart(moved), Weights(temperature)
    assert place_scores("null", after, fitted).tolist() == place_scores("null", before, fitted).tolist()
    shift = place_scores("logit", after, fitted) - place_scores("logit", before, fitted)
    assert sorted(set(shift.tolist())) == sorted(
        {constant / temperature for _ in some[which][1]}
        | {0.0 for at, (_, spans) in enumerate(some) for _ in spans if at != which}
    )


@given(pairs(), weights)
def test_evidence_is_never_below_the_prior_of_the_best_place(found: list[tuple[Hit, Reading]], fitted: Weights) -> None:
    evidence = evidence_of(*zip(*found, strict=True))
    places = place_scores("prior", evidence, fitted)
    assert places.tolist() == place_scores("evidence", evidence, fitted).tolist()
    best = answer_scores("prior", places, evidence.texts)
    summed = answer_scores("evidence", places, evidence.texts)
    assert (summed >= best).all()
    # Where each answer stands in one place, the two are the same.
    alone = np.bincount(evidence.texts, minlength=len(best)) == 1
    assert summed[alone] == pytest.approx(best[alone])


@given(pairs(), weights, st.sampled_from(RANKINGS))
def test_the_order_of_the_passages_does_not_matter(
    found: list[tuple[Hit, Reading]], fitted: Weights, name: str
) -> None:
    there, back = (evidence_of(*zip(*some, strict=True)) for some in (found, found[::-1]))
    assert place_scores(name, there, fitted) == pytest.approx(place_scores(name, back, fitted))
    assert there.texts.tolist() == back.texts.tolist()
