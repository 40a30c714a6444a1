from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from itertools import count
from pathlib import Path

import numpy as np
import pytest

from odqa.errors import IndexFolderError
from odqa.index.build import build_index
from odqa.index.compaction import compact
from odqa.index.filters import parsed
from odqa.index.interface import Storage
from odqa.index.layout import PASSAGES, segment_folder
from odqa.index.manifest import read_manifest, record_file, write_manifest
from odqa.index.removal import remove
from odqa.index.search import Index
from odqa.index.stores import store_at
from odqa.index.verification import verify
from odqa.retrieval.encoder import Encoder
from odqa.retrieval.names import KEYWORDS, VECTORS
from odqa.retrieval.vector_writer import VectorWriter
from tests import tiny
from tests.index.word_encoder import WordEncoder


def flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)


def accept(index: Path, name: str) -> None:
    """Let the manifest of the index have the checksum that its file has now."""
    manifest = read_manifest(index)
    (segment,) = manifest.segments
    segment.files[name] = record_file(segment_folder(index, segment.name) / name)  # type: ignore[index]
    write_manifest(index, manifest)


def store_vectors(index: Path, vectors: np.ndarray) -> None:
    """Put other vectors in the place of those of the index."""
    (segment,) = read_manifest(index).segments
    folder = segment_folder(index, segment.name)
    with_writer = VectorWriter(folder, vectors.shape[1])
    with_writer.add(vectors)
    with_writer.finish()
    accept(index, VECTORS)


def test_a_whole_index_is_verified_with_all_that_was_checked(copy: Path, encoder: Encoder, corpus: Path) -> None:
    remove(copy, [str(corpus / "sky.md")])
    seen: list[tuple[int, int]] = []
    verified = verify(copy, lambda _: encoder, progress=lambda done, total: seen.append((done, total)))
    assert verified.problems == ()
    assert (verified.version, verified.passages, verified.encoded) == (2, 2, 2)
    assert verified.least_cosine == pytest.approx(1, abs=1e-3)
    assert verified.files == len(seen) == 3 + len(KEYWORDS)  # Passages, vectors, what was deleted.
    assert seen[-1] == (verified.bytes, verified.bytes)
    assert verify(copy, None).encoded == 0


@pytest.mark.parametrize("name", [PASSAGES, VECTORS, *KEYWORDS])
def test_a_damaged_or_missing_file_is_named_with_what_mends_it(
    copy: Path, corpus: Path, encoder: Encoder, name: str
) -> None:
    path = segment_folder(copy, "000001") / name
    flip(path)
    (problem,) = verify(copy, lambda _: encoder).problems
    assert problem.what == f"{path} is damaged: its checksum is not the one in the manifest"
    if name in KEYWORDS:
        assert problem.remedy == f"`odqa compact --index {copy}`"
        compact(copy)
    else:
        assert problem.remedy == f"`odqa index PATH... --index {copy}`"
        with pytest.raises(IndexFolderError, match=f"{name} is damaged: its checksum"):
            compact(copy)
            remove(copy, [str(corpus / "sky.md")])
            compact(copy)
        build_index([corpus], copy, encoder=encoder)
    assert verify(copy, lambda _: encoder).problems == ()
    Index.open(copy).close()
    (segment,) = read_manifest(copy).segments
    (segment_folder(copy, segment.name) / name).unlink()
    (problem,) = verify(copy, None).problems
    assert problem.what.endswith(f"{name} cannot be read: No such file or directory")


def test_a_vector_of_another_passage_is_found_out(copy: Path, encoder: Encoder) -> None:
    with Index.open(copy, mode="dense") as index:
        stored = index._segments[0].vectors.reconstruct(np.arange(3))  # type: ignore[union-attr]
    store_vectors(copy, -stored)
    verified = verify(copy, lambda _: encoder)
    assert len(verified.problems) == 3
    assert verified.least_cosine == pytest.approx(-1, abs=1e-3)
    assert f"is not the one that {encoder.name} gives: their cosine is -1.000" in verified.problems[0].what
    assert verify(copy, None).problems == (), "only encoding again tells"


def test_a_vector_that_is_not_of_length_one_is_found_out(copy: Path) -> None:
    for value, length in ((0.5, "2.828"), (np.nan, "nan")):
        store_vectors(copy, np.full((3, 32), value, np.float32))
        (problem,) = verify(copy, None).problems
        assert problem.what == f"the vector of row 0 in segment 000001 has the length {length}, not 1"


