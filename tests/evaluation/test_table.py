"""The table on a terminal, sign by sign."""

from __future__ import annotations

from odqa.evaluation.report import Calibration, Reliability, score
from odqa.evaluation.table import format_report
from tests.evaluation.test_report import DIFFERENCES, EXAMPLES, FORCED, PREDICTIONS


def test_the_table_is_aligned_and_names_what_it_counts():
    report = score(EXAMPLES, PREDICTIONS, forced=FORCED, score_differences=DIFFERENCES)
    report["seconds"], report["windows_per_second"] = 1234.56, 78.4
    for key in ("rouge1_f1", "exact_match", "f1"):
        report["intervals"][key] = (0.375, 0.625)
    for key in ("rouge1_f1_answerable", "has_answer_exact_match", "has_answer_f1"):
        report["intervals"][key] = (0.25, 0.5)
    report["intervals"]["rouge1_f1_answerable_forced"] = (0.5, 1.0)
    report["intervals"]["no_answer_accuracy"] = (0.0, 1.0)
    before, after = (
        Reliability(threshold=0.0, temperature=1.0, expected_calibration_error=0.25, risk_coverage_area=0.5),
        Reliability(threshold=2.5976, temperature=1.75, expected_calibration_error=0.0625, risk_coverage_area=0.4375),
    )
    report["calibration"] = Calibration(before=before, after=after)
    assert format_report(report).splitlines() == [
        "5 questions: 3 answerable, 2 unanswerable",
        "± is half the width of the 95% bootstrap interval",
        "",
        "                               all      answerable   answer forced",
        "ROUGE-1 F1           0.500 ± 0.125   0.500 ± 0.125   0.833 ± 0.250",
        "exact match          0.400 ± 0.125   0.333 ± 0.125               -",
        "token F1             0.467 ± 0.125   0.444 ± 0.125               -",
        "",
        "no-answer accuracy   0.500 ± 0.500",
        "best-threshold F1            0.667   answering where null - best span <= -2.000",
        "answerable AUROC             0.833",
        "",
        "confidence          before fitting    the reader's",
        "no-answer threshold          0.000           2.598",
        "temperature                  1.000           1.750",
        "calibration error            0.250           0.062",
        "risk-coverage area           0.500           0.438",
        "",
        "seconds                    1,234.6   78.4 windows a second",
    ]


def test_the_table_shows_a_dash_for_what_was_not_measured():
    table = format_report(score(EXAMPLES[:3], PREDICTIONS)).splitlines()
    assert table[4].split()[:2] == ["ROUGE-1", "F1"]
    assert table[4].split()[-1] == "-"
    assert table[-3].split() == ["no-answer", "accuracy", "-"]
    assert table[-2].split() == ["best-threshold", "F1", "-"]
    assert table[-1].split() == ["answerable", "AUROC", "-"]
