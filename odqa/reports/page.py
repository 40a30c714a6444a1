"""The report of a pipeline goes in, one page of HTML comes out, that needs nothing but itself.

There is no network, no script, no font and no image in it. Questions and passages may hold anything: their text goes
through :mod:`odqa.reports.elements`, which escapes it.
"""

from __future__ import annotations

from collections.abc import Callable
from html import escape
from importlib.resources import files

from odqa.evaluation.failures import ABSTAINED, ANSWERED, NOT_RETRIEVED, OUTRANKED, WRONG_SPAN
from odqa.evaluation.report import FILE, Depth, Report, Score, Specimen
from odqa.reports import pipeline, plots
from odqa.reports.cells import recall, score
from odqa.reports.elements import figure, lead, quoted, table, terms
from odqa.reports.plots import Bar, Series
from odqa.reports.tables import Cell, margin_of_error, number

POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
MEANINGS = {
    NOT_RETRIEVED: "No gold passage is among the first k, whatever was then made of the question.",
    OUTRANKED: "A gold passage was found, and an answer from another passage was ranked first and given.",
    WRONG_SPAN: "The answer that was given is in a gold passage and does not match exactly; it may overlap.",
    ABSTAINED: "A gold passage was found, and no answer was given.",
    ANSWERED: "The dataset gives the question no answer, and one was given.",
}


def as_html(report: Report) -> str:
    """The report as one page that needs no other file."""
    name = escape(report.dataset)
    sections = [
        ("levels", "Three levels", _levels(report)),
        ("confidence", "Confidence", _confidence(report)),
        ("passages", "Number of passages", _passages(report)),
        ("questions", "Kinds of questions", _slices(report)),
        ("failures", "What went wrong", _failures(report)),
        ("audit", "Audit of unanswerable questions", _audit(report)),
    ]
    if report.ablation:
        sections.append(("ablation", "Rankings, modes and k", _ablation(report)))
    links = "".join(f'<a href="#{key}">{key.capitalize()}</a>' for key, _, _ in sections)
    style = files("odqa.reports").joinpath("style.css").read_text(encoding="utf-8")
    return "\n".join(
        [
            "<!DOCTYPE html>",
            '<html lang="en">',
            "<head>",
            '<meta charset="utf-8">',
            f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            '<meta name="color-scheme" content="light dark">',
            f"<title>{name} – evaluation</title>",
            f"<style>\n{style}</style>",
            "</head>",
            "<body>",
            f'<header><p class="over">Evaluation of question answering</p><h1>{name}</h1>{_setting(report)}</header>',
            "<main>",
            _tiles(report),
            f'<nav aria-label="Sections">{links}</nav>',
            *(f'<section id="{key}"><h2>{title}</h2>\n{body}\n</section>' for key, title, body in sections),
            "</main>",
            f"<footer>Made by odqa {escape(report.odqa)}. All scores run from 0 to 1; after ± is half the width of "
            f"the 95 % bootstrap interval. The scores of every question are in {FILE}, for odqa compare.</footer>",
            "</body>",
            "</html>",
            "",
        ]
    )


def _setting(report: Report) -> str:
    asked, index = report.questions, report.index
    return terms(
        [
            ("questions", f"{asked.questions:,}, of them {asked.answerable:,} answerable"),
            ("index", f"{index.folder}, {index.passages:,} passages"),
            ("search", f"{report.mode}, k = {report.k}"),
            ("ranking", report.ranking),
            *([("expected to have an answer", f"{100 * report.answerable:g} %")] if report.answerable else ()),
            ("fitted on", report.fitted or "nothing: the reader's own settings"),
            ("reader", f"{report.reader} ({report.reader_hash})"),
            ("encoder", index.encoder),
            ("gold passages recognised by", report.gold_by),
            ("language", report.language),
            ("took", _duration(report.seconds)),
        ],
        "setting",
    )


def _tiles(report: Report) -> str:
    """The five numbers to look at first."""
    overall = score(report.levels.pipeline, "rouge1_f1")
    forced = score(report.levels.pipeline, "rouge1_f1_answerable_forced")
    answered = next(one.answered for one in report.by_k if one.k == report.k)
    tiles = [
        _tile("ROUGE-1 F1, all questions", overall),
        _tile("ROUGE-1 F1, answerable, answer forced", forced),
        _tile(f"recall@{report.k} of the gold passage", recall(report.levels.retrieval, report.k)),
        _item("of all questions answered", number(answered and 100 * answered, digits=1), "%"),
        _tile("calibration error of answers", Cell(report.trust.answers_calibration_error)),
    ]
    return f'<ul class="tiles">{"".join(tiles)}</ul>'


