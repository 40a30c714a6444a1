"""A file's path and text -> a Document, or an Unusable with its reason: what all loaders share. Knows no format."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from odqa.errors import DataError
from odqa.types import Document, Section


@dataclass(frozen=True, slots=True)
class ReadOptions:
    """Which fields of a row (.jsonl, .csv, .tsv) hold its text, its id and its title."""

    text_field: str = "text"
    id_field: str = "id"
    title_field: str = "title"


DEFAULTS = ReadOptions()


@dataclass(frozen=True, slots=True)
class Unusable:
    """A file, or a part of one, without usable text, and the reason."""

    source: str
    reason: str


Loader: TypeAlias = Callable[[Path, ReadOptions], Iterator[Document | Unusable]]
"""Reads one file. Raises DataError with just the reason (the caller knows the file) if all of it is unusable."""


def source_of(path: Path) -> str:
    """The path as it was given, with forward slashes, in characters that can be stored anywhere."""
    return well_formed(path.as_posix())


def document_of(
    path: Path,
    text: str,
    *,
    title: str = "",
    sections: tuple[Section, ...] = (),
    metadata: Mapping[str, Any] | None = None,
) -> Document:
    """The one Document of a file; without a title it is named after the file. Raises DataError if the text is empty."""
    if not text or text.isspace():
        raise DataError("empty: only white space in it")
    source = source_of(path)
    return Document(source, title or well_formed(path.stem), text, source, metadata or {}, sections)


def well_formed(text: str) -> str:
    """Replace each half of a surrogate pair by U+FFFD: no UTF-8 file, database or tokenizer accepts one."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text
