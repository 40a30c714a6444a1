"""A forked process reads and computes."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path

import pytest

from odqa import forking
from odqa.errors import IndexFolderError, OdqaError, UsageError
from odqa.forking import Database, Lock
from tests.forks import run

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")


def test_a_process_without_models_keeps_its_threads_when_it_forks() -> None:
    program = """
import torch, odqa.forking

def threads():
    assert torch.get_num_threads() == 2

threads()
forked(threads)
"""
    run(program)


def test_a_lock_that_was_held_at_the_fork_is_open_in_the_child() -> None:
    program = """
from odqa.forking import Lock
lock = Lock()

def child():
    with lock:
        pass

with lock:
    forked(child)
"""
    run(program)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    with sqlite3.connect(tmp_path / "some.sqlite") as db:
        db.execute("CREATE TABLE numbers (n)")
        db.execute("INSERT INTO numbers VALUES (7)")
    db.close()
    return tmp_path / "some.sqlite"


def number(database: Database) -> int:
    return database.execute("SELECT n FROM numbers").fetchone()[0]


def test_the_child_opens_a_file_of_its_own_and_the_parent_keeps_its_own(path: Path) -> None:
    opened: list[Path] = []

    def connect(path: Path) -> sqlite3.Connection:
        opened.append(path)
        return sqlite3.connect(path)

    database = Database(path, connect)
    assert (number(database), len(opened)) == (7, 1)
    database.after_fork()
    assert len(opened) == 1, "only when it is read"
    assert (number(database), number(database), len(opened)) == (7, 7, 2)
    database.close()


@pytest.mark.parametrize("change", [Path.unlink, lambda path: path.write_bytes(b"another file")])
def test_a_file_that_changed_before_the_child_read_it_is_told(path: Path, change) -> None:
    database = Database(path, sqlite3.connect)
    change(path)
    database.after_fork()
    with pytest.raises(IndexFolderError, match=r"some\.sqlite was changed or moved .* open its index in this process"):
        number(database)
    database.close()


def test_a_closed_file_is_told_as_such(path: Path) -> None:
    database = Database(path, sqlite3.connect)
    database.close()
    database.close()
    with pytest.raises(UsageError, match=r"some\.sqlite was closed"):
        number(database)


def test_a_gpu_is_for_the_process_that_loaded_the_model() -> None:
    process = forking.this_process()
    forking.check_device(process, "cuda")
    forking.check_device(process + 1, "cpu")
    with pytest.raises(OdqaError, match="a process that was forked from it cannot use a GPU; load it in the forked"):
        forking.check_device(process + 1, "cuda")


def test_a_lock_is_for_one_thread_at_a_time() -> None:
    lock = Lock()
    with lock:
        assert not lock._lock.acquire(blocking=False)
    assert lock._lock.acquire(blocking=False)
