from __future__ import annotations

import json
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from odqa.corpus import read_file, split
from odqa.errors import IndexFolderError, UsageError
from odqa.index.build import build_index
from odqa.index.layout import PASSAGES, segment_folder
from odqa.index.manifest import read_manifest
from odqa.index.search import Index
from odqa.index.verification import verify
from odqa.retrieval.dense import Vectors
from odqa.retrieval.encoder import Encoder
from odqa.retrieval.names import KEYWORDS, VECTORS
from odqa.types import Document
from tests import tiny
from tests.index.conftest import CHUNK

SENTENCES = st.lists(
    st.lists(st.sampled_from(tiny.WORDS), min_size=1, max_size=9).map(" ".join), min_size=1, max_size=4
)
DOCUMENTS = st.lists(SENTENCES.map(lambda sentences: ". ".join(sentences) + "."), min_size=1, max_size=6)


@settings(max_examples=15, deadline=None)
@given(documents=DOCUMENTS, question=st.sampled_from(tiny.WORDS), k=st.integers(1, 30))
def test_search_finds_what_comparing_with_every_passage_finds(
    encoder: Encoder, documents: list[str], question: str, k: int
) -> None:
    with TemporaryDirectory() as folder:
        file = Path(folder) / "rows.jsonl"
        file.write_text("".join(json.dumps({"text": text}) + "\n" for text in documents))
        build_index([file], Path(folder) / "index", encoder=encoder, chunk=CHUNK)
        passages = [
            passage
            for document in read_file(file)
            if isinstance(document, Document)
            for passage in split(document, encoder.token_offsets, CHUNK)
        ]
        query = encoder.encode_queries([question])
        with Index.open(Path(folder) / "index", "dense") as index:
            assert len(index) == len(passages)
            (hits,) = index.search([question], k, query)
        path = segment_folder(Path(folder) / "index", "000001") / VECTORS
        stored = Vectors.read(path).reconstruct(np.arange(len(passages)))
    scores = dict(zip([passage.id for passage in passages], (stored @ query[0]).tolist(), strict=True))
    best = sorted(scores.values(), reverse=True)[:k]
    assert [hit.rank for hit in hits] == list(range(1, len(best) + 1))
    assert [hit.score for hit in hits] == pytest.approx(best, abs=1e-6)
    assert [scores[hit.passage.id] for hit in hits] == pytest.approx(best, abs=1e-6)
    assert all(hit.passage in passages for hit in hits), "a passage came back as it never was"
    assert len({hit.passage.id for hit in hits}) == len(hits)
    again = encoder.encode_passages(passages)
    assert (again * stored).sum(axis=1) == pytest.approx(1, abs=1e-3), "a row has another passage's vector"


def test_hits_carry_their_whole_passage(built: Path, corpus: Path, encoder: Encoder) -> None:
    with Index.open(built) as index:
        assert len(index) == 3
        hits = index.search(["moon"], 3, encoder.encode_queries(["moon"]))[0]
    moon = next(hit.passage for hit in hits if "moon" in hit.passage.text)
    assert moon.document_id == moon.source == str(corpus / "sky.md")
    assert (moon.id, moon.headings) == (f"{corpus / 'sky.md'}#0", ("Moon",))
    assert (corpus / "sky.md").read_text()[moon.start : moon.end] == moon.text


def test_k_beyond_the_index_gives_all_and_below_one_is_refused(built: Path, encoder: Encoder) -> None:
    questions = ["moon", "river"]
    query = encoder.encode_queries(questions)
    for mode in ("dense", "hybrid"):
        with Index.open(built, mode=mode) as index:
            assert [len(hits) for hits in index.search(questions, 1000, query)] == [3, 3]
            assert [len(hits) for hits in index.search(questions, 2, query)] == [2, 2]
            assert index.search([], 5, query[:0]) == []
            for k in (0, -1):
                with pytest.raises(UsageError, match=f"k must be at least 1, not {k}"):
                    index.search(questions, k, query)


@pytest.mark.parametrize("shape", [(32,), (1, 31), (1, 1, 32), (2, 32)])
def test_vectors_of_another_shape_are_refused(built: Path, shape: tuple[int, ...]) -> None:
    with Index.open(built) as index, pytest.raises(UsageError, match=r"takes \(1, 32\)"):
        index.search(["moon"], 1, np.zeros(shape, np.float32))
    with Index.open(built) as index, pytest.raises(UsageError, match=r"vectors have the shape \(0,\)"):
        index.search(["moon"], 1)


