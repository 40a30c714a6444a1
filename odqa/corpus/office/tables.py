"""The rows of a table -> its captions, rows and heads in a Composer, and what a merged cell repeats."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise

from odqa.corpus.composer import Composer
from odqa.types import BlockKind

LONGEST_HEAD = 80  # Characters.
LONGEST_REPEATED = 200  # Characters. A longer cell stands once, however many it is merged with.
MOST_HEADS = 3  # Rows.
MOST_PREFACE = 10
VALUE = re.compile(r"[\W_]*\d[\d\W_]*\w{0,3}\W*$")  # A number, a date, an amount: no head, unless it is a year.
YEAR = re.compile(r"(?:1[89]|20)\d\d$")


def write_table(composer: Composer, rows: Sequence[Sequence[str]], marked: int = 0, guess: bool = True) -> None:
    """Add a table: first the rows above its heads that say one thing, as captions, then the rows with their heads.

    The first ``marked`` rows are heads; where none is, ``guess`` looks whether some read like heads.
    """
    rows = [row for row in rows if any(row)]
    titles = 0
    while titles + 1 < len(rows) and not marked and is_title(rows[titles]):
        titles += 1
    for row in rows[:titles]:
        composer.block(next(filter(None, row)), BlockKind.CAPTION)
    rows = rows[titles:]
    heads = marked or (heads_of(rows) if guess else 0)
    if guess and not heads and (preface := _before_heads(rows)):
        composer.table(rows[:preface])
        rows = rows[preface:]
        heads = heads_of(rows)
    composer.table(rows, heads if heads < len(rows) else 0)


def _before_heads(rows: Sequence[Sequence[str]]) -> int:
    """How many rows with empty cells stand above heads that have none, as notes at the top of a sheet do."""
    for number, row in enumerate(rows[:MOST_PREFACE]):
        if all(row):
            return number if heads_of(rows[number:]) else 0
    return 0


def is_title(row: Sequence[str]) -> bool:
    """Whether a row of several cells says one thing, in one of them or in one that is merged over all."""
    return len(row) > 1 and len({cell for cell in row if cell}) == 1 and (all(row) or not any(row[1:]))


def heads_of(rows: Sequence[Sequence[str]]) -> int:
    """How many of the rows, from above, read like the heads of the columns.

    Heads are short, most of them differ, only the first may be empty, and none is a value. Below one that is merged
    over several columns there are more. A table of two columns has none where values and words mix in the second: its
    rows say a name and what goes with it.

    >>> heads_of([["Code", "Meaning"], ["24", "vanished source files"]])
    1
    >>> heads_of([["Total:", "1,250.00 EUR"], ["VAT:", "237.50 EUR"]])
    0
    >>> heads_of([["Name", "Ann"], ["Age", "31"], ["Town", "Oslo"]])
    0
    >>> heads_of([["Zone", "2025", "2025"], ["Zone", "Adult", "Child"], ["A", "2.40", "1.20"]])
    2
    """
    if len(rows[0] if rows else ()) == 2 and _is_mixed([row[-1] for row in rows[1:]]):
        return 0
    heads = 0
    while heads < min(MOST_HEADS, len(rows) - 1) and _may_be_heads(rows[heads]):
        heads += 1
        if not any(one and one == other for one, other in pairwise(rows[heads - 1])):
            break
    return heads


def _is_mixed(cells: Sequence[str]) -> bool:
    """Whether values stand among words: neither a few values nor a few words."""
    values = sum(map(_is_value, cells))
    return len(cells) <= 4 * values and 3 * values < 2 * len(cells)


def _may_be_heads(row: Sequence[str]) -> bool:
    first, others = row[0], row[1:]
    if (
        not others
        or first.endswith(":")
        or not all(map(_may_be_head, others))
        or not (not first or _may_be_head(first))
    ):
        return False
    return len(set(row)) > 1 and len(row) <= 2 * len(set(row))


def _may_be_head(cell: str) -> bool:
    return 0 < len(cell) <= LONGEST_HEAD and (not _is_value(cell) or bool(YEAR.match(cell)))


def _is_value(cell: str) -> bool:
    return len(cell) <= LONGEST_HEAD and bool(VALUE.match(cell))


def repeated(text: str) -> str:
    """What further cells of a merged one say: the same, unless it is long."""
    return text if len(text) <= LONGEST_REPEATED else ""
