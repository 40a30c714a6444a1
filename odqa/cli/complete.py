"""What was typed of an option's value in; what a shell offers to complete it with out. Opens no more than it must.

Shells run what they are given, or near enough, and names in an index are written by others: a name that holds anything
but letters, digits and a few signs is not offered.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from itertools import islice
from pathlib import Path
from typing import Any

from odqa.device import DEVICES
from odqa.models import DEFAULT_ENCODER, DEFAULT_READER
from odqa.types import DEFAULT_INDEX

_DOCUMENTS = 200  # Of an index, of which the fields are offered.
_ENTRIES = 1000  # Of a folder that is looked through.
_SAFE = re.compile(r"[\w./@+-]+")


def _quietly(complete: Callable[[Any], Iterable[str]]) -> Callable[..., list[str]]:
    """What it gives, where it is safe and begins as typed; nothing where anything fails, as nobody could read why."""

    def completed(ctx: Any, args: list[str], incomplete: str) -> list[str]:
        try:
            return sorted({name for name in complete(ctx) if _SAFE.fullmatch(name) and name.startswith(incomplete)})
        except Exception:
            return []

    return completed


@_quietly
def indexes(ctx: Any) -> Iterable[str]:
    """The indexes beside the default one."""
    from odqa.index.layout import MANIFEST

    folders = islice(DEFAULT_INDEX.parent.iterdir(), _ENTRIES)
    return [str(folder) for folder in folders if (folder / MANIFEST).is_file()]


@_quietly
def fields(ctx: Any) -> Iterable[str]:
    """The fields of the first documents of the index that is named, or of the default one."""
    from odqa.cli.defaults import index_or_default
    from odqa.index.stores import store_at

    address = index_or_default(ctx.params.get("index"))
    # A key that is pressed connects to no server.
    return store_at(address).fields(_DOCUMENTS) if isinstance(address, Path) else ()


@_quietly
def readers(ctx: Any) -> Iterable[str]:
    """The shipped reader, and the models in ``runs/``."""
    return [DEFAULT_READER, *_models(Path("runs"))]


@_quietly
def encoders(ctx: Any) -> Iterable[str]:
    """The shipped encoder, and the models in ``runs/``."""
    return [DEFAULT_ENCODER, *_models(Path("runs"))]


@_quietly
def devices(ctx: Any) -> Iterable[str]:
    """The kinds of devices; to see which there are, torch would have to be loaded."""
    return DEVICES


def _models(folder: Path) -> list[str]:
    if not folder.is_dir():
        return []
    return [str(path) for path in islice(folder.iterdir(), _ENTRIES) if (path / "config.json").is_file()]
