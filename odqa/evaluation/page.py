"""Writes the report of a pipeline into a folder: as JSON, as Markdown, as one page of HTML. Knows no metric.

The page needs nothing but itself: no network, no script, no font, no image. Questions and passages may hold anything,
so all text goes through ``html.escape``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from html import escape
from pathlib import Path
from typing import Any

from odqa.evaluation.failures import ABSTAINED, ANSWERED, NOT_RETRIEVED, OUTRANKED, WRONG_SPAN
from odqa.evaluation.page_style import STYLE
from odqa.evaluation.pipeline_table import Rows, as_markdown, number, tables
from odqa.evaluation.plots import Bar, Point, Series, bars, columns, curve, reliability
from odqa.files import whole

JSON, MARKDOWN, HTML = "report.json", "report.md", "report.html"
POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
MEANT = {
    NOT_RETRIEVED: "No gold passage is among the first k, whatever was then made of the question.",
    OUTRANKED: "A gold passage was found, and an answer out of another passage stood first and was given.",
    WRONG_SPAN: "The answer that was given stands in a gold passage and does not match exactly; it may overlap.",
    ABSTAINED: "A gold passage was found, and no answer was given.",
    ANSWERED: "The dataset gives the question no answer, and one was given.",
}
_NUMBER = re.compile(r"[\d.,]+( [±/] [\d.,]+)?|-( / -)?")


def write_report(folder: Path, report: dict[str, Any]) -> None:
    """Write report.json, report.md and report.html into ``folder``, which is made.

    What was there stays as it was until all three are written.
    """
    texts = {
        JSON: json.dumps(report, indent=1, allow_nan=False) + "\n",
        MARKDOWN: as_markdown(report),
        HTML: as_html(report),
    }
    folder.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        for name, text in texts.items():
            # A dataset may hold half of a surrogate pair, which is no character of UTF-8.
            stack.enter_context(whole(folder / name)).write_text(text, encoding="utf-8", errors="backslashreplace")


def as_html(report: dict[str, Any]) -> str:
    """The report as one page that needs no other file."""
    name = escape(str(report.get("dataset", "Evaluation")))
    sections = [
        ("levels", "Three levels", _levels(report)),
        ("confidence", "Confidence", _confidence(report)),
        ("passages", "Number of passages", _passages(report)),
        ("questions", "Kinds of questions", _slices(report)),
        ("failures", "What went wrong", _failures(report)),
        ("audit", "Audit of unanswerable questions", _audit(report)),
    ]
    if report["ablation"]:
        sections.append(("ablation", "Rankings, modes and k", _ablation(report)))
    links = "".join(f'<a href="#{key}">{key.capitalize()}</a>' for key, _, _ in sections)
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
            f"<style>{STYLE}</style>",
            "</head>",
            "<body>",
            f'<header><p class="over">Evaluation of question answering</p><h1>{name}</h1>{_setting(report)}</header>',
            "<main>",
            _tiles(report),
            f'<nav aria-label="Sections">{links}</nav>',
            *(f'<section id="{key}"><h2>{title}</h2>\n{body}\n</section>' for key, title, body in sections),
            "</main>",
            f"<footer>Made by odqa {escape(report['odqa'])}. All scores run from 0 to 1; behind ± is half the width of "
            f"the 95 % bootstrap interval. The scores of every question are in {JSON}, for odqa compare.</footer>",
            "</body>",
            "</html>",
            "",
        ]
    )


def _setting(report: dict[str, Any]) -> str:
    asked, index = report["questions"], report["index"]
    return _terms(
        [
            ("questions", f"{asked['questions']:,}, of them {asked['answerable']:,} answerable"),
            ("index", f"{index['folder']}, {index['passages']:,} passages"),
            ("search", f"{report['mode']}, k = {report['k']}"),
            ("ranking", report["ranking"]),
            ("fitted on", report["fitted"] or "nothing: the reader's own settings"),
            ("reader", f"{report['reader']} ({report['reader_hash']})"),
            ("encoder", index["encoder"]),
            ("gold passages told by", report["gold_by"]),
            ("language", report["language"]),
            ("took", _duration(report["seconds"])),
        ],
        "setting",
    )


def _tiles(report: dict[str, Any]) -> str:
    """The five numbers to look at first."""
    pipeline, retrieval, trust = report["levels"]["pipeline"], report["levels"]["retrieval"], report["trust"]
    recall = f"recall@{report['k']}"
    answered = next(row["coverage"] for row in report["by_k"] if row["k"] == report["k"])
    tiles = [
        ("ROUGE-1 F1, all questions", _score(pipeline, "rouge1_f1")),
        ("ROUGE-1 F1, answerable, answer forced", _score(pipeline, "rouge1_f1_answerable_forced")),
        (f"{recall} of the gold passage", _score(retrieval, recall)),
        ("of all questions answered", f"{100 * answered:.1f} %"),
        ("calibration error of answers", number(trust["answers"]["calibration_error"])),
    ]
    items = []
    for what, shown in tiles:
        value, _, behind = shown.partition(" ")
        items.append(f"<li><b>{value} <small>{behind}</small></b><span>{what}</span></li>")
    return f'<ul class="tiles">{"".join(items)}</ul>'


def _levels(report: dict[str, Any]) -> str:
    reader, pipeline, retrieval = (report["levels"][level] for level in ("reader", "pipeline", "retrieval"))
    recall = f"recall@{report['k']}"
    shown = [
        _bar("reader on the gold passage, answer forced", reader, "rouge1_f1_answerable_forced", "b"),
        _bar("reader on the gold passage, answer given", reader, "rouge1_f1_answerable", "a"),
        _bar(f"retrieval, {recall}", retrieval, recall, "c"),
        _bar("whole pipeline, answer forced", pipeline, "rouge1_f1_answerable_forced", "b"),
        _bar("whole pipeline, answer given", pipeline, "rouge1_f1_answerable", "a"),
    ]
    depths = sorted(int(name.removeprefix("recall@")) for name in retrieval if name.startswith("recall@"))
    names = [f"recall@{depth}" for depth in depths]
    found = Series("recall", [retrieval[name] for name in names], "c", [retrieval["intervals"][name] for name in names])
    return "\n".join(
        [
            _lead(
                "The reader alone is given the passage that a question was asked of. Retrieval has to find that "
                "passage, and the pipeline answers from what was found. So the reader is about as far as the pipeline "
                "can get, and what lies between the two was lost by retrieval and by ranking."
            ),
            _table(report, "Three levels", heading=False),
            '<div class="pair">',
            _figure(
                bars("The three levels over the answerable questions", shown, "ROUGE-1 F1; recall for retrieval"),
                "The three levels over the answerable questions",
                "With the answer forced, the best answer counts; with the answer given, a withheld one counts 0. "
                "The strokes are 95 % bootstrap intervals.",
                [("a", "answer given"), ("b", "answer forced"), ("c", "retrieval")],
            ),
            _figure(
                columns(
                    "Recall of the gold passage by k", [str(d) for d in depths], [found], "k, passages found", "recall"
                ),
                "Recall of the gold passage by k",
                "The share of the answerable questions whose gold passage is among the first k that retrieval finds.",
            ),
            "</div>",
            _table(report, "Retrieval of the gold passage"),
        ]
    )


def _confidence(report: dict[str, Any]) -> str:
    answers, decisions = report["trust"]["answers"], report["trust"]["decisions"]
    points = [Point(one["confidence"], one["right"], one["count"]) for one in answers["reliability"]]
    return "\n".join(
        [
            _lead(
                "Confidence can be trusted where, of the answers shown with 70 %, 70 % are right; it is useful where "
                "the surest answers are the right ones. An answer is right that matches a reference exactly."
            ),
            '<div class="pair">',
            _figure(
                reliability("Reliability of answers", points),
                "Reliability of answers",
                f"Every first answer, given or not, by tenths of confidence; the larger a point, the more answers. "
                f"Above the diagonal, more are right than confidence says. Calibration error "
                f"<b>{number(answers['calibration_error'])}</b> (mean distance over 15 bins).",
            ),
            _figure(
                curve(
                    "Risk and coverage of decisions",
                    decisions["risk_coverage"],
                    "coverage, share of questions decided",
                    "risk, share decided wrongly",
                ),
                "Risk and coverage of decisions",
                f"How many decisions are wrong among the surest ones; abstaining is a decision too. Area under the "
                f"curve <b>{number(decisions['risk_coverage_area'])}</b>; 0 is best.",
            ),
            "</div>",
            '<div class="pair">',
            f"<div>{_table(report, 'Whether confidence can be trusted')}</div>",
            f"<div>{_table(report, 'Answers of at least this confidence')}</div>",
            "</div>",
        ]
    )


def _passages(report: dict[str, Any]) -> str:
    rows = report["by_k"]
    ks = [str(row["k"]) for row in rows]

    def series(name: str, key: str, look: str) -> Series:
        return Series(name, [row[key] for row in rows], look)

    coverage = [
        series("answered", "coverage", "a"),
        series("confidence of the first answer at least 0.8", "coverage_at_0.8", "b"),
    ]
    worth = [
        series("answer given", "rouge1_f1_answerable", "a"),
        series("answer forced", "rouge1_f1_answerable_forced", "b"),
    ]
    return "\n".join(
        [
            _lead(
                "The same threshold at other numbers of passages. More passages bring more wrong candidates; where a "
                "threshold holds, the share that is answered hardly moves."
            ),
            '<div class="pair">',
            _figure(
                columns("Coverage by k", ks, coverage, "k, passages read", "share of all questions"),
                "Coverage by k",
                "The share of all questions, unanswerable ones among them, that get an answer.",
                [(one.look, one.name) for one in coverage],
            ),
            _figure(
                columns("Answers by k", ks, worth, "k, passages read", "ROUGE-1 F1"),
                "Answers by k",
                "What the answers to the answerable questions are worth.",
                [(one.look, one.name) for one in worth],
            ),
            "</div>",
            _table(report, "One threshold, other numbers of passages"),
        ]
    )


def _slices(report: dict[str, Any]) -> str:
    tabled = [f"<div>{_table(report, f'By {name}')}</div>" for name, rows in report["slices"].items() if rows]
    if not tabled:
        return _lead("No question is answerable.")
    lead = _lead("Answerable questions by what they are like, the most frequent kind first. Few questions say little.")
    return f'{lead}\n<div class="tables">{"".join(tabled)}</div>'


def _failures(report: dict[str, Any]) -> str:
    counts, worst = report["failures"]["counts"], report["failures"]["worst"]
    if not worst:
        return _lead("Nothing: every decision was right.")
    shown = [Bar(kind, count) for kind, count in counts.items()]
    title = "Wrong decisions by kind"
    meant = "".join(f"<dt>{escape(kind)}</dt><dd>{escape(MEANT[kind])}</dd>" for kind in counts if kind in MEANT)
    return "\n".join(
        [
            _lead(
                f"{sum(counts.values()):,} of {report['questions']['questions']:,} decisions do not match a reference "
                "exactly, or answer what has no answer."
            ),
            '<div class="pair">',
            _figure(bars(title, shown, "questions", digits=0, largest=max(5, *counts.values())), title),
            f'<dl class="kinds">{meant}</dl>',
            "</div>",
            f"<h3>The {len(worst)} that were surest, by turns of each kind</h3>",
            *(_case(case, case["kind"]) for case in worst),
        ]
    )


def _audit(report: dict[str, Any]) -> str:
    audit = report["audit"]
    if not audit["count"]:
        return _lead("No unanswerable question has a confident answer in another passage than its own.")
    shown = audit["candidates"]
    return "\n".join(
        [
            _lead(
                "A dataset calls a question unanswerable of one paragraph; another passage of the index may answer it. "
                f"{audit['count']:,} have an answer of at least 0.5 confidence in another passage, and count as wrong "
                "where it is given. Whether it is right, a person has to look."
            ),
            _table(report, "Without unanswerable questions that another passage may answer"),
            f"<h3>The {len(shown)} surest candidates</h3>",
            *(_case(case) for case in shown),
        ]
    )


def _ablation(report: dict[str, Any]) -> str:
    own = [report["mode"], report["ranking"], str(report["k"])]
    return _lead("Every ranking in every mode, each as it was fitted. The row of this report is marked.") + _table(
        report, "Rankings, modes and k", own=own, heading=False
    )


def _case(case: dict[str, Any], kind: str = "") -> str:
    """A question with its answer marked where it stands, folded away."""
    own = _marked(case["gold"]["context"], case["gold"]["span"]) if case["gold"]["context"] != case["passage"] else ""
    how = "given" if case["given"] else "withheld"
    terms = [
        ("expected", " · ".join(case["expected"]) or "no answer"),
        (f"answer, {how}" if case["answer"] else "answer", case["answer"] or "none was found"),
        ("confidence", number(case["confidence"])),
        ("probability of no answer", number(case["no_answer_probability"])),
        ("rank of the gold passage", "not found" if case["gold_rank"] is None else str(case["gold_rank"])),
        ("document", case["document"] or "-"),
        ("id", case["id"]),
    ]
    label = f'<span class="kind">{escape(kind)}</span>' if kind else ""
    short = f' <span class="short">→ <bdi>{escape(case["answer"])}</bdi></span>' if case["answer"] else ""
    return (
        f'<details><summary>{label}<span class="question"><bdi>{escape(case["question"])}</bdi>{short}</span>'
        f'<span class="sure" title="confidence of the answer">{number(case["confidence"])}</span></summary>'
        f'<div class="case">{_terms(terms)}'
        + _marked(case["passage"], case["span"])
        + (f"<p>The dataset's own passage:</p>{own}" if own else "")
        + "</div></details>"
    )


def _marked(text: str, span: Sequence[int]) -> str:
    """A passage with a stretch of it marked, quoted; nothing where there is no text."""
    start, end = span
    middle = f"<mark>{escape(text[start:end])}</mark>" if start < end else ""
    quoted = f"{escape(text[:start])}{middle}{escape(text[end:])}"
    return f'<blockquote dir="auto">{quoted}</blockquote>' if text else ""


def _table(report: dict[str, Any], title: str, *, own: Sequence[str] | None = None, heading: bool = True) -> str:
    """The table of this title; the row that begins as ``own`` does is marked."""
    head, *body = dict(tables(report))[title]
    parts = [f"<h3>{escape(title)}</h3>" if heading else ""]
    parts.append(f'<div class="scroll" tabindex="0" role="region" aria-label="{escape(title)}"><table>')
    numeric = _numeric(body)
    if any(head):
        cells = (
            f'<th scope="col"{_right(right)}>{escape(cell)}</th>' for cell, right in zip(head, numeric, strict=True)
        )
        parts.append(f"<thead><tr>{''.join(cells)}</tr></thead>")
    parts.append("<tbody>")
    for name, *rest in body:
        mark = ' class="own"' if own and [name, *rest][: len(own)] == list(own) else ""
        sub = ' class="sub"' if name.startswith(" ") else ""
        cells = (f"<td{_right(right)}>{escape(cell)}</td>" for cell, right in zip(rest, numeric[1:], strict=True))
        parts.append(f'<tr{mark}><th scope="row"{sub}>{escape(name.strip())}</th>{"".join(cells)}</tr>')
    return "".join([*parts, "</tbody></table></div>"])


def _numeric(body: Rows) -> list[bool]:
    """Of each column but the first, whether it holds nothing but numbers."""
    return [
        at > 0 and all(not cell or _NUMBER.fullmatch(cell) for cell in cells)
        for at, cells in enumerate(zip(*body, strict=True))
    ]


def _right(numeric: bool) -> str:
    return ' class="n"' if numeric else ""


def _figure(svg: str, title: str, caption: str = "", legend: Iterable[tuple[str, str]] = ()) -> str:
    """A figure under its title; ``caption`` is HTML, ``legend`` the class and the name of each colour."""
    keys = "".join(f'<span><span class="key {look}"></span>{what}</span>' for look, what in legend)
    shown = f'<p class="legend">{keys}</p>' if keys else ""
    below = f"<figcaption>{caption}</figcaption>" if caption else ""
    return f"<figure><h3>{title}</h3>{shown}{svg}{below}</figure>"


def _bar(label: str, level: dict[str, Any], name: str, look: str) -> Bar:
    return Bar(label, level[name], look, level["intervals"][name])


def _terms(pairs: Iterable[tuple[str, str]], look: str = "") -> str:
    rows = "".join(f'<div><dt>{escape(term)}</dt><dd dir="auto">{escape(str(text))}</dd></div>' for term, text in pairs)
    return f'<dl class="{look}">{rows}</dl>' if look else f"<dl>{rows}</dl>"


def _lead(text: str) -> str:
    return f'<p class="lead">{escape(text)}</p>'


def _score(level: dict[str, Any], name: str) -> str:
    return number(level[name], level["intervals"][name])


def _duration(seconds: float) -> str:
    minutes = round(seconds / 60)
    return f"{seconds:,.0f} s" if seconds < 120 else f"{minutes} min" if minutes < 120 else f"{seconds / 3600:.1f} h"
