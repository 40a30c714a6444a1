from __future__ import annotations

import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from odqa.evaluation import bootstrap
from odqa.evaluation.bootstrap import confidence_interval

scores = st.lists(st.floats(0, 1), min_size=1, max_size=30)


def test_one_value_has_no_width():
    assert confidence_interval([0.25, 0.25, 0.25]) == (0.25, 0.25)
    assert confidence_interval([1.0]) == (1.0, 1.0)


def test_two_questions_by_hand():
    # The mean of a resample is 0, 1/2 or 1, with probability 1/4, 1/2, 1/4.
    assert confidence_interval([0.0, 1.0]) == (0.0, 1.0)
    assert confidence_interval([0.0, 1.0], level=0.4) == (0.5, 0.5)


def test_many_questions_come_near_the_normal_distribution():
    # 10,000 questions, 30 % right: 1.96 * sqrt(0.3 * 0.7 / 10,000) = 0.009 to each side.
    low, high = confidence_interval([1.0] * 3_000 + [0.0] * 7_000, samples=4_000)
    assert low == pytest.approx(0.291, abs=5e-4)
    assert high == pytest.approx(0.309, abs=5e-4)


def test_it_is_the_plain_bootstrap_of_drawn_scores():
    values = np.random.default_rng(1).random(200)
    drawn = np.random.default_rng(2).choice(values, (4_000, 200)).mean(axis=1)
    assert confidence_interval(values, samples=4_000) == pytest.approx(np.quantile(drawn, [0.025, 0.975]), abs=3e-3)


@given(scores, st.randoms(use_true_random=False))
def test_the_order_does_not_matter_and_the_ends_lie_among_the_scores(values, shuffler):
    low, high = confidence_interval(values, samples=200)
    assert min(values) - 1e-12 <= low <= high <= max(values) + 1e-12
    again = list(values)
    random.Random(shuffler.random()).shuffle(again)
    assert confidence_interval(again, samples=200) == (low, high)


@given(scores)
def test_a_higher_level_is_wider(values):
    (low, high), (lower, higher) = (confidence_interval(values, level=level, samples=200) for level in (0.5, 0.9))
    assert lower <= low <= high <= higher


def test_the_blocks_change_nothing(monkeypatch):
    values = [0.0, 0.2, 0.4, 1.0]
    whole = confidence_interval(values, samples=100)
    monkeypatch.setattr(bootstrap, "COUNTS_AT_A_TIME", 28)  # 7 resamples at a time
    assert confidence_interval(values, samples=100) == whole
    assert confidence_interval(values, samples=100, seed=1) != whole


@pytest.mark.parametrize(
    ("values", "options", "said"),
    [
        ([], {}, "at least one score"),
        ([1.0], {"level": 1.0}, "a level between 0 and 1 and a sample, not 1.0"),
        ([1.0], {"samples": 0}, "and 0"),
    ],
)
def test_what_has_no_interval_is_refused(values, options, said):
    with pytest.raises(ValueError, match=said):
        confidence_interval(values, **options)
