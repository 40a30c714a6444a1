"""An approximate and an exact index go in, the least search effort that finds enough of the nearest comes out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np
from numpy.typing import NDArray

from odqa.retrieval.dense import Vectors

TARGET = 0.95  # The recall@20 that an index is tuned to.
QUERIES = 512
K = 20

_SAMPLE = 4096  # Vectors whose covariance is taken.
_TINY = 1e-12  # Where all vectors are equal there is no noise.
_GAIN = 0.005  # Less than this is not worth more effort, where the target is out of reach.


@dataclass(frozen=True, slots=True)
class OperatingPoint:
    """The search parameters that were chosen, and the recall measured with them (FAISS's word for the pair)."""

    parameters: Mapping[str, int]
    recall: float


def recall_at(found: Sequence[NDArray[np.int64]], exact: NDArray[np.int64]) -> float:
    """The mean share of each query's exact rows, (q, k), that are among those found for it."""
    return float(np.mean([np.isin(truth, rows).mean() for truth, rows in zip(exact, found, strict=True)]))


def probe_queries(vectors: Vectors, count: int = QUERIES) -> NDArray[np.float32]:
    """Unit vectors like those of questions, (count, dimension), the same at each call.

    A question lies apart from the passages: its cosine with the nearest one is about 0.6, where passages have nearer
    neighbours. So a query is a stored vector with a random one, 4/3 as long, added: their cosine is 0.6. The random one
    has the covariance of the stored vectors: one that points anywhere is at right angles to all of them, leaves the
    order of the neighbours as it is, and makes the search too easy. The recall of such queries was found to be a little
    less than that of real questions (docs/retrieval.md).
    """
    random = np.random.default_rng(0)
    total = len(vectors)
    rows = np.sort(random.choice(total, min(count, total), replace=False))
    others = vectors.reconstruct(np.sort(random.choice(total, min(_SAMPLE, total), replace=False)))
    noise = random.standard_normal((len(rows), len(others))) @ (others - others.mean(axis=0))
    lengths = np.linalg.norm(noise, axis=1, keepdims=True)
    queries: NDArray[np.float64] = vectors.reconstruct(rows) + 4 / 3 * noise / np.maximum(lengths, _TINY)
    return cast("NDArray[np.float32]", (queries / np.linalg.norm(queries, axis=1, keepdims=True)).astype(np.float32))


def tune(
    vectors: Vectors, exact: Vectors, target: float = TARGET, k: int = K, queries: NDArray[np.float32] | None = None
) -> OperatingPoint:
    """Set the search parameter of ``vectors`` to the least that finds ``target`` of the ``k`` nearest in ``exact``.

    It is doubled until it does, then halved into the last step, four times at most. Where no effort is enough, because
    the codes are too coarse, it is the least that finds about as much as any; the recall shows it. Where a search is
    exhaustive there is nothing to set, and only the recall is measured.
    """
    queries = probe_queries(exact) if queries is None else queries
    truth = exact.nearest(queries, k)[1]
    if vectors.effort is None:
        return OperatingPoint({}, recall_at(vectors.found(queries, k), truth))
    name, least, most = vectors.effort
    measured: dict[int, float] = {}

    def enough(value: int, wanted: float) -> bool:
        if value not in measured:
            vectors.set_parameters({name: value})
            measured[value] = recall_at(vectors.found(queries, k), truth)
        return measured[value] >= wanted

    high = least
    while not enough(high, target) and high < most:
        high = min(2 * high, most)
    if measured[high] < target:
        best = max(measured.values())
        value = min(value for value, recall in measured.items() if recall >= best - _GAIN)
    else:
        low = high // 2 if high > least else high
        step = max(1, (high - low) // 8)
        while high - low > step:
            middle = (low + high) // 2
            low, high = (low, middle) if enough(middle, target) else (middle, high)
        value = high
    vectors.set_parameters({name: value})
    return OperatingPoint({name: value}, measured[value])
