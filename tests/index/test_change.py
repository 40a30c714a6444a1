"""A change lands whole or not at all, whenever its process dies; one writer at a time; readers keep their version."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import cast

import numpy as np
import pytest

from odqa.errors import IndexFolderError
from odqa.index.build import add, build_index, update
from odqa.index.change import changing
from odqa.index.compaction import compact
from odqa.index.layout import LOCK, MANIFEST, SEGMENTS
from odqa.index.manifest import read_manifest
from odqa.index.ownership import check_target
from odqa.index.removal import remove
from odqa.index.search import Index
from odqa.index.verification import verify
from odqa.retrieval.encoder import Encoder
from tests.index.word_encoder import WordEncoder


def writes(event: str, arguments: tuple[object, ...]) -> bool:
    """Whether what Python tells its audit hooks changes a file or a folder."""
    if event == "open":
        return bool(cast("int", arguments[2]) & (os.O_WRONLY | os.O_RDWR | os.O_CREAT))
    return event in ("os.rename", "os.remove", "os.mkdir", "os.rmdir", "sqlite3.connect")


def killed_at(step: int, folder: Path, change: Callable[[], object]) -> bool:
    """Run ``change`` in a process that is killed before the ``step``-th time that it writes, makes, renames or removes
    something under ``folder``; False when it ended sooner."""
    child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL
    try:
        import faiss

        faiss.omp_set_num_threads(1)  # The threads of the parent are not there.
        left = [step]

        def kill(event: str, arguments: tuple[object, ...]) -> None:
            # What has no path is done in a folder that is held open, which is one of the index's.
            inside = arguments and (str(folder) in str(arguments[0]) or not Path(str(arguments[0])).is_absolute())
            if inside and writes(event, arguments):
                left[0] -= 1
                if left[0] == 0:
                    os.kill(os.getpid(), signal.SIGKILL)

        sys.addaudithook(kill)
        change()
    finally:
        os._exit(0)


def documents(folder: Path) -> dict[str, str]:
    with Index.open(folder, mode="dense") as index:
        (hits,) = index.search([""], 100, np.ones((1, index.manifest.dimension), np.float32))
    return {hit.passage.document_id: hit.passage.text for hit in hits}


@pytest.fixture
def words() -> WordEncoder:
    return WordEncoder()


@pytest.fixture
def tmp_path(tmp_path: Path) -> Iterator[Path]:
    """A folder in memory where the system has one: what a killed process leaves behind is the same on every disk."""
    memory = Path("/dev/shm")
    if not os.access(memory, os.W_OK):
        yield tmp_path
        return
    with TemporaryDirectory(dir=memory) as folder:
        yield Path(folder)


@pytest.fixture
def docs(tmp_path: Path) -> Path:
    docs = tmp_path / "docs"
    docs.mkdir()
    for name in ("kept", "edited", "gone"):
        (docs / f"{name}.txt").write_text(f"the moon {name}")
    return docs


@pytest.mark.parametrize("what", ["build", "update", "add", "remove", "compact"])
def test_a_process_killed_at_any_step_leaves_the_old_index_or_the_new_one(
    words: WordEncoder, docs: Path, tmp_path: Path, what: str
) -> None:
    start = tmp_path / "start"
    build_index([docs], start, encoder=words)
    if what == "compact":
        remove(start, [str(docs / "gone.txt")])
    (docs / "edited.txt").write_text("the sun edited")
    (docs / "gone.txt").unlink()
    (docs / "new.txt").write_text("the river new")
    index = tmp_path / "index"
    change: Callable[[], object] = {
        "build": lambda: build_index([docs], index, encoder=words),
        "update": lambda: update([docs], index, encoder=words, prune=True),
        "add": lambda: add([docs / "new.txt"], index, encoder=words),
        "remove": lambda: remove(index, [str(docs / "kept.txt")]),
        "compact": lambda: compact(index),
    }[what]
    shutil.copytree(start, index)
    old, old_version = documents(index), read_manifest(index).version
    change()
    new, new_version = documents(index), read_manifest(index).version
    assert new_version == old_version + 1
    seen, step = set(), 1
    while True:
        shutil.rmtree(index)
        shutil.copytree(start, index)
        killed = killed_at(step, index, change)
        version = read_manifest(index).version
        assert documents(index) == {old_version: old, new_version: new}[version]
        assert verify(index, None).problems == ()
        seen.add(version)
        if not killed:
            break
        step += 1
        # Nothing that was left behind is in the way of another change, which leaves nothing behind.
        compact(index) if version == new_version else change()
        assert documents(index) == new
        manifest = read_manifest(index)
        assert {path.name for path in index.iterdir()} <= {MANIFEST, SEGMENTS, LOCK}
        assert {
            path.relative_to(index / SEGMENTS).as_posix() for path in (index / SEGMENTS).rglob("*") if path.is_file()
        } == {f"{segment.name}/{name}" for segment in manifest.segments for name in segment.files}
    assert seen == {old_version, new_version}
    assert step > 5


def test_a_first_build_killed_at_any_step_leaves_no_index_or_a_whole_one(
    words: WordEncoder, docs: Path, tmp_path: Path
) -> None:
    step, killed = 1, True
    while killed:
        index = tmp_path / str(step)
        killed = killed_at(step, index, lambda: build_index([docs], index, encoder=words))  # noqa: B023
        if (index / MANIFEST).exists():
            assert verify(index, None).problems == ()
        else:
            with pytest.raises(IndexFolderError, match="is not an index: it"):
                Index.open(index)
        build_index([docs], index, encoder=words)
        assert len(documents(index)) == 3
        step += 1
    assert step > 5


def test_an_open_index_goes_on_with_the_version_it_opened(words: WordEncoder, docs: Path, tmp_path: Path) -> None:
    index = tmp_path / "index"
    build_index([docs], index, encoder=words)
    query = words.encode_queries(["moon"])
    with Index.open(index) as opened:
        before = opened.search(["moon"], 10, query)
        (docs / "edited.txt").write_text("the sun edited")
        for change in (
            lambda: update([docs], index, encoder=words),
            lambda: compact(index),
            lambda: remove(index, [str(docs / "kept.txt")]),
            lambda: build_index([docs / "gone.txt"], index, encoder=words),
        ):
            change()
            assert opened.search(["moon"], 10, query) == before
    assert list(documents(index)) == [str(docs / "gone.txt")]


_CHANGE_OVER_AND_OVER = """
import sys
from odqa.index.build import add
from odqa.index.removal import remove
from tests.index.word_encoder import WordEncoder
index, file = sys.argv[1:]
print("ready", flush=True)
sys.stdin.readline()
for _ in range(20):
    remove(index, [file])
    add([file], index, encoder=WordEncoder())
