"""Vectors in FAISS: append, write, read, the k nearest; knows nothing of passages or encoders."""

from __future__ import annotations

import errno
from pathlib import Path
from typing import TYPE_CHECKING, Any

from odqa.errors import IndexFolderError, OdqaError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

METRIC = "inner_product"


def require_faiss() -> Any:
    """The faiss module. Raises OdqaError naming both ways to install it when it is missing."""
    try:
        import faiss
    except ImportError as error:
        raise OdqaError(
            f'FAISS is needed for an index and cannot be imported ({error}): run `pip install "odqa[cpu]"`, '
            f'or `pip install "odqa[gpu]"` on a machine with an NVIDIA GPU'
        ) from None
    return faiss


class Vectors:
    """Unit vectors by row, compared exactly by inner product, which is their cosine."""

    def __init__(self, index: Any) -> None:
        """Wrap a faiss index; see ``empty`` and ``read``."""
        self._index = index

    def __len__(self) -> int:
        """How many vectors there are."""
        return int(self._index.ntotal)

    @property
    def dimension(self) -> int:
        """The length of a vector."""
        return int(self._index.d)

    @classmethod
    def empty(cls, dimension: int) -> Vectors:
        """No vectors yet."""
        return cls(require_faiss().IndexFlatIP(dimension))

    @classmethod
    def read(cls, path: Path) -> Vectors:
        """The vectors in a file. Raises IndexFolderError when it holds none that can be used."""
        faiss = require_faiss()
        try:
            index = faiss.read_index(str(path))
        except RuntimeError as error:
            raise IndexFolderError(
                f"{path} cannot be read by FAISS ({_reason(error)}); build the index again"
            ) from None
        if index.metric_type != faiss.METRIC_INNER_PRODUCT:
            raise IndexFolderError(f"{path} compares vectors by another metric than {METRIC}; build the index again")
        return cls(index)

    def add(self, vectors: NDArray[np.float32]) -> None:
        """Append rows, float32 (n, dimension)."""
        self._index.add(vectors)

    def write(self, path: Path) -> None:
        """Write all vectors to a file. Raises OSError when the disk does not take them."""
        try:
            require_faiss().write_index(self._index, str(path))
        except RuntimeError as error:
            raise OSError(errno.EIO, _reason(error), str(path)) from None

    def nearest(self, queries: NDArray[np.float32], k: int) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """Scores and rows of each query's ``k`` nearest vectors, both (q, k): best first, then by row.

        ``k`` is at most the number of vectors.
        """
        import numpy as np

        scores, rows = self._index.search(queries, k)
        order = np.lexsort((rows, -scores), axis=-1)
        return np.take_along_axis(scores, order, axis=-1), np.take_along_axis(rows, order, axis=-1)

    def scores(self, query: NDArray[np.float32], rows: NDArray[np.int64]) -> NDArray[np.float32]:
        """The cosines of one query (dimension,) with the vectors of some rows, (rows,)."""
        stored: NDArray[np.float32] = self._index.reconstruct_batch(rows)
        return stored @ query


def _reason(error: RuntimeError) -> str:
    """The last part of FAISS's message, which names its own source file and function first."""
    return str(error).rpartition(": ")[2].strip() or str(error)
