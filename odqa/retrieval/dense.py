"""Vectors in FAISS files: a query goes in, the nearest rows and their cosines come out, over one file or several.

Knows nothing of passages, of encoders, and of how the files are written.
"""

from __future__ import annotations

import mmap
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import accumulate
from math import ceil
from pathlib import Path
from typing import Any, TypeAlias, cast

import numpy as np
from numpy.typing import NDArray

from odqa.errors import IndexFolderError
from odqa.retrieval import gpu
from odqa.retrieval.faiss_library import reason, require_faiss, unwrap

_MORE = 8  # Candidates beyond k, so that vectors as good as the k-th are seen.
_FEW = 20_000  # So many rows are compared one by one sooner than an approximate index is searched for them.
_LEAST, _MOST = 32, 4096  # Candidates of a walk through a graph: about as many as are asked for, and very many.
_BLOCK = 8192  # Vectors in memory at a time when rows are compared one by one.
_SPARE = 2  # Clusters differ in size; a search that finds too little is done again row by row.
_ROUNDING = 1e-5  # FAISS's score and the cosine differ by less.

Neighbours: TypeAlias = tuple[NDArray[np.float32], NDArray[np.int64]]
"""Scores and rows, both (queries, k)."""


class Vectors:
    """Unit vectors by row, compared by inner product, which is their cosine. Several threads may search them.

    FAISS finds candidates; what is returned is ranked by the cosine with the vector that is stored, so that the order
    does not depend on how FAISS adds up, and equal vectors come in the order of their rows.
    """

    def __init__(self, index: Any, memory: Any = None, path: Path | None = None) -> None:
        """Wrap a faiss index that lies in ``memory``, if it is mapped from the file ``path``; see ``read``."""
        self._index = index
        self._path = path
        self._memory = memory  # The index points into it.
        self._core = unwrap(index)
        if isinstance(self._core, require_faiss().IndexIVFPQFastScan):
            # FAISS forgets this when it reads such an index, and ends the process when a vector is asked for.
            self._core.fine_quantizer = self._core.pq
        self._gpu: gpu.GpuIndex | None = None

    @classmethod
    def read(cls, path: Path) -> Vectors:
        """Open a file by mapping it: what a search does not touch is not read.

        Memory holds 8 bytes per vector of an IVF index (its place) and 12 of an HNSW graph; indexes for fast scan
        (``PQ…fs``) are read whole. Raises IndexFolderError when it holds none that can be used.
        """
        faiss = require_faiss()
        try:
            with path.open("rb") as stream:
                memory = mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ)
            data = np.frombuffer(memory, np.uint8)
            # Unlike IO_FLAG_MMAP_IFC this reader never looks past the end of a file that was cut short, and the
            # system may read ahead, without which a first search waits for every page.
            index = faiss.read_index(faiss.ZeroCopyIOReader(faiss.swig_ptr(data), data.size))
        except (RuntimeError, MemoryError, ValueError, FileNotFoundError) as error:
            raise IndexFolderError(f"{path} cannot be read by FAISS ({reason(error)}); build the index again") from None
        if index.metric_type != faiss.METRIC_INNER_PRODUCT:
            raise IndexFolderError(f"{path} does not compare vectors by inner product; build the index again")
        return cls(index, data, path)

    def __len__(self) -> int:
        """How many vectors there are."""
        return int(self._index.ntotal)

    @property
    def dimension(self) -> int:
        """The length of a vector."""
        return int(self._index.d)

    @property
    def effort(self) -> tuple[str, int, int] | None:
        """What trades time for recall, its least and largest sensible value; None where a search is exhaustive.

        ``nprobe`` counts the clusters of an IVF index that are looked through, ``efSearch`` the candidates that a walk
        through an HNSW graph keeps.
        """
        faiss = require_faiss()
        if isinstance(self._core, faiss.IndexIVF):
            return "nprobe", 1, int(self._core.nlist)
        if isinstance(self._core, faiss.IndexHNSW):
            return "efSearch", _LEAST, _MOST
        return None

    def set_parameters(self, parameters: Mapping[str, int]) -> None:
        """Set ``nprobe`` or ``efSearch``. Raises IndexFolderError for one that this index does not have, or not so."""
        space = require_faiss().ParameterSpace()
        for name, value in parameters.items():
            known, _, most = self.effort or ("", 0, 0)
            if name != known:
                raise IndexFolderError(
                    f"the vectors have no search parameter {name} (but {known or 'none'}); build the index again"
                )
            if not 0 < value <= most:  # What FAISS allocates for a search grows with it.
                raise IndexFolderError(f"the search parameter {name} is {value}, above {most}; build the index again")
            space.set_index_parameter(self._index, name, value)
            if self._gpu is not None:
                self._gpu.set_parameter(name, value)

    def move(self, device: str) -> str | None:
        """Search on ``device`` from now on: ``cpu``, ``cuda`` or ``auto``; returns why it is still the CPU.

        All GPUs get a share of the vectors; what is on the disk stays as it is. Raises UsageError for ``cuda`` where
        FAISS has no GPU.
        """
        self._gpu = None
        if device == "cpu":
            return None
        self._gpu, why_not = gpu.to_gpu(self._index, required=device == "cuda")
        return why_not

    def nearest(self, queries: NDArray[np.float32], k: int, allowed: NDArray[np.bool_] | None = None) -> Neighbours:
        """Cosines and rows of each query's ``k`` nearest vectors, both (q, k): best first, then by row.

        ``queries`` are (q, dimension). With ``allowed`` (n,) only its rows count; where fewer than ``k`` are allowed,
        all of them come back.
        """
        queries = np.ascontiguousarray(queries, np.float32)
        count = len(self) if allowed is None else int(np.count_nonzero(allowed))
        allowed = None if count == len(self) else allowed
        k = min(k, count)
        scores, rows = np.empty((len(queries), k), np.float32), np.empty((len(queries), k), np.int64)
        open_, depth = np.arange(len(queries) if k else 0), min(k + _MORE, count)
        while len(open_):
            found, near = self._candidates(queries[open_], k, depth, allowed, count)
            worst = found.min(axis=1, initial=np.inf)
            for at, query in enumerate(open_):
                best, best_rows = self._best(queries[query], near[at], k)
                if len(best) < k:
                    raise self._damaged(f"it finds {len(best)} vectors where there are {count}")
                scores[query], rows[query] = best, best_rows
            # Vectors after the last candidate may be as good as the k-th, and have a lower row.
            rounding = _ROUNDING if self._gpu is None else self._gpu.rounding
            open_ = open_[scores[open_, -1] - worst <= rounding] if depth < count else open_[:0]
            depth = min(2 * depth, count)
        return scores, rows

    def found(self, queries: NDArray[np.float32], k: int) -> list[NDArray[np.int64]]:
        """The rows of up to ``k`` vectors a query, as FAISS alone finds them, even where they are too few."""
        near = self._search(queries, min(k + _MORE, len(self)), None, len(self))[1]
        return [self._best(query, some, k)[1] for query, some in zip(queries, near, strict=True)]

    def scores(self, query: NDArray[np.float32], rows: NDArray[np.int64]) -> NDArray[np.float32]:
        """The cosines of one query (dimension,) with the vectors of some rows, (rows,).

        Raises IndexFolderError for a vector whose cosine is no number.
        """
        with np.errstate(all="ignore"):
            # Summed row by row, so that a cosine does not depend on what else is asked for, as a matrix product's does.
            cosines = (self.reconstruct(rows) * query).sum(axis=1)
        if not np.isfinite(cosines).all() and np.isfinite(query).all():
            raise self._damaged(f"the vector of row {rows[~np.isfinite(cosines)][0]} is not of numbers alone")
        return cast("NDArray[np.float32]", cosines)

    def reconstruct(self, rows: NDArray[np.int64]) -> NDArray[np.float32]:
        """The stored vectors of some rows, float32 (rows, dimension): what compression left of them."""
        with self._asking():
            return cast("NDArray[np.float32]", self._index.reconstruct_batch(rows))

    def _best(self, query: NDArray[np.float32], near: NDArray[np.int64], k: int) -> Neighbours:
        """The ``k`` best of the candidates ``near`` (depth,), in which -1 is none."""
        near = near[near >= 0]
        scores = self.scores(query, near)
        order = np.lexsort((near, -scores))[:k]
        return scores[order], near[order]

    def _candidates(
        self, queries: NDArray[np.float32], k: int, depth: int, allowed: NDArray[np.bool_] | None, count: int
    ) -> Neighbours:
        """FAISS's scores and rows, (q, depth), of at least ``k`` vectors each; further ones may be -inf and -1."""
        if allowed is not None and count <= _FEW:
            return self._one_by_one(queries, depth, np.flatnonzero(allowed))
        found, near = self._search(queries, depth, allowed, count)
        found = np.where(near < 0, -np.inf, found).astype(np.float32)
        # Few clusters may hold less than k vectors, and a walk through a graph may end early.
        short = np.flatnonzero((near >= 0).sum(axis=1) < k)
        if len(short):
            rows = np.arange(len(self)) if allowed is None else np.flatnonzero(allowed)
            found[short], near[short] = self._one_by_one(queries[short], depth, rows)
        return found, near

    def _search(
        self, queries: NDArray[np.float32], depth: int, allowed: NDArray[np.bool_] | None, count: int
    ) -> Neighbours:
        if self._gpu is not None:
            found = self._gpu.search(queries, depth, allowed)
            if found is not None:
                return found
        with self._asking():
            found, near = self._index.search(queries, depth, params=self._parameters(depth, allowed, count))
        if near.max(initial=-1) >= len(self):
            raise self._damaged(f"it finds the row {near.max()} of {len(self)}")
        return cast("Neighbours", (found, near))

    @contextmanager
    def _asking(self) -> Iterator[None]:
        """Turn what FAISS finds wrong with its file only when it is asked into an IndexFolderError that names it."""
        try:
            yield
        except (RuntimeError, MemoryError) as error:
            if self._path is None:
                raise
            raise self._damaged(reason(error)) from None

    def _damaged(self, why: str) -> IndexFolderError:
        return IndexFolderError(f"{self._path} is damaged: {why}; build the index again")

    def _parameters(self, depth: int, allowed: NDArray[np.bool_] | None, count: int) -> Any:
        """Search parameters that let only ``allowed`` rows through, ``count`` of them; None where nothing is to be set.

        The rarer they are, the further the search goes: among the clusters or nodes that a search goes through as
        many are allowed as without a filter, and in clusters of equal size ``_SPARE`` times as many as are asked for.
        """
        faiss = require_faiss()
        options: dict[str, Any] = {}
        if allowed is not None:
            options["sel"] = faiss.IDSelectorBitmap(np.packbits(allowed, bitorder="little"))
        wider = len(self) / count
        if isinstance(self._core, faiss.IndexIVF):
            wanted = max(self._core.nprobe * wider, _SPARE * depth * self._core.nlist / count)
            parameters = faiss.SearchParametersIVF(nprobe=min(self._core.nlist, ceil(wanted)), **options)
        elif allowed is None:
            return None
        elif isinstance(self._core, faiss.IndexHNSW):
            parameters = faiss.SearchParametersHNSW(efSearch=ceil(self._core.hnsw.efSearch * wider), **options)
        else:
            parameters = faiss.SearchParameters(**options)
        index = self._index
        while isinstance(index, faiss.IndexPreTransform):
            parameters = faiss.SearchParametersPreTransform(index_params=parameters)
            index = faiss.downcast_index(index.index)
        return parameters

    def _one_by_one(self, queries: NDArray[np.float32], depth: int, rows: NDArray[np.int64]) -> Neighbours:
        """The candidates among ``rows``, each of which is compared."""
        faiss = require_faiss()
        heap = faiss.ResultHeap(len(queries), depth, keep_max=True)
        for start in range(0, len(rows), _BLOCK):
            some = rows[start : start + _BLOCK]
            metric = faiss.METRIC_INNER_PRODUCT
            found, at = faiss.knn(queries, self.reconstruct(some), min(depth, len(some)), metric=metric)
            heap.add_result(found, some[at])
        heap.finalize()
        return heap.D, heap.I


