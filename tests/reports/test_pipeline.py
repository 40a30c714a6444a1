"""The tables of a pipeline's report."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import get_args

import pytest

from odqa.evaluation.report import Level
from odqa.reports import cells, pipeline
from odqa.reports.pipeline import format_pipeline, tables
from odqa.reports.tables import Cell, as_text
from tests.reports.reports import LEVEL, REPORT, UNMEASURED, depth, report


def test_the_levels_stand_side_by_side():
    alone = replace(depth("logit", 20, 0.5), mode="bm25", rouge1_f1=0.375)
    other_k = replace(depth("logit", 5, 0.5), mode="dense")
    table = pipeline.levels(report(ablation=(other_k, alone)))
    assert as_text(table).splitlines() == [
        "Three levels",
        "                                ROUGE-1, all     answerable  answer forced     EM     F1  no answer",
        "reader on the gold passage     0.750 ± 0.250  0.500 ± 0.250  0.625 ± 0.125  0.500  0.750      1.000",
        "retrieval, reader and ranking  0.750 ± 0.250  0.500 ± 0.250  0.625 ± 0.125  0.500  0.750      1.000",
        "  best of five answers                                               0.875",
        "BM25, best logit sum                   0.375          0.500          0.625",
        "always abstain                         0.250          0.000",
        "first passage's best sentence          0.125          0.250",
    ]


def test_a_score_has_the_interval_of_its_name():
    for name in get_args(cells.Name):
        assert cells.score(LEVEL, name) == Cell(getattr(LEVEL, name), LEVEL.intervals[name])
    assert set(get_args(cells.Name)) == set(LEVEL.intervals) <= {field.name for field in fields(Level)}


def test_the_report_s_own_row_of_the_ablation_is_marked():
    rows = pipeline.ablation(report(ablation=(*REPORT.ablation, depth("evidence", 5, 0.5)))).rows
    assert [(row.entries[:2], row.own) for row in rows] == [
        (("logit", 20), False),
        (("evidence", 20), True),
        (("evidence", 5), False),
    ]


def test_the_audit_compares_with_what_is_left():
    assert [row.entries for row in pipeline.audit(REPORT).rows] == [(Cell(0.75), Cell(1.0)), (Cell(0.8125), Cell(1.0))]
    nothing_left = report(audit=replace(REPORT.audit, without=None))
    assert [row.name for row in pipeline.audit(nothing_left).rows] == ["all questions"]


def test_a_terminal_of_100_columns_shows_every_table_unbroken():
    text = format_pipeline(REPORT)
    assert text.startswith("4 questions (3 answerable) asked of cities, 1,234 passages; hybrid search, k = 20, ")
    assert "hybrid search, k = 20 (8.2 of them read), ranking" in format_pipeline(report(passages_read=8.25))
    assert max(map(len, text.splitlines()[1:])) <= 100
    for table in tables(REPORT):
        assert f"\n\n{as_text(table)}" in text


@pytest.mark.parametrize("made", [REPORT, UNMEASURED], ids=["full", "unmeasured"])
def test_rows_are_as_long_as_the_head(made):
    for table in tables(made):
        assert {len(row.entries) + 1 for row in table.rows} <= {len(table.head)}


def test_there_is_no_table_of_what_was_not_asked_for():
    full, less = ([table.title for table in tables(made)] for made in (REPORT, UNMEASURED))
    assert full[-2:] == ["Without unanswerable questions that another passage may answer", "Rankings, modes and k"]
    assert less == full[:-2]


def test_the_tables_fit_a_narrow_terminal():
    for width in (80, 110):
        text = format_pipeline(REPORT, width)
        assert max(map(len, text.splitlines())) <= width
        assert sorted(text.split()) == sorted(format_pipeline(REPORT).split())
