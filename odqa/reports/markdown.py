"""The report of a pipeline goes in, report.md comes out: its tables under a heading each.

Names of files and folders may hold anything, so all text is escaped for Markdown and for the HTML that it lets through.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from html import escape

from odqa.evaluation.report import Report
from odqa.reports.pipeline import headline, tables
from odqa.reports.tables import Table, shown
from odqa.reports.visible import visible

_SPECIAL = re.compile(r"[\\`*_\[\]|~$#]")


def as_markdown(report: Report) -> str:
    """The report's tables in Markdown."""
    parts = [f"# {escaped(report.dataset)}", escaped(headline(report)), *map(_table, tables(report))]
    return "\n\n".join(parts) + "\n"


def escaped(text: str) -> str:
    """Text as one line of Markdown that shows it as it is: no element, link, code, emphasis, cell or heading in it.

    Nor is there anything in it that a terminal would obey, as Markdown is read there too.
    """
    return _SPECIAL.sub(r"\\\g<0>", escape(visible(text), quote=False))


def _table(table: Table) -> str:
    rows = ([shown(row.name), *map(shown, row.entries)] for row in table.rows)
    lines = [_line(table.head), "|" + "---|" * len(table.head), *map(_line, rows)]
    return f"## {escaped(table.title)}\n\n" + "\n".join(lines)


def _line(cells: Iterable[str]) -> str:
    return "| " + " | ".join(map(escaped, cells)) + " |"