class VectorSearch:
    """Several files searched as if they were one: rows count on from one to the next.

    ``len(search)`` is the number of rows. Several threads may search it.
    """

    def __init__(self, parts: Sequence[Vectors]) -> None:
        """``parts`` in the order of their rows."""
        self._parts = parts
        self._first = [0, *accumulate(len(part) for part in parts)]

    def __len__(self) -> int:
        """How many vectors there are."""
        return self._first[-1]

    def nearest(self, queries: NDArray[np.float32], k: int, allowed: NDArray[np.bool_] | None = None) -> Neighbours:
        """``Vectors.nearest`` over all files; ``allowed`` is (rows,)."""
        scores, rows = [np.empty((len(queries), 0), np.float32)], [np.empty((len(queries), 0), np.int64)]
        for first, part in zip(self._first, self._parts, strict=False):
            mask = None if allowed is None else allowed[first : first + len(part)]
            found, near = part.nearest(queries, k, mask)
            scores.append(found)
            rows.append(near + first)
        every_score, every_row = np.concatenate(scores, axis=1), np.concatenate(rows, axis=1)
        order = np.lexsort((every_row, -every_score), axis=-1)[:, :k]
        return np.take_along_axis(every_score, order, axis=1), np.take_along_axis(every_row, order, axis=1)

    def scores(self, query: NDArray[np.float32], rows: NDArray[np.int64]) -> NDArray[np.float32]:
        """The cosines of one query (dimension,) with the vectors of some rows, (rows,)."""
        found = np.empty(len(rows), np.float32)
        for first, part in zip(self._first, self._parts, strict=False):
            own = (rows >= first) & (rows < first + len(part))
            if own.any():
                found[own] = part.scores(query, rows[own] - first)
        return found
