"""Passages and their documents in one SQLite file, by vector row; knows nothing of vectors."""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

from odqa.errors import DataError, IndexFolderError
from odqa.types import Document, Passage

_SCHEMA = """
CREATE TABLE documents (
  id TEXT NOT NULL PRIMARY KEY, title TEXT NOT NULL, source TEXT NOT NULL, metadata TEXT NOT NULL
);
CREATE TABLE passages (
  row INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, document_id TEXT NOT NULL REFERENCES documents (id),
  text TEXT NOT NULL, start INTEGER NOT NULL, headings TEXT NOT NULL, pages TEXT NOT NULL
);
"""
_SELECT = """
SELECT p.row, p.id, p.document_id, d.title, p.text, p.start, d.source, p.headings, p.pages
FROM passages AS p JOIN documents AS d ON d.id = p.document_id
"""
_AT_ONCE = 900  # Below the smallest limit on variables of one statement that SQLite is built with.

_Row = tuple[int, str, str, str, str, int, str, str, str]


class PassageWriter:
    """Writes a new file, passages getting the rows 0, 1, 2, … in the order they come.

    There is no journal: the file counts for nothing until an index's manifest lists it.
    """

    def __init__(self, path: Path) -> None:
        """Create the file; it must not exist yet."""
        self._db = sqlite3.connect(path, isolation_level=None)
        self._db.executescript("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;" + _SCHEMA + "BEGIN;")
        self.documents = 0
        self.passages = 0

    def add(self, document: Document, passages: Sequence[Passage]) -> None:
        """Append a document and its passages. Raises DataError when one of their ids is taken already."""
        try:
            metadata = json.dumps(dict(document.metadata), ensure_ascii=False, default=str)
            self._db.execute(
                "INSERT INTO documents VALUES (?, ?, ?, ?)",
                (document.id, document.title, document.source, metadata),
            )
        except sqlite3.IntegrityError:
            raise DataError(self._duplicate(document)) from None
        for passage in passages:
            headings, pages = json.dumps(passage.headings, ensure_ascii=False), json.dumps(passage.pages)
            values = (self.passages, passage.id, document.id, passage.text, passage.start, headings, pages)
            try:
                self._db.execute("INSERT INTO passages VALUES (?, ?, ?, ?, ?, ?, ?)", values)
            except sqlite3.IntegrityError:
                raise DataError(
                    f"{document.source}: the passage id {passage.id!r} is taken by another passage; "
                    f"give the documents other ids"
                ) from None
            self.passages += 1
        self.documents += 1

    def blocks(self, size: int) -> Iterator[list[Passage]]:
        """All passages in the order of their rows, ``size`` at a time."""
        for start in range(0, self.passages, size):
            rows = self._db.execute(f"{_SELECT} WHERE p.row >= ? AND p.row < ? ORDER BY p.row", (start, start + size))
            yield [_passage(row) for row in rows]

    def commit(self) -> None:
        """Write what is still in memory; nothing can be added afterwards."""
        self._db.execute("COMMIT")

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def _duplicate(self, document: Document) -> str:
        first = self._db.execute("SELECT source FROM documents WHERE id = ?", (document.id,)).fetchone()[0]
        return (
            f"two documents have the id {document.id!r}, one from {first} and one from {document.source}; "
            f"give one of them another id, or leave it out"
        )


class PassageStore:
    """An open file, read-only. Several threads may use it."""

    def __init__(self, path: Path) -> None:
        """Open the file. Raises IndexFolderError when it is not a store of passages."""
        self._path = path
        self._lock = threading.Lock()
        self._db = sqlite3.connect(
            # Immutable: nothing locks or changes the file, so it may lie on a medium that cannot be written.
            f"{path.resolve().as_uri()}?mode=ro&immutable=1",
            uri=True,
            check_same_thread=False,
        )
        try:
            self.documents, self.passages = self._db.execute(
                "SELECT (SELECT count(*) FROM documents), (SELECT count(*) FROM passages)"
            ).fetchone()
        except sqlite3.Error as error:
            self._db.close()
            raise IndexFolderError(f"{path} is damaged: {error}; build the index again") from None

    def fetch(self, rows: Sequence[int]) -> dict[int, Passage]:
        """The passages of these vector rows, by row. Raises IndexFolderError when a row has no passage."""
        found = {}
        for start in range(0, len(rows), _AT_ONCE):
            some = rows[start : start + _AT_ONCE]
            marks = ", ".join("?" * len(some))
            with self._lock:
                records = self._db.execute(f"{_SELECT} WHERE p.row IN ({marks})", some).fetchall()
            found.update({record[0]: _passage(record) for record in records})
        missing = next((row for row in rows if row not in found), None)
        if missing is not None:
            raise IndexFolderError(f"{self._path} has no passage for vector row {missing}; build the index again")
        return found

    def close(self) -> None:
        """Close the file."""
        self._db.close()


def _passage(row: _Row) -> Passage:
    _, id, document_id, title, text, start, source, headings, pages = row
    return Passage(
        id=id,
        document_id=document_id,
        title=title,
        text=text,
        start=start,
        source=source,
        headings=tuple(json.loads(headings)),
        pages=tuple((offset, page) for offset, page in json.loads(pages)),
    )
