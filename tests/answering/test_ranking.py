"""Ranking, with numbers that can be counted by hand: weights are exp(d), given here as logarithms."""

from __future__ import annotations

import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from odqa.answering.ranking import Candidates, Place, candidates, distinct, merge_key, rank
from odqa.types import Hit, Passage, Reading, Span

DOCUMENT = "Paris lies on the Seine. Berlin lies on the Spree. The capital is Paris."


def hit(start: int, end: int, rank: int = 1, document: str = "d", text: str = DOCUMENT) -> Hit:
    """The slice start:end of a document as a retrieved passage."""
    passage = Passage(f"{document}#{start}", document, "Title", text[start:end], start)
    return Hit(passage, 1.0, rank)


def reading(null: float, *spans: tuple[int, int, float]) -> Reading:
    """Spans as (start, end, weight): the score is such that exp(score - null) is the weight."""
    return Reading(tuple(Span(s, e, null + math.log(w)) for s, e, w in spans), null)


def test_one_passage_one_span() -> None:
    # Weights: Paris 3, no answer exp(0) = 1.
    answers, none = rank([hit(0, 24)], [reading(-7.0, (0, 5, 3.0))])
    assert [answer.text for answer in answers] == ["Paris"]
    assert answers[0].confidence == pytest.approx(3 / 4)
    assert none == pytest.approx(1 / 4)


def test_the_null_of_each_passage_makes_scores_comparable() -> None:
    # The raw score of Berlin is the larger one, but its passage's null is larger still.
    hits = [hit(0, 24, 1), hit(25, 50, 2)]
    readings = [
        Reading((Span(0, 5, 2.0),), null_score=0.0),  # Paris: d = 2
        Reading((Span(0, 6, 9.0),), null_score=8.0),  # Berlin: d = 1
    ]
    answers, _ = rank(hits, readings)
    assert [answer.text for answer in answers] == ["Paris", "Berlin"]


def test_the_threshold_is_the_logit_of_no_answer() -> None:
    # Weights: Paris 3, no answer exp(log 2) = 2.
    answers, none = rank([hit(0, 24)], [reading(0.0, (0, 5, 3.0))], no_answer_threshold=math.log(2))
    assert answers[0].confidence == pytest.approx(3 / 5)
    assert none == pytest.approx(2 / 5)


def test_the_temperature_divides_every_logit() -> None:
    # Square roots of the weights: Paris 3, no answer 1, then 2.
    answers, none = rank([hit(0, 24)], [reading(0.0, (0, 5, 9.0))], temperature=2.0)
    assert (answers[0].confidence, none) == pytest.approx((3 / 4, 1 / 4))
    answers, none = rank([hit(0, 24)], [reading(0.0, (0, 5, 9.0))], no_answer_threshold=math.log(4), temperature=2.0)
    assert (answers[0].confidence, none) == pytest.approx((3 / 5, 2 / 5))


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
    answers, none = rank([hit(0, 24)], [Reading((Span(0, 5, 1.0),), 0.0)], no_answer_threshold=threshold)
    assert len(answers) == count
    if not answers:
        assert none >= 0.5


def test_a_forced_answer_leaves_nothing_to_no_answer() -> None:
    answers, none = rank([hit(0, 24)], [reading(0.0, (0, 5, 0.001))], no_answer_threshold=-math.inf)
    assert (answers[0].confidence, none) == (1.0, 0.0)


def test_many_weak_places_are_no_answer_together_either() -> None:
    # Two places of weight 0.9 with one text: together more than no answer, yet neither beats it.
    answers, none = rank([hit(0, 72)], [reading(0.0, (0, 5, 0.9), (66, 71, 0.9))])
    assert answers == ()
    assert none == pytest.approx(1 / 2.8)


def test_nothing_read_is_no_answer_for_sure() -> None:
    assert rank([], []) == ((), 1.0)
    assert rank([hit(0, 24)], [Reading((), 0.0)]) == ((), 1.0)


