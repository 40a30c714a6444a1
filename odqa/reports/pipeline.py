"""The report of a pipeline goes in, its tables come out: one function a table, and all of them as aligned text."""

from __future__ import annotations

from collections.abc import Iterator

from odqa.evaluation.report import Depth, Report
from odqa.reports.cells import recall, score
from odqa.reports.tables import Cell, Row, Table, as_text
from odqa.reports.visible import visible
from odqa.reports.wrapping import wrapped


def format_pipeline(report: Report, width: int | None = None) -> str:
    """The report's tables for a terminal, which has so many columns."""
    title = visible(headline(report))
    lines = [title] if width is None else wrapped(title, width, "")
    return "\n\n".join(["\n".join(lines), *(as_text(table, width) for table in tables(report))])


def tables(report: Report) -> Iterator[Table]:
    """Each table that the report has something for."""
    yield levels(report)
    yield retrieval(report)
    yield trust(report)
    yield at_least(report)
    yield by_k(report)
    yield failures(report)
    yield from slices(report)
    if report.audit.count:
        yield audit(report)
    if report.ablation:
        yield ablation(report)


def headline(report: Report) -> str:
    """What was asked of what, and how, in a sentence."""
    asked, index = report.questions, report.index
    read = "" if report.passages_read is None else f" ({report.passages_read:.1f} of them read)"
    expected = "" if report.answerable is None else f", expecting {report.answerable:g} of them to have an answer"
    return (
        f"{asked.questions:,} questions ({asked.answerable:,} answerable) asked of {index.folder}{expected}, "
        f"{index.passages:,} passages; {report.mode} search, k = {report.k}{read}, ranking {report.ranking}, "
        f"reader {report.reader}; gold passages recognised by {report.gold_by}; {report.seconds:,.0f} s"
    )


def levels(report: Report) -> Table:
    """The reader on the gold passage, the whole pipeline, and the baselines, side by side."""
    rows = [
        Row(
            name,
            (
                score(level, "rouge1_f1"),
                score(level, "rouge1_f1_answerable"),
                score(level, "rouge1_f1_answerable_forced"),
                Cell(level.exact_match),
                Cell(level.f1),
                Cell(level.no_answer_accuracy),
            ),
        )
        for name, level in (
            ("reader on the gold passage", report.levels.reader),
            ("retrieval, reader and ranking", report.levels.pipeline),
        )
    ]
    rows.append(Row("best of five answers", ("", "", Cell(report.levels.top5.rouge1_f1), "", "", ""), sub=True))
    for name, mode in (("dense", "dense"), ("BM25", "bm25")):
        if alone := _logit_sum(report, mode):
            scores = (alone.rouge1_f1, alone.rouge1_f1_answerable, alone.rouge1_f1_answerable_forced)
            rows.append(Row(f"{name}, best logit sum", (*map(Cell, scores), "", "", "")))
    rows += [
        Row(one.name, (Cell(one.rouge1_f1), Cell(one.rouge1_f1_answerable), "", "", "", "")) for one in report.baselines
    ]
    head = ("", "ROUGE-1, all", "answerable", "answer forced", "EM", "F1", "no answer")
    return Table("Three levels", head, tuple(rows))


def retrieval(report: Report) -> Table:
    """Recall at each depth, and MRR."""
    found = report.levels.retrieval
    depths = sorted(found.recall)
    first, *others = [*(recall(found, depth) for depth in depths), Cell(found.mrr, found.mrr_interval)]
    head = (*(f"recall@{depth}" for depth in depths), f"mrr@{found.mrr_depth}")
    return Table("Retrieval of the gold passage", head, (Row(first, tuple(others)),))


def trust(report: Report) -> Table:
    """What confidence and abstention are worth."""
    found = report.trust
    scores = {
        "calibration error of answers": found.answers_calibration_error,
        "calibration error of decisions": found.decisions_calibration_error,
        "risk-coverage area": found.risk_coverage_area,
        "AUROC, unanswerable questions": found.auroc_unanswerable,
        "AUROC, gold passage removed": found.auroc_removed,
        "calibration error, half with passage removed": found.removed_calibration_error,
        "answered all the same, gold passage removed": found.removed_answered,
    }
    rows = tuple(Row(name, (Cell(value),)) for name, value in scores.items())
    return Table("Whether confidence can be trusted", ("", ""), rows)


def at_least(report: Report) -> Table:
    """What is shown where a confidence is asked for, and how much of it is right."""
    rows = (Row(f"{one.confidence:.1f}", (Cell(one.shown), Cell(one.right))) for one in report.trust.at_least)
    return Table("Answers of at least this confidence", ("confidence", "share of questions", "right"), tuple(rows))


def by_k(report: Report) -> Table:
    """What the threshold does at other numbers of passages."""
    head = ("k", "answered", "at >= 0.8", "ROUGE-1 F1, all", "answerable", "answer forced", "AUROC")
    rows = (
        Row(str(one.k), (Cell(one.answered), Cell(one.confident), *_rouge(one), Cell(one.auroc))) for one in report.by_k
    )
    return Table("One threshold, other numbers of passages", head, tuple(rows))


def failures(report: Report) -> Table:
    """How many decisions went wrong, by kind."""
    rows = tuple(Row(kind, (count,)) for kind, count in report.failures.counts.items())
    return Table("What went wrong", ("", "questions"), rows)


def slices(report: Report) -> Iterator[Table]:
    """Answerable questions, a table for each property by which they are sorted."""
    head = ("", "questions", "ROUGE-1 F1", "answer forced", "answered")
    for name, kinds in report.slices.items():
        rows = (
            Row(one.name, (one.questions, Cell(one.rouge1_f1), Cell(one.rouge1_f1_forced), Cell(one.answered)))
            for one in kinds
        )
        yield Table(f"By {name}", head, tuple(rows))


def audit(report: Report) -> Table:
    """The pipeline's scores with and without the audit's candidates."""
    both = (
        ("all questions", report.levels.pipeline),
        (f"without {report.audit.count:,} candidates", report.audit.without),
    )
    rows = tuple(Row(name, (Cell(level.rouge1_f1), Cell(level.no_answer_accuracy))) for name, level in both if level)
    head = ("", "ROUGE-1 F1, all", "no-answer acc.")
    return Table("Without unanswerable questions that another passage may answer", head, rows)


def ablation(report: Report) -> Table:
    """Each ranking in each mode at each k; the report's own row is marked."""
    own = (report.mode, report.ranking, report.k)
    head = ("mode", "ranking", "k", "ROUGE-1 F1, all", "answerable", "answer forced", "AUROC", "answered")
    rows = (
        Row(
            one.mode,
            (one.ranking, one.k, *_rouge(one), Cell(one.auroc), Cell(one.answered)),
            own=(one.mode, one.ranking, one.k) == own,
        )
        for one in report.ablation
    )
    return Table("Rankings, modes and k", head, tuple(rows))


def _rouge(one: Depth) -> tuple[Cell, Cell, Cell]:
    """ROUGE-1 F1 over all questions, over the answerable ones, and over these with an answer forced."""
    return Cell(one.rouge1_f1), Cell(one.rouge1_f1_answerable), Cell(one.rouge1_f1_answerable_forced)


def _logit_sum(report: Report, mode: str) -> Depth | None:
    """The baseline of one retriever alone and the raw logit sum, where it was measured."""
    wanted = (mode, "logit", report.k)
    return next((one for one in report.ablation if (one.mode, one.ranking, one.k) == wanted), None)
