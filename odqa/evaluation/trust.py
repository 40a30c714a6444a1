"""How far the pipeline's confidence and its abstention can be trusted, as plain values. Knows no text and no metric.

A decision is the answer that is given, with its confidence, or none, with the probability that there is none; it is
right where the answer matches a reference exactly, or none is given to an unanswerable question.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from odqa.evaluation.calibration import auroc, expected_calibration_error, risk_coverage_area, risk_coverage_curve
from odqa.evaluation.judging import Judged

Array = NDArray[np.float64]

BINS = 10  # Of the reliability diagram.
POINTS = 100  # Of the risk–coverage curve.
LEVELS = (0.5, 0.6, 0.7, 0.8, 0.9)


def trust(judged: Sequence[Judged], removed: Sequence[Judged]) -> dict[str, Any]:
    """What confidence is worth over a dataset's questions, and over answerable ones whose passages were removed.

    ``answers``: of every first answer, given or not, whether its confidence is the share that is right
    (``calibration_error``, ``reliability``, ``at_least``), since that is what is shown; ``decisions``: the same of
    the decisions, with the risk–coverage curve; ``auroc``: how well the probability of no answer tells answerable
    questions from the unanswerable ones of the dataset, and from themselves with their gold passages removed;
    ``removed``: what becomes of these, and the calibration error over them and the answerable ones together.
    """
    sure = np.array([one.confidence for one in judged])
    right = np.array([bool(one.answerable and one.forced.exact_match) for one in judged])
    decided = np.array([one.confidence if one.answered else one.decision.no_answer_probability for one in judged])
    correct = np.array([one.given.exact_match == 1 for one in judged])
    answerable = _none(one for one in judged if one.answerable)
    gone = _none(removed)
    coverage, risk = risk_coverage_curve(decided, correct)
    at = np.unique(np.linspace(0, len(coverage) - 1, min(POINTS, len(coverage))).round().astype(int))
    return {
        "answers": {
            "calibration_error": expected_calibration_error(sure, right),
            "reliability": reliability(sure, right),
            "at_least": at_least(sure, right),
        },
        "decisions": {
            "calibration_error": expected_calibration_error(decided, correct),
            "risk_coverage_area": risk_coverage_area(decided, correct),
            "risk_coverage": [[float(coverage[point]), float(risk[point])] for point in at],
        },
        "auroc": {
            "unanswerable": auroc(_none(one for one in judged if not one.answerable), answerable),
            "removed": auroc(gone, answerable),
        },
        "removed": {
            "questions": len(removed),
            "answered": float(np.mean([one.answered for one in removed])) if removed else None,
            "right_elsewhere": float(np.mean([one.forced.exact_match for one in removed])) if removed else None,
            "calibration_error": _beside(removed, [one for one in judged if one.answerable]),
        },
    }


def reliability(sure: Array, right: NDArray[np.bool_], bins: int = BINS) -> list[dict[str, float]]:
    """The reliability diagram: for each bin of confidence its mean, the share that is right, and how many there are."""
    number = np.minimum((sure * bins).astype(int), bins - 1)
    return [
        {
            "confidence": float(sure[number == one].mean()),
            "right": float(right[number == one].mean()),
            "count": int((number == one).sum()),
        }
        for one in range(bins)
        if (number == one).any()
    ]


def at_least(sure: Array, right: NDArray[np.bool_]) -> list[dict[str, float | None]]:
    """What ``--min-confidence`` does: the share of questions with an answer so sure, and of these the right ones."""
    return [
        {
            "confidence": level,
            "shown": float((sure >= level).mean()),
            "right": float(right[sure >= level].mean()) if (sure >= level).any() else None,
        }
        for level in LEVELS
    ]


def _beside(removed: Sequence[Judged], answerable: Sequence[Judged]) -> float | None:
    """The calibration error of answers where half of the questions lack their gold passages; None without any."""
    both = [*removed, *answerable]
    if not both:
        return None
    return expected_calibration_error([one.confidence for one in both], [one.forced.exact_match == 1 for one in both])


def _none(judged: Iterable[Judged]) -> list[float]:
    return [one.decision.no_answer_probability for one in judged]
