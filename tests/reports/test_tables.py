"""Columns are as wide as their widest cell, and numbers stand under one another."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from odqa.reports.tables import aligned

ROWS = [("", "F1", "n"), ("all", "0.5", "1,000"), ("answerable", "-", "")]


def test_names_are_on_the_left_and_numbers_on_the_right() -> None:
    assert aligned(ROWS).splitlines() == [
        "             F1      n",
        "all         0.5  1,000",
        "answerable    -",
    ]


def test_more_columns_may_be_on_the_left() -> None:
    assert aligned([("Index", "a/b"), ("Documents", "12")], left=2) == "Index      a/b\nDocuments  12"


def test_no_row_is_no_text() -> None:
    assert aligned([]) == ""


def test_a_row_that_lacks_a_cell_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="zip"):
        aligned([("a", "b"), ("c",)])


CELL = st.text(st.characters(min_codepoint=33, max_codepoint=126), max_size=9)


@given(st.integers(1, 5).flatmap(lambda n: st.lists(st.lists(CELL, min_size=n, max_size=n), min_size=1, max_size=6)))
def test_every_cell_keeps_its_place(rows: list[list[str]]) -> None:
    lines = aligned(rows, left=1).split("\n")
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row, line in zip(rows, lines, strict=True):
        padded, start = line.ljust(sum(widths) + 2 * len(widths)), 0
        for cell, width in zip(row, widths, strict=True):
            assert padded[start : start + width].strip() == cell
            start += width + 2
