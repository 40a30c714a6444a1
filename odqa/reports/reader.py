"""The report of a reader goes in, the table of ``odqa eval`` comes out."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from odqa.evaluation.report import Calibration, Level, ReaderReport
from odqa.reports.cells import score
from odqa.reports.tables import Entry, aligned, number, shown

COLUMNS = 4


class Line(NamedTuple):
    """The cells of a line, and what is said after them."""

    cells: tuple[Entry, ...]
    note: str = ""


def format_reader(report: ReaderReport) -> str:
    """A reader's report as aligned tables; "-" stands where there is nothing to measure.

    After "±" is half the width of the bootstrap interval, whose ends are in the report itself.
    """
    asked, scores = report.questions, report.scores
    blocks = list(_blocks(report))
    # One alignment for all blocks, so that their columns are in line.
    rows = [
        [shown(cell) for cell in line.cells] + [""] * (COLUMNS - len(line.cells)) for block in blocks for line in block
    ]
    lines = iter(aligned(rows).splitlines())
    return "\n".join(
        [
            f"{asked.questions:,} questions: {asked.answerable:,} answerable, {asked.unanswerable:,} unanswerable",
            f"± is half the width of the {scores.interval_level:.0%} bootstrap interval",
            *(text for block in blocks for text in ("", *(next(lines) + line.note for line in block))),
        ]
    )


def _blocks(report: ReaderReport) -> Iterator[list[Line]]:
    """The lines that stand together: scores, abstention, confidence, speed; what was not measured is left out."""
    yield _scores(report.scores)
    yield _abstention(report.scores)
    if report.calibration is not None:
        yield _calibration(report.calibration)
    if report.seconds is not None and report.windows_per_second is not None:
        yield [Line(("seconds", f"{report.seconds:,.1f}"), f"   {report.windows_per_second:,.1f} windows a second")]


def _scores(level: Level) -> list[Line]:
    rouge = (
        score(level, "rouge1_f1"),
        score(level, "rouge1_f1_answerable"),
        score(level, "rouge1_f1_answerable_forced"),
    )
    return [
        Line(("", "all", "answerable", "answer forced")),
        Line(("ROUGE-1 F1", *rouge)),
        Line(("exact match", score(level, "exact_match"), score(level, "has_answer_exact_match"), "-")),
        Line(("token F1", score(level, "f1"), score(level, "has_answer_f1"), "-")),
    ]


def _abstention(level: Level) -> list[Line]:
    best, margin = level.best_threshold_f1, level.best_threshold_margin
    rule = ""
    if best is not None:
        rule = "   answering nothing" if margin is None else f"   answering where span - null >= {margin:.3f}"
    return [
        Line(("no-answer accuracy", score(level, "no_answer_accuracy"))),
        Line(("best-threshold F1", number(best)), rule),
        Line(("answerable AUROC", number(level.auroc))),
    ]


def _calibration(calibration: Calibration) -> list[Line]:
    columns = (calibration.before, calibration.after)
    return [
        Line(("confidence", "before fitting", "the reader's")),
        Line(("no-answer threshold", *(number(column.threshold) for column in columns))),
        Line(("temperature", *(number(column.temperature) for column in columns))),
        Line(("calibration error", *(number(column.expected_calibration_error) for column in columns))),
        Line(("risk-coverage area", *(number(column.risk_coverage_area) for column in columns))),
    ]
