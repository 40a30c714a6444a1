"""Paths as they are written, relative or absolute, in; which of them are the same file, out. Reads no file."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from functools import lru_cache
from pathlib import Path
from typing import TypeAlias

from odqa.corpus.base import source_of

Real: TypeAlias = Callable[[str], str]


def as_known(files: Iterable[Path], known: Iterable[str]) -> list[Path]:
    """The files, each by the path by which it is ``known``, where that is another spelling of the path that it has."""
    files, sources = list(files), set(known)
    names = {file.name for file in files if source_of(file) not in sources}
    real = _real()
    # Of a file that is known by several paths, the first in their order.
    others = {_place(source, real): source for source in sorted(sources, reverse=True) if Path(source).name in names}
    return [
        file if (source := source_of(file)) in sources else Path(others.get(_place(source, real), file))
        for file in files
    ]


def under(sources: Iterable[str], roots: Iterable[str]) -> list[str]:
    """The sources that are one of the ``roots``, or lie in one, by their paths as written or where these lead."""
    real, here = _real(), Path.cwd()
    above = {place for root in roots for place in (os.path.normcase(here / root), real(root))}
    return [source for source in sources if above & (_around(here / source) | _around(_place(source, real)))]


def _around(place: str | Path) -> set[str]:
    """A path and the folders that it lies in."""
    path = Path(os.path.normcase(place))
    return {str(path), *map(str, path.parents)}


def _real() -> Real:
    """``os.path.realpath`` that remembers: files share their folders, and a folder stays where it is for a moment."""
    return lru_cache(maxsize=4096)(lambda path: os.path.normcase(os.path.realpath(path)))


def _place(source: str, real: Real) -> str:
    """Where a path leads, in an absolute path. A link in place of a file is a file of its own."""
    path = Path(source)
    return (
        str(Path(real(str(path.parent))) / os.path.normcase(path.name)) if path.name not in ("", "..") else real(source)
    )
