"""Vectors go in as a stream, a FAISS file comes out: spooled, trained on, added. Knows no passage and no encoder."""

from __future__ import annotations

import errno
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from odqa.errors import UsageError
from odqa.retrieval.dense import Vectors
from odqa.retrieval.factories import FLAT, check_factory, choose, make, training_size
from odqa.retrieval.faiss_library import reason, require_faiss, unwrap
from odqa.retrieval.names import SPOOL, VECTORS
from odqa.retrieval.recall import TARGET, tune

_FLOAT32 = 4  # Bytes.
_BLOCK = 65_536  # Vectors that FAISS is given at a time.


def room(vectors: int, dimension: int) -> int:
    """The bytes that so many vectors take while they are written: as they come, and as they are stored."""
    return 2 * vectors * dimension * _FLOAT32


def fitting(factory: str, dimension: int, vectors: int) -> str | None:
    """``factory``, or None, which lets the writer choose one, where ``vectors`` are too few for it to learn from.

    Raises UsageError for a factory that cannot be used for any number.
    """
    if not factory:
        return None
    check_factory(factory, dimension)
    try:
        check_factory(factory, dimension, vectors)
    except UsageError:
        return None
    return factory


@dataclass(frozen=True, slots=True)
class VectorRecord:
    """What a segment's vectors are. ``trained_on`` vectors were learned from, 0 where there is nothing to learn.

    ``parameters`` are those of the search: ``nprobe`` or ``efSearch``; ``recall`` is the recall@20 measured with them
    against an exact search, None where the search is exact.
    """

    factory: str
    vectors: int
    trained_on: int = 0
    parameters: Mapping[str, int] = field(default_factory=dict)
    recall: float | None = None


class VectorWriter:
    """Writes ``VECTORS`` into a folder; vectors get the rows 0, 1, 2, … in the order they come.

    What is added goes to the disk at once, into a spool that is itself an exact FAISS index, so that it becomes the
    file of a Flat index without being copied, and the truth that others are measured by. Of these, memory holds the
    sample that they learn from (``training_size`` vectors of float32) and then the index: for IVF its codes and 16
    bytes a vector, about half as much again while its lists grow; for HNSW its codes and about 8 * M + 20 bytes.
    """

    def __init__(self, folder: Path, dimension: int) -> None:
        """Begin the spool in ``folder``, which must exist."""
        self._folder = folder
        self._dimension = dimension
        self._count = 0
        self._stream = (folder / SPOOL).open("xb")  # Through no link that is there.
        self._stream.write(_flat_header(0, dimension))

    def __len__(self) -> int:
        """How many vectors were added."""
        return self._count

    def add(self, vectors: NDArray[np.float32]) -> None:
        """Append rows, float32 (n, dimension)."""
        assert vectors.ndim == 2 and vectors.shape[1] == self._dimension, vectors.shape
        self._stream.write(np.ascontiguousarray(vectors, "<f4").data)
        self._count += len(vectors)

    def finish(
        self,
        factory: str | None = None,
        recall: float = TARGET,
    ) -> VectorRecord:
        """Write the index that the ``factory`` string describes, by default the one for so many vectors.

        What is approximate gets the search parameters that find ``recall`` of the 20 nearest; the record says what
        they do find. The file is written, not flushed to the disk. Raises UsageError for a factory that cannot be used,
        OSError when the disk does not take the file.
        """
        factory = factory if factory and self._count else choose(self._count, self._dimension)
        check_factory(factory, self._dimension, self._count)
        spool, target = self._folder / SPOOL, self._folder / VECTORS
        self._stream.seek(0)
        self._stream.write(_flat_header(self._count, self._dimension))
        self._stream.close()
        if isinstance(make(factory, self._dimension), require_faiss().IndexFlat):
            spool.replace(target)
            return VectorRecord(FLAT, self._count)
        exact = Vectors.read(spool)
        index, trained_on = self._build(factory, exact)
        tuned = tune(Vectors(index), exact, recall)
        target.touch(exist_ok=False)  # As the spool.
        try:
            require_faiss().write_index(index, str(target))
        except RuntimeError as error:
            raise OSError(errno.EIO, reason(error), str(target)) from None
        self.close()
        return VectorRecord(factory, self._count, trained_on, tuned.parameters, tuned.recall)

    def close(self) -> None:
        """Remove the spool, if it is still there."""
        try:
            self._stream.close()
        finally:  # A full disk does not even let the stream be closed.
            (self._folder / SPOOL).unlink(missing_ok=True)

    def _build(self, factory: str, exact: Vectors) -> tuple[Any, int]:
        """The index with all vectors in it, and how many of them it has learned from."""
        index = make(factory, self._dimension)
        trained_on = min(self._count, training_size(index))
        rows = np.random.default_rng(0).choice(self._count, trained_on, replace=False)
        try:
            if trained_on:
                index.train(exact.reconstruct(np.sort(rows)))
            for start in range(0, self._count, _BLOCK):
                index.add(exact.reconstruct(np.arange(start, min(start + _BLOCK, self._count))))
            core = unwrap(index)
            if isinstance(core, require_faiss().IndexIVF):
                core.make_direct_map()  # Where each row's vector lies, or it could not be given back. It is stored.
            index.reconstruct(0)  # Not every transformation can be undone.
        except (RuntimeError, MemoryError) as error:
            raise UsageError(
                f"FAISS cannot build {factory!r} of {self._count:,} vectors: {reason(error)}; "
                f"use --factory {choose(self._count, self._dimension)}, or leave --factory out"
            ) from None
        return index, trained_on


def _flat_header(vectors: int, dimension: int) -> bytes:
    """What FAISS writes before the numbers of a Flat index of so many vectors."""
    faiss = require_faiss()
    header = bytearray(faiss.serialize_index(faiss.IndexFlatIP(dimension)).tobytes())
    struct.pack_into("<q", header, 8, vectors)  # After the name of the kind and the dimension.
    struct.pack_into("<Q", header, len(header) - 8, vectors * dimension)
    return bytes(header)
