"""The cells of a table -> its rows as they read: spans repeated, and the heads of the columns. Knows no elements."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from odqa.corpus.composer import CELL_BREAK

LONGEST_LABEL = 100  # Characters. Heads of columns are repeated with every row below them.
MOST_HEADS = 4  # Rows of heads that are joined.
FREE = 1_000  # Characters that spans may repeat in any table; beyond them, REPEATED for each that it has.
REPEATED = 4


@dataclass(slots=True)
class Cell:
    """A cell's text on one line, how many columns and rows it covers (0: all that follow), and whether it heads."""

    text: str
    columns: int = 1
    rows: int = 1
    is_head: bool = False
    is_bold: bool = False


@dataclass(slots=True)
class Row:
    """The cells that begin in a row; ``group`` tells the row groups apart, which no cell reaches over."""

    cells: list[Cell] = field(default_factory=list)
    group: int = 0
    in_head: bool = False


def laid_out(rows: Sequence[Row]) -> Iterator[tuple[str, tuple[str, ...]]]:
    """(line, labels) of each row that has text.

    A cell that covers several columns or rows is repeated in each; one that covers a whole row stands once. The heads
    of several rows of heads are joined by column, below the last one that covers a whole row. What is repeated takes no
    more than a few times the table's own length.

    >>> head = Row([Cell("", is_head=True), Cell("Monday", is_head=True), Cell("Sunday", is_head=True)])
    >>> castle = Row([Cell("Castle", is_head=True), Cell("07:30", columns=2)])
    >>> list(laid_out([head, castle]))
    [('| Monday | Sunday', ()), ('Castle | 07:30 | 07:30', ('', 'Monday', 'Sunday'))]
    """
    above = ""  # The last head over a whole row.
    heads: list[list[str]] = []
    labels: tuple[str, ...] = ()
    was_head = False
    has_bold_heads = _has_bold_heads(rows)
    for number, (row, line, is_whole) in enumerate(_without_empty_columns([*_Grid(rows)])):
        text = CELL_BREAK.join(line).strip()
        if not text.strip(" |"):
            continue
        is_head = _heads(row) or (number == 0 and has_bold_heads)
        if is_head and is_whole:
            above = line[0] if len(line[0]) <= LONGEST_LABEL else ""
            labels = _joined(above, heads)
        elif is_head:
            heads = [*heads, line][:MOST_HEADS] if was_head else [line]
            labels = _joined(above, heads)
        was_head = is_head and not is_whole
        is_plain = len(f" {text} ".split(CELL_BREAK)) == len(line)  # No cell holds a bar of its own.
        fits = labels and is_plain and not (is_head or is_whole)
        yield text, (*labels, *[""] * (len(line) - len(labels)))[: len(line)] if fits else ()


def _without_empty_columns(grid: Sequence[tuple[Row, list[str], bool]]) -> Iterator[tuple[Row, list[str], bool]]:
    """The grid without the columns that only keep others apart."""
    filled = {column for _, line, is_whole in grid for column, text in enumerate(line) if text and not is_whole}
    for row, line, is_whole in grid:
        yield row, line if is_whole else [text for column, text in enumerate(line) if column in filled], is_whole


def _heads(row: Row) -> bool:
    """Whether a row holds the heads of columns; its first cell, in the corner, may be an empty one of data."""
    cells = row.cells[1:] if row.cells and not row.cells[0].text else row.cells
    return row.in_head or (bool(cells) and all(cell.is_head for cell in cells))


def _has_bold_heads(rows: Sequence[Row]) -> bool:
    """Whether the first row's cells alone are bold, as in tables that know no other heads."""
    bold = [len(row.cells) > 1 and all(cell.is_bold or not cell.text for cell in row.cells) for row in rows[:2]]
    return bold == [True, False]


def _joined(above: str, heads: Sequence[Sequence[str]]) -> tuple[str, ...]:
    """The heads of each column, from the outermost to the innermost."""
    labels = []
    for column in range(max(map(len, heads), default=0)):
        own = " ".join(dict.fromkeys(line[column] for line in heads if column < len(line) and line[column]))
        labels.append(f"{above} {own}".strip()[:LONGEST_LABEL] if own else "")
    return tuple(labels)


class _Grid:
    """Iterates over (row, the texts of its columns, whether one cell covers all of them)."""

    def __init__(self, rows: Sequence[Row]) -> None:
        self._rows = rows
        self._most = max((len(row.cells) for row in rows), default=0)
        self._left = FREE + REPEATED * sum(len(cell.text) + len(CELL_BREAK) for row in rows for cell in row.cells)
        self._above: dict[int, tuple[int, str]] = {}  # By column, what reaches down, and into how many rows yet.
        self._below: dict[int, tuple[int, str]] = {}

    def __iter__(self) -> Iterator[tuple[Row, list[str], bool]]:
        for number, row in enumerate(self._rows):
            if number and row.group != self._rows[number - 1].group:
                self._above = {}
            if len(row.cells) == 1 < row.cells[0].columns and not self._above:
                yield row, [row.cells[0].text], True
            else:
                yield row, self._line(row.cells), False

    def _line(self, cells: Sequence[Cell]) -> list[str]:
        line: list[str] = []
        for cell in cells:
            self._reach_down(line, 0)
            for copy in range(max(1, min(cell.columns, self._most))):
                if copy and not self._spend(cell.text):
                    break
                if cell.rows != 1:
                    self._below[len(line)] = (cell.rows or len(self._rows)) - 1, cell.text
                line.append(cell.text)
        self._reach_down(line, max(self._above, default=-1) + 1)
        self._above, self._below = self._below, {}
        return line

    def _reach_down(self, line: list[str], width: int) -> None:
        """Repeat the cells from above up to the first free column that is not inside the ``width``."""
        while len(line) in self._above or len(line) < width:
            rest, text = self._above.get(len(line), (0, ""))
            if not self._spend(text):
                self._above = {}
                break
            if rest > 1:
                self._below[len(line)] = rest - 1, text
            line.append(text if rest else "")

    def _spend(self, text: str) -> bool:
        """Whether a text may be repeated once more."""
        self._left -= len(text) + len(CELL_BREAK)
        return self._left >= 0
