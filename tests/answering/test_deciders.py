"""The two rules, with numbers to count by hand: weights are exp(margin), given as logarithms."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from odqa.answering.calibrator import FEATURES, Calibrator
from odqa.answering.candidates import Candidates, merge_key
from odqa.answering.deciders import Decision, Enough, FittedRule, ReaderRule
from odqa.answering.ranking import RANKINGS, Weights
from odqa.types import Hit, Reading, Span
from tests.answering.hits import hit, pairs, reading

QUESTION = "where does it lie"
ZEROS = (0.0,) * len(FEATURES)
# The odds of right : other : none are exp(margin) : 1 : 1.
BY_MARGIN = Calibrator(ZEROS, (1.0,) * len(FEATURES), ((1.0, *ZEROS[1:]), ZEROS, ZEROS), (0.0, 0.0, 0.0))
HITS = [hit(0, 24, 1), hit(25, 50, 2), hit(51, 72, 3)]


def decide(
    hits: Sequence[Hit], readings: Sequence[Reading], threshold: float = 0.0, temperature: float = 1.0
) -> Decision:
    """By the reader's rule."""
    return ReaderRule(threshold, temperature).decide(QUESTION, Candidates.of(hits, readings))


def fitted(readings: Sequence[Reading], name: str = "null", threshold: float = 0.5) -> Decision:
    """By a fitted rule."""
    return FittedRule(name, Weights(), BY_MARGIN, threshold).decide(QUESTION, Candidates.of(HITS, readings))


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
        Reading((Span(0, 5, 2.0),), null_score=0.0),  # Paris: a margin of 2
        Reading((Span(0, 6, 9.0),), null_score=8.0),  # Berlin: a margin of 1
    ]
    decision = decide(hits, readings)
    assert [answer.text for answer in decision.answers] == ["Paris", "Berlin"]


def test_the_threshold_is_the_logit_of_no_answer() -> None:
    # Weights: Paris 3, no answer exp(log 2) = 2.
    decision = decide([hit(0, 24)], [reading(0.0, (0, 5, 3.0))], threshold=math.log(2))
    assert numbers(decision) == pytest.approx([3 / 5, 2 / 5])


def test_the_temperature_divides_every_logit() -> None:
    # Square roots of the weights: Paris 3, no answer 1, then 2.
    decision = decide([hit(0, 24)], [reading(0.0, (0, 5, 9.0))], temperature=2.0)
    assert numbers(decision) == pytest.approx([3 / 4, 1 / 4])
    decision = decide([hit(0, 24)], [reading(0.0, (0, 5, 9.0))], threshold=math.log(4), temperature=2.0)
    assert numbers(decision) == pytest.approx([3 / 5, 2 / 5])


def test_the_confidence_of_a_decision_is_that_of_the_first_answer_or_of_none() -> None:
    # Paris twice (weights 4 and 1), Berlin (3) and no answer (2): 5/10; with another threshold no answer, 8 of 16.
    readings = [reading(5.0, (0, 5, 4.0), (25, 31, 3.0), (66, 71, 1.0))]
    answered, abstained = (decide([hit(0, 72)], readings, math.log(weight)) for weight in (2, 8))
    assert (answered.answered, answered.confidence) == (True, pytest.approx(5 / 10))
    assert (abstained.answered, abstained.confidence) == (False, pytest.approx(8 / 16))
    assert answered.first is not None and abstained.first is not None
    assert answered.first.text == abstained.first.text == "Paris"


def test_the_best_place_decides_whether_and_all_mentions_decide_what() -> None:
    # Paris 3.0 and Berlin 2.9 and 2.8, in two documents: Berlin is the first answer, Paris has the margin of the rule.
    hits = [hit(0, 24), hit(25, 50, 2), hit(25, 50, 3, "e")]
    readings = [Reading((Span(0, 5, 3.0),), 0.0), Reading((Span(0, 6, 2.9),), 0.0), Reading((Span(0, 6, 2.8),), 0.0)]
    decision = decide(hits, readings, 2.95)
    assert [(answer.text, answer.mentions) for answer in decision.answers] == [("Berlin", 2), ("Paris", 1)]
    assert (decision.answered, decision.answerability) == (True, 3.0)
    total = sum(math.exp(value) for value in (3.0, 2.9, 2.8, 2.95))
    assert decision.confidence == pytest.approx((math.exp(2.9) + math.exp(2.8)) / total)


@pytest.mark.parametrize(("threshold", "count"), [(0.99, 1), (1.0, 0), (1.01, 0), (-math.inf, 1)])
def test_an_answer_must_exceed_the_threshold(threshold: float, count: int) -> None:
    decision = decide([hit(0, 24)], [Reading((Span(0, 5, 1.0),), 0.0)], threshold=threshold)
    assert len(decision.shown(None, 5)) == count
    abstention = decision.abstention
    assert (abstention.rule, abstention.value, abstention.limit) == ("margin", 1.0, threshold)
    assert abstention.abstains is (count == 0)
    if not count:
        assert decision.no_answer_probability >= 0.5


