"""Lines whose words stand in columns, with spaces or tabs between them -> their cells. Knows no bars."""

from __future__ import annotations

import re
from collections.abc import Sequence

from odqa.corpus.text.block_lines import NARROW, TAB, Builder, Line
from odqa.corpus.text.pipe_tables import is_ruler
from odqa.types import BlockKind

GAP = re.compile(r"[ \t]*\t[ \t]*| {2,}")
MOST_COLUMNS = 64
NUMBER = re.compile(r"[^\w]*\d[\d.,:%/ -]*\S{0,3}$")


def cells_of(line: Line) -> list[Line]:
    """What stands between gaps, which are tabs or at least two spaces."""
    cells, at, column = [], 0, line.indent
    for gap in GAP.finditer(line.text):
        cells.append(Line(line.start + at, line.text[at : gap.start()], column))
        column += gap.start() - at
        for sign in gap.group():
            column += TAB - column % TAB if sign == "\t" else 1
        at = gap.end()
    cells.append(Line(line.start + at, line.text[at:], column))
    return cells


def columns_end(lines: Sequence[Line], at: int) -> tuple[int, bool]:
    """Where a table in columns that begins at ``at`` ends, and True; else up to where none begins, and False.

    It has three rows, or two of as many cells, or a head and a ruler; each cell begins under one of the rows above.
    The last cell of a row may go on below itself.
    """
    columns = cells_of(lines[at])
    if not 2 <= len(columns) <= MOST_COLUMNS or is_ruler(lines[at].text):
        return at + 1, False
    end, rows, ruled, whole, last, widest = at + 1, 1, False, len(columns) > 2, columns[-1], at
    while end < len(lines):
        if is_ruler(lines[end].text):
            ruled = True
        else:
            cells = cells_of(lines[end])
            if _goes_on(cells, last):
                end += 1
                continue
            if not 2 <= len(cells) <= MOST_COLUMNS or not _aligned(cells, columns):
                break
            rows, last = rows + 1, cells[-1]
            whole = whole and len(cells) == len(columns)
            if len(cells) >= len(columns):
                columns, widest = cells, end
        end += 1
    if rows < (2 if ruled or whole else 3):
        return at + 1, False
    if ruled or not _is_justified(lines[at:end]):
        return end, True
    # What begins at a later line, up to the widest row, ends where this does or before, and is as justified. Only two
    # lines at the end may not be: of two, the second has to fill its line, too.
    return max(at + 1, min(widest + 1, end - 2)), False


def add_columns(builder: Builder, lines: Sequence[Line]) -> None:
    """Add the rows of a table, a block a cell, labelled by the head where there is one.

    Two columns without a head are terms and what they mean.
    """
    rows: list[tuple[list[Line], bool]] = []
    more: dict[int, Line] = {}  # By the start of a cell, the last of the lines on which it goes on.
    above: Line | None = None
    for line in lines:
        cells, drawn = cells_of(line), is_ruler(line.text)
        if above and _goes_on(cells, above):
            more[above.start] = cells[0]
        else:
            rows.append((cells, drawn))
            above = above if drawn else cells[-1]
    ruled = len(rows) > 1 and rows[1][1]
    filled = [cells for cells, drawn in rows if not drawn]
    heads = filled[0] if ruled or _has_head(filled) else []
    pairs = not heads and max(map(len, filled)) == 2
    for number, cells in enumerate(filled):
        for at, cell in enumerate(cells):
            if pairs:
                builder.begin(cell, BlockKind.PARAGRAPH if at else BlockKind.TERM)
            else:
                builder.begin(cell, BlockKind.ROW, _label(cell, heads) if number else ())
            if cell.start in more:
                builder.extend(more[cell.start])
            builder.close()


def _goes_on(cells: Sequence[Line], last: Line) -> bool:
    """Whether a line is more of the last cell of the row above."""
    return len(cells) == 1 and cells[0].indent == last.indent and not is_ruler(cells[0].text)


def _aligned(cells: Sequence[Line], columns: Sequence[Line]) -> bool:
    """Whether each cell begins where one of the columns does, or is a number that ends where one does."""
    starts, ends = {some.indent for some in columns}, {some.width for some in columns}
    return all(cell.indent in starts or (cell.width in ends and NUMBER.match(cell.text)) for cell in cells)


def _is_justified(lines: Sequence[Line]) -> bool:
    """Whether the rows are prose that fills its lines to the same column, with spaces between the words."""
    filled = lines[:-1] if len(lines) > 2 else lines
    last = [cells_of(line)[-1].text for line in filled]
    widths = {line.width for line in filled}
    return len(widths) == 1 and max(widths) >= NARROW and not any(map(NUMBER.match, last))


def _has_head(rows: Sequence[Sequence[Line]]) -> bool:
    """Whether the first row has no number, and a column below it has nothing else."""
    if len(rows) < 2 or any(NUMBER.match(cell.text) for cell in rows[0]):
        return False
    widest = [row for row in rows[1:] if len(row) == len(rows[0])]
    return len(rows[0]) > 2 and any(
        all(NUMBER.match(cell.text) for cell in column) for column in zip(*widest, strict=True)
    )


def _label(cell: Line, heads: Sequence[Line]) -> tuple[str, ...]:
    """The text of the head that stands over a cell."""
    over = [head.text for head in heads if head.indent < cell.width and cell.indent < head.width]
    near = over or [head.text for head in heads if head.indent <= cell.indent][-1:]
    return tuple(near[:1])
