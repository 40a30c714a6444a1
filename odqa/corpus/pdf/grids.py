"""Lines with rules on both sides of every cell -> the cells of a table, of which some span several. Knows no PDF."""

from __future__ import annotations

from bisect import bisect
from collections.abc import Sequence
from itertools import islice, pairwise

from odqa.corpus.pdf.lines import THICKEST, Line, Piece
from odqa.corpus.pdf.page import Box

FAR = 12  # Times the size of the letters: how far the lines of a ruled table may be apart.

SOON = 10  # Lines among which one has several cells.
MOST_ROWS = 100  # That one cell spans.


def grid_at(lines: Sequence[Line], start: int) -> tuple[list[Line], list[tuple[float, float]]]:
    """The lines of the ruled table that begins with a line, and the sides of its columns; none where there is none."""
    first = lines[start]
    if not any(len(line.pieces) > 1 for line in islice(lines, start, start + SOON)):
        return [], []
    taken: list[Line] = []
    for line in islice(lines, start, None):
        step = line.y - taken[-1].y if taken else 0
        if (
            not line.shares_sides(first)
            or line.region != first.region
            or line.apart
            or not 0 <= step <= FAR * line.size
        ):
            break
        taken.append(line)
    sides: list[float] = []
    for side in sorted(side for line in taken for side in line.sides):
        if not sides or side - sides[-1] > THICKEST:
            sides.append(side)
    return taken, list(pairwise(sides))


def columns_under(line: Line, piece: Piece, columns: Sequence[tuple[float, float]]) -> list[int]:
    """The columns that the cell of a piece spans."""
    at = bisect(line.sides, (piece.x0 + piece.x1) / 2)
    low, high = line.sides[at - 1], line.sides[min(at, len(line.sides) - 1)]
    return [number for number, (x0, x1) in enumerate(columns) if low < (x0 + x1) / 2 < high]


def repeat_spanning(
    rows: list[list[str]],
    columns: Sequence[tuple[float, float]],
    between: Sequence[tuple[float, float]],
    rules: Sequence[Box],
) -> None:
    """Write a cell that spans several rows into each of them.

    ``between`` are the places of the last line of each row and of the first line of the next one.
    """
    across = [rule for rule in rules if rule.x1 - rule.x0 > rule.y1 - rule.y0]
    starts = [0] * len(columns)  # The first row of the cell that goes on.
    for number, (above, below) in enumerate(between, start=1):
        drawn = [rule for rule in across if above < rule.y0 < below]
        for column, (x0, x1) in enumerate(columns):
            ends = not drawn or any(rule.x0 < (x0 + x1) / 2 < rule.x1 for rule in drawn)
            if ends or number - starts[column] > MOST_ROWS:
                starts[column] = number
                continue
            text = " ".join(filter(None, (rows[number - 1][column], rows[number][column])))
            for row in rows[starts[column] : number + 1]:
                row[column] = text
