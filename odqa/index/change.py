"""Locks an index folder for one change at a time, which takes effect whole or not at all.

Whoever changes an index holds its lock, which ends with the process that holds it. New files are written beside those
that the manifest names, and count when a new manifest names them. What no manifest names any more is deleted after
that, or by the next change if the process dies first; readers that have such files open go on reading them.
Knows nothing of what is in the files.
"""

from __future__ import annotations

import errno
import os
import shutil
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from odqa.errors import IndexFolderError, OdqaError, UsageError
from odqa.index.manifest import (
    MANIFEST,
    SEGMENTS,
    Manifest,
    SegmentRecord,
    is_index,
    read_manifest,
    segment_folder,
    write_manifest,
)
from odqa.version import __version__

LOCK = ".lock"
# What folders of the formats before this one hold; they are deleted when a new index takes their place.
_BEFORE = (
    "vectors.faiss", "passages.sqlite", "keywords.data.npy", "keywords.indices.npy", "keywords.indptr.npy",
    "keywords.vocab.json", "keywords.params.json",
)  # fmt: skip


class Change:
    """A folder that is locked for one change, which makes the version ``version`` of its index."""

    def __init__(self, folder: Path) -> None:
        """See ``changing``."""
        self.folder = folder
        self.new: list[Path] = []
        # No segment's name is used twice, not even that of one which a dead process left.
        names = [int(path.name) for path in folder.glob(f"{SEGMENTS}/*") if path.name.isdecimal()]
        with suppress(IndexFolderError):
            names.append(read_manifest(folder).version)
        self.version = max(names, default=0) + 1

    def new_segment(self) -> Path:
        """An empty folder for a new segment, whose name is the version that it makes, as a number."""
        path = segment_folder(self.folder, f"{self.version:06}")
        self.new.append(path)
        path.mkdir(parents=True)
        return path

    def commit(self, manifest: Manifest, segments: Sequence[SegmentRecord]) -> Manifest:
        """Make ``segments`` the index's, in a new version of ``manifest``, which is returned.

        All files that it names are flushed to the disk first. Raises UsageError when nothing would be left.
        """
        if not any(segment.live_passages for segment in segments):
            raise UsageError(
                f"nothing would be left of the index {self.folder}, so it stays as it is; "
                f"delete the folder if that is what is wanted"
            )
        new = replace(
            manifest,
            version=self.version,
            changed=datetime.now(UTC).isoformat(timespec="seconds"),
            odqa_version=__version__,
            segments=tuple(segments),
        )
        for segment in new.segments:
            path = segment_folder(self.folder, segment.name)
            for name in segment.files:
                _sync(path / name)
            _sync(path)
        _sync(self.folder / SEGMENTS)
        write_manifest(self.folder, new)
        _sync(self.folder)
        self.clean(new)
        self.version += 1
        return new

    def clean(self, manifest: Manifest) -> None:
        """Delete the files of an index that ``manifest`` does not name, as far as the system lets it."""
        named = {segment.name: segment.files for segment in manifest.segments}
        waste = [self.folder / name for name in (f".{MANIFEST}.new", *_BEFORE)]
        for path in (self.folder / SEGMENTS).iterdir():
            if path.name in named:
                waste += [file for file in path.iterdir() if file.name not in named[path.name]]
            else:
                shutil.rmtree(path, ignore_errors=True)
        for file in waste:
            with suppress(OSError):  # Windows deletes no file that is open; the next change does.
                file.unlink()


@contextmanager
def changing(folder: Path) -> Iterator[Change]:
    """Lock ``folder`` for a change; it is created if it does not exist.

    If the block raises, Ctrl-C included, the index stays as it was, and a folder that was created is removed. Raises
    IndexFolderError when another process is changing the index, and OdqaError, with the reason and the free space,
    for what the disk refuses.
    """
    from filelock import FileLock, Timeout

    made = not folder.exists()
    with _disk_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(folder / LOCK, timeout=0)
        try:
            lock.acquire()
        except Timeout:
            raise IndexFolderError(
                f"{folder} is being changed by another process; wait until it has ended, or stop it, and try again"
            ) from None
        try:
            change = Change(folder)
            try:
                yield change
            except BaseException:
                _undo(change, made)
                raise
        finally:
            lock.release()


def check_target(folder: Path) -> None:
    """Raise IndexFolderError unless ``folder`` is free, empty, or an index, be it damaged or unfinished."""
    if not folder.exists():
        return
    remedy = "choose another folder with --index"
    if not folder.is_dir():
        raise IndexFolderError(f"{folder} is a file, and an index is a folder; {remedy}")
    names = {path.name for path in folder.iterdir()}
    if names and not (is_index(folder) or names & {LOCK, *_BEFORE}):
        raise IndexFolderError(f"{folder} is not empty and holds no index, so none is written into it; {remedy}")


def check_space(folder: Path, needed: int) -> None:
    """Raise OSError when the disk cannot take ``needed`` bytes: better now than when the encoding is done."""
    if shutil.disk_usage(folder).free < needed:
        raise OSError(errno.ENOSPC, f"{needed / 1e6:,.0f} MB more are needed")


def _undo(change: Change, made: bool) -> None:
    """Delete what was written, unless it became the index."""
    try:
        manifest = read_manifest(change.folder)
    except IndexFolderError:
        for path in change.new:
            shutil.rmtree(path, ignore_errors=True)
        if made:
            shutil.rmtree(change.folder, ignore_errors=True)
    else:
        change.clean(manifest)


def _sync(path: Path) -> None:
    """Flush a file, or the list of a folder's files, to the disk."""
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except PermissionError:
        return  # Windows opens no folders.
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def _disk_errors(folder: Path) -> Iterator[None]:
    """Turn what the disk refuses into an OdqaError that says which folder, why, and how much space is free."""
    try:
        yield
    except (OSError, sqlite3.OperationalError) as error:
        reason = (error.strerror if isinstance(error, OSError) else None) or str(error)
        place = next(place for place in (folder, *folder.absolute().parents) if place.exists())
        free = shutil.disk_usage(place).free / 1e6
        raise OdqaError(
            f"the index {folder} cannot be written: {reason} ({free:,.0f} MB are free there); make room or choose "
            f"another folder with --index. What was there before is unchanged"
        ) from error
