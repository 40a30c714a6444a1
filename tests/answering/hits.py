"""Hits and readings made by hand, and drawn ones in which places and texts collide often."""

from __future__ import annotations

import math

from hypothesis import strategies as st

from odqa.answering.candidates import says_something
from odqa.types import Component, Hit, Passage, Place, Reading, Span

DOCUMENT = "Paris lies on the Seine. Berlin lies on the Spree. The capital is Paris."


def hit(start: int, end: int, rank: int = 1, document: str = "d", text: str = DOCUMENT, **scores: float) -> Hit:
    """The slice start:end of a document as a retrieved passage; ``scores`` are those of its components."""
    passage = Passage(f"{document}#{rank}", document, "Title", text[start:end], start)
    return Hit(passage, 1.0, rank, {name: Component(score, rank) for name, score in scores.items()})


def reading(null: float, *spans: tuple[int, int, float]) -> Reading:
    """Spans as (start, end, weight): the score is such that exp(score - null) is the weight."""
    return Reading(tuple(Span(s, e, null + math.log(w)) for s, e, w in spans), null)


def place(start: int, end: int, margin: float, rank: int = 1, document: str = "d") -> Place:
    """The place start:end of the document, seen in a passage that is all of it; the null score is 0."""
    return Place(hit(0, len(DOCUMENT), rank, document), Span(start, end, margin), 0.0)


@st.composite
def pairs(draw: st.DrawFn) -> list[tuple[Hit, Reading]]:
    """Overlapping passages of two small documents over few letters; each retriever scored all of them or none."""
    documents = draw(st.lists(st.text("ab 1", min_size=8, max_size=16), min_size=1, max_size=2))
    names = draw(st.sampled_from([(), ("dense",), ("bm25",), ("dense", "bm25")]))
    found = []
    for number in range(draw(st.integers(1, 5))):
        which = draw(st.integers(0, len(documents) - 1))
        text = documents[which]
        start = draw(st.integers(0, len(text) - 3))
        end = draw(st.integers(start + 2, len(text)))
        spans = []
        for _ in range(draw(st.integers(0, 5))):
            a = draw(st.integers(0, end - start - 1))
            b = draw(st.integers(a + 1, end - start))
            score = draw(st.floats(-20, 20))
            if says_something(text[start:end], a, b):
                spans.append(Span(a, b, score))
        scores = {name: draw(st.floats(0, 1)) for name in names}
        passage = hit(start, end, number + 1, f"d{which}", text, **scores)
        found.append((passage, Reading(tuple(spans), draw(st.floats(-9, 9)))))
    return found
