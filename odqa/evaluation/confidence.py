"""Confidences and what was right go in; what the confidence is worth comes out. Knows no text and no model.

A decision is the answer that is given, with its confidence, or none, with the probability that there is none; it is
right where the answer matches a reference exactly, or none is given to an unanswerable question.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from odqa.evaluation.judging import Judgement
from odqa.evaluation.report import AtLeast, Bin, Score, Trust

Array = NDArray[np.float64]

BINS = 10  # Of the reliability diagram.
POINTS = 100  # Of the risk–coverage curve.
LEVELS = (0.5, 0.6, 0.7, 0.8, 0.9)


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


def trust(judgements: Sequence[Judgement], removed: Sequence[Judgement]) -> Trust:
    """What confidence is worth over a dataset's questions, and over answerable ones whose passages were removed."""
    sure = np.array([one.confidence for one in judgements])
    right = np.array([bool(one.answerable and one.forced.exact_match) for one in judgements])
    decided = np.array([one.decision.confidence for one in judgements])
    correct = np.array([one.given.exact_match == 1 for one in judgements])
    answerable = _none(one for one in judgements if one.answerable)
    coverage, risk = risk_coverage_curve(decided, correct)
    at = np.unique(np.linspace(0, len(coverage) - 1, min(POINTS, len(coverage))).round().astype(int))
    return Trust(
        answers_calibration_error=expected_calibration_error(sure, right),
        reliability=reliability_bins(sure, right),
        at_least=at_least(sure, right),
        decisions_calibration_error=expected_calibration_error(decided, correct),
        risk_coverage_area=risk_coverage_area(decided, correct),
        risk_coverage=tuple((float(coverage[point]), float(risk[point])) for point in at),
        auroc_unanswerable=auroc(_none(one for one in judgements if not one.answerable), answerable),
        auroc_removed=auroc(_none(removed), answerable),
        removed_questions=len(removed),
        removed_answered=float(np.mean([one.answered for one in removed])) if removed else None,
        removed_right_elsewhere=float(np.mean([one.forced.exact_match for one in removed])) if removed else None,
        removed_calibration_error=_half_removed([*removed, *(one for one in judgements if one.answerable)]),
    )


def reliability_bins(sure: Array, right: NDArray[np.bool_], bins: int = BINS) -> tuple[Bin, ...]:
    """The reliability diagram: for each bin of confidence its mean, the share that is right, and how many there are."""
    number = np.minimum((sure * bins).astype(int), bins - 1)
    return tuple(
        Bin(float(sure[number == one].mean()), float(right[number == one].mean()), int((number == one).sum()))
        for one in range(bins)
        if (number == one).any()
    )


def at_least(sure: Array, right: NDArray[np.bool_]) -> tuple[AtLeast, ...]:
    """What ``--min-confidence`` does: the share of questions with such an answer, and of these the right ones."""
    return tuple(
        AtLeast(
            level,
            float((sure >= level).mean()),
            float(right[sure >= level].mean()) if (sure >= level).any() else None,
        )
        for level in LEVELS
    )


def _half_removed(judgements: Sequence[Judgement]) -> Score:
    """The calibration error of first answers where half of the questions lack their gold passages; None without any."""
    if not judgements:
        return None
    sure = [one.confidence for one in judgements]
    return expected_calibration_error(sure, [one.forced.exact_match == 1 for one in judgements])


def _none(judgements: Iterable[Judgement]) -> list[float]:
    return [one.decision.no_answer_probability for one in judgements]


def _checked(confidence: ArrayLike, correct: ArrayLike) -> tuple[Array, Array]:
    sure, right = np.asarray(confidence, dtype=np.float64), np.asarray(correct, dtype=np.float64)
    if not len(sure) or sure.shape != right.shape:
        raise ValueError(f"one confidence for each decision is needed, and a decision: {sure.shape}, {right.shape}")
    return sure, right
