"""Knows how far confidence can be trusted, and fits a reader's threshold and temperature; knows no text and no model.

Confidence is the probability that a decision (the best answer, or none) gets in :mod:`odqa.answering.unfitted`, which
is asked for it here: there is one definition. A decision is right where it matches a reference exactly, abstaining
where the question is unanswerable.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from odqa.answering.unfitted import Candidates

if TYPE_CHECKING:
    from odqa.evaluation.report import Evaluation

Array = NDArray[np.float64]

TEMPERATURES = (0.05, 20.0)  # The bounds of the search.
GRID = 25  # Temperatures tried between the bounds, at equal ratios, before the best one is refined.
REFINEMENTS = 20  # Golden sections: the best temperature is then known to about 1 in 10,000.
SURE = 1e-12  # The least probability whose logarithm is taken: a wrong decision of confidence 1 costs 28, not infinity.


@dataclass(frozen=True, slots=True)
class Outcome:
    """A question's candidates, and whether answering with the best one, or abstaining, is right."""

    candidates: Candidates
    right_if_answered: bool
    right_if_abstained: bool


class Fitted(NamedTuple):
    """What was fitted on a tuning set: a reader's no-answer threshold and its temperature."""

    threshold: float
    temperature: float


def decide(outcomes: Iterable[Outcome], threshold: float, temperature: float) -> tuple[Array, NDArray[np.bool_]]:
    """The confidence of each decision and whether it is right, both (n,), at a threshold and a temperature."""
    confidence, correct = [], []
    for outcome in outcomes:
        confidence.append(outcome.candidates.confidence(threshold, temperature))
        answered = outcome.candidates.answered(threshold)
        correct.append(outcome.right_if_answered if answered else outcome.right_if_abstained)
    return np.array(confidence, dtype=np.float64), np.array(correct, dtype=np.bool_)


def expected_calibration_error(confidence: ArrayLike, correct: ArrayLike, bins: int = 15) -> float:
    """How far confidence is from the share that is right: sum over bins of n_b / n * |accuracy_b - confidence_b|.

    Guo et al. 2017, equation 3, with bins of equal width, each holding its upper edge. ``confidence`` (n,) lies in
    0 … 1, ``correct`` (n,) is true or false. Raises ValueError without decisions.
    """
    sure, right = _checked(confidence, correct)
    at = np.searchsorted(np.arange(1, bins) / bins, sure, "left")
    gaps = np.bincount(at, weights=right - sure, minlength=bins)
    return float(np.abs(gaps).sum() / len(sure))


def risk_coverage_curve(confidence: ArrayLike, correct: ArrayLike) -> tuple[Array, Array]:
    """Coverage k / n and the share of wrong decisions among the k most confident, for k = 1 … n; both (n,).

    Geifman and El-Yaniv 2017, "Selective Classification for Deep Neural Networks". Where decisions tie, the mean
    over all their orders is taken. Raises ValueError without decisions.
    """
    sure, right = _checked(confidence, correct)
    order = np.argsort(-sure, kind="stable")
    _, first, times = np.unique(-sure[order], return_index=True, return_counts=True)
    wrong = np.add.reduceat(1 - right[order], first)
    counts = np.arange(1, len(sure) + 1)
    return counts / len(sure), np.cumsum(np.repeat(wrong / times, times)) / counts


def risk_coverage_area(confidence: ArrayLike, correct: ArrayLike) -> float:
    """The mean risk over all coverages, AURC (Geifman, Uziel and El-Yaniv 2019): 0 where nothing is wrong.

    It depends on the order of the decisions by confidence alone. Raises ValueError without decisions.
    """
    return float(risk_coverage_curve(confidence, correct)[1].mean())


def auroc(positive: ArrayLike, negative: ArrayLike) -> float | None:
    """The probability that a score out of ``positive`` exceeds one out of ``negative``, ties counting half.

    The area under the receiver operating characteristic (Hanley and McNeil 1982); None where either is empty.
    """
    high, low = np.asarray(positive, dtype=np.float64), np.sort(np.asarray(negative, dtype=np.float64))
    if not len(high) or not len(low):
        return None
    below, not_above = np.searchsorted(low, high, "left"), np.searchsorted(low, high, "right")
    return float((below + not_above).mean() / (2 * len(low)))


def fit(evaluation: Evaluation) -> Fitted:
    """The threshold of the best F1 on a tuning set, then the temperature with that threshold in place."""
    threshold = fit_threshold(evaluation)
    return Fitted(threshold, fit_temperature(list(evaluation.outcomes.values()), threshold))


def fit_threshold(evaluation: Evaluation) -> float:
    """The no-answer threshold of the best F1: halfway between the last question to answer and the next one.

    0 where nothing is better than never to answer, which no threshold fitted on such a set could improve.
    """
    last = evaluation.report["best_threshold"]["threshold"]
    differences = np.array(list(evaluation.score_differences.values()))
    if last is None or last not in differences:
        return 0.0
    following = differences[differences > last]
    # Where every question is to be answered the next real number will do: an answer must exceed the threshold.
    return float(-(last + following.min()) / 2 if len(following) else np.nextafter(-last, -np.inf))


def fit_temperature(outcomes: Sequence[Outcome], threshold: float) -> float:
    """The temperature that makes it most likely which decisions are right and which are wrong.

    Minimises the negative log likelihood, -log confidence for a right decision and -log(1 - confidence) for a wrong
    one (Guo et al. 2017, section 4.2), by a search over temperatures at equal ratios and golden sections around the
    best. 1, which changes nothing, where there is nothing to fit: all are right, all are wrong, or there are none.
    """
    _, correct = decide(outcomes, threshold, 1.0)
    if correct.all() or not correct.any():
        return 1.0

    def loss(log_temperature: float) -> float:
        confidence, _ = decide(outcomes, threshold, float(np.exp(log_temperature)))
        likelihood = np.where(correct, confidence, 1 - confidence)
        return float(-np.log(np.maximum(likelihood, SURE)).mean())

    grid = np.linspace(np.log(TEMPERATURES[0]), np.log(TEMPERATURES[1]), GRID)
    best = int(np.argmin([loss(float(point)) for point in grid]))
    low, high = grid[max(best - 1, 0)], grid[min(best + 1, GRID - 1)]
    return float(np.exp(_golden_section(loss, float(low), float(high))))


def _golden_section(function: Callable[[float], float], low: float, high: float) -> float:
    """The minimum of a function with a single one between ``low`` and ``high`` (Kiefer 1953)."""
    ratio = (5**0.5 - 1) / 2
    left, right = high - ratio * (high - low), low + ratio * (high - low)
    at_left, at_right = function(left), function(right)
    for _ in range(REFINEMENTS):
        if at_left <= at_right:
            high, right, at_right = right, left, at_left
            left = high - ratio * (high - low)
            at_left = function(left)
        else:
            low, left, at_left = left, right, at_right
            right = low + ratio * (high - low)
            at_right = function(right)
    return (low + high) / 2


def _checked(confidence: ArrayLike, correct: ArrayLike) -> tuple[Array, Array]:
    sure, right = np.asarray(confidence, dtype=np.float64), np.asarray(correct, dtype=np.float64)
    if not len(sure) or sure.shape != right.shape:
        raise ValueError(f"one confidence for each decision is needed, and a decision: {sure.shape}, {right.shape}")
    return sure, right
