"""Plain values that json can write, under the keys that the documentation names."""

from __future__ import annotations

import math

from odqa.reports.answers_json import as_json, hits_as_json
from odqa.types import Abstention, Component, Hit, Passage, Response
from tests.reports.responses import TEXT, response


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


def test_explained_json_shows_what_was_withheld_and_why() -> None:
    abstention = Abstention("probability", 0.9, 0.4)
    withheld = Response("Who?", (), 0.9, withheld=response().answers, ranking="prior", abstention=abstention)
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


def test_a_margin_without_any_span_is_null_in_json() -> None:
    nothing = Response("Who?", (), 1.0, abstention=Abstention("margin", -math.inf, 2.0))
    assert as_json(nothing, explain=True)["abstention"] == {
        "rule": "margin",
        "value": None,
        "limit": 2.0,
        "abstains": True,
    }


def test_hits_have_the_documented_keys() -> None:
    passage = Passage("p", "d", "Tower", "The tower stands.", 100, "t.pdf")
    hit = Hit(passage, 1.5, 1, {"dense": Component(0.25, None), "bm25": Component(3.0, 7)})
    shown = {
        "rank": 1,
        "score": 1.5,
        "text": "The tower stands.",
        "passage_id": "p",
        "document": {"id": "d", "title": "Tower", "source": "t.pdf"},
    }
    assert hits_as_json("Who?", [hit]) == {"question": "Who?", "hits": [shown]}
    components = {"dense": {"rank": None, "score": 0.25}, "bm25": {"rank": 7, "score": 3.0}}
    assert hits_as_json("Who?", [hit], explain=True)["hits"] == [shown | {"components": components}]


def test_why_nothing_was_searched_is_a_key_of_its_own() -> None:
    assert as_json(Response("Who?", (), 1.0, {}, "nothing matches"))["reason"] == "nothing matches"
    assert hits_as_json("Who?", [], reason="nothing matches") == {
        "question": "Who?",
        "hits": [],
        "reason": "nothing matches",
    }
