"""The table of a comparison, sign by sign."""

from __future__ import annotations

from odqa.evaluation.compare import Comparison, Difference, ExactCounts, Side
from odqa.reports.comparison import format_comparison

BEFORE = Side("A", "cities", "tiny-reader", "hybrid", 20, "evidence")
AFTER = Side("reports/after", "cities", "tiny-reader", "bm25", 5, "logit")
SCORES = (
    Difference("rouge1_f1", "all", 0.0, 1.0, 1.0, (1.0, 1.0), 0.0001),
    Difference("exact_match", "answerable", 0.5, 0.25, -0.25, (-0.45, 0.05), 0.0632),
    Difference("rouge1_f1_forced", "answerable", None, None, None, None, None),
)


def test_the_table_is_aligned_and_says_what_is_compared_and_what_p_is():
    counts = ExactCounts(both=1_000, a_alone=2, b_alone=5, neither=15)
    found = Comparison(BEFORE, AFTER, "cities.json", "en", 1022, 20, 0.95, 10_000, SCORES, counts)
    *shown, p = format_comparison(found).splitlines()
    assert shown == [
        "1,022 questions, 20 of them answerable",
        "A  reader tiny-reader, hybrid search of cities, k = 20, ranking evidence",
        "B  reports/after: reader tiny-reader, bm25 search of cities, k = 5, ranking logit",
        "",
        "                    questions       A      B   B - A      95% interval       p",
        "ROUGE-1 F1          all         0.000  1.000  +1.000  +1.000 to +1.000  0.0001",
        "exact match         answerable  0.500  0.250  -0.250  -0.450 to +0.050  0.0632",
        "ROUGE-1 F1, forced  answerable      -      -       -                 -       -",
        "",
        "Decided exactly right: 1,000 by both, 2 by A alone, 5 by B alone, 15 by neither.",
    ]
    assert p.startswith("p: ")
