"""Scores and names go in, aligned text comes out; and the cells, rows and tables that all outputs of a report share.

The aligner serves every command that prints a table.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from textwrap import wrap

from odqa.evaluation.report import Interval
from odqa.reports.visible import one_line

GAP = "  "
_LONGEST_WORD = 16  # Characters that are never broken: a path or the name of a model is.


def aligned(rows: Sequence[Sequence[str]], left: int = 1, width: int | None = None) -> str:
    """Rows of equally many cells as lines of equally wide columns, two spaces between them.

    The first ``left`` columns are aligned to the left, the others to the right; no line ends in a blank, and a row of
    empty cells is left out. What a terminal would obey is shown as an escape. Lines are to have ``width`` characters at
    most: the heads of columns, which are the first row, and the cells of the first ``left`` columns are broken until
    they do, or can be broken no more. Raises ValueError for rows of different lengths.
    """
    shown_rows = [[one_line(cell) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*shown_rows, strict=True)]
    if width is not None and sum(widths) + len(GAP) * (len(widths) - 1) > width:
        widths = _narrowed(widths, _least(shown_rows, left), width)
    lines = (line for at, row in enumerate(shown_rows) for line in _lines(row, widths, left, head=at == 0))
    return "\n".join(line for line in lines if line)


def _least(rows: Sequence[Sequence[str]], left: int) -> list[int]:
    """How narrow each column can be: as its longest word, or where its cells are not broken, its longest cell."""

    def longest_word(cell: str) -> int:
        return max(map(len, cell.split()), default=0)

    return [
        max(
            min(_LONGEST_WORD, longest_word(cell)) if column < left else longest_word(cell) if at == 0 else len(cell)
            for at, cell in enumerate(cells)
        )
        for column, cells in enumerate(zip(*rows, strict=True))
    ]


def _narrowed(widths: list[int], least: list[int], width: int) -> list[int]:
    """The widths, the widest columns made narrower until the line has its width."""
    excess = sum(widths) + len(GAP) * (len(widths) - 1) - width
    widths = list(widths)
    while excess > 0:
        able = [column for column, wide in enumerate(widths) if wide > least[column]]
        if not able:
            break
        widest = max(able, key=lambda column: widths[column])
        widths[widest] -= 1
        excess -= 1
    return widths


def _lines(row: Sequence[str], widths: Sequence[int], left: int, *, head: bool) -> Iterator[str]:
    """A row as a line, or as several where a cell does not fit its column; heads stand just above their columns."""
    cells = [
        wrap(cell, max(width, 1), break_on_hyphens=False) if len(cell) > width else [cell]
        for cell, width in zip(row, widths, strict=True)
    ]
    height = max(map(len, cells), default=0)
    empty = [[""] * (height - len(cell)) for cell in cells]
    full = [gap + cell if head else cell + gap for cell, gap in zip(cells, empty, strict=True)]
    for line in zip(*full, strict=True):
        yield GAP.join(
            cell.ljust(width) if column < left else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()


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


def as_text(table: Table, width: int | None = None) -> str:
    """A table as aligned lines under its title, no wider than ``width`` where that can be."""
    rows = [[GAP * row.sub + shown(row.name), *map(shown, row.entries)] for row in table.rows]
    return f"{one_line(table.title)}\n{aligned([table.head, *rows], width=width)}"
