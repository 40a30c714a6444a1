from __future__ import annotations

import json
import math
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import chdir, suppress
from dataclasses import asdict, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, get_type_hints

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from odqa.corpus import ChunkOptions, ReadOptions
from odqa.errors import IndexFolderError
from odqa.index import schema
from odqa.index.ingest import Storage
from odqa.index.layout import DATA_FILES, MANIFEST, PASSAGES, SEGMENTS, segment_folder
from odqa.index.manifest import (
    FORMAT,
    Manifest,
    SegmentRecord,
    check_encoder,
    check_sizes,
    check_sums,
    read_manifest,
    record_file,
    write_manifest,
)
from odqa.index.ownership import is_index
from odqa.index.report import report_of
from odqa.index.search import Index
from odqa.index.verification import verify
from odqa.retrieval.keywords import PARAMETERS
from odqa.retrieval.vector_writer import VectorRecord
from tests.tiny.asked import Asked

DELETED = "deleted.000002.npy"
FILES = (*DATA_FILES, DELETED)


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
        chunking=asdict(ChunkOptions()),
        keywords={"method": "lucene", "k1": 1.2, "b": 0.75, "language": "en"},
        reading=asdict(ReadOptions()),
        storage=asdict(Storage()),
        segments=(
            SegmentRecord(
                name="000001",
                documents=3,
                passages=5,
                vectors={"factory": "Flat", "vectors": 5, "trained_on": 0, "parameters": {}, "recall": None},
                files={name: record_file(folder / name) for name in FILES},
                deleted=DELETED,
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
    folder = tmp_path / "alone"  # Beside the folders of other tests an index of a name like it might be meant.
    folder.mkdir()
    with pytest.raises(IndexFolderError, match=r"has no manifest\.json; make one with `odqa index PATH"):
        read_manifest(folder)
    with pytest.raises(IndexFolderError, match=r"none is not an index: it does not exist; make one with"):
        read_manifest(folder / "none")
    assert not is_index(folder)


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


@pytest.mark.parametrize("key", [key for key in Manifest.__dataclass_fields__ if key not in ("format", "outdated")])
def test_a_missing_or_wrong_value_is_named(tmp_path: Path, manifest: Manifest, key: str) -> None:
    change(tmp_path, **{key: None})
    with pytest.raises(IndexFolderError, match=rf"damaged: {key} (should be|is empty)"):
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
    with pytest.raises(IndexFolderError, match=rf"segments\[1\]\.{key} should be"):
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


WRONG = [
    ({"name": "../../elsewhere"}, r"segments\[0\]\.name should match pattern"),
    ({"name": "1"}, r"segments\[0\]\.name should match pattern"),
    ({"name": "000003"}, r"segments\[0\]\.name is not of version 2 or before"),
    ({"files": {}}, r"segments\[0\]\.files does not list passages\.sqlite"),
    (
        {"files": {PASSAGES: {"size": "3"}}},
        r"segments\[0\]\.files\['passages\.sqlite'\]\.size should be a valid",
    ),
    ({"files": {PASSAGES: 3}}, r"segments\[0\]\.files\['passages\.sqlite'\] should be"),
    ({"deleted": "deleted.000009.npy"}, r"segments\[0\]\.files\['deleted\.000002\.npy'\] is not the name of a file"),
    ({"deleted": "../manifest.json"}, r"segments\[0\]\.deleted should match pattern"),
    ({"deleted": "", "deleted_documents": 0}, r"segments\[0\]\.files\['deleted\.000002\.npy'\] is not the name"),
    ({"deleted_documents": 0}, r"segments\[0\]\.deleted_documents is 0, and deleted is 'deleted\.000002\.npy'"),
    ({"deleted_passages": 5}, r"segments\[0\]\.documents, passages, .* do not go together: 3, 5, 1, 5"),
    ({"deleted_documents": 3}, r"segments\[0\]\.documents, passages, .* do not go together: 3, 5, 3, 2"),
    ({"documents": 9}, r"segments\[0\]\.documents, passages, .* do not go together: 9, 5, 1, 2"),
    ({"documents": -1}, r"segments\[0\]\.documents should be greater than or equal to 1"),
    ({"passages": 1 << 40}, r"segments\[0\]\.passages should be less than"),
    ({"passages": 5.0}, r"segments\[0\]\.passages should be a valid integer"),
    ({"passages": True}, r"segments\[0\]\.passages should be a valid integer"),
    ({"passages": 4}, r"segments\[0\]\.vectors\.vectors is 5, and passages is 4"),
]


@pytest.mark.parametrize(("values", "message"), WRONG)
def test_a_segment_is_wrong_in_one_value_or_in_two_together(
    tmp_path: Path, manifest: Manifest, values: dict[str, Any], message: str
) -> None:
    segment = asdict(manifest)["segments"][0]
    change(tmp_path, segments=[segment | values])
    with pytest.raises(IndexFolderError, match=rf"damaged: {message}.*; build the index again with"):
        read_manifest(tmp_path)


def test_a_segment_names_no_file_outside_and_no_more_passages_than_its_file_can_hold(
    tmp_path: Path, manifest: Manifest
) -> None:
    segment = asdict(manifest)["segments"][0]
    for name in ("../one", "/etc/passwd", "..", "", "a/b", "notes.txt", "deleted.000001.npy", "vectors.faiss\n"):
        change(tmp_path, segments=[segment | {"files": segment["files"] | {name: {"size": 1, "sha256": "0" * 64}}}])
        with pytest.raises(IndexFolderError, match="is not the name of a file that a segment has"):
            read_manifest(tmp_path)
    many = {"passages": 1000, "vectors": segment["vectors"] | {"vectors": 1000}}
    change(tmp_path, segments=[segment | many])
    with pytest.raises(IndexFolderError, match="passages is 1000, more than a file of 16 bytes can hold"):
        read_manifest(tmp_path)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"segments": []}, "segments is empty"),
        ({"segments": [3]}, r"segments\[0\] should be a dictionary or an instance of SegmentRecord"),
        ({"version": 10**12}, "version should be less than or equal to 999999999"),
        ({"version": 0}, "version should be greater than or equal to 1"),
        ({"dimension": 10**9}, "dimension should be less than or equal to 65536"),
        ({"encoder_hash": "ab"}, "encoder_hash should match pattern"),
        ({"encoder": "a\0b"}, "encoder should match pattern"),
        ({"encoder": "\ud800"}, "encoder should be a valid string"),
        ({"encoder": "a" * 100_000}, "encoder should have at most"),
        ({"prompts": {"query": 3}}, r"prompts\.query should be a valid string"),
        ({"reading": {}}, r"reading\.text_field is missing"),
        ({"chunking": {"max_tokens": 5, "overlap_tokens": 5, "language": "en"}}, "overlap_tokens is not below"),
        ({"storage": {"factory": "", "recall": float("nan")}}, r"storage\.recall should be a finite number"),
        ({"storage": {"factory": "", "recall": 10**400}}, r"storage\.recall should be"),
        ({"outdated": ["../notes.txt"]}, r"outdated\[0\] should match pattern"),
    ],
)
def test_a_value_out_of_its_range_is_told(
    tmp_path: Path, manifest: Manifest, values: dict[str, Any], message: str
) -> None:
    change(tmp_path, **values)
    with pytest.raises(IndexFolderError, match=rf"manifest\.json is damaged: .*{message}.*; build the index again"):
        read_manifest(tmp_path)


