"""A SQLite file of ours goes in, a connection that only reads it comes out. Knows nothing of what is in it.

The file may come from anywhere. A view or a trigger in it would be code of its author, so that its schema has to be, to
the letter, the one that we write; and no value in it may be longer than the file, though a ring of pages could make it.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from functools import cache, partial
from pathlib import Path

from odqa.errors import IndexFolderError
from odqa.forking import Database

ERRORS = (sqlite3.Error, UnicodeDecodeError)  # SQLite's message quotes the file, which may not be UTF-8.

_SHORT = 1 << 16  # SQLite's own values, such as the text of a query, are at most so long.
_MOST = 1_000_000_000  # Bytes of a value, by SQLite's own limit.

_SCHEMA_OF = "SELECT type, name, tbl_name, sql FROM sqlite_master WHERE sql IS NOT NULL ORDER BY type, name"


def open_database(path: Path, schema: str) -> Database:
    """Open a file that was made with the statements in ``schema``; several threads may use it, one at a time.

    Raises IndexFolderError, naming the file, when it is something else.
    """
    return Database(path, partial(_connect, schema))


def damaged(path: Path, reason: object) -> IndexFolderError:
    """The error for a file that SQLite or we cannot make sense of."""
    return IndexFolderError(f"{path} is damaged: {reason}; build the index again")


def _connect(schema: str, path: Path) -> sqlite3.Connection:
    try:
        size = path.stat().st_size
        db = sqlite3.connect(
            # Immutable: nothing locks or changes the file, so it may lie on a medium that cannot be written.
            f"{path.resolve().as_uri()}?mode=ro&immutable=1",
            uri=True,
            check_same_thread=False,
        )
    except (OSError, *ERRORS) as error:
        raise IndexFolderError(f"{path} cannot be opened: {error}; build the index again") from None
    try:
        db.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, min(max(size, _SHORT), _MOST))
        # One more than there should be, but not all of them: a ring of pages has no end.
        found = db.execute(_SCHEMA_OF).fetchmany(len(_expected(schema)) + 1)
    except ERRORS as error:
        db.close()
        raise damaged(path, error) from None
    if found != _expected(schema):
        db.close()
        raise damaged(path, "its tables are not those of an index")
    return db


@cache
def _expected(schema: str) -> list[tuple[str, str, str, str]]:
    with closing(sqlite3.connect(":memory:")) as db:
        db.executescript(schema)
        return db.execute(_SCHEMA_OF).fetchall()
