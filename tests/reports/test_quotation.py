"""A quotation is one line of one block, holds its span, and tells the cells of a row apart."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from odqa.corpus.composer import Composer
from odqa.reports.quotation import AROUND, EXCERPT, excerpt, quote
from odqa.types import BlockKind, Passage

MARK = ("[", "]")


def passage_of(composer: Composer) -> Passage:
    return Passage("p", "d", "Title", composer.text, 0, blocks=composer.blocks)


def quoted(passage: Passage, answer: str) -> str:
    start = passage.text.index(answer)
    return quote(passage, (start, start + len(answer)), MARK)


@pytest.fixture
def fares() -> Passage:
    composer = Composer()
    composer.heading(1, "Exit codes")
    composer.block("They are numbers from 0 to 255. Most are below 30")
    composer.table(
        [["Code", "Meaning", "Note"], ["24", "vanished source files", ""], ["25", "the limit", "x"]], heads=1
    )
    composer.block("--dry-run", BlockKind.TERM)
    composer.block("shows what would be done")
    return passage_of(composer)


@pytest.mark.parametrize(
    ("answer", "line"),
    [
        ("Exit", "[Exit] codes"),
        ("255", "They are numbers from 0 to [255]."),
        ("30", "Most are below [30]"),
        ("vanished source files", "Code: 24 · Meaning: [vanished source files]"),
        ("the limit", "Code: 25 · Meaning: [the limit] · Note: x"),
        ("Meaning", "Code | [Meaning] | Note"),  # The row of heads has no labels.
        ("shows", "[shows] what would be done"),
    ],
)
def test_a_quotation_ends_with_its_block(fares: Passage, answer: str, line: str) -> None:
    assert quoted(fares, answer) == line


def test_a_row_that_a_passage_holds_in_part_is_quoted_as_it_is(fares: Passage) -> None:
    row = next(block for block in fares.blocks if block.labels)
    cut = Passage(
        "p", "d", "", fares.text[row.start : row.start + 10], 0, blocks=(type(row)(0, 10, row.kind, row.labels),)
    )
    assert quoted(cut, "vanis") == "24 | [vanis]"


def test_a_row_of_markdown_has_bars_at_its_ends() -> None:
    text = "| 24 | a \\| b |"
    composer = Composer()
    composer.table([["Code", "Meaning"], ["x", "y"]], heads=1)
    row = composer.blocks[-1]
    passage = Passage("p", "d", "", text, 0, blocks=(type(row)(0, len(text), row.kind, row.labels),))
    assert quoted(passage, "24") == r"Code: [24] · Meaning: a \| b"


def test_a_wide_row_shows_the_answer_the_first_cell_and_what_is_near() -> None:
    composer = Composer()
    labels = [f"head {number}" for number in range(40)]
    composer.table([labels, [f"cell{number} with words" for number in range(40)]], heads=1)
    line = quoted(passage_of(composer), "cell20")
    assert line.startswith("head 0: cell0 with words · … · ") and line.endswith(" · …")
    assert "head 19: cell19 with words · head 20: [cell20] with words · head 21: " in line
    assert len(line) < 2 * AROUND + 60


def test_without_blocks_a_quotation_ends_at_a_blank_line() -> None:
    passage = Passage("p", "d", "", "Opening hours\n \nFrom 9 to 5 on Monday\n\nClosed on Sunday", 0)
    assert quoted(passage, "9 to 5") == "From [9 to 5] on Monday"


def test_a_long_sentence_is_cut_between_words() -> None:
    passage = Passage("p", "d", "", "first " * 200 + "HERE" + " last" * 200, 0)
    line = quoted(passage, "HERE")
    assert line.startswith("… first first ") and line.endswith(" last last …") and " [HERE] " in line
    assert len(line) <= 2 * AROUND + 12


def test_an_excerpt_keeps_blocks_apart(fares: Passage) -> None:
    at = fares.text.index("vanished")
    start, line = excerpt(fares, [(at, at + 8, "vanish")], MARK)
    assert start == 0
    assert line == (
        "Exit codes / They are numbers from 0 to 255. Most are below 30 / Code | Meaning | Note / "
        "Code: 24 · Meaning: [vanished] source files / Code: 25 · Meaning: the limit · Note: x / --dry-run / "
        "shows what would be done"
    )


@given(st.text("ab. |\n中\u00ad", min_size=1, max_size=60), st.data())
def test_whatever_the_text_a_quotation_is_one_line_with_the_answer(text: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(text) - 1))
    end = data.draw(st.integers(start + 1, len(text)))
    passage = Passage("p", "d", "", text, 0)
    line = quote(passage, (start, end), ("<", ">"))
    assert "\n" not in line
    shown = line[line.index("<") + 1 : line.index(">")]
    assert shown == " ".join(text[start:end].split())
    matches = [(at, at + 1, text[at]) for at in range(len(text)) if text[at] == "a"]
    assert excerpt(passage, matches, ("<", ">"))[1].count("<") == len(matches)


def test_an_excerpt_of_one_endless_sentence_is_short_and_shows_what_matches() -> None:
    passage = Passage("p", "d", "", "word " * 1000 + "match" + " word" * 1000, 0)
    _, line = excerpt(passage, [(5000, 5005, "match")], MARK)
    assert "[match]" in line and len(line) <= EXCERPT + 30
