"""The documents of an index in a Milvus, while it is changed: fetched once, looked up here. Reads no passage."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

from odqa.index.catalog import CatalogEntry
from odqa.index.milvus.search import MilvusIndex
from odqa.index.store import StoredDocument

_SCHEMA = """
CREATE TABLE documents (
  first INTEGER PRIMARY KEY, id TEXT NOT NULL, source TEXT NOT NULL, file_hash TEXT NOT NULL, value TEXT NOT NULL
);
CREATE INDEX documents_by_id ON documents (id);
CREATE INDEX documents_by_source ON documents (source);
"""


class MilvusCatalog:
    """The documents in a file of this machine, and those of them that a change takes out.

    See ``odqa.index.interface.Catalog``. Asking the server for each document that is read would take as many round
    trips as there are documents.
    """

    def __init__(self, path: Path, index: MilvusIndex | None) -> None:
        """Make the file of the documents of an open index; of none where there is none."""
        self._db = sqlite3.connect(path, isolation_level=None)
        self._db.executescript(f"PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; {_SCHEMA} BEGIN;")
        self._removed: set[int] = set()
        if index is not None:
            rows = (
                (one.first, one.id, one.source, digest, json.dumps(asdict(one)))
                for one, digest in index.documents_with_hashes()
            )
            self._db.executemany("INSERT INTO documents VALUES (?, ?, ?, ?, ?)", rows)
        self._db.execute("COMMIT")

    def find(self, id: str) -> CatalogEntry | None:
        """The document with this id, if there is one."""
        return next(self._live("id = ?", id), None)

    def from_source(self, source: str) -> list[CatalogEntry]:
        """The documents read from this file."""
        return list(self._live("source = ?", source))

    def all(self) -> Iterator[CatalogEntry]:
        """All documents."""
        return self._live("? = ''", "")

    def hashes(self) -> dict[str, str]:
        """The hash of each file as it was last read, by its path."""
        return dict(self._db.execute("SELECT source, file_hash FROM documents WHERE file_hash != '' ORDER BY first"))

    def remove(self, item: CatalogEntry) -> None:
        """Take a document out."""
        self._removed.add(item.document.first)

    @property
    def removed(self) -> int:
        """How many documents were taken out."""
        return len(self._removed)

    def is_removed(self, first: int) -> bool:
        """Whether the document that begins at a row was taken out."""
        return first in self._removed

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def _live(self, condition: str, value: str) -> Iterator[CatalogEntry]:
        found = self._db.execute(f"SELECT value FROM documents WHERE {condition} ORDER BY first", (value,))
        documents = (StoredDocument(**json.loads(text)) for (text,) in found)
        return (CatalogEntry(0, one) for one in documents if one.first not in self._removed)
