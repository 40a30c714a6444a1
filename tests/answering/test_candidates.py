"""Candidates: one place for each stretch of a document, and which of them say the same."""

from __future__ import annotations

import math
import random
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from odqa.answering.candidates import (
    TEMPERATURE,
    Candidates,
    by_text,
    distinct,
    find,
    log_prior,
    merge_key,
    says_something,
)
from odqa.types import Hit, Reading, Span
from tests.answering.hits import hit, pairs, place, reading


def test_a_place_tells_its_offsets_in_the_document() -> None:
    # "Seine" stands at 18:23 of the document, at 3:8 of the passage 15:50.
    (found,) = find([hit(15, 50)], [Reading((Span(3, 8, 5.0),), 2.0)])
    assert (found.text, found.start, found.end, found.margin) == ("Seine", 18, 23, 3.0)


def test_nothing_read_gives_no_candidates() -> None:
    for hits, readings in (([], []), ([hit(0, 24)], [Reading((), 0.0)])):
        candidates = Candidates.of(hits, readings)
        assert (candidates.hits, candidates.places, candidates.groups) == (tuple(hits), (), ())
        assert len(candidates.evidence.span) == len(candidates.evidence.texts) == 0


def test_of_overlapping_places_the_best_one_stays() -> None:
    # "the Seine" and "lies on the Seine" overlap "Seine", which has the largest margin; "Paris" does not.
    seine, the_seine, lies, paris = place(18, 23, 4.0), place(14, 23, 3.0), place(6, 23, 2.0), place(0, 5, 1.0)
    assert distinct([paris, lies, the_seine, seine]) == [seine, paris]


def test_places_that_only_touch_do_not_overlap() -> None:
    for first, second in ((1.0, 2.0), (2.0, 1.0)):
        assert len(distinct([place(0, 5, first), place(5, 6, second)])) == 2


def test_a_place_left_out_leaves_out_no_other() -> None:
    # 4:12 overlaps both; 0:5 beats it and stays, and 8:14 overlaps only what is gone.
    first, between, last = place(0, 5, 3.0), place(4, 12, 2.0), place(8, 14, 1.0)
    assert distinct([first, between, last]) == [first, last]


def test_the_same_offsets_in_another_document_do_not_overlap() -> None:
    assert len(distinct([place(18, 23, 2.0, 1, "a"), place(14, 23, 2.0, 2, "b")])) == 2


def test_a_place_seen_in_two_passages_is_one_with_the_larger_margin() -> None:
    hits = [hit(0, 24, 1), hit(15, 50, 2)]
    (found,) = find(hits, [reading(1.0, (18, 23, 3.0)), reading(5.0, (3, 8, 7.0))])
    assert (found.start, found.passage.id) == (18, "d#2")


def test_of_equal_places_the_better_retrieved_passage_and_then_the_earlier_and_shorter_span_stays() -> None:
    assert distinct([place(0, 5, 1.0, 2), place(0, 5, 1.0, 1)]) == [place(0, 5, 1.0, 1)]
    assert distinct([place(1, 5, 1.0), place(0, 9, 1.0), place(0, 5, 1.0)]) == [place(0, 5, 1.0)]


def test_one_reading_is_needed_for_each_hit() -> None:
    with pytest.raises(ValueError, match="zip"):
        find([hit(0, 24)], [])


def test_a_span_outside_its_passage_is_a_fault_of_the_reader() -> None:
    with pytest.raises(AssertionError):
        find([hit(0, 24)], [Reading((Span(20, 30, 1.0),), 0.0)])


@pytest.mark.parametrize(
    ("text", "answer", "says"),
    [
        ("It is in Paris.", "in", False),
        ("The tower stands.", "The", False),
        ("It stands (of old).", "(of", False),
        ("It ends here.", ".", False),
        ("a | b", "|", False),
        ("Is it? No.", "No", True),
        ("both of them", "both", True),
        ("5 °C", "5", True),
        ("Vitamin A helps.", "A", True),
        ("Write OR or AND.", "AND", True),
        ("The word `in` tests it.", "in", True),
        ("The domain .at is Austrian.", ".at", True),
        ("in Paris", "in Paris", True),
        ("東京にある", "東", True),
        ("٣ days", "٣", True),
    ],
)
def test_what_says_nothing_is_no_candidate(text: str, answer: str, says: bool) -> None:
    start = text.index(answer)
    assert says_something(text, start, start + len(answer)) is says
    found = find([hit(0, len(text), text=text)], [Reading((Span(start, start + len(answer), 9.0),), 0.0)])
    assert bool(found) is says


def copied(one: Hit, *copies: Hit) -> Hit:
    return replace(one, copies=tuple(copy.passage for copy in copies))


