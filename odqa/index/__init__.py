"""An index, in a folder or in a Milvus: build, change, open, search, copy and verify it. Reads no answer.

The package's own modules are imported one by one; the names below, those that docs/python.md shows, are loaded when
first used, so that reading a manifest costs no more than that.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from odqa.index.build import add, build_index, update
    from odqa.index.compaction import compact
    from odqa.index.copying import copy
    from odqa.index.reencoding import reencode
    from odqa.index.removal import remove
    from odqa.index.retriever import Retriever
    from odqa.index.stores import verify

__all__ = ["Retriever", "add", "build_index", "compact", "copy", "reencode", "remove", "update", "verify"]

_HOMES = {
    "Retriever": "retriever",
    "add": "build",
    "build_index": "build",
    "compact": "compaction",
    "copy": "copying",
    "reencode": "reencoding",
    "remove": "removal",
    "update": "build",
    "verify": "stores",
}


def __getattr__(name: str) -> Any:
    if name == "filters":
        return import_module("odqa.index.filters")
    if name not in _HOMES:
        raise AttributeError(f"module 'odqa.index' has no attribute {name!r}")
    return getattr(import_module(f"odqa.index.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return __all__
