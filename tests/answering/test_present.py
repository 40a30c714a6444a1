"""What is shown is the answer in its sentence, and nothing in a document can drive a terminal."""

from __future__ import annotations

import math
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from odqa.answering.present import (
    PASSAGE_CHARACTERS,
    as_json,
    as_lines,
    hits_as_json,
    hits_as_lines,
    percent,
    sentence_around,
    visible,
)
from odqa.types import Abstention, Answer, Component, Hit, Passage, Place, Response, Span

TEXT = "The tower stands in Paris. It was designed by Gustave Eiffel in 1887. Then it was built."


def response(text: str = TEXT, found: str = "Gustave Eiffel", **passage: object) -> Response:
    """A Response with one answer, found in a passage that begins at 100."""
    start = text.index(found)
    whole = Passage(**({"id": "p", "document_id": "d", "title": "Tower", "text": text, "start": 100} | passage))
    span = Span(start, start + len(found), 1.0)
    components = {"dense": Component(0.75, 1), "bm25": Component(8.5, None)}
    place = Place(Hit(whole, 0.5, 2, components), span, -2.0)
    answer = Answer(found, 0.987, 3.5, (place,))
    abstention = Abstention("probability", 0.0123, 0.4)
    return Response("Who?", (answer,), 0.0123, {"total": 0.5}, ranking="prior", abstention=abstention)


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
    assert as_json(shown)["reason"] == "no document matches lang=\x1b[2J"
    assert hits_as_json("Who?", [], reason="nothing matches") == {
        "question": "Who?",
        "hits": [],
        "reason": "nothing matches",
    }


@pytest.mark.parametrize(
    ("probability", "shown"),
    [(0.0, "0.0%"), (1e-9, "<0.1%"), (0.001, "0.1%"), (0.5, "50.0%"), (0.9994, ">99.9%"), (1.0, "100.0%")],
)
def test_percent(probability: float, shown: str) -> None:
    assert percent(probability) == shown


def test_json_has_the_documented_keys() -> None:
    shown = as_json(response(source="tower.html", pages=((0, 2),)))
    assert list(shown) == ["question", "answers", "no_answer_probability", "timings", "reason"]
    (answer,) = shown["answers"]
    assert answer == {
        "text": "Gustave Eiffel",
        "confidence": 0.987,
        "document": {"id": "d", "title": "Tower", "source": "tower.html"},
        "start": 146,
        "end": 160,
        "passage": TEXT,
        "passage_id": "p",
        "page": 2,
        "headings": [],
        "mentions": 1,
    }


def test_explained_lines_show_what_answers_were_ranked_by() -> None:
    assert list(as_lines(response(), explain=True)) == [
        "The probability that there is no answer is 1.2%; none is given above 40.0%.",
        "1. Gustave Eiffel  (98.7%)",
        "   Tower · characters 146–160",
        "   It was designed by **Gustave Eiffel** in 1887.",
        "   score 3.50 by the ranking prior",
        "   characters 146–160 of d · span 1.00 · null -2.00 · rank 2 · dense 0.7500, rank 1 · bm25 8.5000, unranked",
    ]


def test_explained_json_shows_what_was_withheld_and_why() -> None:
    given = response()
    abstention = Abstention("probability", 0.9, 0.4)
    withheld = Response("Who?", (), 0.9, withheld=given.answers, ranking="prior", abstention=abstention)
    shown = as_json(withheld, explain=True)
    assert shown["abstention"] == {"rule": "probability", "value": 0.9, "limit": 0.4, "abstains": True}
    assert shown["ranking"] == "prior" and shown["answers"] == []
    (answer,) = shown["withheld"]
    assert answer["score"] == 3.5
    assert answer["places"] == [
        {
            "document": "d",
            "start": 146,
            "end": 160,
            "passage_id": "p",
            "span_score": 1.0,
            "null_score": -2.0,
            "rank": 2,
            "components": {"dense": {"rank": 1, "score": 0.75}, "bm25": {"rank": None, "score": 8.5}},
        }
    ]
    assert "Withheld:" in list(as_lines(withheld, explain=True))


def test_a_margin_without_any_span_is_null_in_json() -> None:
    nothing = Response("Who?", (), 1.0, abstention=Abstention("margin", -math.inf, 2.0))
    assert as_json(nothing, explain=True)["abstention"] == {
        "rule": "margin",
        "value": None,
        "limit": 2.0,
        "abstains": True,
    }


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


def test_hits_for_a_person_and_for_a_machine() -> None:
    whole = Passage(
        "p", "d", "Tower", "The\ntower \x1b stands. " + "So it goes. " * 30, 100, "t.pdf", ("Tower",), ((0, 2),)
    )
    hit = Hit(whole, 1.5, 1, {"dense": Component(0.25, None), "bm25": Component(3.0, 7)})
    lines = list(hits_as_lines([hit], explain=True))
    assert lines[:2] == [
        f"1. 1.5000  Tower · t.pdf · characters 100–{whole.end} · page 2",
        "   dense 0.2500, unranked · bm25 3.0000, rank 7",
    ]
    assert lines[2].startswith("   The tower \\x1b stands. So it goes.") and lines[2].endswith(" …")
    assert len(lines[2]) <= PASSAGE_CHARACTERS + 5
    assert list(hits_as_lines([hit])) == [lines[0], lines[2]]
    assert list(hits_as_lines([])) == ["No passage found."]
    shown = {
        "rank": 1,
        "score": 1.5,
        "text": whole.text,
        "passage_id": "p",
        "document": {"id": "d", "title": "Tower", "source": "t.pdf"},
    }
    assert hits_as_json("Who?", [hit]) == {"question": "Who?", "hits": [shown]}
    explained = {"dense": {"rank": None, "score": 0.25}, "bm25": {"rank": 7, "score": 3.0}}
    assert hits_as_json("Who?", [hit], explain=True)["hits"] == [shown | {"components": explained}]
