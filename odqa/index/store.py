"""Passages and their documents in one SQLite file: a row goes in, its passage comes out. Knows nothing of deletions."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TypeVar, get_args

from odqa.corpus.block_values import blocks_from, values_of
from odqa.errors import DataError, IndexFolderError
from odqa.files import parse_json
from odqa.forking import Lock
from odqa.retrieval.database import ERRORS, damaged, open_database
from odqa.types import Document, Passage

_SCHEMA = """
CREATE TABLE documents (
  number INTEGER PRIMARY KEY, id TEXT NOT NULL, title TEXT NOT NULL, source TEXT NOT NULL, metadata TEXT NOT NULL,
  hash TEXT NOT NULL, first INTEGER NOT NULL, passages INTEGER NOT NULL
);
CREATE INDEX documents_by_id ON documents (id);
CREATE INDEX documents_by_source ON documents (source);
CREATE TABLE passages (
  row INTEGER PRIMARY KEY, id TEXT NOT NULL, document INTEGER NOT NULL,
  text TEXT NOT NULL, start INTEGER NOT NULL, headings TEXT NOT NULL, pages TEXT NOT NULL,
  blocks TEXT NOT NULL
);
CREATE TABLE sources (source TEXT NOT NULL PRIMARY KEY, hash TEXT NOT NULL) WITHOUT ROWID;
"""
_SELECT = """
SELECT p.row, p.id, d.id, d.title, p.text, p.start, d.source, p.headings, p.pages, p.blocks
FROM passages AS p JOIN documents AS d ON d.number = p.document
"""
_AT_ONCE = 900  # Below the smallest limit on variables of one statement that SQLite is built with.

_BY_ID = "SELECT * FROM documents WHERE id = ? ORDER BY number"

T = TypeVar("T")
_DocumentRow = tuple[int, str, str, str, str, str, int, int]
_PassageRow = tuple[int, str, str, str, str, int, str, str, str, str]
_DOCUMENT_TYPES = get_args(_DocumentRow)
_PASSAGE_TYPES = get_args(_PassageRow)


@dataclass(frozen=True, slots=True)
class StoredDocument:
    """A document as a store has it, without its text: its passages are the rows from ``first`` up to ``end``.

    ``number`` counts the documents of the store from 0; ``hash`` is that of everything the passages are made from.
    """

    number: int
    id: str
    title: str
    source: str
    metadata: dict[str, Any]
    hash: str
    first: int
    passages: int

    @property
    def end(self) -> int:
        """The row after its last passage."""
        return self.first + self.passages


def hash_document(document: Document) -> str:
    """The SHA-256 (hex) of everything that a document's passages are made from: another hash means that it changed."""
    sections, blocks = [asdict(section) for section in document.sections], values_of(document.blocks)
    parts = [document.title, document.text, _metadata(document), sections, blocks]
    return hashlib.sha256(json.dumps(parts, ensure_ascii=True).encode()).hexdigest()


