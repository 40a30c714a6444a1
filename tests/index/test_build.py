from __future__ import annotations

import errno
import json
import resource
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from odqa import __version__
from odqa.corpus import ChunkOptions
from odqa.errors import DataError, IndexFolderError, OdqaError, UsageError
from odqa.index.build import add, build_index, update
from odqa.index.ingest import fit_chunk
from odqa.index.layout import LOCK, MANIFEST, PASSAGES, SEGMENTS
from odqa.index.manifest import read_manifest
from odqa.index.report import ENCODING, READING, Progress
from odqa.index.search import Index
from odqa.index.store import PassageWriter
from odqa.retrieval.encoder import Encoder
from odqa.retrieval.keywords import K1, B
from odqa.retrieval.names import KEYWORDS, VECTORS
from odqa.retrieval.vector_writer import VectorWriter
from tests.index.conftest import CHUNK


def contents(folder: Path) -> dict[str, bytes]:
    """The files under ``folder``, but for the lock, which is empty."""
    files = (path for path in folder.rglob("*") if path.is_file() and path.name != LOCK)
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def texts(folder: Path, encoder: Encoder) -> list[str]:
    with Index.open(folder) as index:
        hits = index.search(["moon"], 100, encoder.encode_queries(["moon"]))[0]
    return sorted(hit.passage.text for hit in hits)


def test_the_report_counts_what_was_made_and_what_was_left_out(corpus: Path, encoder: Encoder, tmp_path: Path) -> None:
    report = build_index([corpus], tmp_path / "index", encoder=encoder, chunk=CHUNK)
    assert (report.folder, report.documents, report.passages) == (tmp_path / "index", 2, 3)
    assert report.bytes == sum(map(len, contents(report.folder / SEGMENTS).values()))
    assert (report.added, report.encoded, report.version) == (2, 3, 1)
    assert report.seconds > 0
    assert [(item.source, item.reason) for item in report.unusable] == [(str(corpus / "void.txt"), "empty")]
    assert texts(report.folder, encoder) == [
        "# Moon\n\nThe moon orbits the earth in days.",
        "The Eiffel Tower was built in Paris by Gustave Eiffel.",
        "The capital of France is Paris, on the Seine.",
    ]


def test_the_manifest_says_how_the_index_was_made(built: Path, encoder: Encoder) -> None:
    manifest = read_manifest(built)
    assert (manifest.encoder, manifest.encoder_hash) == (encoder.name, encoder.content_hash)
    assert manifest.dimension == 32
    assert (manifest.pooling, manifest.prompts) == ("mean", {})
    assert manifest.chunking == {"max_tokens": 12, "overlap_tokens": 0, "language": "en"}
    assert manifest.keywords == {"method": "lucene", "k1": K1, "b": B, "language": "en"}
    assert (manifest.documents, manifest.passages, manifest.odqa_version) == (2, 3, __version__)
    assert manifest.created.endswith("+00:00")
    (segment,) = manifest.segments
    assert (segment.documents, segment.passages, segment.deleted) == (2, 3, "")
    assert segment.vectors == {"factory": "Flat", "vectors": 3, "trained_on": 0, "parameters": {}, "recall": None}
    assert sorted(segment.files) == sorted([PASSAGES, VECTORS, *KEYWORDS])
    assert sorted(contents(built)) == sorted([MANIFEST, *(f"{SEGMENTS}/000001/{name}" for name in segment.files)])


def test_the_same_files_make_the_same_index(built: Path, corpus: Path, encoder: Encoder, tmp_path: Path) -> None:
    build_index([corpus], tmp_path / "again", encoder=encoder, chunk=CHUNK)
    assert read_manifest(tmp_path / "again").segments == read_manifest(built).segments


