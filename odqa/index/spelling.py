"""Paths as they are written, relative or absolute, in; which of them are the same file, out. Reads no file.

A path as an index has it is the one that was read, in characters that can be stored (``odqa.corpus.base.storable``):
where a name is not UTF-8, no file is called so, and the folder that it is in is listed to find the file that is meant.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import TypeAlias

from odqa.corpus.base import source_of, storable

Find: TypeAlias = Callable[[str], str]

_CHANGED = re.compile("%[89A-F][0-9A-F]|\ufffd")  # What is in the stored form of a name that is not UTF-8.


def as_known(files: Iterable[Path], known: Iterable[str]) -> list[Path]:
    """The files, each by the path by which it is ``known``, where that is another spelling of the path that it has."""
    files, sources = list(files), set(known)
    names = {storable(file.name) for file in files if source_of(file) not in sources}
    real, on_disk = _real(), finder()
    # Of a file that is known by several paths, the first in their order.
    others = {_place(source, real): source for source in sorted(sources, reverse=True) if Path(source).name in names}

    def named(file: Path) -> Path:
        source = source_of(file)
        other = None if source in sources else others.get(_place(source, real))
        if other is None:
            return file
        try:
            found = Path(on_disk(other))
        except OSError:  # A folder that may not be listed.
            return file
        return found if source_of(found) == other else file

    return [named(file) for file in files]


def under(sources: Iterable[str], roots: Iterable[str]) -> list[str]:
    """The sources that are one of the ``roots``, or lie in one, by their paths as written or where these lead.

    A path with ``..`` counts by where it leads alone: as written, ``a/../b`` would lie in ``a``.
    """
    real, here = _real(), Path(storable(str(Path.cwd())))

    def places(path: str, leads: str) -> list[str]:
        return [leads] if ".." in Path(path).parts else [os.path.normcase(here / path), leads]

    above = {place for root in roots for place in places(root, real(root))}
    return [source for source in sources if above & _around(places(source, _place(source, real)))]


def finder() -> Find:
    """A function that gives the path on the disk of a file whose path is stored; one of no file stays as it is.

    It remembers what is in the folders that it has to list, and raises OSError for one that is not there, or may not be
    listed.
    """

    @lru_cache(maxsize=64)
    def names(folder: Path) -> dict[str, str]:
        return {storable(child.name): child.name for child in folder.iterdir()}

    def on_disk(source: str) -> str:
        if not _CHANGED.search(source) or os.path.lexists(source):
            return source
        found = Path()
        for part in Path(source).parts:
            there = not _CHANGED.search(part) or os.path.lexists(found / part)
            found /= part if there else names(found).get(part, part)
        return str(found)

    return on_disk


def is_gone(path: str, on_disk: Find = str) -> bool:
    """Whether there is no such file: what is in a folder that may not be entered or listed is not gone.

    ``on_disk`` gives the path on the disk of one that is stored (:func:`finder`).
    """
    try:
        os.lstat(on_disk(path))
    except (FileNotFoundError, NotADirectoryError):
        return True
    except (OSError, ValueError):
        return False
    return False


def _around(places: Iterable[str]) -> set[str]:
    """Some paths and the folders that they lie in."""
    return {str(one) for place in map(Path, places) for one in (place, *place.parents)}


def _real() -> Find:
    """``os.path.realpath`` of stored paths that remembers: files share their folders, which stay where they are."""
    on_disk = finder()

    @lru_cache(maxsize=4096)
    def real(path: str) -> str:
        with suppress(OSError):
            path = on_disk(path)
        return storable(os.path.normcase(os.path.realpath(path)))

    return real


def _place(source: str, real: Find) -> str:
    """Where a path leads, in an absolute path. A link in place of a file is a file of its own."""
    path = Path(source)
    return (
        str(Path(real(str(path.parent))) / os.path.normcase(path.name)) if path.name not in ("", "..") else real(source)
    )