def test_a_place_seen_in_two_passages_is_one_mention_with_its_best_score() -> None:
    # "Seine" stands at 18:23; the passages 0:24 and 15:50 both hold it.
    hits = [hit(0, 24, 1), hit(15, 50, 2)]
    readings = [reading(1.0, (18, 23, 3.0)), reading(5.0, (3, 8, 7.0))]
    answers, none = rank(hits, readings)
    (answer,) = answers
    assert (answer.text, answer.start, answer.end, answer.mentions) == ("Seine", 18, 23, 1)
    assert answer.passage.start == 15  # shown in the passage that gave the best score
    assert answer.confidence == pytest.approx(7 / 8)
    assert none == pytest.approx(1 / 8)


def test_other_boundaries_of_a_better_span_are_left_out() -> None:
    # "the Seine", "Seine" and "lies on the Seine" overlap; "Paris" does not. Weights 6, 1 and 1 for no answer.
    spans = [(18, 23, 6.0), (14, 23, 5.0), (6, 23, 4.0), (0, 5, 1.0)]
    answers, none = rank([hit(0, 24)], [reading(0.0, *spans)])
    assert [answer.text for answer in answers] == ["Seine", "Paris"]
    assert answers[0].confidence == pytest.approx(6 / 8)
    assert none == pytest.approx(1 / 8)


def test_the_same_offsets_in_another_document_do_not_overlap() -> None:
    hits = [hit(0, 24, 1, "a"), hit(0, 24, 2, "b")]
    readings = [reading(0.0, (18, 23, 2.0)), reading(0.0, (14, 23, 2.0))]
    answers, _ = rank(hits, readings)
    assert [(a.text, a.mentions) for a in answers] == [("Seine", 2)]  # "the Seine" says the same


def test_the_same_text_elsewhere_adds_up() -> None:
    # Paris at 0 (weight 2) and at 66 (weight 3), Berlin (weight 4), no answer 1: 5/10 beats 4/10.
    hits = [hit(0, 24, 1), hit(25, 50, 2), hit(51, 72, 3)]
    readings = [reading(1.0, (0, 5, 2.0)), reading(2.0, (0, 6, 4.0)), reading(3.0, (15, 20, 3.0))]
    answers, none = rank(hits, readings)
    assert [(a.text, a.start, a.mentions) for a in answers] == [("Paris", 66, 2), ("Berlin", 25, 1)]
    assert [a.confidence for a in answers] == pytest.approx([0.5, 0.4])
    assert none == pytest.approx(0.1)


def test_n_cuts_the_list_and_not_the_probabilities() -> None:
    hits, readings = [hit(0, 72)], [reading(0.0, (18, 23, 2.0), (25, 31, 1.0))]
    assert rank(hits, readings, n=1)[0] == rank(hits, readings, n=2)[0][:1]


def test_huge_scores_do_not_overflow() -> None:
    answers, none = rank([hit(0, 24)], [Reading((Span(0, 5, 5000.0),), -5000.0)])
    assert (answers[0].confidence, none) == (1.0, 0.0)
    answers, none = rank([hit(0, 24)], [Reading((Span(0, 5, -5000.0),), 5000.0)])
    assert (answers, none) == ((), 1.0)


def test_a_span_outside_its_passage_is_a_fault_of_the_reader() -> None:
    with pytest.raises(AssertionError):
        rank([hit(0, 24)], [Reading((Span(20, 30, 1.0),), 0.0)])


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("the Seine", "Seine,", True),
        ("U.S.", "US", True),
        ("5 km", "5 KM", True),
        ("The", "A", False),  # nothing is left of either
        ("3.5 million", "35 million", False),
        ("-5 degrees", "5 degrees", False),
        ("COVID-19", "Covid 19", False),
        ("C++", "C#", False),
        ("5%", "$5", False),
    ],
)
def test_merge_key(one: str, other: str, same: bool) -> None:
    assert (merge_key(one) == merge_key(other)) is same