def test_progress_goes_through_the_bytes_and_then_through_the_passages(
    corpus: Path, encoder: Encoder, tmp_path: Path
) -> None:
    seen: list[Progress] = []
    build_index([corpus], tmp_path / "index", encoder=encoder, chunk=CHUNK, progress=seen.append)
    reading = [step for step in seen if step.stage == READING]
    size = sum(path.stat().st_size for path in corpus.iterdir())
    assert [step.done for step in reading] == sorted(step.done for step in reading)
    assert (reading[-1].done, reading[-1].total, reading[-1].documents) == (size, size, 2)
    assert seen[len(reading) :] == [Progress(ENCODING, 3, 3, documents=2, passages=3)]


def test_progress_inside_a_file_of_rows_follows_its_texts(encoder: Encoder, tmp_path: Path) -> None:
    rows = [json.dumps({"text": f"the moon {number}", "id": number}) + "\n" for number in range(10)]
    (tmp_path / "rows.jsonl").write_text("".join(rows))
    seen: list[Progress] = []
    build_index([tmp_path / "rows.jsonl"], tmp_path / "index", encoder=encoder, progress=seen.append)
    assert [step.done for step in seen[:10]] == [len("the moon 0") * count for count in range(1, 11)]
    assert seen[10].done == seen[10].total == len("".join(rows))


def test_passages_are_never_longer_than_the_encoder_reads(encoder: Encoder, tmp_path: Path) -> None:
    assert fit_chunk(ChunkOptions(), encoder) == ChunkOptions(max_tokens=46, overlap_tokens=9)
    assert fit_chunk(ChunkOptions(46, 40), encoder) == ChunkOptions(46, 40)
    (tmp_path / "long.txt").write_text("The moon orbits the earth. " * 100)
    report = build_index([tmp_path / "long.txt"], tmp_path / "index", encoder=encoder)
    assert report.chunk.max_tokens == 46
    assert all(len(encoder.token_offsets(text)) <= 46 for text in texts(tmp_path / "index", encoder))


def test_strict_stops_at_the_first_file_that_cannot_be_used(corpus: Path, encoder: Encoder, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"void\.txt: empty \(without --strict it would be left out\)"):
        build_index([corpus], tmp_path / "index", encoder=encoder, strict=True)
    assert list(tmp_path.iterdir()) == []


def test_a_corpus_with_nothing_usable_writes_no_index_and_lists_the_reasons(encoder: Encoder, tmp_path: Path) -> None:
    for number in range(12):
        (tmp_path / f"{number:02}.txt").touch()
    (tmp_path / "picture.png").touch()
    with pytest.raises(OdqaError) as error:
        build_index([tmp_path], tmp_path / "index", encoder=encoder)
    assert "nothing could be indexed, and no index was written" in str(error.value)
    assert f"{tmp_path / '00.txt'}: empty (and 11 more)" in str(error.value)
    assert f"{tmp_path / 'picture.png'}: unknown kind of file '.png'" in str(error.value)
    assert len(list(tmp_path.iterdir())) == 13


def test_nothing_to_read_is_told_before_anything_is_loaded(tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "picture.png").touch()
    for paths, exclude, reason in (
        ([tmp_path / "docs"], (), r"picture\.png: unknown kind of file"),
        ([tmp_path / "docs"], "*.png", "1 left out by the globs"),
    ):
        with pytest.raises(OdqaError, match=reason) as error:
            build_index(paths, tmp_path / "index", exclude=exclude, encoder="no/such")
        assert not isinstance(error.value, UsageError)


def test_every_file_that_is_not_read_is_in_the_report(corpus: Path, encoder: Encoder, tmp_path: Path) -> None:
    docs = tmp_path / "docs"
    shutil.copytree(corpus, docs)
    for name in (".hidden.txt", "a.png", "b.png", "draft.txt", "empty/.hidden.txt"):
        (docs / name).parent.mkdir(exist_ok=True)
        (docs / name).write_text("The moon.")
    index = tmp_path / "index"
    report = build_index([docs, docs / "empty"], index, exclude="draft*", encoder=encoder)
    told = {Path(item.source).name: item.reason for item in report.unusable}
    assert told.keys() == {"void.txt", "a.png", "b.png", "empty"}
    assert (told["void.txt"], told["a.png"]) == ("empty", "unknown kind of file '.png'")
    assert (report.hidden, report.excluded, report.include, report.exclude) == (3, 1, (), ("draft*",))
    assert len(update([docs], index, encoder=encoder, include=["paris.txt", "void.txt"]).unusable) == 1
    assert add([docs], index, encoder=encoder, include="draft.txt").added == 1


