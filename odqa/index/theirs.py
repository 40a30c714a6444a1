"""An error of what the caller brought (documents, an encoder, a display) in; out of a change it comes as it was.

Whoever changes an index takes every error of a file or of SQLite for one of the index's disk.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager


class TheirError(Exception):
    """Holds such an error past those who would take it for one of the index's disk."""

    def __init__(self, error: Exception) -> None:
        super().__init__(str(error))
        self.error = error


@contextmanager
def theirs() -> Iterator[None]:
    """What is called in the block is the caller's: an error of a file or a database in it is a ``TheirError``."""
    try:
        yield
    except (OSError, sqlite3.Error) as error:
        raise TheirError(error) from error


@contextmanager
def their_errors() -> Iterator[None]:
    """Let a ``TheirError`` out as the error that it holds."""
    try:
        yield
    except TheirError as held:
        error = held.error
    else:
        return
    raise error
