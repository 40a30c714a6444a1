"""Cases made by hand, for a question with its own context and for one that was asked of an index."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from odqa.evaluation.cases import Case, Query, in_context
from odqa.types import Component, Example, Hit, Passage, Reading, Reference, Span

Spans = Mapping[str, float]  # What the reader finds in a text, and how far it beats the null; the first place counts.


def reading(text: str, spans: Spans) -> Reading:
    found = (Span(text.index(said), text.index(said) + len(said), margin) for said, margin in spans.items())
    return Reading(tuple(found), 0.0)


def example(key: str, context: str, answers: Sequence[str] = (), question: str = "") -> Example:
    references = tuple(Reference(answer, max(context.find(answer), 0)) for answer in answers)
    return Example(key, question or f"{key}?", context, references)


def own_context(key: str, context: str, answers: Sequence[str], spans: Spans) -> Case:
    """A question with its own context, in which the reader finds these spans."""
    return in_context([example(key, context, answers)], [reading(context, spans)])[0]


def over_index(
    asked: Example,
    passages: Sequence[tuple[str, Spans]],
    *,
    gold: Sequence[int] = (),
    own: Sequence[int] = (),
    cosines: Sequence[float] = (),
) -> Case:
    """A question asked of an index: its hits, each a document of its own, with what the reader finds in them.

    ``gold`` and ``own`` are ranks, counted from 1; the ids of the passages are p1, p2, …
    """
    hits = [
        Hit(
            Passage(f"p{rank}", f"d{rank}", f"Title {rank}", text, 0),
            1 / rank,
            rank,
            {"dense": Component(cosines[rank - 1], rank)} if cosines else {},
        )
        for rank, (text, _) in enumerate(passages, start=1)
    ]
    query = Query(
        asked,
        asked.question,
        tuple(hits),
        frozenset(f"p{rank}" for rank in (*own, *gold)),
        frozenset(f"p{rank}" for rank in gold),
    )
    return Case(query, {hit.passage.id: reading(*found) for hit, found in zip(hits, passages, strict=True)})
