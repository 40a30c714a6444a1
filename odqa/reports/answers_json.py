"""A Response, or the hits of a question, in; plain values for JSON out. Knows no terminal and no server."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from odqa.types import Abstention, Answer, Hit, Passage, Place, Response


def as_json(response: Response, explain: bool = False) -> dict[str, Any]:
    """The Response as a JSON object; offsets count characters of the document, ``passage`` is the passage's text.

    ``explain`` adds what answers were ranked by, the answers that were withheld, and the rule that withheld them.
    """
    value: dict[str, Any] = {
        "question": response.question,
        "answers": [_answer(answer, explain) for answer in response.answers],
        "no_answer_probability": response.no_answer_probability,
        "timings": dict(response.timings),
        "reason": response.reason,
    }
    if explain:
        value["ranking"] = response.ranking
        value["abstention"] = _abstention(response.abstention)
        value["withheld"] = [_answer(answer, explain) for answer in response.withheld]
    return value


def hits_as_json(question: str, hits: Sequence[Hit], explain: bool = False, reason: str = "") -> dict[str, Any]:
    """The hits of a question as a JSON object; ``explain`` adds each component's score and rank of a passage.

    ``reason`` says why nothing was searched; empty where something was.
    """
    value: dict[str, Any] = {"question": question, "hits": [_hit(hit, explain) for hit in hits]}
    return value | {"reason": reason} if reason else value


def _abstention(abstention: Abstention | None) -> dict[str, Any] | None:
    if abstention is None:
        return None
    # JSON has no infinity, which the margin is (with a minus) where there is no span at all.
    margin = abstention.value if math.isfinite(abstention.value) else None
    return {"rule": abstention.rule, "value": margin, "limit": abstention.limit, "abstains": abstention.abstains}


def _place(place: Place) -> dict[str, Any]:
    return {
        "document": place.passage.document_id,
        "start": place.start,
        "end": place.end,
        "passage_id": place.passage.id,
        "span_score": place.span.score,
        "null_score": place.null_score,
        "rank": place.hit.rank,
        "components": _components(place.hit),
    }


def _components(hit: Hit) -> dict[str, Any]:
    return {name: {"rank": component.rank, "score": component.score} for name, component in hit.components.items()}


def _answer(answer: Answer, explain: bool) -> dict[str, Any]:
    passage = answer.passage
    value: dict[str, Any] = {
        "text": answer.text,
        "confidence": answer.confidence,
        "document": _document(passage),
        "start": answer.start,
        "end": answer.end,
        "passage": passage.text,
        "passage_id": passage.id,
        "page": answer.page,
        "headings": list(passage.headings),
        "mentions": answer.mentions,
    }
    if explain:
        value["score"] = answer.score
        value["places"] = [_place(place) for place in answer.places]
    return value


def _hit(hit: Hit, explain: bool) -> dict[str, Any]:
    passage = hit.passage
    value: dict[str, Any] = {
        "rank": hit.rank,
        "score": hit.score,
        "text": passage.text,
        "passage_id": passage.id,
        "document": _document(passage),
    }
    if explain:
        value["components"] = _components(hit)
    return value


def _document(passage: Passage) -> dict[str, str]:
    return {"id": passage.document_id, "title": passage.title, "source": passage.source}
