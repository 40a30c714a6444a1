"""Deciding by the reader's own settings, with numbers to count by hand: weights are exp(d), given as logarithms."""

from __future__ import annotations

import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from odqa.answering.decision import Decision
from odqa.answering.places import find, merge_key
from odqa.answering.unfitted import Candidates, candidates, decide
from odqa.types import Hit, Reading, Span
from tests.answering.hits import hit, pairs, reading


def numbers(decision: Decision) -> list[float]:
    """The confidence of every answer, then the probability of none."""
    return [*(answer.confidence for answer in decision.answers), decision.no_answer_probability]


def test_one_passage_one_span() -> None:
    # Weights: Paris 3, no answer exp(0) = 1.
    decision = decide([hit(0, 24)], [reading(-7.0, (0, 5, 3.0))])
    assert [answer.text for answer in decision.answers] == ["Paris"]
    assert numbers(decision) == pytest.approx([3 / 4, 1 / 4])
    assert decision.answers[0].score == pytest.approx(math.log(3))
    assert decision.shown(None, 5) == decision.answers


def test_the_null_of_each_passage_makes_scores_comparable() -> None:
    # The raw score of Berlin is the larger one, but its passage's null is larger still.
    hits = [hit(0, 24, 1), hit(25, 50, 2)]
    readings = [
        Reading((Span(0, 5, 2.0),), null_score=0.0),  # Paris: d = 2
        Reading((Span(0, 6, 9.0),), null_score=8.0),  # Berlin: d = 1
    ]
    decision = decide(hits, readings)
    assert [answer.text for answer in decision.answers] == ["Paris", "Berlin"]


def test_the_threshold_is_the_logit_of_no_answer() -> None:
    # Weights: Paris 3, no answer exp(log 2) = 2.
    decision = decide([hit(0, 24)], [reading(0.0, (0, 5, 3.0))], no_answer_threshold=math.log(2))
    assert numbers(decision) == pytest.approx([3 / 5, 2 / 5])


def test_the_temperature_divides_every_logit() -> None:
    # Square roots of the weights: Paris 3, no answer 1, then 2.
    decision = decide([hit(0, 24)], [reading(0.0, (0, 5, 9.0))], temperature=2.0)
    assert numbers(decision) == pytest.approx([3 / 4, 1 / 4])
    decision = decide([hit(0, 24)], [reading(0.0, (0, 5, 9.0))], no_answer_threshold=math.log(4), temperature=2.0)
    assert numbers(decision) == pytest.approx([3 / 5, 2 / 5])


def test_the_candidates_of_a_decision_by_hand() -> None:
    # Paris twice (weights 4 and 1), Berlin (3) and no answer (2): 5/10; with another threshold no answer, 8 of 16.
    found = candidates([hit(0, 72)], [reading(5.0, (0, 5, 4.0), (25, 31, 3.0), (66, 71, 1.0))])
    assert found.best == pytest.approx((math.log(4), 0))
    assert found.others == pytest.approx((math.log(3),))
    assert found.confidence(math.log(2)) == pytest.approx(5 / 10)
    assert found.confidence(math.log(8)) == pytest.approx(8 / 16)
    assert [found.answered(math.log(weight)) for weight in (2, 8)] == [True, False]


def test_without_candidates_no_answer_is_sure() -> None:
    assert candidates([hit(0, 24)], [Reading((), 0.0)]) == Candidates()
    assert Candidates().confidence(-math.inf) == 1.0
    assert not Candidates().answered(-math.inf)


@pytest.mark.parametrize(("threshold", "count"), [(0.99, 1), (1.0, 0), (1.01, 0), (-math.inf, 1)])
def test_an_answer_must_exceed_the_threshold(threshold: float, count: int) -> None:
    decision = decide([hit(0, 24)], [Reading((Span(0, 5, 1.0),), 0.0)], no_answer_threshold=threshold)
    assert len(decision.shown(None, 5)) == count
    abstention = decision.abstention
    assert (abstention.rule, abstention.value, abstention.limit) == ("margin", 1.0, threshold)
    assert abstention.abstains is (count == 0)
    if not count:
        assert decision.no_answer_probability >= 0.5


