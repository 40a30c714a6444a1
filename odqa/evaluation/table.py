"""Lays a report out for a terminal; knows no metric."""

from __future__ import annotations

from collections.abc import Sequence

from odqa.evaluation.report import Calibration, Interval, Report

_NAME = 20
_WIDTHS = (14, 16, 16)


def format_report(report: Report) -> str:
    """A report as an aligned table; "-" stands where there is nothing to measure.

    Behind "±" is half the width of the bootstrap interval, whose ends are in the report itself.
    """
    dataset, has_answer, best = report["dataset"], report["has_answer"], report["best_threshold"]
    around = report["intervals"]
    rows = (
        (
            "ROUGE-1 F1",
            _score(report["rouge1_f1"], around["rouge1_f1"]),
            _score(report["rouge1_f1_answerable"], around["rouge1_f1_answerable"]),
            _score(report["rouge1_f1_answerable_forced"], around["rouge1_f1_answerable_forced"]),
        ),
        (
            "exact match",
            _score(report["exact_match"], around["exact_match"]),
            _score(has_answer["exact_match"], around["has_answer_exact_match"]),
            "-",
        ),
        (
            "token F1",
            _score(report["f1"], around["f1"]),
            _score(has_answer["f1"], around["has_answer_f1"]),
            "-",
        ),
    )
    threshold, seconds, rate = best["threshold"], report["seconds"], report["windows_per_second"]
    lines = [
        f"{dataset['questions']:,} questions: {dataset['answerable']:,} answerable, "
        f"{dataset['unanswerable']:,} unanswerable",
        f"± is half the width of the {around['level']:.0%} bootstrap interval",
        "",
        _row(("", "all", "answerable", "answer forced")),
        *map(_row, rows),
        "",
        _row(("no-answer accuracy", _score(report["no_answer"]["accuracy"], around["no_answer_accuracy"]))),
        _row(("best-threshold F1", _number(best["f1"])))
        + (f"   answering where null - best span <= {threshold:.3f}" if threshold is not None else ""),
        _row(("answerable AUROC", _number(report["auroc"]))),
    ]
    if report["calibration"] is not None:
        lines += ["", *_calibration(report["calibration"])]
    if seconds is not None and rate is not None:
        lines += ["", _row(("seconds", f"{seconds:,.1f}")) + f"   {rate:,.1f} windows a second"]
    return "\n".join(lines)


def _calibration(calibration: Calibration) -> list[str]:
    columns = (calibration["before"], calibration["after"])
    rows = (
        ("no-answer threshold", *(_number(column["threshold"]) for column in columns)),
        ("temperature", *(_number(column["temperature"]) for column in columns)),
        ("calibration error", *(_number(column["expected_calibration_error"]) for column in columns)),
        ("risk-coverage area", *(_number(column["risk_coverage_area"]) for column in columns)),
    )
    return [_row(("confidence", "before fitting", "the reader's")), *map(_row, rows)]


def _score(value: float | None, interval: Interval) -> str:
    return _number(value) + (f" ± {(interval[1] - interval[0]) / 2:.3f}" if interval else "")


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def _row(cells: Sequence[str]) -> str:
    name, *values = cells
    return name.ljust(_NAME) + "".join(value.rjust(width) for value, width in zip(values, _WIDTHS, strict=False))