def test_what_overlaps_in_a_copy_is_one_place() -> None:
    # Passages 0:24 and 15:50 overlap in both documents; each was found first in another one.
    first = copied(hit(0, 24, 1, "a"), hit(0, 24, 3, "b"))
    second = copied(hit(15, 50, 2, "b"), hit(15, 50, 4, "a"))
    (found,) = find([first, second], [reading(1.0, (18, 23, 3.0)), reading(1.0, (3, 8, 7.0))])
    assert found.passage.id == "b#2"
    assert [(copy.passage.id, copy.text) for copy in found.copies] == [("a#4", "Seine")]


def test_copies_are_no_agreement() -> None:
    hits, readings = [hit(0, 24, 1, "a"), hit(50, 72, 2, "b")], [reading(0.0, (0, 5, 3.0)), reading(0.0, (16, 21, 2.0))]
    alone = Candidates.of(hits, readings)
    with_copies = Candidates.of([copied(hits[0], hit(0, 24, 3, "c"), hit(0, 24, 4, "d")), hits[1]], readings)
    assert with_copies.groups == alone.groups == ((0, 1),)
    for field in ("span", "null", "dense", "bm25", "texts", "total"):
        assert getattr(with_copies.evidence, field).tolist() == getattr(alone.evidence, field).tolist()
    assert [len(place.copies) for place in with_copies.places] == [2, 0]


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
        *[(*pair.split(), False) for pair in ("3.5 3-5", "1.2 1:2", "1/2 1-2", "<5 >5", ">=2 <=2", "~/a /a")],
        ("4,806 m", "4806 m", True),
        ("1914–1918", "1914-1918", True),
        ("−5 °C", "-5 °C", True),
        ("C++", "C#", False),
        ("5%", "$5", False),
    ],
)
def test_merge_key(one: str, other: str, same: bool) -> None:
    assert (merge_key(one) == merge_key(other)) is same


def test_places_that_say_the_same_are_grouped_in_the_order_given() -> None:
    # Paris, Berlin, Paris, "the Seine", Seine.
    places = [place(66, 71, 5.0), place(25, 31, 4.0), place(0, 5, 3.0), place(14, 23, 2.0), place(18, 23, 1.0)]
    assert by_text(places) == [[0, 2], [1], [3, 4]]
    assert by_text([]) == []


def test_the_log_prior_by_hand() -> None:
    # exp(0.1 / 0.05) = e² against 1; BM25 as it is.
    hits = [hit(0, 24, 1, dense=0.1, bm25=math.log(3)), hit(25, 50, 2, dense=0.0, bm25=0.0)]
    assert np.exp(log_prior(hits, "dense")) == pytest.approx([math.e**2 / (math.e**2 + 1), 1 / (math.e**2 + 1)])
    assert np.exp(log_prior(hits, "bm25")) == pytest.approx([3 / 4, 1 / 4])


def test_a_prior_that_is_not_known_of_every_hit_is_none() -> None:
    hits = [hit(0, 24, 1, dense=0.1, bm25=7.0), hit(25, 50, 2, dense=0.2)]
    assert log_prior(hits, "bm25").tolist() == [0, 0]
    assert (log_prior(hits, "dense") < 0).all()
    assert log_prior([hit(0, 24), hit(25, 50)], "dense").tolist() == [0, 0]
    assert log_prior([], "dense").tolist() == []


@given(st.lists(st.floats(-100, 100), min_size=1, max_size=9), st.sampled_from(list(TEMPERATURE)))
def test_a_prior_sums_to_1(scores: list[float], component: str) -> None:
    hits = [hit(0, 24, at, **{component: score}) for at, score in enumerate(scores, start=1)]
    prior = log_prior(hits, component)
    assert np.exp(prior).sum() == pytest.approx(1)
    assert prior[np.argmax(scores)] == prior.max()


@given(pairs(), st.randoms(use_true_random=False))
def test_invariants(found: list[tuple[Hit, Reading]], shuffler: random.Random) -> None:
    hits, readings = zip(*found, strict=True)
    candidates = Candidates.of(hits, readings)
    places, groups = candidates.places, candidates.groups
    assert candidates.hits == hits
    assert [one.margin for one in places] == sorted((one.margin for one in places), reverse=True)
    for at, one in enumerate(places):
        for other in places[at + 1 :]:
            same = one.passage.document_id == other.passage.document_id
            assert not (same and one.start < other.end and other.start < one.end)
    # Nothing is lost but to a better place: the best span of all is always there.
    differences = [span.score - read.null_score for read in readings for span in read.spans]
    assert [one.margin for one in places[:1]] == sorted(differences)[-1:]

    assert sorted(at for group in groups for at in group) == list(range(len(places)))
    assert len({merge_key(places[group[0]].text) for group in groups}) == len(groups)

    shuffler.shuffle(found)
    again = Candidates.of(*zip(*found, strict=True))
    assert (again.places, again.groups) == (places, groups)
