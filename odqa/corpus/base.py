"""What all loaders share: their options, how they refuse a file, how they make a Document. Knows no format."""

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
    """A file, or a part of one, that gave no text, and the reason why."""

    source: str
    reason: str


Loader: TypeAlias = Callable[[Path, ReadOptions], Iterator[Document | Unusable]]
"""Reads one file. Raises DataError with the bare reason (the caller knows the file) where all of it is unusable."""


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
    """The one Document of a file; without a title it is called after the file. Raises DataError when empty."""
    if not text or text.isspace():
        raise DataError("empty: nothing but white space in it")
    source = source_of(path)
    return Document(source, title or well_formed(path.stem), text, source, metadata or {}, sections)


def well_formed(text: str) -> str:
    """Replace half a surrogate pair with U+FFFD: no UTF-8 file, database or tokenizer takes one."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text
