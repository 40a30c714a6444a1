"""``odqa compare``: two reports in; their differences, each with a test, out. Knows no test and no layout."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from odqa.cli.common import command
from odqa.cli.options import JsonOption
from odqa.cli.output import print_json, print_lines
from odqa.cli.tables import columns


@command
def compare(
    a: Annotated[Path, typer.Argument(metavar="A", help="Folder that odqa eval --report wrote, or its report.json.")],
    b: Annotated[Path, typer.Argument(metavar="B", help="The other one, of the same questions.")],
    json_output: JsonOption = False,
) -> None:
    """Tell whether one report is better than another on the same questions, or only looks better by chance.

    Each score is shown with the difference B - A, its 95% bootstrap interval, and the p-value of a paired
    randomisation test: how often a difference as large arises by chance. Reports on different questions, or scored in
    different languages, are refused.

    Examples:

    odqa compare reports/before reports/after

    odqa compare reports/bm25/report.json reports/hybrid/report.json --json

    """
    from odqa.evaluation.compare import compare as compare_reports
    from odqa.evaluation.report import read_report
    from odqa.reports.comparison import format_comparison

    found = compare_reports(read_report(a), read_report(b), names=(str(a), str(b)))
    if json_output:
        print_json(asdict(found))
    else:
        print_lines([format_comparison(found, columns())])