def test_many_threads_get_what_one_gets(built: Path, encoder: Encoder) -> None:
    words = tiny.WORDS[:40]
    queries = encoder.encode_queries(words)
    with Index.open(built) as index, ThreadPoolExecutor(8) as pool:
        expected = [index.search([word], 3, query[None])[0] for word, query in zip(words, queries, strict=True)]
        assert list(pool.map(lambda at: index.search([words[at]], 3, queries[at][None])[0], range(40))) == expected


def test_another_encoder_is_refused_with_the_command_that_mends_it(
    built: Path, encoder: Encoder, tmp_path: Path
) -> None:
    other = Encoder.load(tiny.make_encoder(tmp_path, seed=1))
    with Index.open(built) as index, pytest.raises(IndexFolderError) as error:
        index.check_encoder(other)
    for part in (
        f"{built} was built with the encoder {encoder.name} ({encoder.content_hash[:12]})",
        f"not with {other.name} ({other.content_hash[:12]})",
        f"`odqa index PATH... --index {built} --encoder {other.name}`",
    ):
        assert part in str(error.value)


def test_the_same_encoder_in_another_place_is_the_same(built: Path, tiny_encoder: Path, tmp_path: Path) -> None:
    shutil.copytree(tiny_encoder, tmp_path / "moved")
    with Index.open(built) as index:
        index.check_encoder(Encoder.load(tmp_path / "moved"))


FILES = (PASSAGES, VECTORS, *KEYWORDS)


@pytest.mark.parametrize("name", FILES)
def test_a_file_that_was_cut_short_is_named_with_the_command_that_mends_it(copy: Path, name: str) -> None:
    path = segment_folder(copy, "000001") / name
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])
    with pytest.raises(IndexFolderError, match=rf"{name} is damaged: .*`odqa index PATH\.\.\. --index {copy}`"):
        Index.open(copy)


@pytest.mark.parametrize("name", FILES)
def test_a_file_with_one_wrong_bit_is_named(copy: Path, name: str) -> None:
    path = segment_folder(copy, "000001") / name
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    with pytest.raises(IndexFolderError, match=f"{name} is damaged: its checksum"):
        Index.open(copy)


def test_a_large_index_is_opened_without_reading_all_of_it(copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("odqa.index.search._CHECKED", 0)
    path = segment_folder(copy, "000001") / VECTORS
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    Index.open(copy).close()
    (problem,) = verify(copy, None).problems
    assert f"{VECTORS} is damaged: its checksum is not the one in the manifest" in problem.what


def test_a_missing_index_is_told(tmp_path: Path) -> None:
    with pytest.raises(IndexFolderError, match=r"none is not an index: it does not exist; make one with `odqa index"):
        Index.open(tmp_path / "none")


def test_counts_and_dimension_must_agree_with_the_manifest(copy: Path) -> None:
    path = copy / "manifest.json"
    whole = json.loads(path.read_text())
    (segment,) = whole["segments"]
    more = segment | {"passages": 4, "vectors": segment["vectors"] | {"vectors": 4}}
    path.write_text(json.dumps(whole | {"segments": [more]}))
    with pytest.raises(
        IndexFolderError,
        match="2 documents, 3 passages, 3 vectors, 3 passages in its keywords; its manifest counts 4 passages",
    ):
        Index.open(copy)
    path.write_text(json.dumps(whole | {"dimension": 31}))
    with pytest.raises(IndexFolderError, match=r"the vectors of .* do not fit its manifest: .* 32 where 31"):
        Index.open(copy)


def test_an_open_index_is_not_disturbed_by_a_rebuild(corpus: Path, copy: Path, encoder: Encoder) -> None:
    query = encoder.encode_queries(["moon"])
    with Index.open(copy) as index:
        before = index.search(["moon"], 3, query)
        build_index([corpus / "sky.md"], copy, encoder=encoder)
        assert index.search(["moon"], 3, query) == before
    with Index.open(copy) as index:
        assert len(index) == 1


def test_an_index_that_is_replaced_while_it_is_opened_is_opened_anew(
    corpus: Path, copy: Path, encoder: Encoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = Vectors.read

    def replace_and_read(path: Path) -> Vectors:
        if read_manifest(copy).documents == 2:
            build_index([corpus / "sky.md"], copy, encoder=encoder)
        return read(path)

    monkeypatch.setattr(Vectors, "read", replace_and_read)
    with Index.open(copy) as index:
        (hits,) = index.search(["moon"], 10, encoder.encode_queries(["moon"]))
    assert index.manifest == read_manifest(copy)
    assert [hit.passage.source for hit in hits] == [str(corpus / "sky.md")]