print("done", flush=True)
"""


def test_readers_open_one_version_or_another_while_a_writer_changes_the_index(
    words: WordEncoder, docs: Path, tmp_path: Path
) -> None:
    index, file = tmp_path / "index", docs / "edited.txt"
    build_index([docs], index, encoder=words)
    command = [sys.executable, "-c", _CHANGE_OVER_AND_OVER, str(index), str(file)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdin and writer.stdout
        assert writer.stdout.readline() == "ready\n"
        writer.stdin.write("go\n")
        writer.stdin.flush()
        seen = set()
        while writer.poll() is None:
            seen.add(frozenset(Path(name).stem for name in documents(index)))
        assert writer.stdout.read() == "done\n"
    assert seen <= {frozenset(("kept", "edited", "gone")), frozenset(("kept", "gone"))}
    assert read_manifest(index).version == 41


def test_a_second_writer_is_refused_until_the_first_one_has_ended(encoder: Encoder, docs: Path, copy: Path) -> None:
    before = read_manifest(copy)
    with changing(copy):
        for change in (
            lambda: build_index([docs], copy, encoder=encoder),
            lambda: add([docs], copy, encoder=encoder),
            lambda: update([docs], copy, encoder=encoder),
            lambda: remove(copy, ["x"]),
            lambda: compact(copy),
        ):
            with pytest.raises(IndexFolderError, match="is being changed by another process; wait until it has ended"):
                change()
        Index.open(copy).close()
    assert read_manifest(copy) == before
    assert add([docs], copy, encoder=encoder).added == 3


def test_a_lock_ends_with_the_process_that_holds_it(encoder: Encoder, docs: Path, copy: Path) -> None:
    code = (
        "import sys, time; from pathlib import Path; from odqa.index.change import changing\n"
        "with changing(Path(sys.argv[1])):\n    print('locked', flush=True); time.sleep(600)"
    )
    with subprocess.Popen([sys.executable, "-c", code, str(copy)], stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout and holder.stdout.readline() == "locked\n"
        with pytest.raises(IndexFolderError, match="is being changed by another process"):
            add([docs], copy, encoder=encoder)
        holder.kill()
    assert add([docs], copy, encoder=encoder).added == 3


def test_a_folder_that_is_free_empty_or_an_index_may_be_written(copy: Path, tmp_path: Path) -> None:
    check_target(tmp_path / "free")
    (tmp_path / "empty").mkdir()
    check_target(tmp_path / "empty")
    check_target(copy)
    (copy / MANIFEST).write_text("")
    (copy / LOCK).touch()
    check_target(copy)
