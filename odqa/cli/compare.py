"""``odqa compare``: parse, compare two reports, print. Knows no test and no layout."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from odqa.cli.common import command, print_json, print_lines


@command
def compare(
    a: Annotated[Path, typer.Argument(metavar="A", help="Folder that odqa eval --report wrote, or its report.json.")],
    b: Annotated[Path, typer.Argument(metavar="B", help="The other one, of the same questions.")],
    json_output: Annotated[bool, typer.Option("--json", help="Print the comparison as one JSON object.")] = False,
) -> None:
    """Tell whether one report is better than another of the same questions, or only looks so by chance.

    Each score is shown with the difference B - A, its 95% bootstrap interval, and the p-value of a paired
    randomisation test: how often a difference as large comes of chance. Reports of other questions, or in another
    language, are refused.

    Examples:

    odqa compare reports/before reports/after

    odqa compare reports/bm25/report.json reports/hybrid/report.json --json

    """
    from odqa.evaluation.compare import compare as compare_reports
    from odqa.evaluation.compare import read_report
    from odqa.reports.comparison import format_comparison

    found = compare_reports(read_report(a), read_report(b), names=(str(a), str(b)))
    if json_output:
        print_json(found)
    else:
        print_lines([format_comparison(found)])
