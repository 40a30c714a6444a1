"""The table of ``odqa eval``, sign by sign."""

from __future__ import annotations

from dataclasses import replace

from odqa.evaluation.report import Calibration, Counts, Level, ReaderReport, Reliability
from odqa.reports.reader import format_reader

SCORES = Level(
    rouge1_f1=0.5,
    rouge1_f1_answerable=0.5,
    rouge1_f1_answerable_forced=0.8333,
    exact_match=0.4,
    f1=0.4667,
    has_answer_exact_match=0.3333,
    has_answer_f1=0.4444,
    no_answer_accuracy=0.5,
    best_threshold_f1=0.6667,
    best_threshold_margin=-2.0,
    auroc=0.8333,
    intervals={
        **dict.fromkeys(("rouge1_f1", "exact_match", "f1"), (0.375, 0.625)),
        **dict.fromkeys(("rouge1_f1_answerable", "has_answer_exact_match", "has_answer_f1"), (0.25, 0.5)),
        "rouge1_f1_answerable_forced": (0.5, 1.0),
        "no_answer_accuracy": (0.0, 1.0),
    },
    interval_level=0.95,
)
REPORT = ReaderReport(
    questions=Counts(5, 3, 2),
    language="en",
    scores=SCORES,
    calibration=Calibration(Reliability(0.0, 1.0, 0.25, 0.5), Reliability(2.5976, 1.75, 0.0625, 0.4375)),
    seconds=1234.56,
    windows_per_second=78.4,
)


def test_the_table_is_aligned_and_names_what_it_counts():
    assert format_reader(REPORT).splitlines() == [
        "5 questions: 3 answerable, 2 unanswerable",
        "± is half the width of the 95% bootstrap interval",
        "",
        "                                all     answerable  answer forced",
        "ROUGE-1 F1            0.500 ± 0.125  0.500 ± 0.125  0.833 ± 0.250",
        "exact match           0.400 ± 0.125  0.333 ± 0.125              -",
        "token F1              0.467 ± 0.125  0.444 ± 0.125              -",
        "",
        "no-answer accuracy    0.500 ± 0.500",
        "best-threshold F1             0.667   answering where span - null >= -2.000",
        "answerable AUROC              0.833",
        "",
        "confidence           before fitting   the reader's",
        "no-answer threshold           0.000          2.598",
        "temperature                   1.000          1.750",
        "calibration error             0.250          0.062",
        "risk-coverage area            0.500          0.438",
        "",
        "seconds                     1,234.6   78.4 windows a second",
    ]


def test_where_it_is_best_never_to_answer_the_table_says_so():
    best = replace(REPORT, scores=replace(SCORES, best_threshold_margin=None))
    assert "best-threshold F1             0.667   answering nothing" in format_reader(best).splitlines()


def test_the_table_shows_a_dash_for_what_was_not_measured():
    nothing = Level(*[None] * 11, intervals=dict.fromkeys(SCORES.intervals), interval_level=0.95)
    bare = replace(REPORT, scores=nothing, calibration=None, seconds=None, windows_per_second=None)
    assert format_reader(bare).splitlines()[3:] == [
        "                    all  answerable  answer forced",
        "ROUGE-1 F1            -           -              -",
        "exact match           -           -              -",
        "token F1              -           -              -",
        "",
        "no-answer accuracy    -",
        "best-threshold F1     -",
        "answerable AUROC      -",
    ]
