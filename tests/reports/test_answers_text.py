"""What is shown is the answer in its sentence, and nothing in a document can drive a terminal."""

from __future__ import annotations

import unicodedata
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from odqa.reports.answers_text import as_lines, hits_as_lines, percent
from odqa.reports.quotation import EXCERPT, sentence_around
from odqa.reports.visible import visible
from odqa.retrieval.words import Analyzer
from odqa.types import Abstention, Answer, Component, Hit, Passage, Response
from tests.reports.responses import TEXT, response


def test_lines() -> None:
    shown = response(source="tower.html", headings=("Tower", "History"), pages=((0, 2), (30, 3)))
    assert list(as_lines(shown)) == [
        "1. Gustave Eiffel  (98.7%)",
        "   Tower · tower.html · page 3 · History",
        "   It was designed by **Gustave Eiffel** in 1887.",
    ]


def test_lines_leave_out_what_is_not_known() -> None:
    lines = list(as_lines(response(title=""), ("[[", "]]")))
    assert lines[1:] == ["   d", "   It was designed by [[Gustave Eiffel]] in 1887."]


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
        "Passages read: 5.",
        "The probability that there is no answer is 1.2%; none is given above 40.0%.",
        "1. Gustave Eiffel  (98.7%)",
        "   Tower",
        "   It was designed by **Gustave Eiffel** in 1887.",
        "   score 3.50 by the ranking prior",
        "   characters 146–160 of d · span 1.00 · null -2.00 · rank 2 · dense 0.7500, rank 1 · bm25 8.5000, unranked",
    ]


def test_what_was_withheld_is_shown_where_it_is_asked_for() -> None:
    abstention = Abstention("probability", 0.9, 0.4)
    withheld = Response("Who?", (), 0.9, withheld=response().answers, ranking="prior", abstention=abstention)
    withheld = replace(withheld, passages_read=1)
    lines = list(as_lines(withheld, explain=True))
    assert lines[1] == "Passages read: 1."
    assert lines[3:5] == ["Withheld:", "1. Gustave Eiffel  (98.7%)"]


def test_without_an_answer_the_sentences_that_came_nearest_are_shown_once_and_nothing_is_marked_in_them() -> None:
    (first,) = response(headings=("Tower", "History")).answers
    (again,) = response(headings=("Tower", "History"), found="1887").answers
    (other,) = response(headings=("Tower", "History"), found="Paris").answers
    (unlikely,) = response(headings=("Tower", "History"), found="Then").answers
    withheld = (first, again, other, replace(unlikely, confidence=0.09 * first.confidence))
    lines = [
        "The closest places:",
        "1. Tower · History",
        "   It was designed by Gustave Eiffel in 1887.",
        "2. Tower · History",
        "   The tower stands in Paris.",
    ]
    none = "No answer found; the probability that there is none is"
    assert list(as_lines(Response("Who?", (), 0.9, withheld=withheld))) == [f"{none} 90.0%.", *lines]
    assert list(as_lines(Response("Who?", (), 0.985, withheld=withheld))) == [f"{none} 98.5%."]
    asked = list(as_lines(Response("Who?", (), 0.9, withheld=withheld), everything=True))
    assert asked == ["No answer is so likely; the best one is right with 98.7%.", *lines]


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
    assert lines[1].startswith(r"   \x1b[2J · a b") and lines[1].endswith(r" · \x07")
    assert r"\x1b]0;title\x07 \x9b2J said **Eif\x08fel** \u202egnp.exe." in lines[2]


@given(st.text(st.characters(exclude_categories=())))
def test_visible_is_one_clean_line(text: str) -> None:
    shown = visible(text)
    assert not any(unicodedata.category(character) in {"Cc", "Cs", "Zl", "Zp"} for character in shown)
    assert shown.isprintable() or shown.encode("utf-8")


def test_visible_leaves_other_scripts_alone() -> None:
    assert visible("Đà Nẵng می‌خواهم 👩‍👧 東京") == "Đà Nẵng می‌خواهم 👩‍👧 東京"


@pytest.mark.parametrize(
    ("title", "source", "headings", "shown"),
    [
        ("leave", "docs/leave.txt", (), "docs/leave.txt"),  # The name of the file says it.
        ("leave.txt", "docs/leave.txt", ("Leave",), "docs/leave.txt · Leave"),
        ("Leave", "docs/7.html", ("Leave",), "Leave · docs/7.html"),
        ("Leave", "docs/7.html", ("Leave", "Notice"), "Leave · docs/7.html · Notice"),
        ("Leave", "", ("Notice", "Leave"), "Leave · Notice › Leave"),
    ],
)
def test_a_title_is_said_once(title: str, source: str, headings: tuple[str, ...], shown: str) -> None:
    lines = list(as_lines(response(title=title, source=source, headings=headings)))
    assert lines[1] == f"   {shown}"


