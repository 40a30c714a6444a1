"""Scores and names go in, aligned text comes out; and the cells, rows and tables that all outputs of a report share.

The aligner serves every command that prints a table.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from odqa.evaluation.report import Interval
from odqa.reports.visible import one_line

GAP = "  "


def aligned(rows: Sequence[Sequence[str]], left: int = 1) -> str:
    """Rows of equally many cells as lines of equally wide columns, two spaces between them.

    The first ``left`` columns are aligned to the left, the others to the right; no line ends in a blank, and a row of
    empty cells is left out. What a terminal would obey is shown as an escape. Raises ValueError for rows of different
    lengths.
    """
    shown_rows = [[one_line(cell) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*shown_rows, strict=True)]
    lines = (
        GAP.join(
            cell.ljust(width) if column < left else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in shown_rows
    )
    return "\n".join(line for line in lines if line)


def number(value: float | None, interval: Interval = None, digits: int = 3, sign: str = "") -> str:
    """``value`` to so many digits, half the width of its interval after ±; "-" where there is nothing to measure.

    ``sign`` "+" shows the sign of a positive number too.
    """
    if value is None:
        return "-"
    return f"{value:{sign}.{digits}f}" + (f" {margin_of_error(interval, digits)}" if interval else "")


def margin_of_error(interval: tuple[float, float], digits: int = 3) -> str:
    """Half the width of an interval after ±."""
    low, high = interval
    return f"± {(high - low) / 2:.{digits}f}"


@dataclass(frozen=True, slots=True)
class Cell:
    """A score with its interval, if it has one; None where there is nothing to measure."""

    value: float | None
    interval: Interval = None


Entry = Cell | int | str  # A score, a count or a k, a name; "" leaves the place empty.


@dataclass(frozen=True, slots=True)
class Row:
    """What a row is of, and its entries. ``sub`` indents it below the row before, ``own`` marks it among its like."""

    name: Entry
    entries: tuple[Entry, ...]
    sub: bool = False
    own: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """A table under its title; ``head`` names the columns, that of the rows' names first, and may be all empty."""

    title: str
    head: tuple[str, ...]
    rows: tuple[Row, ...]

    def numeric(self) -> list[bool]:
        """Of each column but the first, whether it holds numbers alone."""
        columns = zip(*(row.entries for row in self.rows), strict=True)
        return [all(entry == "" or not isinstance(entry, str) for entry in column) for column in columns]


def shown(entry: Entry) -> str:
    """An entry as text."""
    if isinstance(entry, Cell):
        return number(entry.value, entry.interval)
    return entry if isinstance(entry, str) else f"{entry:,}"


def as_text(table: Table) -> str:
    """A table as aligned lines under its title."""
    rows = [[GAP * row.sub + shown(row.name), *map(shown, row.entries)] for row in table.rows]
    return f"{one_line(table.title)}\n{aligned([table.head, *rows])}"
