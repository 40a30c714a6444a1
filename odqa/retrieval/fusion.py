"""Two scores of a passage become one: its cosine and its BM25. Pure; knows no retriever and no index."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

DEPTH = 100  # How many of each retriever's best are compared at least.


def fuse(cosines: NDArray[np.float32], bm25: NDArray[np.float32]) -> NDArray[np.float64]:
    """The mean of the two standard scores of each of a question's candidates; all arrays are (candidates,).

    A standard score counts by how many standard deviations a score lies above the mean of the candidates. So neither
    the unit nor the zero of a retriever's scores matters (Bruch, Gai and Ingber 2023, "An Analysis of Fusion Functions
    for Hybrid Retrieval", compare such normalisations), and unlike a rank it keeps how far the best are ahead. Where a
    retriever gives all candidates one score, as BM25 does for a question without a known word, the other one decides.
    The order was measured against others in docs/decisions/fusion.md.
    """
    return (_standard(cosines) + _standard(bm25)) / 2


def _standard(scores: NDArray[np.float32]) -> NDArray[np.float64]:
    apart = scores.astype(np.float64) - scores.mean(dtype=np.float64)
    spread = float(np.sqrt(np.mean(apart**2)))
    # Rounding alone makes no difference between equal scores.
    return apart / spread if spread > 1e-6 else np.zeros_like(apart)