def test_a_forced_answer_leaves_nothing_to_no_answer() -> None:
    decision = decide([hit(0, 24)], [reading(0.0, (0, 5, 0.001))], no_answer_threshold=-math.inf)
    assert not decision.abstention.abstains
    assert numbers(decision) == [1.0, 0.0]


def test_many_weak_places_are_no_answer_together_either() -> None:
    # Two places of weight 0.9 with one text: together more than no answer, yet neither beats it.
    decision = decide([hit(0, 72)], [reading(0.0, (0, 5, 0.9), (66, 71, 0.9))])
    assert decision.abstention.abstains
    assert decision.shown(None, 5) == ()
    assert numbers(decision) == pytest.approx([1.8 / 2.8, 1 / 2.8])


def test_a_confidence_asked_for_takes_the_threshold_s_place() -> None:
    # Weights: Paris 0.9, Seine 0.1, no answer 1: 0.45, 0.05 and 0.5, and the rule gives none.
    decision = decide([hit(0, 24)], [reading(0.0, (0, 5, 0.9), (18, 23, 0.1))])
    assert decision.shown(None, 5) == ()
    shown = [[answer.text for answer in decision.shown(least, n)] for least, n in ((0, 5), (0, 1), (0.4, 5), (0.5, 5))]
    assert shown == [["Paris", "Seine"], ["Paris"], ["Paris"], []]


@pytest.mark.parametrize("threshold", [-math.inf, 0.0])
def test_nothing_read_is_no_answer_for_sure(threshold: float) -> None:
    for hits, readings in (([], []), ([hit(0, 24)], [Reading((), 0.0)])):
        decision = decide(hits, readings, no_answer_threshold=threshold)
        assert (decision.answers, decision.no_answer_probability) == ((), 1.0)
        assert decision.abstention.abstains
        assert decision.shown(0.0, 5) == decision.shown(None, 5) == ()


def test_a_place_seen_in_two_passages_is_one_mention_with_its_best_score() -> None:
    # "Seine" stands at 18:23; the passages 0:24 and 15:50 both hold it.
    hits = [hit(0, 24, 1), hit(15, 50, 2)]
    readings = [reading(1.0, (18, 23, 3.0)), reading(5.0, (3, 8, 7.0))]
    decision = decide(hits, readings)
    (answer,) = decision.answers
    assert (answer.text, answer.start, answer.end, answer.mentions) == ("Seine", 18, 23, 1)
    assert answer.passage.start == 15  # shown in the passage that gave the best score
    assert numbers(decision) == pytest.approx([7 / 8, 1 / 8])


def test_other_boundaries_of_a_better_span_are_left_out() -> None:
    # "the Seine", "Seine" and "lies on the Seine" overlap; "Paris" does not. Weights 6, 1 and 1 for no answer.
    spans = [(18, 23, 6.0), (14, 23, 5.0), (6, 23, 4.0), (0, 5, 1.0)]
    decision = decide([hit(0, 24)], [reading(0.0, *spans)])
    assert [answer.text for answer in decision.answers] == ["Seine", "Paris"]
    assert numbers(decision) == pytest.approx([6 / 8, 1 / 8, 1 / 8])


def test_the_same_offsets_in_another_document_do_not_overlap() -> None:
    hits = [hit(0, 24, 1, "a"), hit(0, 24, 2, "b")]
    decision = decide(hits, [reading(0.0, (18, 23, 2.0)), reading(0.0, (14, 23, 2.0))])
    assert [(a.text, a.mentions) for a in decision.answers] == [("Seine", 2)]  # "the Seine" says the same


def test_the_same_text_elsewhere_adds_up() -> None:
    # Paris at 0 (weight 2) and at 66 (weight 3), Berlin (weight 4), no answer 1: 5/10 beats 4/10.
    hits = [hit(0, 24, 1), hit(25, 50, 2), hit(51, 72, 3)]
    readings = [reading(1.0, (0, 5, 2.0)), reading(2.0, (0, 6, 4.0)), reading(3.0, (15, 20, 3.0))]
    decision = decide(hits, readings)
    assert [(a.text, a.start, a.mentions) for a in decision.answers] == [("Paris", 66, 2), ("Berlin", 25, 1)]
    assert [place.start for place in decision.answers[0].places] == [66, 0]
    assert numbers(decision) == pytest.approx([0.5, 0.4, 0.1])


