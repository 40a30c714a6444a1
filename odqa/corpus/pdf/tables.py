"""Lines in pieces -> the tables among them: rows of cells, and which of the rows are heads. Knows no PDF."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import islice, pairwise

from odqa.corpus.pdf.grids import columns_under, grid_at, repeat_spanning
from odqa.corpus.pdf.lines import Line, Piece
from odqa.corpus.pdf.page import Box

NUMBERING = re.compile(r"(?:[•·▪◦‣∗*–—-]|\(?(?:\d{1,3}|[a-zA-Z]|[ivxIVX]{1,5})[.)]|\d+(?:\.\d+)+\.?)$")
AMOUNT = re.compile(r"[^\w]*[A-Z]{0,3}\s?[-+−]?\d[\d.,:/\s%-]*\s?\S{0,4}$")
SLACK = 2.0  # Points that the cells of one column may stick out.
FAR = 3.0  # Times the size of the letters: what is so far apart on a line is a row, if only one.
CLOSE = 1.4  # Of the size of the letters: a line no farther below may continue a cell.


@dataclass(slots=True)
class Table:
    """Rows of as many cells each; the first ``heads`` of them name the columns, whose sides are ``columns``.

    The first ``repeated`` rows were written before, with the part of the table on the page before.
    """

    rows: list[list[str]]
    columns: list[tuple[float, float]]
    heads: int = 0
    repeated: int = 0

    def continues(self, before: Table) -> bool:
        """Whether this is the rest of a table that began on the page before."""
        if len(self.columns) != len(before.columns):
            return False
        sides = zip(self.columns, before.columns, strict=True)
        return all(abs(mine[0] - other[0]) < 12 or abs(mine[1] - other[1]) < 12 for mine, other in sides)


def table_at(
    lines: Sequence[Line],
    start: int,
    rules: Sequence[Box],
    joined: Callable[[str, str], str],
    before: Table | None = None,
) -> tuple[Table, int] | None:
    """The table that begins with a line, and the number of lines that it takes; None if there is none.

    A table has two rows or more of two cells or more, the cells of a column one below the other. A single row is one
    too where its cells are far apart, where the last one goes on below, or where it has the columns of the table
    ``before``. ``joined`` makes one text of a cell's lines.
    """
    taken, columns = grid_at(lines, start)
    is_grid = len(taken) > 1 and any(len(line.pieces) > 1 for line in taken)
    if not is_grid:
        taken, columns = _extent(lines, start, before, rules)
    if not taken:
        return None
    between = _rules_between(taken, rules, 0.1 if is_grid else 0.5)
    numbers = _rows(taken, columns, between, 1 if is_grid else 2)
    rows = [["" for _ in columns] for _ in range(numbers[-1] + 1)]
    for line, number in zip(taken, numbers, strict=True):
        for piece in line.pieces:
            for at in columns_under(line, piece, columns) if is_grid else [_column_of(piece, columns)]:
                cell = rows[number][at]
                rows[number][at] = joined(cell, piece.text) if cell else piece.text
    if is_grid:
        steps = [(above.y, below.y) for above, below in pairwise(taken)]
        edges = [step for step, (one, other) in zip(steps, pairwise(numbers), strict=True) if one != other]
        repeat_spanning(rows, columns, edges, rules)
    if not is_grid and sum(bool(cell) for cell in rows[0]) < 2:
        return None
    table = Table(rows, columns)
    table.heads = _heads(taken, numbers, rows, between)
    return table, len(taken)


def _extent(
    lines: Sequence[Line], start: int, before: Table | None, rules: Sequence[Box]
) -> tuple[list[Line], list[tuple[float, float]]]:
    """The lines of a table, and the sides of its columns; none where there is no table."""
    first = lines[start]
    if not _is_row(first):
        return [], []
    columns = _merged([(piece.x0, piece.x1) for piece in first.pieces])
    taken, kept, most = [first], 1, len(columns)
    for line in islice(lines, start + 1, None):
        step = line.y - taken[-1].y
        if line.region != first.region or line.apart or line.level or step > 4 * line.size or step <= 0:
            break
        if len(line.pieces) > 1 and not _is_row(line):
            break
        merged = _merged([*columns, *((piece.x0, piece.x1) for piece in line.pieces)])
        if len(merged) < max(2, min(most, len(columns)) - (len(line.pieces) > 2)) or (
            len(line.pieces) == 1 and not _may_continue(line, taken[-1], columns, merged, step)
        ):
            break
        columns, most = merged, max(most, len(merged))
        taken.append(line)
        inner = len(line.pieces) > 1 or _column_of(line.pieces[0], columns) > 0
        if inner or (_is_ruled(rules, line.y, 1.5 * line.size) and not _is_ruled(rules, taken[-2].y, step)):
            kept = len(taken)
    taken = taken[:kept]
    columns = _merged([(piece.x0, piece.x1) for line in taken for piece in line.pieces])
    gaps = [right.x0 - left.x1 for left, right in zip(first.pieces, first.pieces[1:], strict=False)]
    aligned = before and any(abs(first.pieces[-1].x0 - column[0]) < SLACK for column in before.columns[1:])
    single = kept == 1 and max(gaps) < FAR * first.size and not aligned
    return ([], []) if single or len(columns) < 2 else (taken, columns)


def _is_ruled(rules: Sequence[Box], y: float, height: float) -> bool:
    """Whether a line is drawn across below a place."""
    return any(y < rule.y0 < y + height and rule.x1 - rule.x0 > rule.y1 - rule.y0 for rule in rules)


def _is_row(line: Line) -> bool:
    """Whether a line may be a row: in pieces, the first of which is no number of an item or a heading."""
    numbered = len(line.pieces) == 2 and NUMBERING.match(line.pieces[0].text) is not None
    return len(line.pieces) > 1 and not (line.apart or line.level or line.mono or numbered)


def _may_continue(
    line: Line, above: Line, columns: Sequence[tuple[float, float]], merged: Sequence[object], step: float
) -> bool:
    """Whether a line in one piece is the rest of a cell, or a row with one cell that is filled."""
    if len(merged) < len(columns) or step > 2.5 * line.size:
        return False
    if abs(line.size - above.size) > 0.2 * line.size:
        return False
    if any(abs(line.x0 - column[0]) < SLACK for column in columns[1:]):
        return True
    within = columns[-1][1] - columns[0][0]
    return line.x1 - line.x0 < 0.75 * within


def _merged(spans: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    found: list[tuple[float, float]] = []
    for low, high in sorted(spans):
        if found and low < found[-1][1] + SLACK:
            found[-1] = (found[-1][0], max(found[-1][1], high))
        else:
            found.append((low, high))
    return found


def _column_of(piece: Piece, columns: Sequence[tuple[float, float]]) -> int:
    middle = (piece.x0 + piece.x1) / 2
    return min(range(len(columns)), key=lambda at: max(columns[at][0] - middle, middle - columns[at][1]))


def _rules_between(taken: Sequence[Line], rules: Sequence[Box], share: float) -> list[bool]:
    """For each line but the first, whether a rule is between it and the line above, across a share of the table."""
    x0, x1 = min(line.x0 for line in taken), max(line.x1 for line in taken)
    drawn: dict[int, float] = {}  # How much of each level: every cell may have a rule of its own.
    for rule in rules:
        if rule.y1 - rule.y0 < rule.x1 - rule.x0 and taken[0].y < rule.y0 < taken[-1].y:
            level = round(rule.y0)
            drawn[level] = drawn.get(level, 0.0) + max(min(rule.x1, x1) - max(rule.x0, x0), 0.0)
    levels = sorted(level for level, length in drawn.items() if length > share * (x1 - x0))
    found, at = [], 0
    for above, below in pairwise(taken):
        while at < len(levels) and levels[at] <= above.y:
            at += 1
        found.append(at < len(levels) and levels[at] < below.y)
    return found


def _rows(
    taken: Sequence[Line], columns: Sequence[tuple[float, float]], between: Sequence[bool], least: int
) -> list[int]:
    """The row of each line: a line without a first cell that is close below another one continues it.

    Where rules part the rows, ``least`` of them or more, they tell; a single one may only set off the heads.
    """
    numbers = [0]
    ruled = sum(between) >= least and sum(between) >= (0.3 if least > 1 else 0.2) * len(between)
    for at, line in enumerate(taken[1:], start=1):
        step = line.y - taken[at - 1].y
        if ruled:
            both = all(_column_of(some.pieces[0], columns) == 0 for some in (line, taken[at - 1]))
            new = between[at - 1] or (both and sum(between) == 1)
        else:
            first = _column_of(line.pieces[0], columns) == 0
            definition = len(columns) == 2 and not any(between)  # What is right of a term, to its last paragraph.
            new = between[at - 1] or first or (step > CLOSE * line.size and not definition)
        numbers.append(numbers[-1] + new)
    return numbers


def _heads(
    taken: Sequence[Line], numbers: Sequence[int], rows: Sequence[Sequence[str]], between: Sequence[bool]
) -> int:
    """1 where the first row names the columns: it is bold, or set off by a rule, or over columns of numbers."""
    if len(rows) < 2 or sum(bool(cell) for cell in rows[0]) < 2 or any(AMOUNT.match(cell) for cell in rows[0]):
        return 0
    head = [line for line, number in zip(taken, numbers, strict=True) if number == 0]
    body = [line for line, number in zip(taken, numbers, strict=True) if number > 0]
    if all(line.bold for line in head) and not all(line.bold for line in body):
        return 1
    ruled = len(between) >= len(head) and between[len(head) - 1]
    if ruled and sum(between) < len(rows) - 1:
        return 1
    columns = list(zip(*rows[1:], strict=True))
    amounts = any(sum(bool(AMOUNT.match(cell)) for cell in column) > 0.6 * len(column) for column in columns)
    if amounts and len(rows) > 2:
        return 1
    return int(ruled and len(rows) > 2 and len(rows[0]) > 2)