def test_a_document_that_the_encoder_has_no_tokens_for_is_told(corpus: Path, encoder: Encoder, tmp_path: Path) -> None:
    (tmp_path / "joiner.txt").write_text("\u200d")
    report = build_index([tmp_path, corpus / "sky.md"], tmp_path / "index", encoder=encoder)
    assert report.documents == 1
    assert [item.reason for item in report.unusable] == ["no character in it that the encoder knows"]


def test_an_index_among_the_documents_is_no_document(corpus: Path, encoder: Encoder, copy: Path) -> None:
    (copy.parent / "moon.txt").write_text("The moon orbits the earth.")
    report = build_index([copy.parent], copy, encoder=encoder, strict=True)
    assert (report.documents, report.unusable) == (1, ())


def test_a_path_that_is_missing_is_told_before_anything_is_loaded(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"no such file or folder: .*none"):
        build_index([tmp_path / "none"], tmp_path / "index", encoder="no/such-encoder")
    assert list(tmp_path.iterdir()) == []


def test_without_faiss_nothing_is_read(corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "faiss", None)
    with pytest.raises(OdqaError, match=r"odqa\[cpu\].*odqa\[gpu\]"):
        build_index([corpus], tmp_path / "index", encoder="no/such-encoder")


def test_two_documents_with_one_id_are_told_with_both_sources(encoder: Encoder, tmp_path: Path) -> None:
    for name in ("a.jsonl", "b.jsonl"):
        (tmp_path / name).write_text('{"id": "moon", "text": "The moon orbits the earth."}\n')
    with pytest.raises(
        DataError, match=r"two documents have the id 'moon', one from .*a\.jsonl and one from .*b\.jsonl"
    ):
        build_index([tmp_path / "a.jsonl", tmp_path / "b.jsonl"], tmp_path / "index", encoder=encoder)
    assert not (tmp_path / "index").exists()


@pytest.mark.parametrize("name", ["notes.txt", "manifest.json"])
def test_a_folder_that_is_not_an_index_is_not_written_into(
    corpus: Path, encoder: Encoder, tmp_path: Path, name: str
) -> None:
    (tmp_path / name).write_text('{"name": "a web application"}')
    with pytest.raises(IndexFolderError, match="is not empty and holds no index, so none is written into it; choose"):
        build_index([corpus], tmp_path, encoder=encoder)
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_a_file_of_yours_beside_the_index_is_left_alone(corpus: Path, encoder: Encoder, copy: Path) -> None:
    (copy / "notes.txt").write_text("mine")
    build_index([corpus / "sky.md"], copy, encoder=encoder)
    assert (copy / "notes.txt").read_text() == "mine"
    assert read_manifest(copy).version == 2


def test_an_index_of_an_older_format_makes_room(corpus: Path, encoder: Encoder, tmp_path: Path) -> None:
    (tmp_path / MANIFEST).write_text('{"format": 2, "encoder_hash": ""}')
    for name in ("vectors.faiss", "passages.sqlite", "keywords.vocab.json"):
        (tmp_path / name).write_text("old")
    build_index([corpus / "sky.md"], tmp_path, encoder=encoder)
    assert {path.name for path in tmp_path.iterdir()} == {MANIFEST, SEGMENTS, LOCK}


def test_an_index_is_no_file(corpus: Path, encoder: Encoder) -> None:
    with pytest.raises(IndexFolderError, match="is a file, and an index is a folder; choose another folder"):
        build_index([corpus], corpus / "sky.md", encoder=encoder)


