"""Documents and rows from memory -> Documents as files would give them. One that cannot be used never ends the run."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from odqa.corpus.base import ReadOptions, Unusable, well_formed
from odqa.corpus.block_values import check_blocks
from odqa.errors import DataError, UsageError
from odqa.types import BlockKind, Document

_ID_LENGTH = 16  # Hexadecimal digits of a hash: that two of a million texts share them is as likely as 3 in 10⁸.


def documents_from(items: object, options: ReadOptions) -> Iterator[Document | Unusable]:
    """Give each Document, or each row's, as it comes; an Unusable for what is none.

    A row is a mapping: the fields of ``options`` hold text, id and title; without an id, text and title give it one.
    ``source`` and ``metadata`` are its own, and its other fields are metadata. A document without a source has its id
    for one. Raises UsageError for what is no list of documents.
    """
    if isinstance(items, Document | Mapping):
        items = [items]
    if isinstance(items, str | bytes) or not isinstance(items, Iterable):
        raise UsageError(f"documents= takes a list of odqa.Document or of dicts with a text, not {_kind(items)}")
    for number, item in enumerate(items):
        try:
            yield _checked(item if isinstance(item, Document) else _of_row(item, options))
        except DataError as error:
            yield Unusable(f"documents[{number}]", str(error))


def _of_row(row: object, options: ReadOptions) -> Document:
    if not isinstance(row, Mapping):
        raise DataError(f"neither an odqa.Document nor a dict with a text, but {_kind(row)}")
    if options.text_field not in row:
        fields = ", ".join(map(str, row)) or "none"
        raise DataError(f"no field {options.text_field!r} (its fields: {fields[:200]})")
    text, own = row[options.text_field], row.get("metadata")
    known = {options.text_field, options.id_field, options.title_field, "source"}
    metadata = {key: value for key, value in row.items() if key not in known}
    if isinstance(own, Mapping):
        del metadata["metadata"]
        metadata |= own
    title = _name(row.get(options.title_field))
    id = _name(row.get(options.id_field)) or hashlib.sha256(repr((title, text)).encode()).hexdigest()[:_ID_LENGTH]
    return Document(id, title, text, _name(row.get("source")), metadata)


def _name(value: object) -> str:
    return "" if value is None or (isinstance(value, float) and math.isnan(value)) else str(value).strip()


def _checked(document: Document) -> Document:
    """The document in values that can be stored. Raises DataError where it has none."""
    for name, value in (("id", document.id), ("title", document.title), ("source", document.source)):
        if not isinstance(value, str):
            raise DataError(f"its {name} is no text: {_kind(value)}")
    if not isinstance(document.text, str):
        raise DataError(f"its text is no text: {_kind(document.text)}")
    if not document.text.strip():
        raise DataError("empty text")
    if not document.id.strip():
        raise DataError("an empty id")
    starts = [section.start for section in document.sections]
    if starts != sorted(starts) or any(not 0 <= start <= len(document.text) for start in starts):
        raise DataError("its sections do not begin one after another inside its text")
    text = well_formed(document.text)
    try:
        check_blocks(document.blocks, len(text))
        blocks = tuple(
            replace(some, kind=BlockKind(some.kind), labels=tuple(map(well_formed, some.labels)))
            for some in document.blocks
        )
    except (ValueError, TypeError, AttributeError) as error:
        raise DataError(f"its blocks do not follow one another inside its text ({error})") from None
    id = well_formed(document.id)
    return replace(
        document,
        id=id,
        title=well_formed(document.title),
        text=text,
        source=well_formed(document.source) or id,
        metadata=_plain(document.metadata),
        blocks=blocks,
    )


def _plain(metadata: Mapping[str, Any]) -> dict[str, Any]:
    """The metadata as JSON gives it back, dates and the like being text, and what is not a number null."""
    try:
        text = json.dumps({str(key): value for key, value in metadata.items()}, ensure_ascii=False, default=str)
        return dict(json.loads(well_formed(text), parse_constant=lambda _: None))
    except (TypeError, ValueError, AttributeError, RecursionError) as error:
        raise DataError(f"its metadata cannot be stored as JSON ({error})") from None


def _kind(value: object) -> str:
    return f"{repr(value)[:80]} ({type(value).__name__})"