class PassageWriter:
    """Writes a new file, documents and passages getting the numbers 0, 1, 2, … in the order they come.

    There is no journal: the file counts for nothing until an index's manifest lists it.
    """

    def __init__(self, path: Path) -> None:
        """Create the file; it must not exist yet, nor a link that leads somewhere else."""
        path.touch(exist_ok=False)
        self._db = sqlite3.connect(path, isolation_level=None)
        self._db.executescript("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;" + _SCHEMA + "BEGIN;")
        self.documents = 0
        self.passages = 0

    def add(self, document: Document, passages: Sequence[Passage]) -> None:
        """Append a document and its passages. Raises DataError when two of them have one id."""
        twice = len(passages) - len({passage.id for passage in passages})
        if twice:
            raise DataError(f"{document.source}: {twice} passages of the document {document.id} have the id of another")
        stored = StoredDocument(
            self.documents, document.id, document.title, document.source, {}, hash_document(document),
            self.passages, len(passages),
        )  # fmt: skip
        self.copy(stored, passages, _metadata(document))

    def copy(self, document: StoredDocument, passages: Sequence[Passage], metadata: str | None = None) -> None:
        """Append a document of another store, under a new number."""
        if metadata is None:
            metadata = json.dumps(document.metadata, ensure_ascii=False)
        self._db.execute(
            "INSERT INTO documents VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (self.documents, document.id, document.title, document.source, metadata, document.hash, self.passages,
             len(passages)),
        )  # fmt: skip
        self._db.executemany(
            "INSERT INTO passages VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (
                (row, passage.id, self.documents, passage.text, passage.start,
                 json.dumps(passage.headings, ensure_ascii=False), json.dumps(passage.pages),
                 json.dumps(values_of(passage.blocks), ensure_ascii=False, separators=(",", ":")))
                for row, passage in enumerate(passages, start=self.passages)
            ),
        )  # fmt: skip
        self.documents += 1
        self.passages += len(passages)

    def add_source(self, source: str, digest: str) -> None:
        """Note the hash of a file that documents were read from."""
        self._db.execute("INSERT OR REPLACE INTO sources VALUES (?, ?)", (source, digest))

    def keep_source(self, source: str, digest: str) -> None:
        """Note the hash of a file of which none was noted."""
        self._db.execute("INSERT OR IGNORE INTO sources VALUES (?, ?)", (source, digest))

    def find(self, id: str) -> list[StoredDocument]:
        """The documents with this id, in the order they came."""
        return [_stored(row) for row in self._db.execute(_BY_ID, (id,))]

    def batches(self, size: int, start: int = 0) -> Iterator[list[Passage]]:
        """The passages from the row ``start`` on, in the order of their rows, ``size`` at a time."""
        for first in range(start, self.passages, size):
            rows = self._db.execute(f"{_SELECT} WHERE p.row >= ? AND p.row < ? ORDER BY p.row", (first, first + size))
            yield [_passage(row) for row in rows]

    def commit(self) -> None:
        """Write what is still in memory; nothing can be added afterwards."""
        self._db.execute("COMMIT")

    def close(self) -> None:
        """Close the file."""
        self._db.close()