def test_n_cuts_what_is_shown() -> None:
    decision = decide([hit(0, 72)], [reading(0.0, (18, 23, 2.0), (25, 31, 1.0))])
    assert decision.shown(None, 1) == decision.shown(None, 2)[:1] == decision.answers[:1]
    assert len(decision.answers) == 2


def test_huge_scores_do_not_overflow() -> None:
    decision = decide([hit(0, 24)], [Reading((Span(0, 5, 5000.0),), -5000.0)])
    assert numbers(decision) == [1.0, 0.0]
    decision = decide([hit(0, 24)], [Reading((Span(0, 5, -5000.0),), 5000.0)])
    assert decision.abstention.abstains
    assert numbers(decision) == [0.0, 1.0]


def test_a_span_outside_its_passage_is_a_fault_of_the_reader() -> None:
    with pytest.raises(AssertionError):
        decide([hit(0, 24)], [Reading((Span(20, 30, 1.0),), 0.0)])


@given(pairs(), st.floats(-5, 5), st.integers(1, 30), st.randoms(use_true_random=False))
def test_invariants(found: list[tuple[Hit, Reading]], threshold: float, n: int, shuffler: random.Random) -> None:
    hits, readings = zip(*found, strict=True)
    decision = decide(hits, readings, no_answer_threshold=threshold)
    answers, none = decision.answers, decision.no_answer_probability

    assert math.fsum(numbers(decision)) == pytest.approx(1)
    assert all(0 <= answer.confidence <= 1 for answer in answers)
    assert [a.confidence for a in answers] == sorted((a.confidence for a in answers), reverse=True)

    differences = [span.score - read.null_score for read in readings for span in read.spans]
    assert decision.abstention.abstains == (max(differences, default=-math.inf) <= threshold)
    assert decision.shown(None, n) == (() if decision.abstention.abstains else answers[:n])
    if not decision.abstention.abstains:
        assert answers[0].confidence > none or answers[0].confidence == pytest.approx(none)

    for answer in answers:
        assert answer.passage.text[answer.span.start : answer.span.end] == answer.text
        assert answer.start == answer.passage.start + answer.span.start
        assert answer.end == answer.passage.start + answer.span.end
        assert answer.mentions == len(answer.places)
        assert {merge_key(place.text) for place in answer.places} == {merge_key(answer.text)}
        assert [place.d for place in answer.places] == sorted((place.d for place in answer.places), reverse=True)
    for at, one in enumerate(answers):
        for other in answers[at + 1 :]:
            same = one.passage.document_id == other.passage.document_id
            assert not (same and one.start < other.end and other.start < one.end)
            assert merge_key(one.text) != merge_key(other.text)

    shuffler.shuffle(found)
    hits, readings = zip(*found, strict=True)
    assert decide(hits, readings, no_answer_threshold=threshold) == decision


@given(pairs(), st.floats(-5, 5), st.floats(0.05, 20))
def test_the_temperature_moves_confidence_and_no_decision(
    found: list[tuple[Hit, Reading]], threshold: float, temperature: float
) -> None:
    hits, readings = zip(*found, strict=True)
    plain = decide(hits, readings, no_answer_threshold=threshold)
    decision = decide(hits, readings, no_answer_threshold=threshold, temperature=temperature)
    assert decision.abstention == plain.abstention
    assert {merge_key(a.text) for a in decision.answers} == {merge_key(a.text) for a in plain.answers}
    assert math.fsum(numbers(decision)) == pytest.approx(1)

    decided, expected = candidates(hits, readings), decision.no_answer_probability
    if not decision.abstention.abstains:
        best = find(hits, readings)[0]
        expected = next(a.confidence for a in decision.answers if merge_key(a.text) == merge_key(best.text))
    assert decided.answered(threshold) != decision.abstention.abstains
    assert decided.confidence(threshold, temperature) == pytest.approx(expected)


@given(st.lists(st.floats(-20, 20), min_size=1, max_size=5), st.floats(-20, 20), st.floats(0.05, 20), st.floats(1, 9))
def test_a_higher_temperature_is_never_surer(
    ds: list[float], threshold: float, temperature: float, factor: float
) -> None:
    best, *others = sorted(ds, reverse=True)
    found = Candidates((best,), tuple(others))
    assert found.confidence(threshold, temperature * factor) <= found.confidence(threshold, temperature) + 1e-12
