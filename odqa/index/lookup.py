"""An open index and an id in; the document or the passage that has it out. Reads no vector and no keyword."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from odqa.index.interface import OpenIndex
from odqa.index.store import StoredDocument
from odqa.types import Passage

_NUMBER = re.compile(r"0|[1-9][0-9]{0,8}")


@dataclass(frozen=True, slots=True)
class FoundDocument:
    """A live document of an open index, without its text."""

    stored: StoredDocument
    index: OpenIndex

    def passages(self, first: int, most: int) -> list[Passage]:
        """At most so many of its passages, in order, from the one with the number ``first``, counted from 0.

        Raises IndexFolderError where the index is damaged.
        """
        start = min(self.stored.first + first, self.stored.end)
        rows = range(start, min(start + most, self.stored.end))
        found = self.index.fetch(rows)
        return [found[row] for row in rows]


@dataclass(frozen=True, slots=True)
class FoundPassage:
    """A passage of an open index, its number in its document, and its neighbours there."""

    passage: Passage
    number: int
    before: tuple[Passage, ...]
    after: tuple[Passage, ...]


def find_document(index: OpenIndex, id: str) -> FoundDocument | None:
    """The document with this id; None where there is none. Raises IndexFolderError where the index is damaged."""
    stored = index.find(id)
    return None if stored is None else FoundDocument(stored, index)


def find_passage(index: OpenIndex, id: str, around: int = 1) -> FoundPassage | None:
    """The passage with this id and, on each side, so many neighbours; None where there is none.

    The id of a passage is that of its document and its number in it: ``docs/a.md#3``. Raises IndexFolderError where
    the index is damaged.
    """
    document_id, mark, number = id.rpartition("#")
    document = find_document(index, document_id) if mark and _NUMBER.fullmatch(number) else None
    if document is None or int(number) >= document.stored.passages:
        return None
    at, first = int(number), max(0, int(number) - around)
    passages = document.passages(first, at - first + 1 + around)
    here = at - first
    return FoundPassage(passages[here], at, tuple(passages[:here]), tuple(passages[here + 1 :]))


def all_rows(index: OpenIndex, at_once: int) -> Iterator[list[int]]:
    """The rows of all live passages, in order, so many at a time."""
    rows = (row for document in index.documents() for row in range(document.first, document.end))
    while some := list(islice(rows, at_once)):
        yield some
