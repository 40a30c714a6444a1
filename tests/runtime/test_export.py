"""Graphs are made once, made anew where something changed, and left to torch where they would compute other things."""

from __future__ import annotations

import json
import os
import resource
import shutil
import signal
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from odqa.errors import ModelError
from odqa.models import ResolvedModel, cache_folder, content_hash
from odqa.reader import graph as readers
from odqa.reader.model import Reader
from odqa.runtime import backend, export
from odqa.runtime.export import Graph, Made, NotExportable, graph_of


@pytest.fixture
def model(tiny_reader: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ResolvedModel:
    """A reader that has no graph yet, in a cache of its own."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    export._place.cache_clear()
    backend.remark.cache_clear()
    yield ResolvedModel("mine", shutil.copytree(tiny_reader, tmp_path / "model"))
    export._place.cache_clear()


class Maker:
    """Makes graphs and counts them."""

    def __init__(self) -> None:
        self.times = 0

    def __call__(self, folder: Path) -> Made:
        self.times += 1
        return readers.make(folder)


@pytest.fixture(scope="module")
def made(tiny_reader: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The cache in which the reader's graph was made."""
    cache = tmp_path_factory.mktemp("made")
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("XDG_CACHE_HOME", str(cache))
        export._place.cache_clear()
        assert graph_of(ResolvedModel("mine", tiny_reader), "reader", readers.make) is not None
    export._place.cache_clear()
    return cache


@pytest.fixture
def known(model: ResolvedModel, made: Path, tmp_path: Path) -> ResolvedModel:
    """The reader when its graph has been made, in the cache of the test."""
    shutil.copytree(made, tmp_path / "cache")
    return model


def folder_of(model: ResolvedModel) -> Path:
    (folder,) = cache_folder("graphs").iterdir()
    return folder


def test_a_graph_is_made_once_and_found_again(model: ResolvedModel) -> None:
    maker = Maker()
    first, second = graph_of(model, "reader", maker), graph_of(model, "reader", maker)
    assert first is not None
    assert second is not None
    assert (maker.times, first.file) == (1, second.file)
    assert second.tokenizer.settings == first.tokenizer.settings


@pytest.mark.parametrize("name", ["graph.xml", "graph.bin", "tokenizer.json", "about.json"])
@pytest.mark.parametrize("damage", [Path.unlink, lambda path: path.write_bytes(path.read_bytes()[:-9] + b"something")])
def test_a_damaged_graph_is_made_anew(known: ResolvedModel, name: str, damage) -> None:
    maker = Maker()
    assert graph_of(known, "reader", maker) is not None
    assert maker.times == 0
    damage(folder_of(known) / name)
    assert graph_of(known, "reader", maker) is not None
    assert maker.times == 1
    assert graph_of(known, "reader", maker) is not None
    assert maker.times == 1


@pytest.mark.parametrize("key", ["format", "openvino", "model"])
def test_a_graph_of_other_versions_or_weights_is_made_anew(known: ResolvedModel, key: str) -> None:
    maker = Maker()
    path = folder_of(known) / "about.json"
    about = json.loads(path.read_text())
    about["key"][key] = "another"
    path.write_text(json.dumps(about))
    graph_of(known, "reader", maker)
    assert maker.times == 1


def test_a_graph_that_computes_something_else_is_left_to_torch_and_this_is_remembered(
    model: ResolvedModel, caplog: pytest.LogCaptureFixture
) -> None:
    times = []

    def other(folder: Path) -> Made:
        times.append(folder)
        made = readers.make(folder)
        return replace(made, wanted=tuple(wanted + 1 for wanted in made.wanted))

    assert graph_of(model, "reader", other) is None
    assert graph_of(model, "reader", other) is None
    assert len(times) == 1
    assert "differs from torch by 1" in caplog.text
    assert len(caplog.records) == 1, "said once"


def test_without_room_for_it_torch_reads_and_the_next_process_tries_again(
    model: ResolvedModel, caplog: pytest.LogCaptureFixture
) -> None:
    """A limit on the size of files stands in for a full disk."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, limits[1]))
    try:
        assert graph_of(model, "reader", readers.make) is None
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, ignored)
    assert f"cannot be written to {cache_folder('graphs')}: is the disk full?" in caplog.text
    assert list(cache_folder("graphs").iterdir()) == []
    assert graph_of(model, "reader", readers.make) is not None


def test_what_a_killed_process_left_is_removed_and_what_one_is_making_stays(model: ResolvedModel) -> None:
    place = cache_folder("graphs")
    name = f"reader-{content_hash(model.folder)[:40]}"
    old, new, other = place / f".{name}-old", place / f".{name}-new", place / ".reader-of-another"
    for one in (old, new, other):
        (one / name).mkdir(parents=True)
    for one in (old, other):
        os.utime(one, (0, 0))
    assert graph_of(model, "reader", readers.make) is not None
    assert {one.name for one in place.iterdir()} == {new.name, other.name, name}


def test_a_graph_that_was_not_used_for_long_goes_when_another_is_made(
    known: ResolvedModel, tmp_path: Path, tiny_reader: Path
) -> None:
    first, long_ago = folder_of(known), time.time() - 91 * 86_400
    os.utime(first, (long_ago, long_ago))
    other = ResolvedModel("other", shutil.copytree(tiny_reader, tmp_path / "other"))
    (other.folder / "added_tokens.json").write_text("{}")
    assert graph_of(known, "reader", readers.make) is not None  # It is used, and so the next leaves it there.
    second = graph_of(other, "reader", readers.make)
    assert second is not None and first.exists()
    os.utime(first, (long_ago, long_ago))
    shutil.rmtree(second.file.parent)
    assert graph_of(other, "reader", readers.make) is not None
    assert not first.exists()


def test_of_two_processes_that_make_a_graph_the_later_leaves_that_of_the_first(model: ResolvedModel) -> None:
    def late(folder: Path) -> Made:
        first.append(graph_of(model, "reader", readers.make))
        return readers.make(folder)

    first: list[Graph | None] = []
    second = graph_of(model, "reader", late)
    assert first[0] is not None and second is not None
    assert second.file.stat().st_ino == first[0].file.stat().st_ino


def test_a_model_without_a_graph_is_read_by_torch(model: ResolvedModel, monkeypatch: pytest.MonkeyPatch) -> None:
    def none(folder: Path) -> Made:
        raise NotExportable("it is of no known kind")

    monkeypatch.setattr(readers, "make", none)
    assert Reader.load(model.folder).network.backend == "torch"


def test_a_cache_that_cannot_be_written_is_made_up_for(
    model: ResolvedModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    reader = Reader.load(model.folder)
    assert reader.network.backend == "openvino"
    assert "no cache can be written" in caplog.text


def test_what_makes_up_for_it_is_removed_by_the_process_that_made_it_alone(tmp_path: Path) -> None:
    export._remove(tmp_path, os.getpid() + 1)  # As in a forked process, which inherits what is to be done at the end.
    assert tmp_path.exists()
    export._remove(tmp_path, os.getpid())
    assert not tmp_path.exists()


def test_without_openvino_torch_computes_and_says_so_once(
    model: ResolvedModel, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def missing() -> bool:
        raise ModelError("OpenVINO cannot be loaded (no such module)")

    monkeypatch.setattr(backend.openvino_library, "has_bfloat16", missing)
    assert [Reader.load(model.folder).network.backend for _ in range(2)] == ["torch", "torch"]
    assert caplog.text.count("torch computes instead") == 1
    with pytest.raises(ModelError, match="cannot be loaded"):
        Reader.load(model.folder, backend="openvino")


def test_a_reader_in_a_batch_of_another_shape_than_it_was_tried_on(tiny_reader: Path) -> None:
    one, other = (
        list(Reader.load(tiny_reader, dtype="float32", backend=name).logits(["Who?"] * 7, ["the tower " * 40] * 7))
        for name in ("openvino", "torch")
    )
    for (window, start, end), (_, wanted_start, wanted_end) in zip(one, other, strict=True):
        assert start.shape == (window.length,)
        assert np.abs(start - wanted_start).max() < 1e-3
        assert np.abs(end - wanted_end).max() < 1e-3
