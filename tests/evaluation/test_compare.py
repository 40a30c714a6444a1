from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from odqa.errors import DataError
from odqa.evaluation import compare as module
from odqa.evaluation.compare import Comparison, Difference, ExactCounts, Side, compare, randomisation_p
from tests.evaluation.made import report

# Four questions, d unanswerable; then in another order: a is as right, b and c are half a point better, d is wrong.
ONE = report(
    "abcd",
    answerable=(True, True, True, False),
    rouge1_f1=(1.0, 0.5, 0.0, 1.0),
    exact_match=(1.0, 0.0, 0.0, 1.0),
    f1=(1.0, 0.5, 0.0, 1.0),
    rouge1_f1_forced=(1.0, 0.5, 0.5, 0.0),
)
OTHER = report(
    "dcba",
    answerable=(False, True, True, True),
    rouge1_f1=(0.0, 0.5, 1.0, 1.0),
    exact_match=(0.0, 0.0, 1.0, 1.0),
    f1=(0.0, 0.5, 1.0, 1.0),
    rouge1_f1_forced=(0.0, 0.5, 1.0, 1.0),
    ranking="logit",
)


def row(found: Comparison, score: str, over: str) -> Difference:
    return next(one for one in found.scores if (one.score, one.over) == (score, over))


def test_two_reports_by_hand():
    found = compare(ONE, OTHER, ("before", "after"))
    assert (found.questions, found.answerable, found.language, found.dataset) == (4, 3, "en", "cities.json")
    everything = row(found, "rouge1_f1", "all")
    assert (everything.a, everything.b, everything.difference) == (0.625, 0.625, 0.0)
    assert everything.p == 1  # Of 0, 0.5, 0.5 and -1 the sum is 0, and no other is nearer to 0.
    answerable = row(found, "rouge1_f1", "answerable")
    assert (answerable.a, answerable.b) == (0.5, pytest.approx(2.5 / 3))
    assert answerable.difference == pytest.approx(1 / 3)
    assert answerable.interval == pytest.approx((0.0, 0.5))  # The means of three draws out of 0, 0.5 and 0.5.
    assert answerable.p == pytest.approx(1 / 2, abs=0.02)  # 0.5 and 0.5 sum to 1, or -1, in two flips of four.
    assert row(found, "rouge1_f1_forced", "answerable").difference == pytest.approx(0.5 / 3)
    assert found.exact == ExactCounts(both=1, a_alone=1, b_alone=1, neither=1)
    assert found.a == Side("before", "cities", "tiny-reader", "hybrid", 20, "evidence")
    assert found.b == Side("after", "cities", "tiny-reader", "hybrid", 20, "logit")


def test_each_score_is_compared_over_all_and_over_the_answerable_questions():
    assert [(one.score, one.over) for one in compare(ONE, ONE).scores] == [
        ("rouge1_f1", "all"),
        ("exact_match", "all"),
        ("f1", "all"),
        ("rouge1_f1", "answerable"),
        ("exact_match", "answerable"),
        ("f1", "answerable"),
        ("rouge1_f1_forced", "answerable"),
    ]


def test_a_report_is_like_itself():
    found = compare(ONE, ONE)
    for one in found.scores:
        assert (one.difference, one.interval, one.p) == (0, (0, 0), 1)
    assert found.exact == ExactCounts(both=2, a_alone=0, b_alone=0, neither=2)


def test_the_other_way_round_it_is_as_sure():
    there, back = compare(ONE, OTHER), compare(OTHER, ONE)
    for one, other in zip(there.scores, back.scores, strict=True):
        assert one.difference == pytest.approx(-other.difference)
        assert one.p == other.p
    assert there.exact.a_alone == back.exact.b_alone


