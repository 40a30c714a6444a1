"""What is shown is the answer in its sentence, and nothing in a document can drive a terminal."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from odqa.reports.answers_text import (
    PASSAGE_CHARACTERS,
    as_lines,
    hits_as_lines,
    percent,
    sentence_around,
)
from odqa.reports.visible import visible
from odqa.types import Abstention, Component, Hit, Passage, Response
from tests.reports.responses import TEXT, response


def test_lines() -> None:
    shown = response(source="tower.html", headings=("Tower", "History"), pages=((0, 2), (30, 3)))
    assert list(as_lines(shown)) == [
        "1. Gustave Eiffel  (98.7%)",
        "   Tower · tower.html · characters 146–160 · page 3 · Tower › History",
        "   It was designed by **Gustave Eiffel** in 1887.",
    ]


def test_lines_leave_out_what_is_not_known() -> None:
    lines = list(as_lines(response(title=""), ("[[", "]]")))
    assert lines[1:] == ["   d · characters 146–160", "   It was designed by [[Gustave Eiffel]] in 1887."]


def test_no_answer_says_how_sure() -> None:
    (line,) = as_lines(Response("Who?", (), 0.876))
    assert line.startswith("No answer found") and "87.6%" in line


def test_why_nothing_was_read_is_said() -> None:
    shown = Response("Who?", (), 1.0, {}, "no document matches lang=\x1b[2J")
    assert list(as_lines(shown)) == [r"No answer found: no document matches lang=\x1b[2J."]


@pytest.mark.parametrize(
    ("probability", "shown"),
    [(0.0, "0.0%"), (1e-9, "<0.1%"), (0.001, "0.1%"), (0.5, "50.0%"), (0.9994, ">99.9%"), (1.0, "100.0%")],
)
def test_percent(probability: float, shown: str) -> None:
    assert percent(probability) == shown


def test_explained_lines_show_what_answers_were_ranked_by() -> None:
    assert list(as_lines(response(), explain=True)) == [
        "The probability that there is no answer is 1.2%; none is given above 40.0%.",
        "1. Gustave Eiffel  (98.7%)",
        "   Tower · characters 146–160",
        "   It was designed by **Gustave Eiffel** in 1887.",
        "   score 3.50 by the ranking prior",
        "   characters 146–160 of d · span 1.00 · null -2.00 · rank 2 · dense 0.7500, rank 1 · bm25 8.5000, unranked",
    ]


def test_what_was_withheld_is_shown_where_it_is_asked_for() -> None:
    abstention = Abstention("probability", 0.9, 0.4)
    withheld = Response("Who?", (), 0.9, withheld=response().answers, ranking="prior", abstention=abstention)
    assert len(list(as_lines(withheld))) == 1
    lines = list(as_lines(withheld, explain=True))
    assert lines[2:4] == ["Withheld:", "1. Gustave Eiffel  (98.7%)"]


@pytest.mark.parametrize(
    ("found", "sentence"),
    [
        ("Paris", "The tower stands in Paris."),
        ("1887", "It was designed by Gustave Eiffel in 1887."),
        ("Paris. It", "The tower stands in Paris. It was designed by Gustave Eiffel in 1887."),
        ("built.", "Then it was built."),
    ],
)
def test_the_sentence_around_an_answer(found: str, sentence: str) -> None:
    start = TEXT.index(found)
    first, last = sentence_around(TEXT, start, start + len(found))
    assert TEXT[first:last].strip() == sentence


@given(st.text(alphabet="ab. !?\n\u00a0é🗼'\"", min_size=1, max_size=60), st.data())
def test_the_sentence_holds_the_answer(text: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(text) - 1))
    end = data.draw(st.integers(start + 1, len(text)))
    first, last = sentence_around(text, start, end)
    assert 0 <= first <= start < end <= last <= len(text)


def test_a_long_sentence_is_cut_around_the_answer() -> None:
    text = "word " * 500 + "HERE" + " word" * 500
    line = list(as_lines(response(text, "HERE")))[2]
    assert len(line) < 430
    assert line.startswith("   … ") and line.endswith(" …") and " **HERE** " in line


def test_a_hostile_document_cannot_drive_the_terminal() -> None:
    text = "Evil \x1b]0;title\x07 \x9b2J said\r\nEif\x08fel \u202egnp.exe."
    shown = response(text, "Eif\x08fel", title="\x1b[2J", source="a\nb", headings=("\x07",))
    lines = list(as_lines(shown))
    assert not any(unicodedata.category(character) == "Cc" for line in lines for character in line)
    assert lines[0] == r"1. Eif\x08fel  (98.7%)"
    assert lines[1].startswith(r"   \x1b[2J · a b · ") and lines[1].endswith(r" · \x07")
    assert r"\x1b]0;title\x07 \x9b2J said **Eif\x08fel** \u202egnp.exe." in lines[2]


@given(st.text(st.characters(exclude_categories=())))
def test_visible_is_one_clean_line(text: str) -> None:
    shown = visible(text)
    assert not any(unicodedata.category(character) in {"Cc", "Cs", "Zl", "Zp"} for character in shown)
    assert shown.isprintable() or shown.encode("utf-8")


def test_visible_leaves_other_scripts_alone() -> None:
    assert visible("Đà Nẵng می‌خواهم 👩‍👧 東京") == "Đà Nẵng می‌خواهم 👩‍👧 東京"


def test_hits_for_a_person() -> None:
    text = "The\ntower \x1b stands. " + "So it goes. " * 30
    passage = Passage("p", "d", "Tower", text, 100, "t.pdf", ("Tower",), ((0, 2),))
    hit = Hit(passage, 1.5, 1, {"dense": Component(0.25, None), "bm25": Component(3.0, 7)})
    lines = list(hits_as_lines([hit], explain=True))
    assert lines[:2] == [
        f"1. 1.5000  Tower · t.pdf · characters 100–{passage.end} · page 2",
        "   dense 0.2500, unranked · bm25 3.0000, rank 7",
    ]
    assert lines[2].startswith("   The tower \\x1b stands. So it goes.") and lines[2].endswith(" …")
    assert len(lines[2]) <= PASSAGE_CHARACTERS + 5
    assert list(hits_as_lines([hit])) == [lines[0], lines[2]]
    assert list(hits_as_lines([])) == ["No passage found."]
