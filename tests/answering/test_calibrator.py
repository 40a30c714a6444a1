"""The calibrator on numbers that can be counted by hand, and the confidence of answers that follows from it."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from odqa.answering.calibrator import FAR, FEATURES, Calibrator, Outcome, features, shares
from odqa.types import Answer, Hit, Place, Span
from tests.answering.hits import hit

COUNT = len(FEATURES)
QUESTION = "who built the tower"
number = st.floats(-50, 50)


def calibrator(mean: float = 0.0, spread: float = 1.0, right: float = 1.0) -> Calibrator:
    """The odds of right against the other two are exp(right * (margin - mean) / spread)."""
    first = (right, *[0.0] * (COUNT - 1))
    zeros = (0.0,) * COUNT
    return Calibrator((mean, *zeros[1:]), (spread, *[1.0] * (COUNT - 1)), (first, zeros, zeros), (0.0, 0.0, 0.0))


def answer(score: float, *where: tuple[Hit, float, float]) -> Answer:
    """An answer of that score, in places given as (hit, span score, null score), best first."""
    return Answer("Paris", math.nan, score, tuple(Place(found, Span(0, 5, span), null) for found, span, null in where))


def named(values: list[float]) -> dict[str, float]:
    return dict(zip(FEATURES, values, strict=True))


def test_the_probabilities_by_hand() -> None:
    # (margin - 2) / 3 = log 2, so the weights are 2, 1 and 1.
    one = [2 + 3 * math.log(2), *[7.0] * (COUNT - 1)]
    assert calibrator(2.0, 3.0).outcome(one) == pytest.approx((2 / 4, 1 / 4, 1 / 4))


def test_an_unknown_feature_counts_as_its_mean() -> None:
    some = calibrator(2.0, 3.0)
    known = [2.0, *[1.0] * (COUNT - 1)]
    assert some.outcome([math.nan, *known[1:]]) == some.outcome(known) == pytest.approx((1 / 3, 1 / 3, 1 / 3))
    assert some.outcome([math.nan] * COUNT) == pytest.approx((1 / 3, 1 / 3, 1 / 3))


@given(
    st.lists(st.lists(number | st.just(math.nan), min_size=COUNT, max_size=COUNT), min_size=1, max_size=4),
    st.lists(st.tuples(*[number] * COUNT), min_size=3, max_size=3),
    st.tuples(number, number, number),
)
def test_the_probabilities_of_a_question_sum_to_1(
    rows: list[list[float]], weights: list[tuple[float, ...]], bias: tuple[float, ...]
) -> None:
    some = Calibrator((1.0,) * COUNT, (2.0,) * COUNT, tuple(weights), bias)
    found = some.probabilities(np.array(rows))
    assert found.shape == (len(rows), 3)
    assert (found >= 0).all()
    assert found.sum(axis=1) == pytest.approx(np.ones(len(rows)))
    assert [some.outcome(row) for row in rows] == [pytest.approx(tuple(row)) for row in found.tolist()]


def test_what_is_written_is_read_again() -> None:
    some = calibrator(0.1, 1 / 3, -2.5)
    assert Calibrator.from_json(json.loads(json.dumps(some.as_json()))) == some


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"features": list(FEATURES[:-1])}, "it was fitted on the features margin, span"),
        ({"features": list(FEATURES[::-1])}, "it was fitted on the features words, bm25_behind"),
        ({"mean": [0.0] * (COUNT - 1)}, "ten features and three outcomes"),
        ({"spread": []}, "ten features and three outcomes"),
        ({"weights": [[0.0] * COUNT] * 2}, "ten features and three outcomes"),
        ({"weights": [[0.0] * COUNT] * 2 + [[0.0] * (COUNT + 1)]}, "ten features and three outcomes"),
        ({"bias": [0.0, 0.0]}, "ten features and three outcomes"),
        ({"mean": [math.nan] * COUNT}, "must be finite"),
        ({"weights": [[math.inf] * COUNT] * 3}, "must be finite"),
        ({"bias": [0.0, 0.0, -math.inf]}, "must be finite"),
        ({"spread": [1.0] * (COUNT - 1) + [0.0]}, "each spread above 0"),
        ({"spread": [-1.0] * COUNT}, "each spread above 0"),
    ],
)
def test_what_is_no_calibrator_is_refused(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Calibrator.from_json(calibrator().as_json() | change)


def test_a_part_that_is_missing_or_no_list_is_refused() -> None:
    value = calibrator().as_json()
    for key in ("features", "mean", "spread", "weights", "bias"):
        with pytest.raises(TypeError):
            Calibrator.from_json(value | {key: None})
        with pytest.raises(KeyError, match=key):
            Calibrator.from_json({name: part for name, part in value.items() if name != key})


def test_the_features_by_hand() -> None:
    top, second, third = (
        hit(0, 24, 1, dense=0.8, bm25=10.0),
        hit(25, 50, 2, dense=0.6, bm25=8.0),
        hit(51, 72, 3, dense=0.5, bm25=2.0),
    )
    answers = [answer(4.0, (second, 5.0, 2.0), (third, 4.0, 2.0)), answer(2.5, (top, 3.0, 2.0)), answer(-9.0)]
    assert named(features(QUESTION, answers, [top, second, third])) == pytest.approx(
        {
            "margin": 3.0,
            "span": 5.0,
            "gap": 1.5,
            "rival": 1.0,
            "mentions": math.log(2),
            "dense": 0.6,
            "dense_behind": 0.2,
            "bm25": 8 / 4,
            "bm25_behind": 2 / 10,
            "words": math.log(4),
        }
    )


def test_without_a_second_answer_it_is_far_behind() -> None:
    found = named(features(QUESTION, [answer(4.0, (hit(0, 24), 5.0, 2.0))], [hit(0, 24)]))
    assert (found["gap"], found["rival"], found["mentions"]) == (FAR, 3.0 - FAR, 0.0)


def test_a_second_answer_is_never_further_behind_and_no_more_than_three_mentions_count() -> None:
    one = hit(0, 24)
    found = named(features(QUESTION, [answer(99.0, *[(one, 5.0, 2.0)] * 7), answer(1.0, (one, 4.0, 2.0))], [one]))
    assert (found["gap"], found["rival"], found["mentions"]) == (FAR, 2.0, math.log(3))


def test_what_a_retriever_did_not_say_is_unknown() -> None:
    # No BM25 at all, and no cosine of the passage that answers.
    one, other = hit(0, 24, 1), hit(25, 50, 2, dense=0.8)
    found = named(features(QUESTION, [answer(4.0, (one, 5.0, 2.0))], [one, other]))
    assert [name for name, value in found.items() if math.isnan(value)] == [
        "dense",
        "dense_behind",
        "bm25",
        "bm25_behind",
    ]


def test_where_no_passage_shares_a_word_none_is_behind() -> None:
    hits = [hit(0, 24, 1, bm25=0.0), hit(25, 50, 2, bm25=0.0)]
    found = named(features(QUESTION, [answer(4.0, (hits[1], 5.0, 2.0))], hits))
    assert (found["bm25"], found["bm25_behind"]) == (0.0, 0.0)


def test_a_question_of_no_words_counts_as_one() -> None:
    one = hit(0, 24, 1, bm25=6.0)
    found = named(features("  ", [answer(4.0, (one, 5.0, 2.0))], [one]))
    assert (found["bm25"], found["words"]) == (6.0, 0.0)


def test_the_confidence_of_answers_by_hand() -> None:
    # Odds of 1, 1/2 and 1/4 to the first: 0.4, 0.2 and 0.1. Where only 0.15 is left for others: 0.1 and 0.05.
    scores = [math.log(4), math.log(2), 0.0]
    assert shares(Outcome(0.4, 0.5, 0.1), scores) == pytest.approx([0.4, 0.2, 0.1])
    assert shares(Outcome(0.4, 0.15, 0.45), scores) == pytest.approx([0.4, 0.1, 0.05])
    assert shares(Outcome(0.4, 0.5, 0.1), scores[:1]) == [0.4]
    assert shares(Outcome(0.0, 0.5, 0.5), scores) == [0, 0, 0]


@given(
    st.tuples(*[st.floats(0, 1)] * 3).filter(lambda some: sum(some) > 0),
    st.lists(st.floats(-1000, 1000), min_size=1, max_size=9),
)
def test_no_answer_is_surer_than_a_better_one_and_all_sum_to_at_most_1(
    weights: tuple[float, float, float], scores: list[float]
) -> None:
    outcome = Outcome(*(weight / math.fsum(weights) for weight in weights))
    sure = shares(outcome, sorted(scores, reverse=True))
    assert len(sure) == len(scores)
    assert sure[0] == outcome.right
    assert sure == sorted(sure, reverse=True)
    assert math.fsum(sure[1:]) <= outcome.other + 1e-12
    assert math.fsum([*sure, outcome.none]) <= 1 + 1e-12


def test_what_is_expected_by_hand() -> None:
    """Three questions of four have an answer: what speaks for one weighs thrice what speaks against it."""
    found = Outcome(0.3, 0.1, 0.6).expecting(0.75)
    assert found == pytest.approx((0.9 / 1.8, 0.3 / 1.8, 0.6 / 1.8))
    assert Outcome(0.3, 0.1, 0.6).expecting(0.5) == (0.3, 0.1, 0.6)


@given(st.floats(0.001, 1), st.floats(0.001, 1), st.floats(0.001, 1), st.floats(0.01, 0.99), st.floats(0.01, 0.99))
def test_expecting_more_answers_moves_none_down_keeps_the_others_odds_and_can_be_taken_back(
    right: float, other: float, none: float, one: float, two: float
) -> None:
    total = right + other + none
    some = Outcome(right / total, other / total, none / total)
    low, high = (some.expecting(share) for share in sorted((one, two)))
    assert math.fsum(low) == pytest.approx(1)
    assert high.none <= low.none + 1e-12
    assert low.right * high.other == pytest.approx(low.other * high.right)
    assert low.expecting(1 - min(one, two)) == pytest.approx(some)


def test_what_is_sure_stays_so_whatever_is_expected() -> None:
    assert Outcome(0.5, 0.5, 0.0).expecting(5e-324) == (0.5, 0.5, 0.0)
    assert Outcome(0.0, 0.0, 1.0).expecting(1 - 1e-16) == (0.0, 0.0, 1.0)