def test_a_clear_difference_is_no_chance():
    ids = "abcdefghijklmnopqrst"
    one = row(compare(report(ids), report(ids, rouge1_f1=[1.0] * 19 + [0.0])), "rouge1_f1", "all")
    assert one.difference == pytest.approx(0.95)
    assert one.interval[0] > 0.8
    assert one.p < 0.001


def test_without_answerable_questions_there_is_nothing_to_compare_of_them():
    found = compare(*[report("ab", answerable=[False, False])] * 2)
    assert row(found, "f1", "answerable") == Difference("f1", "answerable", None, None, None, None, None)


@pytest.mark.parametrize(
    ("differences", "expected"),
    [
        ([1.0], 1),  # One question tells nothing.
        ([1.0, 2.0, 3.0], 2 / 8),  # Only 6 and -6 are as far.
        ([1.0, 1.0, 1.0, -1.0], 10 / 16),  # 4 or -4 in two flips of 16, 2 or -2 in eight.
        ([1.0] * 10, 2 / 1024),
        ([1.0] * 10 + [0.0] * 1000, 2 / 1024),  # Questions of no difference have no say.
        ([0.1] * 3 + [-0.1] * 3, 1),
        ([], 1),
    ],
)
def test_the_p_value_is_the_share_of_flips_that_go_as_far(differences, expected):
    assert randomisation_p(differences) == pytest.approx(expected, abs=0.015 if expected > 0.01 else 0.001)


def test_it_is_never_zero_and_depends_on_the_seed_alone():
    assert randomisation_p([1.0] * 100) == 1 / 10_001
    assert randomisation_p([1.0, 2.0, 3.0], seed=1) == randomisation_p([1.0, 2.0, 3.0], seed=1)
    assert randomisation_p([1.0, 2.0, 3.0], samples=9, seed=1) * 10 % 1 == pytest.approx(0)


def test_it_is_the_plain_test_of_flipped_signs():
    differences = np.round(np.random.default_rng(1).normal(0.1, 1, 200), 1)
    signs = np.random.default_rng(2).choice([-1, 1], (10_000, 200))
    plain = (np.abs((signs * differences).mean(axis=1)) >= abs(differences.mean()) - 1e-12).mean()
    assert randomisation_p(differences) == pytest.approx(plain, abs=0.02)


def test_the_blocks_change_nothing(monkeypatch):
    whole = randomisation_p([0.5, 0.25, 0.25, -1.0], samples=1000)
    monkeypatch.setattr(module, "FLIPS_AT_A_TIME", 21)  # 7 samples of three sizes at a time
    assert randomisation_p([0.5, 0.25, 0.25, -1.0], samples=1000) == whole


@given(st.lists(st.sampled_from([-1.0, -0.5, 0.0, 0.25, 1.0]), max_size=30))
def test_a_p_value_is_a_probability_and_the_same_for_the_opposite(differences):
    p = randomisation_p(differences, samples=99)
    assert 0 < p <= 1
    assert randomisation_p([-one for one in differences], samples=99) == p


def test_other_datasets_are_refused_and_the_message_says_how_they_differ():
    with pytest.raises(DataError, match=r"different files, cities\.json and towns\.json .*abababababab and cdcdcdcd"):
        compare(ONE, report(dataset="towns.json", sha256="cd" * 32))
    with pytest.raises(DataError, match=r"cannot compare x with y: .* 1 are only in the first and 2 only in the sec"):
        compare(report("abc"), report("bcde"), ("x", "y"))
    with pytest.raises(DataError, match="1 of the questions are answerable in one of them and not in the other"):
        compare(report("ab"), report("ab", answerable=[True, False]))
    with pytest.raises(DataError, match="rules of the language en, the second by those of vi"):
        compare(ONE, replace(ONE, language="vi"))


def test_without_a_hash_the_ids_tell():
    hub = report("abcd", dataset="rajpurkar/squad_v2", sha256="")
    assert compare(report("abcd"), hub).questions == 4
    with pytest.raises(DataError, match="different questions"):
        compare(report("abc"), hub)
