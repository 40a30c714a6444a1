"""A copy of an index is compared with it: one whose vectors are compressed more is the same, any other is no index."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from odqa.errors import IndexFolderError, OdqaError
from odqa.index import copying
from odqa.index.build import build_index
from odqa.index.copying import copy
from odqa.index.interface import Storage
from odqa.index.stores import store_at
from odqa.types import Document
from tests.index.places import PLACES, new_address, opened
from tests.index.test_verification import store_vectors
from tests.index.word_encoder import WordEncoder

DOCUMENTS = [Document(str(number), "", f"text {number} of {number % 7}") for number in range(300)]


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("source") / "index"
    build_index(documents=DOCUMENTS, folder=folder, encoder=WordEncoder())
    return folder


def turned(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    return -vectors


@pytest.mark.parametrize("factory", ["IVF2,PQ4x4", "PCA8,Flat", "SQ4", "HNSW8_SQ8"])
def test_a_factory_that_compresses_makes_a_copy_that_is_whole(source: Path, tmp_path: Path, factory: str) -> None:
    assert copy(source, tmp_path / "copy", storage=Storage(factory, 0.1)).documents == 300
    assert not store_at(tmp_path / "copy").verify(lambda manifest: WordEncoder()).problems
    # And as short as its vectors may be, those of a copy of it are the same.
    assert copy(tmp_path / "copy", tmp_path / "again").documents == 300


@pytest.mark.parametrize("place", PLACES)
def test_a_copy_that_is_another_is_taken_away_again(
    source: Path, tmp_path: Path, place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = new_address(place, tmp_path, tmp_path / "indexes.db")
    kept = copying.cosines_of
    monkeypatch.setattr(copying, "cosines_of", lambda one, other: kept(one, turned(other)))
    with pytest.raises(OdqaError, match=r"the vector of its passage 0#0 is another, their cosine is -1\.000; it was"):
        copy(source, target)
    assert not store_at(target).exists()
    with pytest.raises(IndexFolderError, match="is not an index"):
        store_at(target).manifest()
    assert not list(tmp_path.rglob("passages.sqlite"))
    monkeypatch.undo()
    assert copy(source, target).documents == 300
    with opened(target) as index:
        assert len(index) == 300
    store_at(target).discard(7)
    assert store_at(target).exists(), "that is another version"


def test_damaged_vectors_of_the_source_are_no_copy(source: Path, tmp_path: Path) -> None:
    damaged = shutil.copytree(source, tmp_path / "damaged")
    vectors = WordEncoder().encode_queries([one.text for one in DOCUMENTS])
    vectors[::3] = np.nan
    (damaged / "segments" / "000001" / "vectors.faiss").unlink()
    store_vectors(damaged, vectors)
    with pytest.raises(OdqaError, match="the vector of its passage 0#0 is another, their cosine is nan"):
        copy(damaged, tmp_path / "copy")
    assert not store_at(tmp_path / "copy").exists()