def _tile(what: str, cell: Cell) -> str:
    return _item(what, number(cell.value), margin_of_error(cell.interval) if cell.interval else "")


def _item(what: str, value: str, after: str) -> str:
    small = f" <small>{after}</small>" if after else ""
    return f"<li><b>{value}{small}</b><span>{what}</span></li>"


def _levels(report: Report) -> str:
    reader, whole, retrieval = report.levels.reader, report.levels.pipeline, report.levels.retrieval
    bars = [
        _bar("reader on the gold passage, answer forced", score(reader, "rouge1_f1_answerable_forced"), "b"),
        _bar("reader on the gold passage, answer given", score(reader, "rouge1_f1_answerable"), "a"),
        _bar(f"retrieval, recall@{report.k}", recall(report.levels.retrieval, report.k), "c"),
        _bar("whole pipeline, answer forced", score(whole, "rouge1_f1_answerable_forced"), "b"),
        _bar("whole pipeline, answer given", score(whole, "rouge1_f1_answerable"), "a"),
    ]
    depths = sorted(retrieval.recall)
    recalls = [recall(retrieval, depth) for depth in depths]
    series = Series("recall", [one.value for one in recalls], "c", [one.interval for one in recalls])
    three, by_depth = "The three levels over the answerable questions", "Recall of the gold passage by k"
    return "\n".join(
        [
            lead(
                "The reader alone is given the passage that a question was asked of. Retrieval has to find that "
                "passage, and the pipeline answers from what was found. So the reader is about as far as the pipeline "
                "can get, and what lies between the two was lost by retrieval and by ranking."
            ),
            table(pipeline.levels(report), heading=False),
            '<div class="pair">',
            figure(
                plots.bars(three, bars, "ROUGE-1 F1; recall for retrieval"),
                three,
                "With the answer forced, the best answer counts; with the answer given, a withheld one counts 0. "
                "The strokes are 95 % bootstrap intervals.",
                [("a", "answer given"), ("b", "answer forced"), ("c", "retrieval")],
            ),
            figure(
                plots.columns(by_depth, [str(depth) for depth in depths], [series], "k, passages found", "recall"),
                by_depth,
                "The share of the answerable questions whose gold passage is among the first k that retrieval finds.",
            ),
            "</div>",
            table(pipeline.retrieval(report)),
        ]
    )


def _confidence(report: Report) -> str:
    trust = report.trust
    answers, decisions = "Reliability of answers", "Risk and coverage of decisions"
    return "\n".join(
        [
            lead(
                "Confidence can be trusted where, of the answers shown with 70 %, 70 % are right; it is useful where "
                "the most confident answers are the right ones. An answer is right if it matches a reference exactly."
            ),
            '<div class="pair">',
            figure(
                plots.reliability(answers, trust.reliability),
                answers,
                f"Every first answer, given or not, by tenths of confidence; the larger a point, the more answers. "
                f"Above the diagonal, more are right than confidence says. Calibration error "
                f"<b>{number(trust.answers_calibration_error)}</b> (mean distance over 15 bins).",
            ),
            figure(
                plots.curve(
                    decisions,
                    trust.risk_coverage,
                    "coverage, share of questions decided",
                    "risk, share decided wrongly",
                ),
                decisions,
                f"How many of the most confident decisions are wrong; abstaining is a decision too. Area under the "
                f"curve <b>{number(trust.risk_coverage_area)}</b>; 0 is best.",
            ),
            "</div>",
            '<div class="pair">',
            f"<div>{table(pipeline.trust(report))}</div>",
            f"<div>{table(pipeline.at_least(report))}</div>",
            "</div>",
        ]
    )


