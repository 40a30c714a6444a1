"""Rows of cells in, one aligned text out. Knows no report and no terminal."""

from __future__ import annotations

from collections.abc import Sequence

GAP = "  "


def aligned(rows: Sequence[Sequence[str]], left: int = 1) -> str:
    """Rows of equally many cells as lines of equally wide columns, two spaces between them.

    The first ``left`` columns are aligned to the left, the others to the right; no line ends in a blank. Raises
    ValueError for rows of different lengths.
    """
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        GAP.join(
            cell.ljust(width) if column < left else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    )
