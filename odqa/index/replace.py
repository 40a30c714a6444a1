"""Puts a finished folder in the place of an old one, at once or not at all; knows nothing of what is inside.

A folder NAME is built beside its place as ``.NAME.building-…`` and then exchanged with the old one in a single step
of the file system, so that, whenever the process dies, NAME is the old folder or the new one. Where the system has
no such step, the old folder stands aside for a moment as ``.NAME.old-…``; should the process die in that moment,
``put_back`` returns it to its place. Either way at most a hidden folder stays, which the next build removes.
"""

from __future__ import annotations

import ctypes
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

_AT_FDCWD = -100  # linux/fcntl.h: paths are relative to the working directory.
_RENAME_EXCHANGE = 2  # linux/fs.h


@contextmanager
def building(folder: Path) -> Iterator[Path]:
    """A new empty folder to fill; it takes the place of ``folder`` when the block ends.

    If the block raises, Ctrl-C included, the new folder is removed and ``folder`` is as it was. What dead processes
    left behind is removed first. Two processes may build the same folder: the last to finish stays.
    """
    folder = folder.resolve()
    put_back(folder)
    for path in (*_abandoned(folder, "building"), *_abandoned(folder, "old")):
        shutil.rmtree(path, ignore_errors=True)
    folder.parent.mkdir(parents=True, exist_ok=True)
    new = _beside(folder, "building")
    new.mkdir()
    lock = _lock(new)
    try:
        yield new
        _install(new, folder)
    except BaseException:
        put_back(folder)
        shutil.rmtree(new, ignore_errors=True)
        raise
    finally:
        if lock is not None:
            os.close(lock)


def put_back(folder: Path) -> None:
    """Return the old folder to its place if a process died while it stood aside; else do nothing."""
    folder = folder.resolve()
    if not folder.exists():
        for old in _abandoned(folder, "old"):
            old.rename(folder)
            return


def sync(path: Path) -> None:
    """Flush a file, or the list of a folder's files, to the disk."""
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except PermissionError:
        return  # Windows opens no folders.
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _install(new: Path, folder: Path) -> None:
    sync(new)
    old: Path | None = None
    if not folder.exists() or not any(folder.iterdir()):
        new.replace(folder)
    elif _exchange(new, folder):
        old = new
    else:
        old = _beside(folder, "old")
        lock = _lock(folder)
        try:
            folder.rename(old)
            new.rename(folder)
        finally:
            if lock is not None:
                os.close(lock)
    sync(folder.parent)
    if old is not None:
        shutil.rmtree(old, ignore_errors=True)


def _exchange(one: Path, other: Path) -> bool:
    """Exchange two folders in one step (Linux's renameat2); False where that cannot be done."""
    if sys.platform != "linux":
        return False
    try:
        rename: Callable[..., int] = ctypes.CDLL(None).renameat2
    except (AttributeError, OSError):
        return False
    failed = rename(_AT_FDCWD, os.fsencode(one), _AT_FDCWD, os.fsencode(other), _RENAME_EXCHANGE)
    return failed == 0


def _beside(folder: Path, role: str) -> Path:
    return folder.with_name(f".{folder.name}.{role}-{os.urandom(4).hex()}")


def _abandoned(folder: Path, role: str) -> list[Path]:
    """The hidden folders in this role that no living process holds locked."""
    if not folder.parent.is_dir():
        return []
    found = []
    for path in folder.parent.iterdir():
        if path.name.startswith(f".{folder.name}.{role}-"):
            lock = _lock(path)
            if lock is not None:
                os.close(lock)
                found.append(path)
    return sorted(found)


def _lock(folder: Path) -> int | None:
    """Lock a folder until the returned descriptor is closed or the process dies; None where that is not possible.

    A lock, unlike a process number in a name, also tells the processes of different containers apart.
    """
    if sys.platform == "win32":
        return None
    import fcntl

    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        return None
    return descriptor
