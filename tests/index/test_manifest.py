from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest

from odqa.errors import IndexFolderError
from odqa.index.manifest import (
    FORMAT,
    MANIFEST,
    Manifest,
    SegmentRecord,
    check_encoder,
    check_sizes,
    check_sums,
    is_index,
    read_manifest,
    record_file,
    segment_folder,
    write_manifest,
)

FILES = ("one", "two", "deleted.000002.npy")


@pytest.fixture
def manifest(tmp_path: Path) -> Manifest:
    """A manifest, written, of files with a line each."""
    folder = segment_folder(tmp_path, "000001")
    folder.mkdir(parents=True)
    for name in FILES:
        (folder / name).write_text(f"{name}\n")
    made = Manifest(
        format=FORMAT,
        version=2,
        odqa_version="0.1.0",
        created="2026-11-22T01:02:03+00:00",
        changed="2026-11-22T02:03:04+00:00",
        encoder="some/encoder",
        encoder_hash="ab" * 32,
        dimension=32,
        pooling="mean",
        prompts={"query": "Frage: "},
        chunking={"max_tokens": 200, "language": "en"},
        keywords={"method": "lucene", "k1": 1.2},
        reading={"text_field": "text"},
        storage={"factory": ""},
        segments=(
            SegmentRecord(
                name="000001",
                documents=3,
                passages=5,
                vectors={"factory": "Flat", "vectors": 3, "trained_on": 0, "parameters": {}, "recall": None},
                files={name: record_file(folder / name) for name in FILES},
                deleted="deleted.000002.npy",
                deleted_documents=1,
                deleted_passages=2,
            ),
        ),
    )
    write_manifest(tmp_path, made)
    return made


def change(folder: Path, **values: Any) -> None:
    path = folder / MANIFEST
    path.write_text(json.dumps(json.loads(path.read_text()) | values))


def test_what_is_written_is_read(tmp_path: Path, manifest: Manifest) -> None:
    assert read_manifest(tmp_path) == manifest
    assert read_manifest(str(tmp_path)).bytes == sum(len(f"{name}\n") for name in FILES)
    assert (manifest.documents, manifest.passages, manifest.deleted_passages) == (2, 3, 2)
    assert is_index(tmp_path)
    check_sizes(tmp_path, manifest)
    check_sums(tmp_path, manifest.segments[0], FILES)


def test_keys_of_a_later_version_are_left_alone(tmp_path: Path, manifest: Manifest) -> None:
    change(tmp_path, authors="several")
    assert read_manifest(tmp_path) == manifest


def test_a_folder_without_an_index_is_told_with_the_command_that_makes_one(tmp_path: Path) -> None:
    with pytest.raises(IndexFolderError, match=r"has no manifest\.json; make one with `odqa index PATH"):
        read_manifest(tmp_path)
    with pytest.raises(IndexFolderError, match=r"none is not an index: it does not exist; make one with"):
        read_manifest(tmp_path / "none")
    assert not is_index(tmp_path)


@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe", b'{"format": 1'])
def test_a_manifest_that_is_cut_short_is_damaged(tmp_path: Path, content: bytes) -> None:
    (tmp_path / MANIFEST).write_bytes(content)
    with pytest.raises(IndexFolderError, match=r"manifest\.json: (broken JSON|not UTF-8) at .*build the index again"):
        read_manifest(tmp_path)


@pytest.mark.parametrize("content", ["[]", "{}", '{"format": "1"}', '{"format": true}', '{"name": "app"}'])
def test_a_manifest_of_something_else_is_none(tmp_path: Path, content: str) -> None:
    (tmp_path / MANIFEST).write_text(content)
    with pytest.raises(IndexFolderError, match="not the manifest of an index"):
        read_manifest(tmp_path)
    assert not is_index(tmp_path)


def test_a_newer_format_asks_for_an_upgrade_and_an_older_one_for_a_rebuild(tmp_path: Path, manifest: Manifest) -> None:
    change(tmp_path, format=FORMAT + 1)
    with pytest.raises(IndexFolderError, match=rf"format {FORMAT + 1}, .*reads format {FORMAT}: upgrade with `pip"):
        read_manifest(tmp_path)
    change(tmp_path, format=FORMAT - 1)
    with pytest.raises(IndexFolderError, match=rf"format {FORMAT - 1}, which is no longer read; build .* again"):
        read_manifest(tmp_path)
    assert is_index(tmp_path)


@pytest.mark.parametrize("key", [key for key in Manifest.__dataclass_fields__ if key != "format"])
def test_a_missing_or_wrong_value_is_named(tmp_path: Path, manifest: Manifest, key: str) -> None:
    change(tmp_path, **{key: None})
    with pytest.raises(IndexFolderError, match=f"{key} is not "):
        read_manifest(tmp_path)
    values = asdict(manifest)
    del values[key]
    (tmp_path / MANIFEST).write_text(json.dumps(values))
    with pytest.raises(IndexFolderError, match=f"{key} is missing; build the index again"):
        read_manifest(tmp_path)


