"""The vectors of several segments searched as if they were one file's; knows no passage, encoder or folder."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from typing import TYPE_CHECKING

from odqa.index.vectors import Found, Vectors, nearest_of

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class VectorSearch:
    """Rows count on from one segment to the next. Several threads may search them."""

    def __init__(self, parts: Sequence[Vectors]) -> None:
        """``parts`` in the order of their rows."""
        self._parts = parts
        self._first = [0, *accumulate(len(part) for part in parts)]

    def __len__(self) -> int:
        """How many vectors there are."""
        return self._first[-1]

    def nearest(self, queries: NDArray[np.float32], k: int, allowed: NDArray[np.bool_] | None = None) -> Found:
        """``Vectors.nearest`` over all segments; ``allowed`` is (rows,)."""
        if allowed is None:
            return nearest_of(self._parts, queries, k)
        masks = [allowed[first : first + len(part)] for first, part in zip(self._first, self._parts, strict=False)]
        return nearest_of(self._parts, queries, k, masks)

    def scores(self, query: NDArray[np.float32], rows: NDArray[np.int64]) -> NDArray[np.float32]:
        """The cosines of one query (dimension,) with the vectors of some rows, (rows,)."""
        import numpy as np

        found = np.empty(len(rows), np.float32)
        for first, part in zip(self._first, self._parts, strict=False):
            own = (rows >= first) & (rows < first + len(part))
            if own.any():
                found[own] = part.scores(query, rows[own] - first)
        return found
