"""Rows of cells in; a table that fits the terminal out."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Sequence

from odqa.cli.output import print_lines
from odqa.reports.tables import aligned


def columns() -> int | None:
    """The columns of the terminal that stdout is; None where it is none, and lines may be of any length."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None


def print_table(rows: Sequence[Sequence[str]], left: int = 1) -> None:
    """Print the rows as :func:`odqa.reports.tables.aligned` does, no wider than the terminal. Raises OutputError."""
    print_lines([aligned(rows, left, columns())])