def test_a_forced_answer_leaves_nothing_to_no_answer() -> None:
    decision = decide([hit(0, 24)], [reading(0.0, (0, 5, 0.001))], threshold=-math.inf)
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
        decision = decide(hits, readings, threshold=threshold)
        assert (decision.answers, decision.no_answer_probability) == ((), 1.0)
        assert decision.abstention.abstains
        assert decision.shown(0.0, 5) == decision.shown(None, 5) == ()


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


@given(pairs(), st.floats(-5, 5), st.integers(1, 30), st.randoms(use_true_random=False))
def test_invariants_of_the_reader_s_rule(
    found: list[tuple[Hit, Reading]], threshold: float, n: int, shuffler: random.Random
) -> None:
    hits, readings = zip(*found, strict=True)
    decision = decide(hits, readings, threshold=threshold)
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
        assert [place.margin for place in answer.places] == sorted(
            (place.margin for place in answer.places), reverse=True
        )
    for at, one in enumerate(answers):
        for other in answers[at + 1 :]:
            same = one.passage.document_id == other.passage.document_id
            assert not (same and one.start < other.end and other.start < one.end)
            assert merge_key(one.text) != merge_key(other.text)

    shuffler.shuffle(found)
    hits, readings = zip(*found, strict=True)
    assert decide(hits, readings, threshold=threshold) == decision


@given(pairs(), st.floats(-5, 5), st.floats(0.05, 20))
def test_the_temperature_moves_confidence_and_no_decision(
    found: list[tuple[Hit, Reading]], threshold: float, temperature: float
) -> None:
    hits, readings = zip(*found, strict=True)
    plain = decide(hits, readings, threshold=threshold)
    decision = decide(hits, readings, threshold=threshold, temperature=temperature)
    assert decision.abstention == plain.abstention
    assert {merge_key(a.text) for a in decision.answers} == {merge_key(a.text) for a in plain.answers}
    assert math.fsum(numbers(decision)) == pytest.approx(1)


@given(st.lists(st.floats(-20, 20), min_size=1, max_size=5), st.floats(-20, 20), st.floats(0.05, 20), st.floats(1, 9))
def test_a_higher_temperature_is_never_surer(
    margins: list[float], threshold: float, temperature: float, factor: float
) -> None:
    readings = [Reading(tuple(Span(at, at + 1, margin) for at, margin in enumerate(margins)), 0.0)]
    some, other = (
        decide([hit(0, 5, text="xbcde")], readings, threshold, value) for value in (temperature, temperature * factor)
    )
    assert other.answered == some.answered
    assert other.confidence <= some.confidence + 1e-12


def test_a_fitted_rule_by_hand() -> None:
    # Weights: Paris 2 in the first passage and 1 in the last, Berlin 1 in the second: right 2, other 1, none 1 of 4.
    readings = [reading(3.0, (0, 5, 2.0)), reading(-1.0, (0, 6, 1.0)), reading(0.0, (15, 20, 1.0))]
    decision = fitted(readings)
    paris, berlin = decision.answers
    assert (paris.text, paris.start, paris.end, paris.mentions) == ("Paris", 0, 5, 2)
    assert [place.start for place in paris.places] == [0, 66]
    assert (berlin.text, berlin.start, berlin.end, berlin.passage.id) == ("Berlin", 25, 31, "d#2")
    assert (paris.score, berlin.score) == pytest.approx((math.log(2), 0.0))
    # Berlin has half the odds of Paris: 1/4, and no more than that is left for others.
    assert (paris.confidence, berlin.confidence) == pytest.approx((2 / 4, 1 / 4))
    assert decision.no_answer_probability == pytest.approx(1 / 4)
    # Three questions of four have an answer: what speaks for one weighs thrice.
    rule = FittedRule("null", Weights(), BY_MARGIN, 0.5).expecting(0.75)
    decision = rule.decide(QUESTION, Candidates.of(HITS, readings))
    assert numbers(decision) == pytest.approx([6 / 10, 3 / 10, 1 / 10])


def test_the_ranking_s_name_decides_what_comes_first() -> None:
    # Paris weighs 3 twice, Berlin 4: together more, alone less.
    readings = [reading(0.0, (0, 5, 3.0)), reading(0.0, (0, 6, 4.0)), reading(0.0, (15, 20, 3.0))]
    assert [answer.text for answer in fitted(readings, "null").answers] == ["Berlin", "Paris"]
    assert [answer.text for answer in fitted(readings, "evidence").answers] == ["Paris", "Berlin"]


