"""Paths of a run go in, what its record and its card call them come out: nothing of the folders of its maker's disk.

What is read is known by its name and its SHA-256; where it lay is of use to nobody else, and tells who somebody is.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from odqa.files import exists
from odqa.training.recipe import setting_of, settings_of


def name_of(path: str) -> str:
    """A file's or a folder's name, or a hub id as it is, by the looks of the path alone.

    >>> name_of("/home/me/data/mine.json"), name_of("owner/name"), name_of("./owner/name")
    ('mine.json', 'owner/name', 'name')
    """
    return path if path.count("/") == 1 and not path.startswith((".", "/", "~")) else Path(path).name


def shortened(paths: Iterable[str]) -> Callable[[str], str]:
    """What gives a path its name: that of a file or folder of this machine, a hub id or a shipped name as it is.

    Of different files of one name among ``paths`` the second is called ``name (2)``, and so on.
    """
    files: dict[str, str] = {}  # What each file is called, by its whole path.
    taken: set[str] = set()
    many: Counter[str] = Counter()
    for path in paths:
        if not _is_here(path) or (whole := _whole(path)) in files:
            continue
        own = name = Path(whole).name or "/"
        while name in taken:
            many[own] += 1
            name = f"{own} ({many[own] + 1})"
        taken.add(name)
        files[whole] = name

    def short(path: str) -> str:
        return files.get(whole := _whole(path)) or Path(whole).name or "/" if _is_here(path) else path

    return short


def told(recipe: Mapping[str, Any], kind: type, name: Callable[[str], str]) -> dict[str, Any]:
    """A recipe of that ``kind`` as plain values, in which all that is a path has become its ``name``.

    It may be of another version, and what is no path where one should be stays as it is.
    """

    def renamed(setting: str, value: Any) -> Any:
        if isinstance(value, Mapping):  # A dataset.
            path = value.get("path")
            return {**value, "path": name(path)} if isinstance(path, str) else value
        is_path = isinstance(value, str) and value and setting in known and setting_of(kind, setting).path
        return name(value) if is_path else value

    known = settings_of(kind)
    return {
        setting: tuple(renamed(setting, one) for one in value)
        if isinstance(value, list | tuple)
        else renamed(setting, value)
        for setting, value in recipe.items()
    }


def inputs(recipe: Any, hashes: Mapping[str, str]) -> tuple[dict[str, Any], dict[str, str]]:
    """A recipe as plain values and the hashes of what it reads, by path: both as a record tells them."""
    name = shortened(hashes)
    return told(asdict(recipe), type(recipe), name), {name(path): digest for path, digest in hashes.items()}


def _is_here(path: str) -> bool:
    """Whether a path is one of this machine, and no hub id and no shipped name."""
    return exists(Path(path)) or name_of(path) != path


def _whole(path: str) -> str:
    return os.path.abspath(path)  # noqa: PTH100 - without "..", and no link followed, whose name may be another.
