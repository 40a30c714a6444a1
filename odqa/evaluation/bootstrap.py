"""Scores go in, the interval of their mean comes out: how far off it may be, had other questions been drawn."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

COUNTS_AT_A_TIME = 4_000_000  # 32 MB of 64-bit counts, however many scores there are.


def confidence_interval(
    scores: Sequence[float] | NDArray[np.float64], *, level: float = 0.95, samples: int = 1000, seed: int = 0
) -> tuple[float, float]:
    """The percentile bootstrap interval of the mean of ``scores`` (n,) (Efron and Tibshirani 1993, section 13.3).

    ``samples`` times n scores are drawn with replacement; the interval holds the middle ``level`` of their means.
    Only how often each distinct score is drawn matters, so the counts are drawn, from a multinomial distribution.
    The same scores, in any order, give the same interval. Raises ValueError without scores, for a level outside
    (0, 1) and for no samples.
    """
    values, times = np.unique(np.asarray(scores, dtype=np.float64), return_counts=True)
    if not len(values):
        raise ValueError("an interval needs at least one score")
    if not 0 < level < 1 or samples < 1:
        raise ValueError(f"an interval needs a level between 0 and 1 and a sample, not {level} and {samples}")
    total = int(times.sum())
    generator = np.random.default_rng(seed)
    block = max(1, COUNTS_AT_A_TIME // len(values))
    means = np.concatenate(
        [
            generator.multinomial(total, times / total, size=min(block, samples - done)) @ values / total
            for done in range(0, samples, block)
        ]
    )
    low, high = np.quantile(means, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)
