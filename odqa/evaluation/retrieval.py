"""How good a ranking of passages is: recall, reciprocal rank, nDCG. Pure functions of ranks; knows no retriever.

Every question has one or more relevant passages. ``ranks`` are the places, counted from 1, at which they were found,
in any order and without those that were not found; ``relevant`` is how many there are.
"""

from __future__ import annotations

import math
from collections.abc import Sequence


def recall(ranks: Sequence[int], relevant: int, k: int) -> float:
    """The share of the relevant passages among the first ``k``."""
    return sum(rank <= k for rank in ranks) / relevant


def reciprocal_rank(ranks: Sequence[int], k: int) -> float:
    """1 / the place of the first relevant passage, 0 where none is among the first ``k``; its mean is MRR@k."""
    first = min(ranks, default=k + 1)
    return 1 / first if first <= k else 0.0


def ndcg(ranks: Sequence[int], relevant: int, k: int) -> float:
    """The discounted gain of the first ``k`` over that of the best order (Järvelin and Kekäläinen 2002), log base 2."""
    ideal = math.fsum(1 / math.log2(place + 1) for place in range(1, min(relevant, k) + 1))
    return math.fsum(1 / math.log2(rank + 1) for rank in ranks if rank <= k) / ideal
