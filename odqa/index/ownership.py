"""A folder goes in; whether it is ours, so that an index may be written into it, comes out. Writes nothing.

A folder is ours when it holds a manifest that odqa wrote, of whatever format, or what a first build leaves behind that
died before it could write one. By no other sign is a folder taken for an index: another program's may have the same
names in it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from odqa.errors import DataError, IndexFolderError
from odqa.files import read_json
from odqa.index.layout import (
    LOCK,
    MANIFEST,
    NEW_MANIFEST,
    OLD_FILES,
    RANKINGS,
    SEGMENTS,
    entries,
    is_ranking_file,
    is_segment_file,
    is_segment_name,
    wrong_kind,
    wrong_kinds,
)

_LAST_OLD = 2  # The last format that had its data files beside the manifest.
_LARGEST = 16_000_000  # Bytes of a manifest; those that odqa writes have some thousands.


def manifest_value(folder: Path, remedy: str) -> Any:
    """The JSON value of a folder's manifest; ``remedy`` ends the message where it is broken.

    Raises IndexFolderError for a manifest that is not JSON, not a regular file, or too large to be one, and OSError
    where there is none.
    """
    path = folder / MANIFEST
    if problem := wrong_kind(path):
        raise IndexFolderError(problem)
    if path.stat().st_size > _LARGEST:
        raise IndexFolderError(f"{path} is too large for the manifest of an index; {remedy}")
    try:
        return read_json(path, remedy)
    except DataError as error:
        raise IndexFolderError(str(error)) from None


def is_index(folder: Path) -> bool:
    """Whether the folder holds a manifest of this project, whole or of another format version."""
    try:
        return _is_ours(manifest_value(folder, ""))
    except (OSError, IndexFolderError):
        return False


def outdated_files(folder: Path) -> tuple[str, ...]:
    """The data files beside the manifest, where it is one of ours of a format that had them there."""
    try:
        value = manifest_value(folder, "")
    except (OSError, IndexFolderError):
        return ()
    if not _is_ours(value) or value["format"] > _LAST_OLD:
        return ()
    there = {path.name for path in folder.iterdir()}
    return tuple(name for name in OLD_FILES if name in there)


def check_target(folder: Path) -> None:
    """Raise IndexFolderError unless ``folder`` is free, empty, or ours, be it damaged or unfinished."""
    if not folder.exists():
        return
    remedy = "choose another folder with --index"
    if not folder.is_dir():
        raise IndexFolderError(f"{folder} is a file, and an index is a folder; {remedy}")
    if entries(folder.resolve()) and not is_index(folder) and not is_unfinished(folder):
        raise IndexFolderError(
            f"{folder} is not empty and holds no index, so none is written into it; {remedy}, or delete it first if "
            f"nothing in it is needed"
        )


def is_unfinished(folder: Path) -> bool:
    """Whether all in a folder is what a build leaves that died before its manifest, or that lost it since.

    That is: an empty ``.lock``, which every build makes first; segments under numbers, with files of segments alone;
    fitted rankings; and a manifest only if it is no JSON (one that is, and not ours, is another program's) and there is
    a segment for it to have named. Every one of them is a regular file or folder of a name that we give.
    """
    folder = folder.resolve()
    lock = folder / LOCK
    if not lock.is_file() or lock.is_symlink() or lock.stat().st_size:
        return False
    names = {path.name for path in entries(folder)}
    segments = entries(folder / SEGMENTS)
    files = [file for segment in segments for file in entries(segment)]
    return (
        names <= {LOCK, MANIFEST, NEW_MANIFEST, RANKINGS, SEGMENTS}
        and all(is_segment_name(path.name) for path in segments)
        and all(is_segment_file(path.name) for path in files)
        and all(is_ranking_file(path.name) for path in entries(folder / RANKINGS))
        and not wrong_kinds(folder)
        and (MANIFEST not in names or (bool(files) and not _is_json(folder)))
    )


def _is_json(folder: Path) -> bool:
    try:
        manifest_value(folder, "")
    except IndexFolderError:
        return False
    return True


def _is_ours(value: object) -> bool:
    """Whether this is the value of a manifest that odqa wrote, by what all formats have in common."""
    return isinstance(value, dict) and type(value.get("format")) is int and "encoder_hash" in value