def with_confidences(*numbers: float) -> Response:
    (answer,) = response().answers
    return replace(response(), answers=tuple(replace(answer, confidence=number) for number in numbers))


def test_what_is_nothing_beside_the_first_answer_is_not_listed() -> None:
    shown = with_confidences(0.8, 0.081, 0.03)
    assert [line for line in as_lines(shown) if line[0].isdigit()] == [
        "1. Gustave Eiffel  (80.0%)",
        "2. Gustave Eiffel  (8.1%)",
    ]
    for everything in ({"everything": True}, {"explain": True}):
        assert sum(line[0].isdigit() for line in as_lines(shown, **everything)) == 3
    assert len(shown.to_dict()["answers"]) == 3
    # Of answers that are all unsure none is nothing.
    assert sum(line[0].isdigit() for line in as_lines(with_confidences(0.03, 0.02, 0.01))) == 3


def copied(count: int) -> Answer:
    (answer,) = response(source="0.txt", id="0", document_id="0").answers
    (place,) = answer.places
    copies = tuple(
        replace(place.passage, id=str(number), document_id=str(number), source=f"{number}.txt")
        for number in range(1, count + 1)
    )
    return replace(answer, places=(replace(place, hit=replace(place.hit, copies=copies)),))


def test_the_documents_of_copies_are_named() -> None:
    shown = replace(response(), answers=(copied(2),))
    assert list(as_lines(shown))[1:] == [
        "   Tower · 0.txt",
        "   It was designed by **Gustave Eiffel** in 1887.",
        "   also in 1.txt, 2.txt",
    ]
    assert list(as_lines(replace(response(), answers=(copied(11),))))[3] == "   also in 1.txt, 2.txt, 3.txt and 8 more"
    # A copy in the same document is no other one.
    within = copied(1).places[0]
    same = replace(within.hit, copies=(replace(within.passage, start=900),))
    answer = replace(copied(1), places=(replace(within, hit=same),))
    assert len(list(as_lines(replace(response(), answers=(answer,))))) == 3


ENGLISH = Analyzer("en")


def lines_of(hits: list[Hit], question: str, **options: Any) -> list[str]:
    return list(hits_as_lines(hits, question, ENGLISH, **options))


def test_hits_for_a_person() -> None:
    text = "The\ntower \x1b stands. " + "So it goes. " * 30
    passage = Passage("p", "d", "Tower", text, 100, "t.pdf", ("Tower",), ((0, 2),))
    hit = Hit(passage, 1.5, 1, {"dense": Component(0.25, None), "bm25": Component(3.0, 7)})
    lines = lines_of([hit], "Which towers?", explain=True)
    assert lines[0] == "1. 1.5000  Tower · t.pdf · page 2"
    assert lines[1].startswith("   The tower \\x1b stands. So it goes.") and lines[1].endswith(" …")
    assert lines[2] == f"   characters 100–{passage.end} of d · dense 0.2500, unranked · bm25 3.0000, rank 7"
    assert len(lines[1]) <= EXCERPT + 10
    assert lines_of([hit], "Which towers?") == lines[:2]
    assert lines_of([], "Which towers?") == ["No passage found."]


def test_a_hit_shows_its_best_part_with_the_words_that_match() -> None:
    text = "Nothing is said here. " * 20 + "The vacations last twenty days. " + "Nor is it here. " * 20
    passage = Passage("p", "d", "Leave", text, 0, pages=((0, 1), (430, 2)))
    lines = lines_of([Hit(passage, 1.0, 1)], "How long is a vacation of 20 DAYS?", mark=("[", "]"))
    assert "The [vacations] last twenty [days]." in lines[1]
    assert lines[1].startswith("   … ") and lines[1].endswith(" …")


def test_a_hostile_passage_cannot_drive_the_terminal_by_its_matches() -> None:
    passage = Passage("p", "d", "\x1b[2J", "Ev\x07il\x1b[2J days.", 0, "a\x9bb")
    for line in lines_of([Hit(passage, 1.0, 1)], "evil days", mark=("[", "]")):
        assert not any(unicodedata.category(character) == "Cc" for character in line)
