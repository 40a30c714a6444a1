"""A Response with one answer, made by hand."""

from __future__ import annotations

from odqa.types import Abstention, Answer, Component, Hit, Passage, Place, Response, Span

TEXT = "The tower stands in Paris. It was designed by Gustave Eiffel in 1887. Then it was built."


def response(text: str = TEXT, found: str = "Gustave Eiffel", **passage: object) -> Response:
    """A Response whose only answer is ``found``, in a passage that begins at character 100."""
    start = text.index(found)
    whole = Passage(**({"id": "p", "document_id": "d", "title": "Tower", "text": text, "start": 100} | passage))
    span = Span(start, start + len(found), 1.0)
    components = {"dense": Component(0.75, 1), "bm25": Component(8.5, None)}
    place = Place(Hit(whole, 0.5, 2, components), span, -2.0)
    answer = Answer(found, 0.987, 3.5, (place,))
    abstention = Abstention("probability", 0.0123, 0.4)
    return Response("Who?", (answer,), 0.0123, {"total": 0.5}, ranking="prior", abstention=abstention, passages_read=5)