def test_a_segment_is_listed_once(tmp_path: Path, manifest: Manifest) -> None:
    segment = asdict(manifest)["segments"][0]
    change(tmp_path, segments=[segment, segment])
    with pytest.raises(IndexFolderError, match="segments lists 000001 twice"):
        read_manifest(tmp_path)


def test_what_is_known_of_options_is_what_they_have(manifest: Manifest) -> None:
    assert get_type_hints(schema._Reading).keys() == asdict(ReadOptions()).keys()
    assert get_type_hints(schema._Chunking).keys() == asdict(ChunkOptions()).keys()
    assert get_type_hints(schema._Storage).keys() == asdict(Storage()).keys()
    assert get_type_hints(schema._Keywords).keys() == {*PARAMETERS, "language"}
    assert get_type_hints(schema._Vectors).keys() == asdict(VectorRecord("Flat", 1)).keys()


def places(value: Any, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Where in a JSON value there is a value."""
    yield at
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        yield from places(inner, (*at, key))


NUMBERS = [True, -1, 0, 2, 1 << 31, 10**400, 1.0, math.nan]
DROPPED = object()
WRONG_VALUES = [DROPPED, None, *NUMBERS, "", "..", "\0", "\ud800", [], [1], {"x": 1}]
ANY_VALUE = st.recursive(
    st.integers() | st.floats() | st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)
)


def put(value: Any, at: tuple[Any, ...], new: object) -> None:
    """Replace what is at a place of a JSON value, or drop it."""
    for key in at[:-1]:
        value = value[key]
    if new is DROPPED:
        del value[at[-1]]
    else:
        value[at[-1]] = new


def open_all_of_it(folder: Path) -> None:
    """Do with an index what reads its manifest: search, verify, report, write it again."""
    with Index.open(folder) as index:
        index.search(["moon"], 3, np.ones((1, index.manifest.dimension), np.float32))
    verify(folder, None)
    report_of(folder, index.manifest, 0.0)
    write_manifest(folder, index.manifest)
    assert read_manifest(folder) == index.manifest


def test_whatever_a_value_of_a_manifest_is_the_index_opens_or_is_refused(copy: Path) -> None:
    text = (copy / MANIFEST).read_text()
    opened = 0
    for at in list(places(json.loads(text)))[1:]:
        for new in WRONG_VALUES:
            value = json.loads(text)
            put(value, at, new)
            (copy / MANIFEST).write_text(json.dumps(value))
            try:
                open_all_of_it(copy)
                opened += 1
            except IndexFolderError as error:
                assert str(copy) in str(error)
    assert opened > 50, "names, dates and unknown keys may be anything"


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_whatever_two_values_of_a_manifest_are_the_index_opens_or_is_refused(built: Path, data: st.DataObject) -> None:
    value = json.loads((built / MANIFEST).read_text())
    for _ in range(2):
        put(value, data.draw(st.sampled_from(list(places(value))[1:])), data.draw(st.just(DROPPED) | ANY_VALUE))
    with TemporaryDirectory() as name:
        folder = Path(name)
        shutil.copytree(built / SEGMENTS, folder / SEGMENTS)
        (folder / MANIFEST).write_text(json.dumps(value))
        with suppress(IndexFolderError):
            open_all_of_it(folder)


def test_a_manifest_of_today_with_more_keys_opens(built: Path, tmp_path: Path) -> None:
    value = json.loads((built / MANIFEST).read_text())
    assert (value["metric"], value["normalized"]) == ("inner_product", True)
    value["segments"][0]["vectors"]["seed"] = value["storage"]["shards"] = value["reading"]["more"] = 3
    (tmp_path / MANIFEST).write_text(json.dumps(value))
    assert read_manifest(tmp_path) == read_manifest(built)


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


def test_a_folder_that_is_not_there_is_met_with_the_index_beside_it(asked: Asked) -> None:
    wanted = rf"does not exist; did you mean '{asked.index}'\? Or make one with `odqa index"
    with pytest.raises(IndexFolderError, match=wanted):
        read_manifest(asked.index.with_name("indx"))


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ("indexes/default", "does not exist; name another one, such as indexes/docs, or make one with"),
        ("indexes", r"has no manifest\.json; name another one, such as indexes/docs, or make one with"),
        ("docs", r"has no manifest\.json; did you mean 'indexes/docs'\? Or make"),
        ("dcos", r"does not exist; did you mean 'indexes/docs'\? Or make"),
        ("other", "does not exist; make one with"),
    ],
)
def test_a_folder_that_is_no_index_is_met_with_what_there_is(tmp_path: Path, given: str, words: str) -> None:
    for folder in ("indexes/docs", "indexes/other_kind", "docs"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "indexes/docs" / MANIFEST).touch()
    with chdir(tmp_path), pytest.raises(IndexFolderError, match=f"^{given} is not an index: it {words}"):
        read_manifest(given)
