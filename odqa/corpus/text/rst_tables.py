"""Tables of reStructuredText -> a block a cell, labelled by the head of its column. Renders nothing."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise

from odqa.corpus.text.block_lines import Builder, Line
from odqa.types import BlockKind

COLUMNS = re.compile(r"=+(?: +=+)+$")
COLUMN = re.compile(r"=+")
HEADS = re.compile(r":header-rows:[ \t]*(\d{1,2})$")
ROW = re.compile(r"[*+-][ \t]+(?=[*+-](?:[ \t]|$))")
CELL = re.compile(r"[*+-](?=[ \t]|$)")


def add_list_table(builder: Builder, lines: Sequence[Line], at: int) -> int:
    """Add the cells of the ``list-table`` whose directive is on a line; returns where the table ends."""
    base, heads_left = lines[at].indent, 0
    builder.begin(lines[at].after(lines[at].text.index("::") + 2), BlockKind.CAPTION)
    builder.close()
    heads: list[str] = []
    column, starts, inner = 0, 0, 0  # Of the cell that is open, the columns of its row's mark and of its own.
    at += 1
    while at < len(lines) and (not lines[at].text or lines[at].indent > base):
        line, at = lines[at], at + 1
        if not starts and (option := HEADS.match(line.text)):
            heads_left = int(option[1])
        row = ROW.match(line.text) if not starts or line.indent == starts else None
        if row:
            heads_left -= bool(starts)
            column, starts = -1, line.indent
            line = line.after(row.end())
            inner = line.indent
        if starts and line.indent == inner and (mark := CELL.match(line.text)):
            column += 1
            builder.close()
            line = line.after(mark.end())
        elif not starts or not line.text:
            builder.close()
            continue
        heads += [""] * (column + 1 - len(heads))
        if heads_left > 0:
            heads[column] = f"{heads[column]} {line.text}".strip()
        if builder.lines:
            builder.extend(line)
        else:
            builder.begin(line, BlockKind.ROW, (heads[column],) if heads_left <= 0 and heads[column] else ())
    builder.close()
    return at


def add_simple_table(builder: Builder, lines: Sequence[Line], at: int) -> int:
    """Add the cells of a simple table, a block each, labelled by their heads; returns where the table ends.

    The last cell of a row goes on in the lines below it that have no other.
    """
    edges = [(ruler.start(), ruler.end()) for ruler in COLUMN.finditer(lines[at].text)]
    rulers, end = [at], at + 1
    while end < len(lines):
        if COLUMNS.match(lines[end].text):
            rulers.append(end)
            if end + 1 == len(lines) or not lines[end + 1].text:
                end += 1
                break
        end += 1
    head_end = rulers[1] if len(rulers) > 2 else at
    heads = [""] * len(edges)
    base, last = lines[at].indent, 0  # The column of the last cell.
    for number in range(at + 1, end):
        if COLUMNS.match(lines[number].text) or not lines[number].text:
            builder.close()
            continue
        cells = _cells(lines[number], edges, base)
        goes_on = bool(builder.lines) and len(cells) == 1 and cells[0][0] == last == len(edges) - 1
        for column, cell in cells:
            if number < head_end:
                heads[column] = f"{heads[column]} {cell.text}".strip()
            if goes_on and not CELL.match(cell.text):
                builder.extend(cell)
            else:
                builder.begin(cell, BlockKind.ROW, (heads[column],) if number >= head_end and heads[column] else ())
            last = column
    builder.close()
    return end


def _cells(line: Line, edges: Sequence[tuple[int, int]], base: int) -> list[tuple[int, Line]]:
    """The cells of a line that are not empty, each with the number of its column."""
    skipped = line.indent - base
    starts = [max(start - skipped, 0) for start, _ in edges]
    found = []
    for column, (low, high) in enumerate(pairwise([*starts, len(line.text)])):
        cell = Line(line.start, line.text[:high], line.indent).after(low) if high > low else None
        if cell and cell.text:
            found.append((column, Line(cell.start, cell.text.rstrip(), cell.indent)))
    return found
