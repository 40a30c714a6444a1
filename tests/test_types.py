"""What the nouns say of themselves: plain values that json can write, under the documented keys, and short reprs."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import pytest

from odqa.types import Abstention, Document, Passage, Response
from tests.reports.responses import TEXT, response


def test_json_has_the_documented_keys() -> None:
    shown = response(source="tower.html", pages=((0, 2),)).to_dict()
    assert list(shown) == ["question", "answers", "no_answer_probability", "passages_read", "timings", "reason"]
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
        "copies": [],
    }


def test_a_copy_tells_where_the_same_span_stands_in_it() -> None:
    (answer,) = response(source="a.txt").answers
    (place,) = answer.places
    spaced = "  " + TEXT.replace(" ", "\r\n")
    copy = replace(place.passage, id="q", document_id="e", source="b.txt", text=spaced, start=7, pages=((0, 4),))
    twice = replace(answer, places=(replace(place, hit=replace(place.hit, copies=(copy,))),))
    (found,) = twice.copies
    assert (found.text, found.margin, found.page) == ("Gustave\r\nEiffel", place.margin, 4)
    assert spaced[found.start - 7 : found.end - 7] == found.text
    assert twice.mentions == 1
    assert twice.to_dict()["copies"] == [
        {
            "document": {"id": "e", "title": "Tower", "source": "b.txt"},
            "start": found.start,
            "end": found.end,
            "passage_id": "q",
            "page": 4,
        }
    ]
    assert replace(place.hit, copies=(copy,)).to_dict()["copies"] == [
        {"passage_id": "q", "document": {"id": "e", "title": "Tower", "source": "b.txt"}}
    ]


def test_explained_json_shows_what_was_withheld_and_why() -> None:
    abstention = Abstention("probability", 0.9, 0.4)
    withheld = Response("Who?", (), 0.9, withheld=response().answers, ranking="prior", abstention=abstention)
    shown = withheld.to_dict(explain=True)
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


def test_a_margin_without_any_span_is_null_in_json() -> None:
    nothing = Response("Who?", (), 1.0, abstention=Abstention("margin", -math.inf, 2.0))
    assert nothing.to_dict(explain=True)["abstention"] == {
        "rule": "margin",
        "value": None,
        "limit": 2.0,
        "abstains": True,
    }


def test_the_limit_of_a_forced_answer_is_null_in_json() -> None:
    forced = Response("Who?", (), 0.0, abstention=Abstention("margin", 3.5, -math.inf))
    shown = json.loads(forced.to_json(explain=True), parse_constant=pytest.fail)["abstention"]
    assert shown == {"rule": "margin", "value": 3.5, "limit": None, "abstains": False}


def test_why_nothing_was_searched_is_a_key_of_its_own() -> None:
    assert Response("Who?", (), 1.0, {}, "nothing matches").to_dict()["reason"] == "nothing matches"


@pytest.mark.parametrize("explain", [False, True])
def test_the_text_of_json_is_that_of_the_values(explain: bool) -> None:
    some = response(found="Gustave Eiffel", title="Zoë")
    assert json.loads(some.to_json(explain)) == some.to_dict(explain)
    assert "Zoë" in some.to_json() and "\\n" not in some.to_json()
    assert len(some.to_json(indent=2).splitlines()) > 10


def test_reprs_show_what_a_reader_looks_for_and_no_pages_of_text() -> None:
    some = response(text=TEXT + " And so on." * 1000, source="tower.pdf", pages=((0, 2),))
    (answer,) = some.answers
    assert repr(answer) == "Answer('Gustave Eiffel', confidence=0.987, source='tower.pdf', start=146, end=160, page=2)"
    assert repr(some) == f"Response('Who?', answers=[{answer!r}], no_answer_probability=0.012)"
    assert repr(Response("Who?", (), 1.0, reason="nothing matches")) == (
        "Response('Who?', answers=[], no_answer_probability=1.000, reason='nothing matches')"
    )
    (place,) = answer.places
    passage = "Passage('p', title='Tower', text='The tower stands in Paris. It was designed by Gustave Eiffe…')"
    assert repr(place.passage) == passage
    assert repr(place.hit) == f"Hit(rank=2, score=0.5, passage={passage})"
    long = Document("d", "title " * 100, "text " * 100)
    assert max(map(len, map(repr, [long, place, Passage("p", "d", "t" * 999, "x" * 999, 0)]))) < 300
