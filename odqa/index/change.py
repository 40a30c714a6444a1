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
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from odqa.errors import IndexFolderError, OdqaError, UsageError
from odqa.index.held import HeldFolder
from odqa.index.layout import (
    LAST,
    LOCK,
    NEW_MANIFEST,
    SEGMENTS,
    check_kinds,
    entries,
    is_segment_file,
    is_segment_name,
    number_name,
    segment_folder,
)
from odqa.index.manifest import Manifest, SegmentRecord, read_manifest, write_manifest
from odqa.index.ownership import outdated_files
from odqa.version import __version__

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class Change:
    """A folder that is locked for one change, which makes the version ``version`` of its index."""

    def __init__(self, folder: Path) -> None:
        """See ``changing``. Raises IndexFolderError when there is no number left for the version."""
        self.folder = folder
        self.new: list[str] = []
        self.landed = 0  # The version that took effect, if any did.
        self._outdated = outdated_files(folder)
        # No segment's name is used twice, not even that of one which a dead process left.
        versions = [int(path.name) for path in entries(folder / SEGMENTS) if is_segment_name(path.name)]
        with suppress(IndexFolderError):
            manifest = read_manifest(folder)
            versions.append(manifest.version)
            self.clean(manifest)  # What a change that was killed left: it may hold what was to be removed.
        self.version = max(versions, default=0) + 1
        if self.version > LAST:
            raise IndexFolderError(f"{folder} has reached the version {LAST}, the last one; build it in a new folder")

    def new_segment(self) -> Path:
        """An empty folder for a new segment, whose name is the version that it makes, as a number."""
        name = number_name(self.version)
        path = segment_folder(self.folder, name)
        self.new.append(name)
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
            outdated=self._outdated,
        )
        for segment in new.segments:
            path = segment_folder(self.folder, segment.name)
            for name in segment.files:
                _sync(path / name)
            _sync(path)
        _sync(self.folder / SEGMENTS)
        write_manifest(self.folder, new)
        self.landed = self.version
        _sync(self.folder)
        self.version += 1
        return new

    def clean(self, manifest: Manifest) -> None:
        """Delete the files of an index that ``manifest`` does not name, as far as the system lets it."""
        _clean(self.folder, {item.name: item.files for item in manifest.segments}, (NEW_MANIFEST, *manifest.outdated))
        if manifest.outdated:  # From now on, files of these names are the user's.
            with suppress(OSError):
                write_manifest(self.folder, replace(manifest, outdated=()))

    def end(self, *, made: bool) -> None:
        """Delete all that did not become part of the index, or is no longer; of a folder that was ``made``, all."""
        try:
            self.clean(read_manifest(self.folder))
        except OSError:
            return  # The next change does it.
        except IndexFolderError:  # There is none, or it was damaged before; the rest waits for a build.
            if not self.landed:
                _clean(self.folder, {}, (NEW_MANIFEST,), self.new)
            if made and not self.landed:
                _clean(self.folder, {}, (LOCK,))
                with suppress(OSError):
                    self.folder.rmdir()


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
        check_kinds(folder)
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
                with _disk_errors(folder, change):
                    yield change
            finally:
                change.end(made=made)
        finally:
            lock.release()


def check_space(folder: Path, needed: int) -> None:
    """Raise OSError when the disk cannot take ``needed`` bytes: better now than when the encoding is done."""
    if shutil.disk_usage(folder).free < needed:
        raise OSError(errno.ENOSPC, f"{needed / 1e6:,.0f} MB more are needed")


def _clean(
    folder: Path,
    keep: Mapping[str, Collection[str]],
    names: Sequence[str],
    chosen: Collection[str] | None = None,
) -> None:
    """Delete the files ``names`` beside the manifest, and of the segments what ``keep`` does not name, by segment.

    Only what has a name that we give is deleted, and no link is followed. ``chosen`` are the segments that this is
    about, by default all. What cannot be deleted is left to the next change.
    """
    with suppress(OSError), HeldFolder(folder) as index:
        for name in names:
            index.delete(name)
        with suppress(OSError), index.folder(SEGMENTS) as segments:
            for name in segments.names():
                if is_segment_name(name) and (chosen is None or name in chosen):
                    with suppress(OSError), segments.folder(name) as segment:
                        for file in segment.names():
                            if is_segment_file(file) and file not in keep.get(name, ()):
                                segment.delete(file)
                    if name not in keep:
                        segments.delete(name, folder=True)
        if not keep:
            index.delete(SEGMENTS, folder=True)


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
def _disk_errors(folder: Path, change: Change | None = None) -> Iterator[None]:
    """Turn what the disk refuses into an OdqaError that says which folder, why, and how much space is free."""
    try:
        yield
    except (OSError, sqlite3.OperationalError) as error:
        reason = (error.strerror if isinstance(error, OSError) else None) or str(error)
        place = next(place for place in (folder, *folder.absolute().parents) if place.exists())
        free = shutil.disk_usage(place).free / 1e6
        # SQLite says of a full disk, and of nothing else while it writes, that an operation failed.
        full = isinstance(error, sqlite3.OperationalError) or error.errno in _FULL
        remedy = "make room or choose another folder" if full else "choose another folder"
        landed = change.landed if change else 0
        kept = f"Version {landed} is in place" if landed else "What was there before is unchanged"
        raise OdqaError(
            f"the index {folder} cannot be written: {reason} ({free:,.0f} MB are free there); {remedy} with --index. "
            f"{kept}"
        ) from error
