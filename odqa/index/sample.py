"""An index and a seed go in; some of its passages, of as many documents as there are, come out. Knows no question."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import closing
from shlex import quote

from odqa.addresses import Address
from odqa.errors import IndexFolderError
from odqa.index.interface import OpenIndex
from odqa.index.stores import store_at
from odqa.types import Mode, Passage

SHORT = 80  # Characters below which a passage, a heading or a caption, is taken only where no longer one is near.
TRIES = 8  # Passages of a document among which one that is not short is sought.


def sample_passages(folder: str | Address, number: int, seed: int) -> list[Passage]:
    """At most ``number`` passages of different texts, drawn at random, always the same ones for a ``seed``.

    A document gives another one only when all have given one. Raises IndexFolderError for an index that is missing,
    damaged or empty.
    """
    chance = random.Random(seed)
    found: list[Passage] = []
    texts: set[str] = set()
    with closing(store_at(folder).open(Mode.BM25)) as index:
        spans = [range(one.first, one.end) for one in index.documents()]
        if not spans:
            raise IndexFolderError(
                f"{folder} has no document to write questions for; add some: odqa add PATH --index {quote(str(folder))}"
            )
        chance.shuffle(spans)
        waiting: Iterator[list[int]] = (chance.sample(rows, min(len(rows), TRIES * number)) for rows in spans)
        while len(found) < number:
            again = []
            for rows in waiting:
                passage = _next(index, rows, texts)
                if passage is not None:
                    found.append(passage)
                    again.append(rows)
                if len(found) == number:
                    break
            if not again:
                break
            waiting = iter(again)
    return found


def _next(index: OpenIndex, rows: list[int], texts: set[str]) -> Passage | None:
    """A passage of the first few rows, which go from ``rows``, whose text is new to ``texts``; None where none is."""
    while rows:
        some = index.fetch(rows[:TRIES])
        new = [row for row in rows[:TRIES] if _text(some[row]) not in texts]
        rows[:TRIES] = new
        if new:
            row = next((one for one in new if len(some[one].text) >= SHORT), new[0])
            rows.remove(row)
            texts.add(_text(some[row]))
            return some[row]
    return None


def _text(passage: Passage) -> str:
    return " ".join(passage.text.split())