@pytest.mark.parametrize(("threshold", "abstains"), [(0.24, True), (0.26, False), (1.0, False), (0.0, True)])
def test_it_abstains_above_the_threshold(threshold: float, abstains: bool) -> None:
    # Right 2, other 1, none 1: the probability of none is 1/4.
    decision = fitted([reading(0.0, (0, 5, 2.0)), Reading((), 0.0), Reading((), 0.0)], threshold=threshold)
    abstention = decision.abstention
    assert (abstention.rule, abstention.limit, abstention.abstains) == ("probability", threshold, abstains)
    assert abstention.value == decision.no_answer_probability == pytest.approx(1 / 4)
    assert decision.answerability == pytest.approx(3 / 4)
    assert decision.confidence == pytest.approx(1 / 4 if abstains else 2 / 4)
    assert [answer.text for answer in decision.answers] == ["Paris"]
    assert decision.shown(None, 5) == (() if abstains else decision.answers)
    assert decision.shown(0.0, 5) == decision.answers


def test_just_at_the_threshold_it_answers() -> None:
    readings = [reading(0.0, (0, 5, 2.0)), Reading((), 0.0), Reading((), 0.0)]
    none = fitted(readings).no_answer_probability
    assert not fitted(readings, threshold=none).abstention.abstains


def test_without_places_there_is_no_answer_for_sure() -> None:
    decision = fitted([Reading((), 0.0)] * 3)
    assert (decision.answers, decision.no_answer_probability) == ((), 1.0)
    assert decision.abstention.abstains
    rule = FittedRule("evidence", Weights(), BY_MARGIN, 0.5)
    assert rule.decide(QUESTION, Candidates.of([], [])) == decision


@given(pairs(), st.sampled_from(RANKINGS), st.builds(Weights, st.floats(0.2, 5), st.floats(-2, 2), st.floats(-2, 2)))
def test_invariants_of_a_fitted_rule(found: list[tuple[Hit, Reading]], name: str, weights: Weights) -> None:
    hits, readings = zip(*found, strict=True)
    decision = FittedRule(name, weights, BY_MARGIN, 0.5).decide(QUESTION, Candidates.of(hits, readings))
    answers = decision.answers
    assert bool(answers) == any(one.spans for one in readings)
    assert [a.score for a in answers] == sorted((a.score for a in answers), reverse=True)
    assert [a.confidence for a in answers] == sorted((a.confidence for a in answers), reverse=True)
    assert math.fsum([*(a.confidence for a in answers), decision.no_answer_probability]) <= 1 + 1e-9
    for answer in answers:
        assert answer.text == answer.places[0].text
        for place in answer.places:
            assert place.passage.text[place.start - place.passage.start : place.end - place.passage.start] == place.text


@given(pairs(), st.floats(-5, 5), st.floats(0.05, 20), st.floats(0.01, 0.99))
def test_what_the_reader_s_rule_expects_is_by_bayes_rule(
    found: list[tuple[Hit, Reading]], threshold: float, temperature: float, answerable: float
) -> None:
    rule, candidates = ReaderRule(threshold, temperature), Candidates.of(*zip(*found, strict=True))
    before, after = (one.decide("q", candidates) for one in (rule, rule.expecting(answerable)))
    none, other = before.no_answer_probability, 1 - before.no_answer_probability
    weighed = none * (1 - answerable) / (none * (1 - answerable) + other * answerable)
    assert after.no_answer_probability == pytest.approx(weighed, abs=1e-9)
    assert [one.text for one in after.answers] == [one.text for one in before.answers]
    assert after.answered >= before.answered if answerable >= 0.5 else after.answered <= before.answered


@given(pairs(), st.floats(0.01, 0.99), st.floats(0.01, 0.99), st.floats(0.01, 0.99))
def test_the_same_is_enough_whatever_is_expected(
    found: list[tuple[Hit, Reading]], confidence: float, answerable: float, threshold: float
) -> None:
    rule = FittedRule("null", Weights(), BY_MARGIN, threshold, Enough(5, confidence))
    candidates = Candidates.of(*zip(*found, strict=True))
    before, after = (one.decide("q", candidates) for one in (rule, rule.expecting(answerable)))
    for nearly in (1e-9, -1e-9):  # Rounding aside.
        enough = replace(rule, enough=Enough(5, confidence + nearly), threshold=threshold - nearly).expecting(
            answerable
        )
        assert enough.enough is not None and rule.enough is not None
        if nearly > 0 and enough.enough.holds(after):
            assert rule.enough.holds(before)
        if nearly < 0 and rule.enough.holds(before) and after.answered:
            assert enough.enough.holds(after)
