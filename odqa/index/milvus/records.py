"""A document and its passages in, rows of a Milvus out, and the way back. Knows what a row may hold."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from odqa.corpus.block_values import blocks_from, values_of
from odqa.errors import DataError, IndexFolderError
from odqa.files import parse_json
from odqa.index.filters import fields_of
from odqa.index.milvus.conditions import KEYS, keys_of
from odqa.index.milvus.names import key_of
from odqa.index.milvus.terms import terms_text
from odqa.index.store import StoredDocument
from odqa.retrieval.keywords import keyword_text
from odqa.retrieval.words import Analyzer
from odqa.types import Passage

MOST_BYTES = 65_535  # Of a text, and of a JSON value, in a Milvus.

# The fields of a collection beside the vectors and the primary key, by kind.
TEXTS = (
    "passage", "document", "title", "source", "text", "headings", "pages", "blocks", "metadata", "hash", "file_hash",
    "content",
)  # fmt: skip
NUMBERS = ("row", "first", "part", "parts", "start")
TERMS, DENSE, SPARSE, KEY = "terms", "dense", "sparse", "key"
PASSAGE_FIELDS = ["row", "passage", "document", "title", "source", "text", "start", "headings", "pages", "blocks"]
DOCUMENT_FIELDS = ["row", "document", "title", "source", "metadata", "hash", "file_hash", "parts"]
ALL_FIELDS = [KEY, *TEXTS, *NUMBERS, TERMS, KEYS, DENSE]

Row: TypeAlias = "dict[str, Any]"


@dataclass(frozen=True, slots=True)
class Making:
    """How rows are made: the rules for words."""

    analyze: Analyzer

    def rows(self, document: StoredDocument, passages: Sequence[Passage], file_hash: str) -> list[Row]:
        """The rows of a document, numbered from its first row on, without their vectors.

        ``content`` is the hash of everything in a row but where it is and its vector, which are made of it.
        """
        metadata = json.dumps(document.metadata, ensure_ascii=False)
        keys = keys_of(fields_of(document.id, document.title, document.source, document.metadata))
        rows = []
        for part, passage in enumerate(passages):
            row: Row = {
                "passage": passage.id,
                "document": document.id,
                "title": document.title,
                "source": document.source,
                "text": passage.text,
                "start": passage.start,
                "headings": _json(passage.headings),
                "pages": _json(passage.pages),
                "blocks": _json(values_of(passage.blocks)),
                "metadata": metadata,
                "hash": document.hash,
                "file_hash": file_hash,
                "part": part,
                "parts": document.passages,
                TERMS: terms_text(self.analyze, keyword_text(passage)),
                KEYS: keys,
            }
            row |= {KEY: key_of(passage.id), "content": content_hash(row)}
            rows.append(placed(row, document.first))
        return rows


def placed(row: Row, first: int) -> Row:
    """The row of a passage of the document that begins at the row ``first``."""
    return {**row, "first": first, "row": first + row["part"]}


def content_hash(row: Row) -> str:
    """The SHA-256 (hex) of what a row holds, but for its place and its vector."""
    left_out = {KEY, "content", "row", "first", DENSE}
    held = {name: row[name] for name in row.keys() - left_out}
    return hashlib.sha256(json.dumps(held, sort_keys=True).encode()).hexdigest()


def size_of(row: Row) -> int:
    """About how many bytes a row takes, its vector aside."""
    return sum(len(row[name].encode("utf-8", "surrogatepass")) for name in (*TEXTS, TERMS)) + len(_json(row[KEYS])) + 72


def unfit(rows: Iterable[Row]) -> str:
    """Why rows cannot be stored in a Milvus, in words; empty where they can."""
    for row in rows:
        for name in (*TEXTS, TERMS):
            try:
                length = len(row[name].encode())
            except UnicodeEncodeError:
                return f"{_SAID.get(name, f'the {name}')} of the passage {row['passage']} holds halves of characters"
            if length > MOST_BYTES:
                return _too_long(_SAID.get(name, f"the {name}"), length, row)
        if (length := len(_json(row[KEYS]).encode())) > MOST_BYTES:
            return _too_long("what can be filtered by", length, row)
    return ""


_SAID = {"metadata": "the metadata", "text": "the text", TERMS: "the words", "blocks": "the structure"}


def _too_long(what: str, length: int, row: Row) -> str:
    return (
        f"{what} of the passage {row['passage'][:200]} takes {length:,} bytes, and a value in a Milvus at most "
        f"{MOST_BYTES:,}; leave fields of its metadata out or shorten them, or use an index folder"
    )


def passage_of(row: Mapping[str, Any]) -> Passage:
    """The passage of a row. Raises IndexFolderError where it is none of ours."""
    try:
        text = _text(row["text"])
        headings = parse_json(_text(row["headings"]), "its headings", "")
        return Passage(
            id=_text(row["passage"]),
            document_id=_text(row["document"]),
            title=_text(row["title"]),
            text=text,
            start=_whole(row["start"]),
            source=_text(row["source"]),
            headings=tuple(_text(one) for one in headings),
            pages=tuple(
                (_whole(offset), _whole(page)) for offset, page in parse_json(_text(row["pages"]), "its pages", "")
            ),
            blocks=blocks_from(parse_json(_text(row["blocks"]), "its blocks", ""), len(text)),
        )
    except (KeyError, ValueError, TypeError, DataError) as error:
        raise _damaged(row, error) from None


def document_of(row: Mapping[str, Any]) -> StoredDocument:
    """The document of its first row. Raises IndexFolderError where it is none of ours."""
    try:
        metadata = parse_json(_text(row["metadata"]), "its metadata", "")
        if not isinstance(metadata, dict):
            raise ValueError("metadata without keys")
        first, parts = _whole(row["row"]), _whole(row["parts"])
        if first < 0 or parts < 1:
            raise ValueError(f"{parts} passages from {first} on")
        texts = {name: _text(row[name]) for name in ("title", "source", "hash")}
        return StoredDocument(first, _text(row["document"]), metadata=metadata, first=first, passages=parts, **texts)
    except (KeyError, ValueError, TypeError, DataError) as error:
        raise _damaged(row, error) from None


def place_of(row: Mapping[str, Any]) -> int:
    """The number of a row. Raises IndexFolderError where it has none."""
    try:
        return _whole(row["row"])
    except (KeyError, TypeError) as error:
        raise _damaged(row, error) from None


def vectors_of(rows: Sequence[Mapping[str, Any]], dimension: int) -> NDArray[np.float32]:
    """The vectors of rows, float32 (rows, dimension). Raises IndexFolderError where one is of another length."""
    found = np.zeros((len(rows), dimension), np.float32)
    for at, row in enumerate(rows):
        try:
            vector = np.asarray(row.get(DENSE), np.float32)
        except (TypeError, ValueError) as error:
            raise _damaged(row, error) from None
        if vector.shape != (dimension,):
            raise _damaged(row, f"a vector of the shape {vector.shape}")
        found[at] = vector
    return found


def _damaged(row: Mapping[str, Any], reason: object) -> IndexFolderError:
    return IndexFolderError(
        f"row {row.get('row')} of the collection is none of an index ({reason}); build the index again"
    )


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _text(value: object) -> str:
    if type(value) is not str:
        raise TypeError(f"a value ({type(value).__name__}) where a text should be")
    return value


def _whole(value: object) -> int:
    if type(value) is not int:
        raise TypeError(f"a value ({type(value).__name__}) where a whole number should be")
    return value
