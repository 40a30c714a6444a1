"""What confidence is worth, on decisions that can be counted by hand, and what must hold for all of them."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from odqa.answering.deciders import ReaderRule
from odqa.evaluation.confidence import (
    LEVELS,
    POINTS,
    auroc,
    expected_calibration_error,
    reliability_bins,
    risk_coverage_area,
    risk_coverage_curve,
    trust,
)
from odqa.evaluation.judging import Judge, Judgement
from odqa.evaluation.report import AtLeast, Bin, Trust
from tests.evaluation.made import own_context

decisions = st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1, max_size=40)


def test_confidence_that_is_right_as_often_as_it_says_has_no_error():
    assert expected_calibration_error([0.75] * 4 + [0.5] * 2, [1, 1, 1, 0, 1, 0]) == pytest.approx(0)


def test_the_error_by_hand():
    # At 0.9 half of 2 are right: 0.4 too sure; at 0.3 none of 2: 0.3 too sure. (2 * 0.4 + 2 * 0.3) / 4.
    assert expected_calibration_error([0.9, 0.3, 0.9, 0.3], [1, 0, 0, 0]) == pytest.approx(0.35)


def test_too_sure_and_not_sure_enough_cancel_inside_a_bin_alone():
    assert expected_calibration_error([0.6, 0.6], [1, 0], bins=1) == pytest.approx(0.1)
    assert expected_calibration_error([0.2, 0.8], [1, 0], bins=1) == pytest.approx(0)
    assert expected_calibration_error([0.2, 0.8], [1, 0], bins=2) == pytest.approx(0.8)


def test_an_edge_belongs_to_the_bin_below():
    # 3/15 is the upper edge of the third of 15 bins, 0.21 is in the fourth: |1 - 0.2| / 2 + |0 - 0.21| / 2.
    assert expected_calibration_error([0.2, 0.21], [1, 0]) == pytest.approx(0.505)
    assert expected_calibration_error([0.0, 1.0], [0, 1]) == 0


@given(decisions)
def test_the_error_lies_between_0_and_1_and_is_at_least_the_mean_gap(rows):
    confidence, correct = zip(*rows, strict=True)
    error = expected_calibration_error(confidence, correct)
    assert 0 <= error <= 1
    assert error >= abs(np.mean(confidence) - np.mean(correct)) - 1e-9


def test_the_risk_coverage_curve_by_hand():
    # Most confident first: right, wrong, right. Risks 0, 1/2, 1/3.
    coverage, risk = risk_coverage_curve([0.7, 0.9, 0.8], [1, 1, 0])
    assert coverage == pytest.approx([1 / 3, 2 / 3, 1])
    assert risk == pytest.approx([0, 1 / 2, 1 / 3])
    assert risk_coverage_area([0.7, 0.9, 0.8], [1, 1, 0]) == pytest.approx(5 / 18)


def test_ties_are_the_mean_of_their_orders():
    # Right first: 0, 1/2; wrong first: 1, 1/2.
    assert risk_coverage_area([0.5, 0.5], [1, 0]) == risk_coverage_area([0.5, 0.5], [0, 1]) == 0.5
    # A wrong one, then a right and a wrong one in either order: 1, then 1/2 or 1 (mean 3/4), then 2/3.
    assert risk_coverage_curve([0.5, 0.9, 0.5], [1, 0, 0])[1] == pytest.approx([1, 3 / 4, 2 / 3])


@given(decisions)
def test_the_area_has_its_bounds(rows):
    confidence, correct = (np.array(column) for column in zip(*rows, strict=True))
    area = risk_coverage_area(confidence, correct)
    wrong = np.sort(~correct)  # The best order has the wrong ones last, the worst one has them first.
    best, worst = (float(np.mean(np.cumsum(row) / np.arange(1, len(row) + 1))) for row in (wrong, wrong[::-1]))
    assert best - 1e-9 <= area <= worst + 1e-9
    assert risk_coverage_curve(confidence, correct)[1][-1] == pytest.approx(1 - correct.mean())


@given(
    st.lists(st.tuples(st.integers(0, 20), st.booleans()), min_size=1, max_size=40), st.randoms(use_true_random=False)
)
def test_the_area_knows_order_alone(rows, shuffler):
    confidence, correct = (np.array(column) for column in zip(*rows, strict=True))
    area = risk_coverage_area(confidence / 20, correct)
    assert risk_coverage_area(np.exp(confidence / 7) + 3, correct) == area
    shuffler.shuffle(rows)
    confidence, correct = (np.array(column) for column in zip(*rows, strict=True))
    assert risk_coverage_area(confidence / 20, correct) == area


@pytest.mark.parametrize("function", [expected_calibration_error, risk_coverage_curve, risk_coverage_area])
@pytest.mark.parametrize("rows", [([], []), ([0.5], [1, 0])])
def test_without_decisions_there_is_nothing_to_measure(function, rows):
    with pytest.raises(ValueError, match="one confidence for each decision is needed"):
        function(*rows)


def test_auroc_by_hand():
    # Of 4 pairs 3 > 2, 3 > 1 and, by half, 1 = 1.
    assert auroc([3, 1], [2, 1]) == 2.5 / 4
    assert auroc([2, math.inf], [1, 0]) == 1
    assert auroc([1], []) is auroc([], [1]) is None


@given(st.lists(st.integers(-3, 3), min_size=1), st.lists(st.integers(-3, 3), min_size=1))
def test_auroc_is_the_share_of_pairs(positive, negative):
    pairs = [(high > low) + (high == low) / 2 for high in positive for low in negative]
    assert auroc(positive, negative) == pytest.approx(sum(pairs) / len(pairs))
    assert auroc(negative, positive) == pytest.approx(1 - sum(pairs) / len(pairs))


def test_the_last_bin_holds_certainty_and_empty_bins_are_left_out() -> None:
    found = reliability_bins(np.array([1.0, 0.95, 0.0]), np.array([True, False, False]))
    assert found == (Bin(0.0, 0.0, 1), Bin(pytest.approx(0.975), 0.5, 2))


@given(decisions)
def test_the_bins_hold_every_decision_once(rows):
    confidence, correct = (np.array(column) for column in zip(*rows, strict=True))
    found = reliability_bins(confidence, correct)
    assert sum(one.count for one in found) == len(rows)
    assert sum(one.count * one.confidence for one in found) == pytest.approx(confidence.sum())
    assert sum(one.count * one.right for one in found) == pytest.approx(correct.sum())


def judged(*rows: tuple[str, dict[str, float]]) -> list[Judgement]:
    """(reference or "", the weight of each text that is found, no answer's being 1) of each question."""
    cases = [
        own_context(
            str(at),
            "Paris, Rome and Bonn.",
            [gold] if gold else [],
            {text: math.log(weight) for text, weight in found.items()},
        )
        for at, (gold, found) in enumerate(rows)
    ]
    return list(Judge(ReaderRule()).judge(cases, 1))


def test_trust_by_hand() -> None:
    judgements = judged(
        ("Paris", {"Paris": 10.0}),  # right, 10/11; none 1/11
        ("Paris", {"Rome": 3.0}),  # wrong, 3/4; none 1/4
        ("", {"Rome": 0.2, "Bonn": 0.2}),  # rightly withheld, 1/7; none 5/7
        ("", {"Rome": 5.0}),  # wrongly given, 5/6; none 1/6
    )
    removed = judged(
        ("Paris", {"Rome": 1 / 3}),  # wrong and withheld, 1/4; none 3/4
        ("Paris", {"Paris": 6.0}),  # right all the same, 6/7; none 1/7
    )
    found = trust(judgements, removed)
    assert found == Trust(
        answers_calibration_error=pytest.approx((1 / 11 + 3 / 4 + 1 / 7 + 5 / 6) / 4),
        reliability=tuple(
            Bin(pytest.approx(confidence), right, 1)
            for confidence, right in ((1 / 7, 0.0), (3 / 4, 0.0), (5 / 6, 0.0), (10 / 11, 1.0))
        ),
        at_least=tuple(
            AtLeast(level, shown, pytest.approx(right))
            for level, shown, right in zip(
                LEVELS, (3 / 4, 3 / 4, 3 / 4, 2 / 4, 1 / 4), (1 / 3, 1 / 3, 1 / 3, 1 / 2, 1), strict=True
            )
        ),
        decisions_calibration_error=pytest.approx((1 / 11 + 3 / 4 + 2 / 7 + 5 / 6) / 4),
        # Most confident first: right, wrong (5/6), wrong (3/4), right (5/7).
        risk_coverage_area=pytest.approx((0 + 1 / 2 + 2 / 3 + 1 / 2) / 4),
        risk_coverage=((1 / 4, 0.0), (2 / 4, 1 / 2), (3 / 4, pytest.approx(2 / 3)), (1.0, 1 / 2)),
        auroc_unanswerable=3 / 4,  # 5/7 is above 1/11 and 1/4, 1/6 above 1/11 alone.
        auroc_removed=3 / 4,  # 3/4 is above both, 1/7 above 1/11 alone.
        removed_questions=2,
        removed_answered=1 / 2,
        removed_right_elsewhere=1 / 2,
        removed_calibration_error=pytest.approx((1 / 4 + 1 / 7 + 1 / 11 + 3 / 4) / 4),
    )


def test_what_there_is_nothing_of_cannot_be_trusted_or_not() -> None:
    unanswerable = trust(judged(("", {"Rome": 0.2})), [])
    assert unanswerable.auroc_unanswerable is unanswerable.auroc_removed is unanswerable.removed_answered is None
    assert unanswerable.removed_right_elsewhere is unanswerable.removed_calibration_error is None
    assert [(one.shown, one.right) for one in unanswerable.at_least] == [(0.0, None)] * len(LEVELS)
    assert unanswerable.removed_questions == 0


def test_a_long_curve_is_drawn_with_few_points_from_end_to_end() -> None:
    found = trust(judged(*[("Paris", {"Paris": 2.0 + at}) for at in range(3 * POINTS)]), []).risk_coverage
    assert len(found) == POINTS
    assert found[0] == (1 / (3 * POINTS), 0.0) and found[-1] == (1.0, 0.0)
