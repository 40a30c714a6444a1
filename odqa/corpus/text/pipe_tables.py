"""Lines of cells between vertical bars, as in Markdown and on terminals -> the rows of a table with their labels."""

from __future__ import annotations

import re
from collections.abc import Sequence

from odqa.corpus.text.block_lines import Builder, Line
from odqa.types import BlockKind

BOX = "".join(map(chr, range(0x2500, 0x2580)))  # What draws the lines of tables.
BAR = re.compile(r"(?<!\\)[|\u2502\u2503\u2551]")
ITEM = re.compile(r"[*+-](?=[ \t]|$)")


def is_ruler(text: str) -> bool:
    """Whether a line is drawn, as between the rows of a table: ``|---|:--:|``, ``+====+``, ``----- ---``."""
    drawn = not text.strip("-=+|: \t" + BOX)
    return drawn and any(some in text for some in ("--", "==", "|-", ":-", "-|", "-:", "\u2500", "\u2550", "\u2501"))


def table_end(lines: Sequence[Line], at: int, *, drawn: bool) -> tuple[int, bool]:
    """Where the lines with bars from ``at`` on end, and whether they are a table.

    A table has rows with a ruler among them. Where it need not be ``drawn``, as in Markdown, it may have two rows at
    least of as many cells, with two bars or more: a single one is a pipe between commands.
    """
    end = at
    while end < len(lines) and (is_ruler(lines[end].text) or BAR.search(lines[end].text)):
        end += 1
    rows = [line.text for line in lines[at:end] if not is_ruler(line.text)]
    counts = {len(BAR.findall(row)) for row in rows}
    ruled = len(rows) < end - at
    barred = any(BAR.search(row) for row in rows)
    return end, barred and (ruled or (not drawn and len(rows) > 1 and len(counts) == 1 and min(counts) > 1))


def add_table(builder: Builder, lines: Sequence[Line]) -> None:
    """Add the rows. A single row above a ruler labels those below it.

    In a grid, of which rulers part the rows, the last cell of a row may go on in the next lines.
    """
    ruled = [is_ruler(line.text) for line in lines]
    rows = [line.text for line, drawn in zip(lines, ruled, strict=True) if not drawn]
    outer = all(BAR.match(row) for row in rows), all(BAR.match(row, len(row) - 1) for row in rows)
    grid = _is_grid(lines, ruled)
    first = ruled.index(False)
    heads: tuple[str, ...] = ()
    at = 0
    while at < len(lines):
        begin, at = at, at + 1
        if ruled[begin]:
            continue
        row = last = _between(lines[begin], *outer)
        cells = BAR.split(row.text)
        parts = cells[-1:]  # Of the last cell.
        while grid and at < len(lines) and not ruled[at]:
            line = _between(lines[at], *outer)
            *before, part = BAR.split(line.text)
            if not before or len(before) != len(cells) - 1 or "".join(before).strip() or ITEM.match(part.strip()):
                break
            last, at = line, at + 1
            parts.append(part)
        # To what reads the labels, the lines on which a row goes on are cells of the same row.
        count = len(cells) + (at - begin - 1) * (len(cells) - 1 + sum(outer))
        builder.begin(row, BlockKind.ROW, (*heads, *[""] * (count - len(heads)))[:count] if heads else ())
        if last is not row:
            builder.extend(last)
        builder.close()
        if begin == first and at < len(lines) and ruled[at] and len(rows) > at - begin:
            cells = [*cells[:-1], " ".join(map(str.strip, parts))]
            heads = tuple(cell.replace("`", "").replace("*", "").strip() for cell in cells)


def _is_grid(lines: Sequence[Line], ruled: Sequence[bool]) -> bool:
    """Whether rulers part each row from the next: ``+---+``, and ``+===+`` below the head.

    In a frame as databases draw it, where each line is a row, rulers are around the rows and below the head alone.
    """
    if not (ruled[0] and lines[0].text.startswith("+")):
        return False
    inner = [line.text for line, drawn in zip(lines[1:-1], ruled[1:-1], strict=True) if drawn]
    return len(inner) > 1 or any("=" in text for text in inner)


def _between(line: Line, first: bool, last: bool) -> Line:
    """The line without the bars around its cells; an empty cell beside them keeps its place."""
    line = Line(line.start, line.text[: len(line.text) - 1].rstrip() if last else line.text, line.indent)
    return line.after(1) if first and line.text else line
