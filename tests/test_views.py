"""What models read of a text, and the way back to it."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from odqa.types import Block, BlockKind
from odqa.views import Context, cells, heading_path, plain, view_of

any_text = st.text(st.one_of(st.characters(exclude_categories=["Cs"]), st.sampled_from("ﬁ\u00ad-\n\r e\u0301Ａ²|")))


def words(text):
    return [match.span() for match in re.finditer(r"\S+", text)]


@pytest.mark.parametrize(
    ("text", "view"),
    [
        ("on the ﬁfth ﬂoor", "on the fifth floor"),
        ("ＡＢＣ １２３", "ABC 123"),
        ("𝐁𝐨𝐥𝐝", "Bold"),
        ("a soft\u00adhyphen", "a softhyphen"),
        ("zero\u200bwidth", "zerowidth"),
        ("neigh-\nbour", "neighbour"),
        ("neigh\u00ad\r\n  bour", "neighbour"),
        ("Anglo-\nSaxon", "Anglo-\nSaxon"),  # A capital: the hyphen is the word's own.
        ("1939-\n45", "1939-\n45"),
        ("cafe\u0301", "café"),
        ("non\u00a0breaking", "non breaking"),
        ("2 × 10⁴ m², ½ ™", "2 × 10⁴ m², ½ ™"),  # Not 104, m2, 12.
        ("half \ud800 of a pair", "half \ufffd of a pair"),
        ("plain – “text”, naïve", "plain – “text”, naïve"),
        ("می‌خواهم", "می‌خواهم"),  # The joiner tells two words apart.
    ],
)
def test_letters_are_read_as_plain_ones(text, view):
    assert plain(text) == view


@given(any_text)
def test_a_view_knows_where_its_characters_are_from(text):
    view = view_of(Context(text))
    assert len(view.text) == len(view.begins) == len(view.ends)
    assert (view.begins <= view.ends).all()
    assert (view.begins[1:] >= view.begins[:-1]).all()
    for at, character in enumerate(view.text):
        original = text[view.begins[at] : view.ends[at]]
        assert original
        if original.isascii():
            assert original == character


def test_the_heads_of_columns_stand_before_the_cells():
    text = "24 |  | Timeout"
    row = Block(0, len(text), BlockKind.ROW, ("Code", "Unit", "Meaning"))
    view = view_of(Context(text, (), (row,)))
    assert view.text == "Code: 24 |  | Meaning: Timeout"
    at = view.text.index("Timeout")
    assert text[view.begins[at] : view.ends[at + 6]] == "Timeout"
    label = view.text.index("Meaning")
    assert view.begins[label] == view.ends[label]


def test_a_block_that_ends_without_a_sign_has_one_before_the_next():
    text = "Net: 5 EUR\nVAT: 1 EUR.\nTotal: 6 EUR"
    ends = [at for at, character in enumerate(text) if character == "\n"] + [len(text)]
    starts = [0, *(end + 1 for end in ends[:-1])]
    blocks = tuple(Block(start, end) for start, end in zip(starts, ends, strict=True))
    view = view_of(Context(text, (), blocks))
    assert view.text == "Net: 5 EUR;\nVAT: 1 EUR.\nTotal: 6 EUR"
    sign = view.text.index(";")
    assert view.begins[sign] == view.ends[sign] == ends[0]


def test_a_heading_leads_on():
    blocks = (Block(0, 9, BlockKind.HEADING), Block(10, 16))
    assert view_of(Context("Plum tart\n5 EUR.", (), blocks)).text == "Plum tart:\n5 EUR."


def test_labels_that_do_not_fit_the_cells_are_left_out():
    row = Block(0, 5, BlockKind.ROW, ("One", "Two", "Three"))
    assert view_of(Context("a | b", (), (row,))).text == "a | b"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("a | b", ["a", "b"]),
        ("| a | b |", ["a", "b"]),
        ("| Mon", ["", "Mon"]),
        ("| Mon |", ["Mon"]),
        ("a", ["a"]),
    ],
)
def test_cells(text, found):
    row = Block(0, len(text), BlockKind.ROW)
    assert [text[start:end] for start, end in cells(text, row)] == found


def test_labels_tell_empty_cells_from_a_frame():
    text = "| Mon |"
    row = Block(0, len(text), BlockKind.ROW, ("Season", "Day", "Time"))
    assert [text[start:end] for start, end in cells(text, row)] == ["", "Mon", ""]


@pytest.mark.parametrize(
    ("limit", "path"),
    [
        (9, "Guide > Leave > Parents. "),
        (5, "Guide > Leave > Parents. "),
        (4, "Guide > Parents. "),
        (2, "Guide > "),
        (0, ""),
    ],
)
def test_a_path_that_is_too_long_loses_its_outer_headings_then_its_end(limit, path):
    assert heading_path(("Guide", "Leave", "Leave", "Parents"), limit, words) == path


@pytest.mark.parametrize("limit", range(12))
def test_a_space_that_is_a_token_of_its_own_counts_too(limit):
    def letters(text):
        return [(at, at + 1) for at in range(len(text))]

    path = heading_path(("Guide", "Leave"), limit, letters)
    assert len(path) == (limit if limit > 1 else 0), "so that nothing of the limit is lost either"


def test_without_title_and_headings_there_is_no_path():
    assert heading_path(("", " "), 9, words) == ""
