"""Rows that can be counted by hand."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from odqa.reports.tables import Cell, Row, Table, aligned, as_text, number, shown


def test_the_first_column_is_aligned_to_the_left_and_the_others_to_the_right():
    assert aligned([["", "ab", "c"], ["name", "1", "234"], ["x", "", "5"]]).splitlines() == [
        "      ab    c",
        "name   1  234",
        "x           5",
    ]


def test_more_columns_may_be_aligned_to_the_left_or_none():
    rows = [["a", "b", "c"], ["aa", "bb", "cc"]]
    assert aligned(rows, left=2).splitlines() == ["a   b    c", "aa  bb  cc"]
    assert aligned(rows, left=0).splitlines() == [" a   b   c", "aa  bb  cc"]


def test_no_line_ends_in_a_blank_and_an_empty_row_is_left_out():
    assert aligned([["", ""], ["name", "1"], ["rest", ""]]) == "name  1\nrest"
    assert aligned([]) == aligned([["", ""]]) == ""


def test_rows_of_different_lengths_are_refused():
    with pytest.raises(ValueError, match="zip"):
        aligned([["a", "b"], ["c"]])


@given(st.lists(st.tuples(*[st.text(alphabet="ab", min_size=1, max_size=9)] * 3), min_size=1), st.integers(0, 3))
def test_cells_come_back_in_their_order_and_lines_are_equally_wide(rows, left):
    lines = aligned(rows, left).splitlines()
    assert [tuple(line.split()) for line in lines] == rows
    if left < 3:
        assert len({len(line) for line in lines}) == 1


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ((0.12345,), "0.123"),
        ((0.5, (0.25, 1.0)), "0.500 ± 0.375"),
        ((None,), "-"),
        ((None, (0.0, 1.0)), "-"),
        ((0.00012, None, 4), "0.0001"),
        ((0.25, None, 3, "+"), "+0.250"),
        ((-0.25, None, 3, "+"), "-0.250"),
    ],
)
def test_a_number(arguments, expected):
    assert number(*arguments) == expected


def test_an_entry_is_a_score_a_count_or_a_name():
    assert [shown(one) for one in (Cell(0.5, (0.25, 0.75)), Cell(None), 1234, "dense", "")] == [
        "0.500 ± 0.250",
        "-",
        "1,234",
        "dense",
        "",
    ]


def test_a_table_is_aligned_under_its_title_and_knows_which_columns_are_numbers():
    rows = (Row("a", ("dense", Cell(0.5), 12)), Row("b", ("bm25", "", 3), sub=True))
    table = Table("Two", ("", "mode", "F1", "n"), rows)
    assert as_text(table).splitlines() == [
        "Two",
        "      mode     F1   n",
        "a    dense  0.500  12",
        "  b   bm25          3",
    ]
    assert table.numeric() == [False, True, True]


WIDE = [
    ["", "share of all questions", "right"],
    ["retrieval, reader and ranking", "0.123 ± 0.010", "1"],
    ["x", "", "2"],
]


def test_a_table_that_is_too_wide_breaks_heads_and_names_and_no_number():
    assert aligned(WIDE, width=34).splitlines() == [
        "               share of all",
        "                  questions  right",
        "retrieval,    0.123 ± 0.010      1",
        "reader and",
        "ranking",
        "x                                2",
    ]


def test_a_table_is_as_wide_as_it_is_where_it_fits_or_cannot_be_narrower():
    assert aligned(WIDE, width=200) == aligned(WIDE)
    narrow = aligned(WIDE, width=10).splitlines()
    assert max(map(len, narrow)) == len("retrieval,") + 2 + len("0.123 ± 0.010") + 2 + len("right")


CELLS = st.text(alphabet="ab ", max_size=30).map(str.strip)


@given(st.lists(st.tuples(CELLS, CELLS, CELLS), min_size=1), st.integers(0, 3), st.integers(1, 60))
def test_no_letter_is_lost_in_a_narrow_table(rows, left, width):
    shown = aligned(rows, left, width)
    assert sorted("".join(shown.split())) == sorted("".join(aligned(rows, left).split()))


def test_the_name_of_a_model_is_broken_where_there_is_no_room():
    rows = [["index", "encoder", "size"], ["a", "sentence-transformers/all-MiniLM-L6-v2", "1 MB"]]
    assert max(map(len, aligned(rows, left=2, width=40).splitlines())) == 40
