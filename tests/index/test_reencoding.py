"""An index gets another encoder: the same passages, found by its vectors, or all as it was."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from odqa.errors import IndexFolderError, UsageError
from odqa.index.build import build_index
from odqa.index.manifest import read_manifest
from odqa.index.reencoding import reencode
from odqa.index.removal import remove
from odqa.index.retriever import Retriever
from odqa.index.search import Index
from odqa.retrieval.encoder import Encoder
from tests import tiny
from tests.cli.conftest import snapshot

DOCUMENTS = [
    {"id": "moon", "title": "Moon", "text": "The moon orbits the earth in days.", "metadata": {"year": 2020}},
    {"id": "leave", "title": "", "text": "The policy has twenty days of vacation. The manager approves the request."},
    {"id": "louvre", "title": "Louvre", "text": "The museum has the painting Mona Lisa."},
]


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Another encoder, with prompts."""
    return tiny.make_encoder(tmp_path_factory.mktemp("other"), seed=1, prompts={"query": "what ", "document": "the "})


@pytest.fixture
def index(tiny_encoder: Path, tmp_path: Path) -> Path:
    build_index((), tmp_path / "index", documents=DOCUMENTS, encoder=tiny_encoder, device="cpu")
    return tmp_path / "index"


def vectors_of(folder: Path) -> np.ndarray:
    with Index.open(folder) as opened:
        return np.concatenate(
            [one.vectors.reconstruct(np.arange(one.record.passages)) for one in opened.segments if one.vectors]
        )


def test_it_is_the_index_that_the_encoder_would_have_made(index, other, tmp_path):
    before = read_manifest(index)
    report = reencode(index, other, device="cpu")
    build_index((), tmp_path / "new", documents=DOCUMENTS, encoder=other, device="cpu")
    new, wanted = read_manifest(index), read_manifest(tmp_path / "new")
    for name in ("encoder", "encoder_hash", "dimension", "pooling", "prompts", "keywords", "storage"):
        assert getattr(new, name) == getattr(wanted, name), name
    assert new.chunking["max_tokens"] == wanted.chunking["max_tokens"] < before.chunking["max_tokens"], "for the prompt"
    assert (new.version, new.created) == (before.version + 1, before.created)
    assert (report.encoded, report.passages, report.unchanged) == (3, 3, 3)
    np.testing.assert_allclose(vectors_of(index), vectors_of(tmp_path / "new"), atol=1e-6)
    questions = ["what orbits the earth", "who approves the request"]
    with Retriever.open(index, device="cpu") as one, Retriever.open(tmp_path / "new", device="cpu") as two:
        found, expected = (some.search(questions, 3) for some in (one, two))
    assert [[hit.passage for hit in hits] for hits in found] == [[hit.passage for hit in hits] for hits in expected]


def test_what_was_removed_is_gone_and_other_segments_are_folded(index, other):
    remove(index, ["moon"])
    reencode(index, other, device="cpu")
    manifest = read_manifest(index)
    assert (manifest.documents, manifest.deleted_passages, len(manifest.segments)) == (2, 0, 1)


def test_the_encoder_that_it_has_changes_nothing(index, tiny_encoder):
    before = snapshot(index)
    assert reencode(index, tiny_encoder, device="cpu").encoded == 0
    assert snapshot(index) == before


def test_damaged_vectors_are_made_anew_and_a_damaged_passage_stops_it(index, other):
    segment = next((index / "segments").iterdir())
    (segment / "vectors.faiss").write_bytes(bytes((segment / "vectors.faiss").stat().st_size))
    reencode(index, other, device="cpu")
    assert len(vectors_of(index)) == 3
    (segment,) = (index / "segments").iterdir()
    store = segment / "passages.sqlite"
    content = bytearray(store.read_bytes())
    content[-1] ^= 1
    store.write_bytes(bytes(content))
    before = snapshot(index)
    with pytest.raises(IndexFolderError, match="checksum"):
        reencode(index, tiny.make_encoder(index.parent / "third", seed=2), device="cpu")
    assert snapshot(index) == before


def test_an_encoder_that_reads_less_than_a_passage_is_refused(index, other, tmp_path):
    import json
    import shutil

    short = Path(shutil.copytree(other, tmp_path / "short"))
    (short / "sentence_bert_config.json").write_text(json.dumps({"max_seq_length": 8, "do_lower_case": False}))
    before = snapshot(index)
    with pytest.raises(UsageError, match=r"reads 5 tokens of a passage, and 3 of the 3 .* --encoder .*short"):
        reencode(index, short, device="cpu")
    assert snapshot(index) == before


def test_a_failure_while_it_encodes_leaves_the_index_as_it_was(index, other, monkeypatch):
    def fail(*arguments: object) -> None:
        raise OSError(28, "No space left on device")

    before = snapshot(index)
    monkeypatch.setattr(Encoder, "encode_passages", fail)
    with pytest.raises(OSError, match="No space left"):  # Of the encoder, not of the index's disk.
        reencode(index, other, device="cpu")
    assert snapshot(index) == before


def test_what_is_no_index_is_refused(other, tmp_path):
    with pytest.raises(IndexFolderError, match="is not an index"):
        reencode(tmp_path / "none", other, device="cpu")
    assert not (tmp_path / "none").exists()
