"""The report of a pipeline goes in, a folder with report.json, report.md and report.html comes out: all, or nothing."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

from odqa.evaluation.report import FILE, Report
from odqa.files import whole, write_json
from odqa.reports.markdown import as_markdown
from odqa.reports.page import as_html

MARKDOWN, HTML = "report.md", "report.html"


def write_report(folder: Path, report: Report) -> None:
    """Write report.json, report.md and report.html into ``folder``, which is made.

    What was there stays as it was until all three are written. Raises ValueError for a number that is not finite.
    """
    texts = {MARKDOWN: as_markdown(report), HTML: as_html(report)}
    folder.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        for name, text in texts.items():
            # A dataset may hold half of a surrogate pair, which UTF-8 cannot encode.
            stack.enter_context(whole(folder / name)).write_text(text, encoding="utf-8", errors="backslashreplace")
        write_json(folder / FILE, report.as_json())
