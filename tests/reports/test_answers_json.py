"""Plain values that json can write, under the keys that the documentation names."""

from __future__ import annotations

from odqa.reports.answers_json import hits_as_json
from odqa.types import Component, Hit, Passage


def test_hits_have_the_documented_keys() -> None:
    passage = Passage("p", "d", "Tower", "The tower stands.", 100, "t.pdf")
    hit = Hit(passage, 1.5, 1, {"dense": Component(0.25, None), "bm25": Component(3.0, 7)})
    shown = {
        "rank": 1,
        "score": 1.5,
        "text": "The tower stands.",
        "passage_id": "p",
        "document": {"id": "d", "title": "Tower", "source": "t.pdf"},
        "copies": [],
    }
    assert hits_as_json("Who?", [hit]) == {"question": "Who?", "hits": [shown]}
    components = {"dense": {"rank": None, "score": 0.25}, "bm25": {"rank": 7, "score": 3.0}}
    assert hits_as_json("Who?", [hit], explain=True)["hits"] == [shown | {"components": components}]


def test_why_nothing_was_searched_is_a_key_of_its_own() -> None:
    assert hits_as_json("Who?", [], reason="nothing matches") == {
        "question": "Who?",
        "hits": [],
        "reason": "nothing matches",
    }