class PassageStore:
    """An open file, read-only. Several threads may use it. ``documents`` and ``passages`` count what is in it.

    The file may come from anywhere: what is read is checked, and never more than there can be. Whatever reads raises
    IndexFolderError, naming the file, where it is damaged.
    """

    def __init__(self, path: Path) -> None:
        """Open the file. Raises IndexFolderError when it is not a store of passages."""
        self._path = path
        self._lock = Lock()
        self._db = open_database(path, _SCHEMA)
        try:
            # The numbers have no gaps, so that the largest is the count, which SQLite finds without reading them all.
            ((self.documents, self.passages),) = self._rows(
                "SELECT (SELECT coalesce(max(number), -1) + 1 FROM documents),"
                " (SELECT coalesce(max(row), -1) + 1 FROM passages)"
            )
        except IndexFolderError:
            self._db.close()
            raise

    def fetch(self, rows: Sequence[int]) -> dict[int, Passage]:
        """The passages of these rows, by row. Raises IndexFolderError when a row has no passage."""
        found = {}
        for start in range(0, len(rows), _AT_ONCE):
            some = rows[start : start + _AT_ONCE]
            marks = ", ".join("?" * len(some))
            records = self._rows(f"{_SELECT} WHERE p.row IN ({marks})", some, most=len(some))
            found.update({record[0]: self._checked(_passage, record) for record in records})
        missing = next((row for row in rows if row not in found), None)
        if missing is not None:
            raise IndexFolderError(f"{self._path} has no passage for vector row {missing}; build the index again")
        return found

    def find(self, id: str) -> list[StoredDocument]:
        """The documents with this id, in the order they came; all but one of them are deleted."""
        return self._documents(_BY_ID, (id,))

    def from_source(self, source: str) -> list[StoredDocument]:
        """The documents read from this file."""
        return self._documents("SELECT * FROM documents WHERE source = ? ORDER BY number", (source,))

    def numbers_from(self, source: str) -> list[int]:
        """The numbers of the documents read from this file."""
        rows = self._rows("SELECT number FROM documents WHERE source = ?", (source,), most=self.documents)
        return [number for (number,) in rows]

    def all(self) -> Iterator[StoredDocument]:
        """All documents in the order of their numbers, one at a time."""
        # A cursor of its own for each turn: other threads' questions may come between.
        for start in range(0, self.documents, _AT_ONCE):
            yield from self._documents(
                "SELECT * FROM documents WHERE number >= ? AND number < ? ORDER BY number", (start, start + _AT_ONCE)
            )

    def sources(self) -> dict[str, str]:
        """The hash of each file that documents were read from, by its path."""
        rows = self._rows("SELECT source, hash FROM sources", most=self._path.stat().st_size)
        return dict(self._checked(_strings, row) for row in rows)

    def broken(self) -> str:
        """What SQLite finds wrong with the file; empty when nothing is."""
        try:
            ((found,),) = self._rows("PRAGMA integrity_check(1)")
        except IndexFolderError as error:
            return str(error)
        return "" if found == "ok" else str(found)

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def _rows(self, query: str, values: Sequence[int | str] = (), most: int = 1) -> list[Any]:
        """What the file answers to a query: ``most`` rows, or it is damaged."""
        try:
            with self._lock:
                rows = self._db.execute(query, values).fetchmany(most + 1)
        except ERRORS as error:
            raise damaged(self._path, error) from None
        if len(rows) > most:
            raise damaged(self._path, f"more than {most} rows where there cannot be more")
        return rows

    def _documents(self, query: str, values: Sequence[int | str]) -> list[StoredDocument]:
        found = [self._checked(_stored, row) for row in self._rows(query, values, most=self.documents)]
        for document in found:
            if not 0 <= document.first < document.end <= self.passages:
                raise damaged(self._path, f"document {document.number} has passages that are not there")
        return found

    def _checked(self, make: Callable[[Any], T], row: tuple[Any, ...]) -> T:
        """What a row makes, whose values SQLite gives in whatever type they have in the file."""
        try:
            return make(row)
        except (ValueError, TypeError, DataError) as error:
            raise damaged(self._path, f"a row that is none of an index ({error})") from None


def _stored(row: _DocumentRow) -> StoredDocument:
    _check_types(row, _DOCUMENT_TYPES)
    number, id, title, source, metadata, digest, first, passages = row
    fields = parse_json(metadata, "its metadata", "")
    if not isinstance(fields, dict):
        raise ValueError("metadata without keys")
    return StoredDocument(number, id, title, source, fields, digest, first, passages)


def _passage(row: _PassageRow) -> Passage:
    _check_types(row, _PASSAGE_TYPES)
    _, id, document_id, title, text, start, source, headings, pages, blocks = row
    return Passage(
        id=id,
        document_id=document_id,
        title=title,
        text=text,
        start=start,
        source=source,
        headings=_strings(parse_json(headings, "its headings", "")),
        pages=tuple((_whole(offset), _whole(page)) for offset, page in parse_json(pages, "its pages", "")),
        blocks=blocks_from(parse_json(blocks, "its blocks", ""), len(text)),
    )


def _check_types(row: tuple[Any, ...], types: tuple[type, ...]) -> None:
    if tuple(map(type, row)) != types:
        raise TypeError(f"values of the types {', '.join(type(value).__name__ for value in row)}")


def _strings(values: Sequence[Any]) -> tuple[Any, ...]:
    if not all(type(value) is str for value in values):
        raise TypeError("a value where a text should be")
    return tuple(values)


def _whole(value: object) -> int:
    if type(value) is not int:
        raise TypeError("a value where a whole number should be")
    return value


def metadata_of(document: Document | StoredDocument) -> dict[str, Any]:
    """A document's metadata as they come back: values that JSON does not have are texts."""
    found: dict[str, Any] = json.loads(_metadata(document))
    return found


def _metadata(document: Document | StoredDocument) -> str:
    return json.dumps(dict(document.metadata), ensure_ascii=False, default=str)
