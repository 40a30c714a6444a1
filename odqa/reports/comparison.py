"""The comparison of two reports goes in, the table of ``odqa compare`` comes out."""

from __future__ import annotations

from odqa.evaluation.compare import Comparison, Difference, Side
from odqa.reports.tables import aligned, number
from odqa.reports.visible import visible

NAMES = {
    "rouge1_f1": "ROUGE-1 F1",
    "exact_match": "exact match",
    "f1": "token F1",
    "rouge1_f1_forced": "ROUGE-1 F1, forced",
}


def format_comparison(comparison: Comparison, width: int | None = None) -> str:
    """A comparison as an aligned table of at most ``width`` columns, with what A, B and p are around it."""
    exact = comparison.exact
    head = ["", "questions", "A", "B", "B - A", f"{comparison.level:.0%} interval", "p"]
    return "\n".join(
        [
            f"{comparison.questions:,} questions, {comparison.answerable:,} of them answerable",
            _side("A", comparison.a),
            _side("B", comparison.b),
            "",
            aligned([head, *map(_row, comparison.scores)], left=2, width=width),
            "",
            f"Decided exactly right: {exact.both:,} by both, {exact.a_alone:,} by A alone, "
            f"{exact.b_alone:,} by B alone, {exact.neither:,} by neither.",
            "p: how often chance alone makes a difference as large, were A and B alike.",
        ]
    )


def _row(one: Difference) -> list[str]:
    interval = f"{one.interval[0]:+.3f} to {one.interval[1]:+.3f}" if one.interval else "-"
    difference = number(one.difference, sign="+")
    return [NAMES[one.score], one.over, number(one.a), number(one.b), difference, interval, number(one.p, digits=4)]


def _side(letter: str, side: Side) -> str:
    """What A or B is; its name is left out where it is the letter."""
    name = "" if side.report == letter else f"{side.report}: "
    what = f"{name}reader {side.reader}, {side.mode} search of {side.index}, k = {side.k}, ranking {side.ranking}"
    expected = "" if side.answerable is None else f", expecting {side.answerable:g} to have an answer"
    return f"{letter}  {visible(what + expected)}"