def _passages(report: Report) -> str:
    ks = [str(one.k) for one in report.by_k]

    def series(name: str, value: Callable[[Depth], Score], look: str) -> Series:
        return Series(name, [value(one) for one in report.by_k], look)

    coverage = [
        series("answered", lambda one: one.answered, "a"),
        series("confidence of the first answer at least 0.8", lambda one: one.confident, "b"),
    ]
    worth = [
        series("answer given", lambda one: one.rouge1_f1_answerable, "a"),
        series("answer forced", lambda one: one.rouge1_f1_answerable_forced, "b"),
    ]
    return "\n".join(
        [
            lead(
                "The same threshold at other numbers of passages. More passages bring more wrong candidates; where a "
                "threshold holds, the share that is answered hardly moves."
            ),
            '<div class="pair">',
            figure(
                plots.columns("Coverage by k", ks, coverage, "k, passages read", "share of all questions"),
                "Coverage by k",
                "The share of all questions, unanswerable ones among them, that get an answer.",
                [(one.look, one.name) for one in coverage],
            ),
            figure(
                plots.columns("Answers by k", ks, worth, "k, passages read", "ROUGE-1 F1"),
                "Answers by k",
                "What the answers to the answerable questions are worth.",
                [(one.look, one.name) for one in worth],
            ),
            "</div>",
            table(pipeline.by_k(report)),
        ]
    )


def _slices(report: Report) -> str:
    tables = "".join(f"<div>{table(one)}</div>" for one in pipeline.slices(report) if one.rows)
    if not tables:
        return lead("No question is answerable.")
    opening = lead("Answerable questions by kind, the most frequent kind first. Few questions say little.")
    return f'{opening}\n<div class="tables">{tables}</div>'


def _failures(report: Report) -> str:
    counts, worst = report.failures.counts, report.failures.worst
    if not worst:
        return lead("Nothing: every decision was right.")
    bars = [Bar(kind, count) for kind, count in counts.items()]
    title = "Wrong decisions by kind"
    kinds = "".join(f"<dt>{escape(kind)}</dt><dd>{escape(MEANINGS[kind])}</dd>" for kind in counts if kind in MEANINGS)
    return "\n".join(
        [
            lead(
                f"{sum(counts.values()):,} of {report.questions.questions:,} decisions do not match a reference "
                "exactly, or answer what has no answer."
            ),
            '<div class="pair">',
            figure(plots.bars(title, bars, "questions", digits=0, largest=max(5, *counts.values())), title),
            f'<dl class="kinds">{kinds}</dl>',
            "</div>",
            f"<h3>The {len(worst)} most confident, each kind in turn</h3>",
            *map(_specimen, worst),
        ]
    )


def _audit(report: Report) -> str:
    audit = report.audit
    if not audit.count:
        return lead("No unanswerable question has a confident answer in another passage than its own.")
    return "\n".join(
        [
            lead(
                "A dataset calls a question unanswerable of one paragraph; another passage of the index may answer it. "
                f"{audit.count:,} have an answer of at least 0.5 confidence in another passage, and count as wrong "
                "where it is given. Whether it is right, a person has to look."
            ),
            table(pipeline.audit(report)),
            f"<h3>The {len(audit.candidates)} most confident candidates</h3>",
            *map(_specimen, audit.candidates),
        ]
    )


def _ablation(report: Report) -> str:
    opening = lead("Every ranking in every mode, each as it was fitted. The row of this report is marked.")
    return opening + table(pipeline.ablation(report), heading=False)


def _specimen(one: Specimen) -> str:
    """A question with its answer marked in its passage, folded away."""
    own = quoted(one.gold) if one.gold.text != one.passage.text else ""
    how = "given" if one.given else "withheld"
    facts = [
        ("expected", " · ".join(one.expected) or "no answer"),
        (f"answer, {how}" if one.answer else "answer", one.answer or "none was found"),
        ("confidence", number(one.confidence)),
        ("probability of no answer", number(one.no_answer_probability)),
        ("rank of the gold passage", "not found" if one.gold_rank is None else str(one.gold_rank)),
        ("document", one.document or "-"),
        ("id", one.id),
    ]
    label = f'<span class="kind">{escape(one.kind)}</span>' if one.kind else ""
    short = f' <span class="short">→ <bdi>{escape(one.answer)}</bdi></span>' if one.answer else ""
    return (
        f'<details><summary>{label}<span class="question"><bdi>{escape(one.question)}</bdi>{short}</span>'
        f'<span class="sure" title="confidence of the answer">{number(one.confidence)}</span></summary>'
        f'<div class="case">{terms(facts)}'
        + quoted(one.passage)
        + (f"<p>The dataset's own passage:</p>{own}" if own else "")
        + "</div></details>"
    )


def _bar(label: str, cell: Cell, look: str) -> Bar:
    return Bar(label, cell.value, look, cell.interval)


def _duration(seconds: float) -> str:
    minutes = round(seconds / 60)
    return f"{seconds:,.0f} s" if seconds < 120 else f"{minutes} min" if minutes < 120 else f"{seconds / 3600:.1f} h"