@pytest.mark.parametrize("damage", ["empty manifest", "no vectors", "empty folder"])
def test_an_index_is_replaced_even_when_it_is_damaged(corpus: Path, encoder: Encoder, copy: Path, damage: str) -> None:
    if damage == "empty manifest":
        (copy / "manifest.json").write_text("")
    elif damage == "empty folder":
        shutil.rmtree(copy)
        copy.mkdir()
    else:
        (copy / f"{SEGMENTS}/000001/{VECTORS}").unlink()
    build_index([corpus / "sky.md"], copy, encoder=encoder)
    assert texts(copy, encoder) == ["# Moon\n\nThe moon orbits the earth in days."]


def fail_in_store(monkeypatch: pytest.MonkeyPatch, error: BaseException) -> None:
    monkeypatch.setattr(PassageWriter, "commit", raiser(error))


def fail_in_vectors(monkeypatch: pytest.MonkeyPatch, error: BaseException) -> None:
    monkeypatch.setattr(VectorWriter, "finish", raiser(error))


def fail_in_manifest(monkeypatch: pytest.MonkeyPatch, error: BaseException) -> None:
    monkeypatch.setattr("odqa.index.change.write_manifest", raiser(error))


def raiser(error: BaseException) -> Callable[..., None]:
    def fail(*_: object) -> None:
        raise error

    return fail


PLACES = [fail_in_store, fail_in_vectors, fail_in_manifest]


@pytest.mark.parametrize("place", PLACES)
def test_a_full_disk_leaves_the_old_index_and_says_where_room_is_needed(
    corpus: Path,
    encoder: Encoder,
    copy: Path,
    place: Callable[[pytest.MonkeyPatch, BaseException], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    before = contents(copy)
    place(monkeypatch, OSError(errno.ENOSPC, "No space left on device"))
    with pytest.raises(OdqaError) as error:
        build_index([corpus], copy, encoder=encoder)
    assert f"the index {copy} cannot be written: No space left on device (" in str(error.value)
    assert "MB are free there); make room or choose another folder" in str(error.value)
    assert contents(copy) == before
    assert list(copy.parent.iterdir()) == [copy]


def test_too_little_room_for_the_vectors_is_told_before_they_are_made(
    corpus: Path, encoder: Encoder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = shutil.disk_usage(tmp_path)._replace(free=100)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage)
    with pytest.raises(OdqaError, match=r"cannot be written: 0 MB more are needed \(0 MB are free there\)"):
        build_index([corpus], tmp_path / "index", encoder=encoder)


@pytest.mark.parametrize("limit", [1 << 12, 1 << 17])
def test_a_limit_on_the_size_of_files_is_met_like_a_full_disk(
    corpus: Path, encoder: Encoder, copy: Path, tmp_path: Path, limit: int
) -> None:
    # 4 KiB stop SQLite; 128 KiB let its file of short passages through and stop FAISS, with 128 bytes a vector.
    before = contents(copy)
    rows = [json.dumps({"text": "moon", "id": str(number)}) + "\n" for number in range(1100)]
    (tmp_path / "rows.jsonl").write_text("".join(rows))
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, hard))
    try:
        with pytest.raises(OdqaError) as error:
            build_index([tmp_path / "rows.jsonl"], copy, encoder=encoder)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert f"the index {copy} cannot be written: " in str(error.value)
    assert contents(copy) == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["copy", "rows.jsonl"]
    assert {path.name for path in (copy / SEGMENTS).iterdir()} == {"000001"}


@pytest.mark.parametrize("place", PLACES)
def test_ctrl_c_leaves_the_old_index_and_nothing_else(
    corpus: Path,
    encoder: Encoder,
    copy: Path,
    place: Callable[[pytest.MonkeyPatch, BaseException], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    before = contents(copy)
    place(monkeypatch, KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        build_index([corpus], copy, encoder=encoder)
    assert contents(copy) == before
    assert list(copy.parent.iterdir()) == [copy]
