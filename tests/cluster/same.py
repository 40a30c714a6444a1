"""Two index folders go in; nothing comes out, unless they hold other things."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import numpy as np

from odqa.index.layout import PASSAGES, segment_folder
from odqa.index.manifest import read_manifest
from odqa.retrieval.dense import Vectors
from odqa.retrieval.names import KEYWORDS, VECTORS


def assert_same(one: Path, other: Path) -> None:
    """Documents, passages, hashes of files and keywords are the same, in their order, and vectors within rounding."""
    first, second = read_manifest(one), read_manifest(other)
    assert (first.documents, first.passages) == (second.documents, second.passages)
    assert (first.chunking, first.reading, first.encoder_hash) == (second.chunking, second.reading, second.encoder_hash)
    assert len(first.segments) == len(second.segments)
    for ours, theirs in zip(first.segments, second.segments, strict=True):
        folders = segment_folder(one, ours.name), segment_folder(other, theirs.name)
        tables, others = (_tables(folder / PASSAGES) for folder in folders)
        assert tables == others
        for name in KEYWORDS:
            assert (folders[0] / name).read_bytes() == (folders[1] / name).read_bytes(), name
        np.testing.assert_allclose(*(_vectors(folder / VECTORS, ours.passages) for folder in folders), atol=1e-3)


def _tables(path: Path) -> dict[str, list[tuple[Any, ...]]]:
    database = sqlite3.connect(path)
    try:
        return {
            name: database.execute(f"SELECT * FROM {name} ORDER BY 1").fetchall()
            for name in ("documents", "passages", "sources")
        }
    finally:
        database.close()


def _vectors(path: Path, number: int) -> Any:
    return Vectors.read(path).reconstruct(np.arange(number))