@pytest.mark.parametrize("factory", ["PCA8,Flat", "IVF2,PQ8x4", "IVF2,PQ8x4fs", "SQ4"])
def test_vectors_that_are_stored_coarsely_are_whole_unless_they_are_others(tmp_path: Path, factory: str) -> None:
    documents = [{"id": str(number), "text": f"text {number} of {number % 7}"} for number in range(300)]
    build_index(documents=documents, folder=tmp_path / "index", encoder=WordEncoder(), storage=Storage(factory, 0.1))
    verified = verify(tmp_path / "index", lambda _: WordEncoder())
    assert (verified.problems, verified.encoded) == ((), 100)
    remove(tmp_path / "index", [str(number) for number in range(295)])  # Too few for any but Flat or SQ4.
    compact(tmp_path / "index")
    assert verify(tmp_path / "index", lambda _: WordEncoder()).problems == ()
    (segment,) = read_manifest(tmp_path / "index").segments
    with Index.open(tmp_path / "index", mode="dense") as index:
        stored = np.array(index.vectors(range(5)))
    (segment_folder(tmp_path / "index", segment.name) / VECTORS).unlink()
    store_vectors(tmp_path / "index", -stored)
    assert len(verify(tmp_path / "index", lambda _: WordEncoder()).problems) == 5
    (segment_folder(tmp_path / "index", segment.name) / VECTORS).unlink()
    store_vectors(tmp_path / "index", stored * 3)
    (problem,) = verify(tmp_path / "index", None).problems
    assert "has the length" in problem.what


def test_a_version_that_lands_meanwhile_is_verified(copy: Path, corpus: Path, encoder: Encoder) -> None:
    seen: list[int] = []

    def change(done: int, total: int) -> None:
        seen.append(done)
        if len(seen) == 1:
            remove(copy, [str(corpus / "sky.md")])
            compact(copy)

    verified = verify(copy, lambda _: encoder, progress=change)
    assert (verified.problems, verified.version, verified.encoded) == ((), 3, 2)
    assert len(seen) > verified.files and seen[-1] == verified.bytes, "from the beginning"


def test_an_index_that_changes_again_and_again_is_not_called_damaged(
    copy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from odqa.index import manifest

    whole, versions = read_manifest(copy), count(2)
    flip(segment_folder(copy, "000001") / VECTORS)
    monkeypatch.setattr(manifest, "read_manifest", lambda _: replace(whole, version=next(versions)))
    with pytest.raises(IndexFolderError, match="was changed each of the 10 times that it was read; try again"):
        verify(copy, None)


@pytest.mark.parametrize(
    "read",
    [
        lambda index: Index.open(index).close(),
        lambda index: store_at(index).fields(10),
        lambda index: store_at(index).check_fields(parsed("lang=en")),
    ],
)
def test_whoever_reads_an_index_reads_the_version_that_lands_meanwhile(
    tmp_path: Path, read: Callable[[Path], object], monkeypatch: pytest.MonkeyPatch
) -> None:
    from odqa.index import manifest

    documents = [{"id": id, "text": f"The {id} orbits.", "lang": "en"} for id in ("moon", "sun")]
    build_index(documents=documents, folder=tmp_path / "index", encoder=WordEncoder())
    old, now = read_manifest(tmp_path / "index"), manifest.read_manifest
    remove(tmp_path / "index", ["moon"])
    compact(tmp_path / "index")
    given = iter([old])
    monkeypatch.setattr(manifest, "read_manifest", lambda folder: next(given, None) or now(folder))
    read(tmp_path / "index")
    assert next(given, None) is None


def test_a_store_that_sqlite_finds_broken_is_told(copy: Path) -> None:
    path = segment_folder(copy, "000001") / PASSAGES
    data = bytearray(path.read_bytes())
    data[4096 * 2 : 4096 * 3] = bytes(4096)
    path.write_bytes(data)
    accept(copy, PASSAGES)
    (problem,) = verify(copy, None).problems
    assert PASSAGES in problem.what


def test_another_encoder_is_refused(copy: Path, tmp_path: Path) -> None:
    other = Encoder.load(tiny.make_encoder(tmp_path / "other", seed=1))
    with pytest.raises(IndexFolderError, match="vectors of different encoders cannot be compared"):
        verify(copy, lambda _: other)


def test_a_copy_in_another_place_is_as_good(copy: Path, encoder: Encoder, tmp_path: Path) -> None:
    shutil.move(copy, tmp_path / "elsewhere")
    assert verify(tmp_path / "elsewhere", lambda _: encoder).problems == ()


def test_blocks_that_are_not_those_of_their_passage_are_told(copy: Path) -> None:
    path = segment_folder(copy, "000001") / PASSAGES
    with closing(sqlite3.connect(path)) as db, db:
        db.execute("""UPDATE passages SET blocks = '[[], [0, 100000, "pa"]]' WHERE row = 1""")
    accept(copy, PASSAGES)
    (problem,) = verify(copy, None).problems
    assert PASSAGES in problem.what and "block" in problem.what
