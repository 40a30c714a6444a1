"""What a forked process inherits, made fit for use in it: locks, SQLite files, and the threads that compute.

A fork copies the memory and the one thread that forks. In the child, a lock that another thread held stays locked; an
open file shares its position with the parent's; and OpenMP, by which torch and FAISS compute, waits for ever for the
threads that were not copied. Therefore locks are new there, SQLite files are opened again when they are next read, and
a forked process computes on one thread.
"""

from __future__ import annotations

import os
import sqlite3
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol
from weakref import WeakSet

from odqa.errors import IndexFolderError, OdqaError, UsageError


class _Inherited(Protocol):
    def after_fork(self) -> None:
        """Become fit for use in the child; called there before anything else runs."""


_inherited: WeakSet[_Inherited] = WeakSet()
_computes = False  # Whether this process, or one that it was forked from, has loaded a model.


class Lock:
    """A lock for a ``with`` block that is open in a forked process, whoever held it at the fork."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        _inherited.add(self)

    def __enter__(self) -> None:
        self._lock.acquire()

    def __exit__(self, *_: object) -> None:
        self._lock.release()

    def after_fork(self) -> None:
        """Be a new lock."""
        self._lock = threading.Lock()


class Database:
    """A connection that reads a SQLite file which does not change; a forked process makes one of its own.

    As with any connection, one thread at a time may use it.
    """

    def __init__(self, path: Path, connect: Callable[[Path], sqlite3.Connection]) -> None:
        """Open the file by ``connect``, whose errors are raised."""
        self._given = path
        self._path = path.resolve()  # The child may have another working directory.
        self._connect = connect
        self._connection: sqlite3.Connection | None = connect(path)
        self._identity = _identity(self._path)
        self._closed = False
        # Never closed: the parent may have been reading, and then its connection waits for ever in the child.
        self._parents: sqlite3.Connection | None = None
        _inherited.add(self)

    def execute(self, query: str, values: Any = ()) -> sqlite3.Cursor:
        """As ``sqlite3.Connection.execute``.

        Raises UsageError when it was closed, and IndexFolderError in a forked process when the file has changed since.
        """
        if self._closed:
            raise UsageError(f"{self._given} was closed, and can be read no more; open its index again")
        if self._connection is None:
            if _identity(self._path) != self._identity:
                raise IndexFolderError(
                    f"{self._given} was changed or moved since it was opened by the process that this one was forked "
                    "from; open its index in this process"
                )
            self._connection = self._connect(self._path)
        return self._connection.execute(query, values)

    def close(self) -> None:
        """Close the file."""
        self._closed = True
        if self._connection is not None:
            self._connection.close()

    def after_fork(self) -> None:
        """Forget the parent's connection."""
        self._parents = self._parents or self._connection
        self._connection = None


def this_process() -> int:
    """The number of this process, for what loads a model in it: its forked children then compute on one thread."""
    global _computes
    _computes = True
    return os.getpid()


def check_device(process: int, device: str) -> None:
    """Raise OdqaError where a model that was loaded by ``process`` on a GPU is used by one that was forked from it."""
    if device != "cpu" and process != os.getpid():
        raise OdqaError(
            f"this was loaded on the device {device} by process {process}, and a process that was forked from it "
            'cannot use a GPU; load it in the forked process (gunicorn: without --preload), or with device="cpu"'
        )


def _identity(path: Path) -> tuple[int, ...] | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns


def _after_fork() -> None:
    for item in list(_inherited):
        item.after_fork()
    torch, faiss = sys.modules.get("torch"), sys.modules.get("faiss")
    if _computes and torch is not None:
        torch.set_num_threads(1)
    if _computes and faiss is not None:
        faiss.omp_set_num_threads(1)


if hasattr(os, "register_at_fork"):  # Windows does not fork.
    os.register_at_fork(after_in_child=_after_fork)
