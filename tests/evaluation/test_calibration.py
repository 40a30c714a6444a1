"""Calibration on decisions that can be counted by hand, and what must hold for all of them."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from odqa.answering.unfitted import Candidates
from odqa.evaluation.calibration import (
    TEMPERATURES,
    Outcome,
    auroc,
    decide,
    expected_calibration_error,
    fit,
    fit_temperature,
    fit_threshold,
    risk_coverage_area,
    risk_coverage_curve,
)
from odqa.evaluation.report import Evaluation, score
from odqa.types import Example, Reference

decisions = st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1, max_size=40)
ds = st.floats(-20, 20)
outcomes = st.builds(
    Outcome,
    st.lists(ds, max_size=3).flatmap(
        lambda best: st.builds(
            Candidates,
            st.just(tuple(sorted(best, reverse=True))),
            st.lists(st.floats(-20, max(best)), max_size=3).map(tuple) if best else st.just(()),
        )
    ),
    st.booleans(),
    st.booleans(),
)


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


def one_place(d: float, right_if_answered: bool, right_if_abstained: bool = False) -> Outcome:
    return Outcome(Candidates((d,)), right_if_answered, right_if_abstained)


def test_decisions_by_hand():
    # Weights 3 and, for no answer, 1. With the threshold at log 9 and T = 2: their square roots, of 3 and of 9.
    answered, nothing = one_place(math.log(3), True), Outcome(Candidates(), False, True)
    confidence, correct = decide([answered, nothing], 0.0, 1.0)
    assert confidence == pytest.approx([3 / 4, 1])
    assert correct.tolist() == [True, True]
    confidence, correct = decide([answered, nothing], math.log(9), 2.0)
    assert confidence == pytest.approx([3 / (3 + math.sqrt(3)), 1])
    assert correct.tolist() == [False, True]


@given(st.lists(outcomes, min_size=1, max_size=4), st.floats(-20, 20), st.floats(*TEMPERATURES))
def test_the_temperature_decides_nothing(some, threshold, temperature):
    (before, right), (after, still_right) = (decide(some, threshold, value) for value in (1.0, temperature))
    assert right.tolist() == still_right.tolist()
    assert ((before >= 0) & (before <= 1) & (after >= 0) & (after <= 1)).all()


def test_the_fitted_temperature_by_hand():
    # Four answers with d = 2, three of them right: a confidence of 3/4 is the most likely, so 2 / T = log 3.
    some = [one_place(2.0, right) for right in (True, True, True, False)]
    assert fit_temperature(some, 0.0) == pytest.approx(2 / math.log(3), rel=1e-3)
    # So sure and so often wrong that even the highest temperature is too low; and the other way round.
    assert fit_temperature([one_place(9.0, right) for right in (True, False, False)], 0.0) == pytest.approx(
        20, rel=1e-3
    )
    assert fit_temperature(
        [one_place(9.0, True), one_place(0.01, False), *[one_place(0.3, True)] * 99], 0.0
    ) == pytest.approx(0.05, abs=0.05)


@pytest.mark.parametrize("right", [[], [True], [False], [True, True], [False, False]])
def test_where_there_is_nothing_to_fit_the_temperature_is_1(right):
    assert fit_temperature([one_place(2.0, value) for value in right], 0.0) == 1.0


@settings(max_examples=20)
@given(st.lists(outcomes, min_size=1, max_size=12), st.floats(-20, 20), st.floats(*TEMPERATURES))
def test_no_other_temperature_is_much_more_likely(some, threshold, temperature):
    def loss(value):
        confidence, correct = decide(some, threshold, value)
        return -np.log(np.maximum(np.where(correct, confidence, 1 - confidence), 1e-12)).mean()

    fitted = fit_temperature(some, threshold)
    assert TEMPERATURES[0] <= fitted <= TEMPERATURES[1]
    assert fitted == fit_temperature(some, threshold)
    assume(fitted != 1.0)
    assert loss(fitted) <= loss(1.0) + 0.05
    assert loss(fitted) <= loss(temperature) + 0.05


CONTEXT = "Paris lies on the Seine, Berlin on the Spree."


def evaluation(rows: list[tuple[str, str, float | None]]) -> Evaluation:
    """(reference or "", best span, score difference or None) of each question as if a reader had found them."""
    keys = [str(at) for at in range(len(rows))]
    examples = [
        Example(key, "?", CONTEXT, (Reference(gold, CONTEXT.index(gold)),) if gold else ())
        for key, (gold, _, _) in zip(keys, rows, strict=True)
    ]
    forced = {key: text for key, (_, text, _) in zip(keys, rows, strict=True)}
    differences = {key: value for key, (_, _, value) in zip(keys, rows, strict=True) if value is not None}
    found = {
        key: Outcome(Candidates((-value,) if value is not None else ()), text == gold, not gold)
        for key, (gold, text, value) in zip(keys, rows, strict=True)
    }
    report = score(examples, forced, forced=forced, score_differences=differences)
    return Evaluation(report, forced, forced, differences, dict.fromkeys(keys), found)


def test_the_fitted_threshold_stands_halfway_to_the_next_question():
    # Paris and Seine are answered (differences -3 and -1); the unanswerable one at 2 and Spree at 4 are not.
    rows = [("Paris", "Paris", -3.0), ("Seine", "Seine", -1.0), ("", "Berlin", 2.0), ("Spree", "Berlin", 4.0)]
    found = evaluation(rows)
    assert found.report["best_threshold"] == {"f1": 0.75, "threshold": -1.0}
    assert fit_threshold(found) == -0.5
    # Confidence of the four decisions at T: 2.5 / T above no answer (right), 0.5 (right), 2.5 and 4.5 below (right,
    # wrong): it is fitted with that threshold in place.
    fitted = fit(found)
    assert fitted.threshold == -0.5
    assert fitted.temperature == fit_temperature(list(found.outcomes.values()), -0.5) != 1.0


def test_where_all_are_to_be_answered_the_threshold_is_just_below_the_last():
    threshold = fit_threshold(evaluation([("Paris", "Paris", -3.0), ("Seine", "Seine", 1.0)]))
    assert threshold < -1.0
    assert threshold == pytest.approx(-1.0)


@pytest.mark.parametrize("rows", [[("", "Paris", -3.0)], [("Seine", "Paris", 0.5)], [("Seine", "", None)]])
def test_where_answering_never_helps_the_threshold_is_0(rows):
    assert fit(evaluation(rows)) == (0.0, 1.0)


@settings(max_examples=20)
@given(
    st.lists(
        st.tuples(st.sampled_from(["", "Paris", "Seine"]), st.sampled_from(["Paris", "Seine"]), st.integers(-30, 30)),
        min_size=1,
        max_size=10,
        unique_by=lambda row: row[2],
    )
)
def test_the_fitted_threshold_reaches_the_best_f1(rows):
    found = evaluation([(gold, text, difference / 4) for gold, text, difference in rows])
    threshold = fit_threshold(found)
    best = found.report["best_threshold"]
    assume(best["f1"] > found.report["dataset"]["unanswerable"] / len(rows))  # Else it is better never to answer.
    assert decide(found.outcomes.values(), threshold, 1.0)[1].mean() == pytest.approx(best["f1"])