@st.composite
def pairs(draw: st.DrawFn) -> list[tuple[Hit, Reading]]:
    """Overlapping passages of two small documents over few letters, so that texts and places collide often."""
    documents = draw(st.lists(st.text("ab 1", min_size=8, max_size=16), min_size=1, max_size=2))
    found = []
    for number in range(draw(st.integers(1, 5))):
        which = draw(st.integers(0, len(documents) - 1))
        text = documents[which]
        start = draw(st.integers(0, len(text) - 3))
        end = draw(st.integers(start + 2, len(text)))
        spans = []
        for _ in range(draw(st.integers(0, 5))):
            a = draw(st.integers(0, end - start - 1))
            b = draw(st.integers(a + 1, end - start))
            spans.append(Span(a, b, draw(st.floats(-20, 20))))
        found.append((hit(start, end, number + 1, f"d{which}", text), Reading(tuple(spans), draw(st.floats(-9, 9)))))
    return found


@given(pairs(), st.floats(-5, 5), st.integers(1, 30), st.randoms(use_true_random=False))
def test_invariants(found: list[tuple[Hit, Reading]], threshold: float, n: int, shuffler: random.Random) -> None:
    hits, readings = zip(*found, strict=True)
    answers, none = rank(hits, readings, no_answer_threshold=threshold, n=n)

    assert len(answers) <= n
    shown = math.fsum(answer.confidence for answer in answers) + none
    assert shown <= 1 + 1e-12
    assert all(0 <= answer.confidence <= 1 for answer in answers)
    assert [a.confidence for a in answers] == sorted((a.confidence for a in answers), reverse=True)
    if n == 30 and answers:
        assert shown == pytest.approx(1)

    differences = [span.score - read.null_score for read in readings for span in read.spans]
    assert bool(answers) == (max(differences, default=-math.inf) > threshold)
    if answers:
        assert answers[0].confidence > none or answers[0].confidence == pytest.approx(none)

    for answer in answers:
        assert answer.passage.text[answer.span.start : answer.span.end] == answer.text
        assert answer.start == answer.passage.start + answer.span.start
        assert answer.end == answer.passage.start + answer.span.end
    for at, one in enumerate(answers):
        for other in answers[at + 1 :]:
            same = one.passage.document_id == other.passage.document_id
            assert not (same and one.start < other.end and other.start < one.end)
            assert merge_key(one.text) != merge_key(other.text)

    shuffler.shuffle(found)
    hits, readings = zip(*found, strict=True)
    assert rank(hits, readings, no_answer_threshold=threshold, n=n) == (answers, none)


@given(pairs(), st.floats(-5, 5), st.floats(0.05, 20))
def test_the_temperature_moves_confidence_and_no_decision(
    found: list[tuple[Hit, Reading]], threshold: float, temperature: float
) -> None:
    hits, readings = zip(*found, strict=True)
    plain, _ = rank(hits, readings, no_answer_threshold=threshold, n=100)
    answers, none = rank(hits, readings, no_answer_threshold=threshold, temperature=temperature, n=100)
    assert {merge_key(answer.text) for answer in answers} == {merge_key(answer.text) for answer in plain}
    total = math.fsum(answer.confidence for answer in answers) + none
    assert total <= 1 + 1e-12
    if answers:
        assert total == pytest.approx(1)

    decided, expected = candidates(hits, readings), none
    if answers:
        best, *_ = distinct(
            Place(hit.passage, span, span.score - read.null_score, hit.rank)
            for hit, read in found
            for span in read.spans
        )
        expected = next(a.confidence for a in answers if merge_key(a.text) == merge_key(best.text))
    assert decided.answered(threshold) == bool(answers)
    assert decided.confidence(threshold, temperature) == pytest.approx(expected)


@given(st.lists(st.floats(-20, 20), min_size=1, max_size=5), st.floats(-20, 20), st.floats(0.05, 20), st.floats(1, 9))
def test_a_higher_temperature_is_never_surer(
    ds: list[float], threshold: float, temperature: float, factor: float
) -> None:
    best, *others = sorted(ds, reverse=True)
    found = Candidates((best,), tuple(others))
    assert found.confidence(threshold, temperature * factor) <= found.confidence(threshold, temperature) + 1e-12


def test_distinct_of_nothing() -> None:
    assert distinct([]) == []
