"""A name goes in, whether an index has it comes out; and of a folder, what in it is not of the kind that its name says.

The one place that knows the names in an index. What has another name is a user's own, and never touched. Opens no file.
"""

from __future__ import annotations

import re
import stat
from collections.abc import Iterator
from pathlib import Path

from odqa.errors import IndexFolderError
from odqa.retrieval.names import KEYWORDS, RUNS, SPOOL, VECTORS

MANIFEST = "manifest.json"
NEW_MANIFEST = f".{MANIFEST}.new"  # Becomes the manifest; what a killed change left has this name too.
LOCK = ".lock"
SEGMENTS = "segments"
RANKINGS = "rankings"
PASSAGES = "passages.sqlite"
DATA_FILES = (PASSAGES, VECTORS, *KEYWORDS)  # What every segment has.
LAST = 999_999_999  # The highest number of a version.
# The data files that the formats before this one kept beside the manifest.
OLD_FILES = (
    "vectors.faiss", "passages.sqlite", "keywords.data.npy", "keywords.indices.npy", "keywords.indptr.npy",
    "keywords.vocab.json", "keywords.params.json",
)  # fmt: skip

SEGMENT_NAME = r"[0-9]{6}|[1-9][0-9]{6,8}"
DELETED_NAME = rf"deleted\.(?:{SEGMENT_NAME})\.npy"
_WRITTEN = rf"{DELETED_NAME}|{re.escape(RUNS)}[a-z0-9_]+|" + "|".join(map(re.escape, (*DATA_FILES, SPOOL)))
_RANKING = r"[0-9a-f]{16}\.json"

_REMEDY = "an index holds regular files and folders alone: put a copy in its place, or build the index in a new folder"


def segment_folder(folder: Path, name: str) -> Path:
    """Where a segment's files are."""
    return folder / SEGMENTS / name


def number_name(version: int) -> str:
    """The version of an index as it stands in the names of its segments and files."""
    return f"{version:06}"


def is_segment_name(name: str) -> bool:
    """Whether a folder among the segments has the name of one."""
    return re.fullmatch(SEGMENT_NAME, name) is not None


def is_segment_file(name: str) -> bool:
    """Whether a file of a segment has a name that we give, for as long as it is written or for good."""
    return re.fullmatch(_WRITTEN, name) is not None


def wrong_kind(path: Path, *, folder: bool = False) -> str:
    """What is wrong with an entry that has to be a regular file or, with ``folder``, a folder; empty where nothing is.

    Nothing is wrong with one that is not there. Opens nothing. Raises OSError where it cannot be looked at.
    """
    try:
        mode = path.lstat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        return ""
    if stat.S_ISLNK(mode):
        return f"{path} is a symbolic link; {_REMEDY}"
    if folder and not stat.S_ISDIR(mode):
        return f"{path} is not a folder; {_REMEDY}"
    if not folder and not stat.S_ISREG(mode):
        return f"{path} is not a regular file; {_REMEDY}"
    return ""


def wrong_kinds(folder: Path) -> list[str]:
    """What is wrong with the entries of an index that are links, or else not what they should be by their names.

    Raises OSError for a folder that cannot be read.
    """
    return [problem for path, is_folder in _ours(folder) if (problem := wrong_kind(path, folder=is_folder))]


def check_kinds(folder: Path) -> None:
    """Raise IndexFolderError where ``wrong_kinds`` finds anything, so that nothing leads out of the index."""
    if problems := wrong_kinds(folder):
        raise IndexFolderError(problems[0])


def entries(folder: Path) -> list[Path]:
    """What is in a folder, in the order of the names; nothing where it is a link, or no folder, or gone."""
    if folder.is_symlink():
        return []
    try:
        return sorted(folder.iterdir())
    except (FileNotFoundError, NotADirectoryError):
        return []


def is_ranking_file(name: str) -> bool:
    """Whether a file among the rankings has a name that we give."""
    return re.fullmatch(_RANKING, name) is not None


def _ours(folder: Path) -> Iterator[tuple[Path, bool]]:
    """The entries of an index whose names we give, and whether each has to be a folder."""
    for name in (MANIFEST, NEW_MANIFEST, LOCK):
        yield folder / name, False
    yield folder / RANKINGS, True
    yield from ((path, False) for path in entries(folder / RANKINGS) if is_ranking_file(path.name))
    yield folder / SEGMENTS, True
    for segment in entries(folder / SEGMENTS):
        if is_segment_name(segment.name):
            yield segment, True
            yield from ((path, False) for path in entries(segment) if is_segment_file(path.name))
