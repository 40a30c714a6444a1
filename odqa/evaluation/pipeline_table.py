"""Lays a pipeline's report out for a terminal, and as Markdown. Knows no metric."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

Rows = list[list[str]]


def format_pipeline(report: dict[str, Any]) -> str:
    """The report's tables, aligned."""
    parts = [_headline(report)]
    for title, rows in tables(report):
        parts.append(f"{title}\n{_aligned(rows)}")
    return "\n\n".join(parts)


def as_markdown(report: dict[str, Any]) -> str:
    """The report's tables in Markdown, under a heading each."""
    parts = [f"# {report.get('dataset', 'Evaluation')}", _headline(report)]
    for title, rows in tables(report):
        head, *body = rows
        lines = [_line(head), "|" + "---|" * len(head), *map(_line, body)]
        parts.append(f"## {title}\n\n" + "\n".join(lines))
    return "\n\n".join(parts) + "\n"


def tables(report: dict[str, Any]) -> list[tuple[str, Rows]]:
    """Title and rows of each table, the first row being its head."""
    found = [
        ("Three levels", levels(report)),
        ("Retrieval of the gold passage", _retrieval(report)),
        ("Whether confidence can be trusted", _trust(report)),
        ("Answers of at least this confidence", _at_least(report)),
        ("One threshold, other numbers of passages", _by_k(report)),
        (
            "What went wrong",
            [["", "questions"], *([kind, f"{n:,}"] for kind, n in report["failures"]["counts"].items())],
        ),
        *((f"By {name}", _slice(rows)) for name, rows in report["slices"].items()),
    ]
    if report["audit"]["count"]:
        found.append(("Without unanswerable questions that another passage may answer", _audit(report)))
    if report["ablation"]:
        found.append(("Rankings, modes and k", _ablation(report)))
    return found


def levels(report: dict[str, Any]) -> Rows:
    """The reader on the gold passage, the whole pipeline, and the baselines, side by side."""
    three = report["levels"]
    rows = [["", "ROUGE-1 F1, all", "answerable", "answer forced", "EM / F1, all", "no-answer acc."]]
    for name, key in (("reader on the gold passage", "reader"), ("retrieval, reader and ranking", "pipeline")):
        level = three[key]
        around = level["intervals"]
        rows.append(
            [
                name,
                number(level["rouge1_f1"], around["rouge1_f1"]),
                number(level["rouge1_f1_answerable"], around["rouge1_f1_answerable"]),
                number(level["rouge1_f1_answerable_forced"], around["rouge1_f1_answerable_forced"]),
                f"{number(level['exact_match'])} / {number(level['f1'])}",
                number(level["no_answer_accuracy"]),
            ]
        )
    top = three["pipeline"]["top5"]
    rows.append(["  best of its first five answers", "", "", number(top["rouge1_f1"]), "", ""])
    for name, key in (("dense", "dense"), ("BM25", "bm25")):
        if row := _of_ablation(report, key):
            rows.append(
                [
                    f"{name} and reader, best logit sum",
                    number(row["rouge1_f1"]),
                    number(row["rouge1_f1_answerable"]),
                    number(row["rouge1_f1_answerable_forced"]),
                    "",
                    "",
                ]
            )
    for name, level in report["baselines"].items():
        rows.append([name, number(level["rouge1_f1"]), number(level["rouge1_f1_answerable"]), "", "", ""])
    return rows


def number(value: float | None, interval: Sequence[float] | None = None) -> str:
    """Three digits, with half the width of the interval behind ±; "-" where there is nothing to measure."""
    if value is None:
        return "-"
    return f"{value:.3f}" + (f" ± {(interval[1] - interval[0]) / 2:.3f}" if interval else "")


def _headline(report: dict[str, Any]) -> str:
    asked, index = report["questions"], report["index"]
    return (
        f"{asked['questions']:,} questions ({asked['answerable']:,} answerable) asked of {index['folder']}, "
        f"{index['passages']:,} passages; {report['mode']} search, k = {report['k']}, ranking {report['ranking']}, "
        f"reader {report['reader']}; gold passages told by {report['gold_by']}; {report['seconds']:,.0f} s"
    )