@pytest.mark.parametrize("key", SegmentRecord.__dataclass_fields__)
def test_what_is_missing_or_wrong_of_a_segment_is_named(tmp_path: Path, manifest: Manifest, key: str) -> None:
    segment = asdict(manifest)["segments"][0]
    change(tmp_path, segments=[segment, segment | {key: None}])
    with pytest.raises(IndexFolderError, match=rf"segments\[1\]\.{key} is not "):
        read_manifest(tmp_path)
    del segment[key]
    change(tmp_path, segments=[segment])
    with pytest.raises(IndexFolderError, match=rf"segments\[0\]\.{key} is missing; build the index again"):
        read_manifest(tmp_path)


@pytest.mark.parametrize("key", ["factory", "vectors", "trained_on", "parameters", "recall"])
def test_what_is_missing_of_how_vectors_are_stored_is_named(tmp_path: Path, manifest: Manifest, key: str) -> None:
    write_manifest(tmp_path, manifest)
    content = json.loads((tmp_path / MANIFEST).read_text())
    del content["segments"][0]["vectors"][key]
    (tmp_path / MANIFEST).write_text(json.dumps(content))
    with pytest.raises(IndexFolderError, match=rf"segments\[0\]\.vectors\.{key} is missing; build the index again"):
        read_manifest(tmp_path)


def test_a_segment_stays_inside_the_index_and_has_what_was_deleted_of_it(tmp_path: Path, manifest: Manifest) -> None:
    segment = asdict(manifest)["segments"][0]
    for values, message in (
        ({"name": "../../elsewhere"}, r"segments\[0\]\.name is not the name of a folder"),
        ({"deleted": "deleted.000009.npy"}, r"segments\[0\]\.files does not list deleted\.000009\.npy"),
        ({"files": {"one": {"size": "3"}}}, r"segments\[0\]\.files\['one'\]\.size is not a whole number"),
        ({"files": {"one": 3}}, r"segments\[0\]\.files\['one'\] is not an object"),
        ({"files": {"../one": {"size": 3, "sha256": ""}}}, r"files\['\.\./one'\] is not the name of a file"),
    ):
        change(tmp_path, segments=[segment | values])
        with pytest.raises(IndexFolderError, match=message):
            read_manifest(tmp_path)
    change(tmp_path, segments=[3])
    with pytest.raises(IndexFolderError, match=r"segments\[0\] is not an object"):
        read_manifest(tmp_path)


@pytest.mark.parametrize("name", FILES)
def test_a_file_that_is_missing_or_cut_short_or_changed_is_named(tmp_path: Path, manifest: Manifest, name: str) -> None:
    path = segment_folder(tmp_path, "000001") / name
    (segment,) = manifest.segments
    whole = path.read_bytes()
    path.write_bytes(whole[:-1])
    with pytest.raises(IndexFolderError, match=rf"{name} is damaged: it has {len(whole) - 1} bytes, not {len(whole)}"):
        check_sizes(tmp_path, manifest)
    path.write_bytes(b"X" + whole[1:])
    check_sizes(tmp_path, manifest)
    check_sums(tmp_path, segment, set(FILES) - {name})
    with pytest.raises(IndexFolderError, match=rf"{name} is damaged: its checksum .*`odqa index PATH\.\.\. --index"):
        check_sums(tmp_path, segment, FILES)
    path.unlink()
    with pytest.raises(IndexFolderError, match=rf"{name} is missing; build the index again"):
        check_sizes(tmp_path, manifest)


def test_the_size_of_all_files_is_counted(manifest: Manifest) -> None:
    assert replace(manifest, segments=()).bytes == 0


def test_another_encoder_is_told_with_the_command_that_mends_it(tmp_path: Path, manifest: Manifest) -> None:
    class Other:
        name, content_hash = "other/encoder", "cd" * 32

    with pytest.raises(
        IndexFolderError,
        match=r"some/encoder \(abababababab\), not with other/encoder \(cdcdcdcdcdcd\).*--encoder other",
    ):
        check_encoder(tmp_path, manifest, Other())  # type: ignore[arg-type]


def test_reading_a_manifest_imports_nothing_heavy(tmp_path: Path, manifest: Manifest) -> None:
    code = (
        f"import sys; from odqa.index.manifest import read_manifest; read_manifest({str(tmp_path)!r})\n"
        "print([name for name in ('torch', 'transformers', 'faiss', 'numpy', 'rich') if name in sys.modules])"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout == "[]\n"
