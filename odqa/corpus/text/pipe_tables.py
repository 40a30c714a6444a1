"""Lines of cells between vertical bars, as in Markdown and on terminals -> the rows of a table with their labels."""

from __future__ import annotations

import re
from collections.abc import Sequence

from odqa.corpus.text.block_lines import Builder, Line
from odqa.types import BlockKind

BOX = "".join(map(chr, range(0x2500, 0x2580)))  # What draws the lines of tables.
BAR = re.compile(r"(?<!\\)[|\u2502\u2503\u2551]")


def is_ruler(text: str) -> bool:
    """Whether a line is drawn, as between the rows of a table: ``|---|:--:|``, ``+====+``, ``----- ---``."""
    drawn = not text.strip("-=+|: \t" + BOX)
    return drawn and any(some in text for some in ("--", "==", "|-", ":-", "-|", "-:", "\u2500", "\u2550", "\u2501"))


def table_end(lines: Sequence[Line], at: int) -> tuple[int, bool]:
    """Where the lines with bars from ``at`` on end, and whether they are a table.

    A table has rows with a ruler among them, or two rows at least of as many cells.
    """
    end = at
    while end < len(lines) and (is_ruler(lines[end].text) or BAR.search(lines[end].text)):
        end += 1
    rows = [line.text for line in lines[at:end] if not is_ruler(line.text)]
    counts = {len(BAR.findall(row)) for row in rows}
    ruled = len(rows) < end - at
    barred = any(BAR.search(row) for row in rows)
    return end, barred and (ruled or (len(rows) > 1 and len(counts) == 1))


def add_table(builder: Builder, lines: Sequence[Line]) -> None:
    """Add the rows. A single row above a ruler labels those below it."""
    ruled = [is_ruler(line.text) for line in lines]
    rows = [line.text for line, drawn in zip(lines, ruled, strict=True) if not drawn]
    outer = all(BAR.match(row) for row in rows), all(BAR.match(row, len(row) - 1) for row in rows)
    first = ruled.index(False)
    has_head = first + 1 < len(lines) and ruled[first + 1] and len(rows) > 1
    heads: tuple[str, ...] = ()
    for at, line in enumerate(lines):
        if ruled[at]:
            continue
        row = _between(line, *outer)
        cells = BAR.split(row.text)
        builder.add(row, BlockKind.ROW, (*heads, *[""] * (len(cells) - len(heads)))[: len(cells)] if heads else ())
        if at == first and has_head:
            heads = tuple(cell.replace("`", "").replace("*", "").strip() for cell in cells)


def _between(line: Line, first: bool, last: bool) -> Line:
    """The line without the bars around its cells; an empty cell beside them keeps its place."""
    line = Line(line.start, line.text[: len(line.text) - 1].rstrip() if last else line.text, line.indent)
    return line.after(1) if first and line.text else line