def _retrieval(report: dict[str, Any]) -> Rows:
    found = report["levels"]["retrieval"]
    names = [name for name in found if name != "intervals"]
    return [names, [number(found[name], found["intervals"][name]) for name in names]]


def _trust(report: dict[str, Any]) -> Rows:
    trust = report["trust"]
    return [
        ["", ""],
        ["calibration error of answers", number(trust["answers"]["calibration_error"])],
        ["calibration error of decisions", number(trust["decisions"]["calibration_error"])],
        ["risk-coverage area", number(trust["decisions"]["risk_coverage_area"])],
        ["AUROC, unanswerable questions", number(trust["auroc"]["unanswerable"])],
        ["AUROC, gold passage removed", number(trust["auroc"]["removed"])],
        [
            "calibration error, half with passage removed",
            number(trust["removed"]["calibration_error"]),
        ],
        ["answered all the same, gold passage removed", number(trust["removed"]["answered"])],
    ]


def _at_least(report: dict[str, Any]) -> Rows:
    return [
        ["confidence", "share of questions", "right"],
        *([f"{row['confidence']:.1f}", number(row["shown"]), number(row["right"])] for row in _levels_of(report)),
    ]


def _levels_of(report: dict[str, Any]) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = report["trust"]["answers"]["at_least"]
    return rows


def _by_k(report: dict[str, Any]) -> Rows:
    return [
        ["k", "answered", "at >= 0.8", "ROUGE-1 F1, all", "answerable", "answer forced", "AUROC"],
        *(
            [
                str(row["k"]),
                number(row["coverage"]),
                number(row["coverage_at_0.8"]),
                number(row["rouge1_f1"]),
                number(row["rouge1_f1_answerable"]),
                number(row["rouge1_f1_answerable_forced"]),
                number(row["auroc"]),
            ]
            for row in report["by_k"]
        ),
    ]


def _slice(rows: Sequence[dict[str, Any]]) -> Rows:
    return [
        ["", "questions", "ROUGE-1 F1", "answer forced", "answered"],
        *(
            [
                row["name"],
                f"{row['questions']:,}",
                number(row["rouge1_f1"]),
                number(row["rouge1_f1_forced"]),
                number(row["answered"]),
            ]
            for row in rows
        ),
    ]


def _audit(report: dict[str, Any]) -> Rows:
    rows = [["", "ROUGE-1 F1, all", "no-answer acc."]]
    for name, level in (
        ("all questions", report["levels"]["pipeline"]),
        (f"without {report['audit']['count']:,} candidates", report["audit"]["without"]),
    ):
        if level:
            rows.append([name, number(level["rouge1_f1"]), number(level["no_answer_accuracy"])])
    return rows


def _ablation(report: dict[str, Any]) -> Rows:
    return [
        ["mode", "ranking", "k", "ROUGE-1 F1, all", "answerable", "answer forced", "AUROC", "answered"],
        *(
            [
                row["mode"],
                row["ranking"],
                str(row["k"]),
                number(row["rouge1_f1"]),
                number(row["rouge1_f1_answerable"]),
                number(row["rouge1_f1_answerable_forced"]),
                number(row["auroc"]),
                number(row["coverage"]),
            ]
            for row in report["ablation"]
        ),
    ]


def _of_ablation(report: dict[str, Any], mode: str) -> dict[str, Any] | None:
    """The baseline of one retriever alone and the raw logit sum, where it was measured."""
    rows: list[dict[str, Any]] = report["ablation"] or []
    return next((r for r in rows if (r["mode"], r["ranking"], r["k"]) == (mode, "logit", report["k"])), None)


def _aligned(rows: Rows) -> str:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = []
    for row in rows:
        first, *rest = (
            cell.ljust(w) if not at else cell.rjust(w) for at, (cell, w) in enumerate(zip(row, widths, strict=True))
        )
        lines.append("  ".join([first, *rest]).rstrip())
    return "\n".join(line for line in lines if line)


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cell.strip() for cell in cells) + " |"
