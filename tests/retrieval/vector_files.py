"""Vectors to test with, and files of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from odqa.retrieval.dense import Vectors
from odqa.retrieval.names import VECTORS
from odqa.retrieval.vector_writer import VectorRecord, VectorWriter


def unit(rows: Any) -> NDArray[np.float32]:
    """The rows as float32 of length 1."""
    rows = np.asarray(rows, np.float64)
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def random_vectors(count: int, dimension: int, seed: int = 0) -> NDArray[np.float32]:
    """Unit vectors in all directions."""
    return unit(np.random.default_rng(seed).standard_normal((count, dimension)))


def write(folder: Path, vectors: NDArray[np.float32], factory: str | None = "Flat", **options: Any) -> VectorRecord:
    """Write the vectors into ``folder``, which is made."""
    folder.mkdir(exist_ok=True)
    writer = VectorWriter(folder, vectors.shape[1])
    writer.add(vectors)
    return writer.finish(factory, **options)


def stored(folder: Path, vectors: NDArray[np.float32], factory: str = "Flat") -> Vectors:
    """The vectors written into ``folder`` and opened."""
    write(folder, vectors, factory)
    return Vectors.read(folder / VECTORS)


def brute_force(
    vectors: NDArray[np.float32], queries: NDArray[np.float32], k: int, allowed: NDArray[np.bool_] | None = None
) -> tuple[list[list[float]], list[list[int]]]:
    """What ``Vectors.nearest`` of an exact index should give: every allowed row compared, sorted, cut off."""
    rows = range(len(vectors)) if allowed is None else np.flatnonzero(allowed).tolist()
    found = []
    for query in queries:
        scored = sorted((-float((vectors[row : row + 1] * query).sum(axis=1)[0]), row) for row in rows)
        found.append(scored[:k])
    return [[-score for score, _ in items] for items in found], [[row for _, row in items] for items in found]
