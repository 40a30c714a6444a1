"""The rows of a table -> how many of them are its heads, and what a merged cell repeats. Knows no format."""

from __future__ import annotations

import re
from collections.abc import Sequence

LONGEST_HEAD = 80  # Characters.
LONGEST_REPEATED = 200  # Characters. A longer cell stands once, however many it is merged with.
MOST_COLUMNS = 16_384  # As many as a spreadsheet may have.
VALUE = re.compile(r"[\W_]*\d[\d\W_]*\w{0,3}\W*$")  # A number, a date, an amount: no head, unless it is a year.
YEAR = re.compile(r"(?:1[89]|20)\d\d$")


def heads_of(rows: Sequence[Sequence[str]]) -> int:
    """1 where the first row with text reads like the heads of the columns, else 0.

    Heads are short, no two are the same, only the first may be empty, and none is a value.

    >>> heads_of([["Code", "Meaning"], ["24", "vanished source files"]])
    1
    >>> heads_of([["Total:", "1,250.00 EUR"], ["VAT:", "237.50 EUR"]])
    0
    """
    filled = [row for row in rows if any(row)]
    if len(filled) < 2 or len(filled[0]) < 2:
        return 0
    first = filled[0]
    return int(all(_may_be_head(cell) for cell in first[1:]) and _may_label(first) and not first[0].endswith(":"))


def _may_be_head(cell: str) -> bool:
    if not cell or len(cell) > LONGEST_HEAD:
        return False
    return not VALUE.match(cell) or bool(YEAR.match(cell))


def _may_label(first: Sequence[str]) -> bool:
    corner = not first[0] or _may_be_head(first[0])
    return corner and len(set(first)) > len(first) // 2  # A merged head covers several columns.


def repeated(text: str) -> str:
    """What further cells of a merged one say: the same, unless it is long."""
    return text if len(text) <= LONGEST_REPEATED else ""
