"""Hits and Responses ↔ plain values of JSON, whole: what the client gives is what the pipeline gave.

``Response.to_dict`` is for people and programs that read answers; what it leaves out of the passages is here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from math import isfinite
from typing import Any

from odqa.corpus.block_values import check_blocks
from odqa.types import Abstention, Answer, Block, BlockKind, Component, Hit, Passage, Place, Response, Span


def passage_values(passage: Passage) -> dict[str, Any]:
    """A passage as a JSON object."""
    return {
        "id": passage.id,
        "document": {"id": passage.document_id, "title": passage.title, "source": passage.source},
        "text": passage.text,
        "start": passage.start,
        "end": passage.end,
        "headings": list(passage.headings),
        "pages": [{"start": start, "page": page} for start, page in passage.pages],
        "blocks": [
            {"start": block.start, "end": block.end, "kind": block.kind.value, "labels": list(block.labels)}
            for block in passage.blocks
        ],
    }


def hit_values(hit: Hit) -> dict[str, Any]:
    """A hit as a JSON object, with its passage and the copies of it in full."""
    return {
        "rank": hit.rank,
        "score": hit.score,
        "components": {name: {"rank": one.rank, "score": one.score} for name, one in hit.components.items()},
        "passage": passage_values(hit.passage),
        "copies": [passage_values(copy) for copy in hit.copies],
    }


def evidence_of(response: Response) -> list[Hit]:
    """The distinct hits that answers, given or withheld, were found in, best first."""
    places = [place for answer in (*response.answers, *response.withheld) for place in answer.places]
    return sorted({place.hit.passage.id: place.hit for place in places}.values(), key=lambda hit: hit.rank)


def passage_from(value: Mapping[str, Any]) -> Passage:
    """The passage of :func:`passage_values`. Raises KeyError, TypeError or ValueError for other values."""
    text = str(value["text"])
    blocks = tuple(
        Block(int(one["start"]), int(one["end"]), BlockKind(one["kind"]), tuple(map(str, one["labels"])))
        for one in value["blocks"]
    )
    check_blocks(blocks, len(text))
    return Passage(
        id=str(value["id"]),
        document_id=str(value["document"]["id"]),
        title=str(value["document"]["title"]),
        text=text,
        start=int(value["start"]),
        source=str(value["document"]["source"]),
        headings=tuple(map(str, value["headings"])),
        pages=tuple((int(one["start"]), int(one["page"])) for one in value["pages"]),
        blocks=blocks,
    )


def hit_from(value: Mapping[str, Any]) -> Hit:
    """The hit of :func:`hit_values`. Raises KeyError, TypeError or ValueError for other values."""
    return Hit(
        passage_from(value["passage"]),
        _number(value["score"]),
        int(value["rank"]),
        {str(name): _component(one) for name, one in value["components"].items()},
        tuple(map(passage_from, value["copies"])),
    )


def response_from(value: Mapping[str, Any]) -> Response:
    """The Response of ``to_dict(explain=True)`` with the ``evidence`` of :func:`evidence_of`, as :func:`hit_values`.

    Raises KeyError, TypeError or ValueError for other values.
    """
    hits = {hit.passage.id: hit for hit in map(hit_from, value["evidence"])}
    rule = value["abstention"]
    abstention = rule and Abstention(
        str(rule["rule"]), float("-inf") if rule["value"] is None else _number(rule["value"]), _number(rule["limit"])
    )
    return Response(
        str(value["question"]),
        _answers(value["answers"], hits),
        _number(value["no_answer_probability"]),
        {str(stage): _number(seconds) for stage, seconds in value["timings"].items()},
        str(value["reason"]),
        _answers(value["withheld"], hits),
        str(value["ranking"]),
        abstention,
        int(value["passages_read"]),
    )


def _answers(values: Iterable[Mapping[str, Any]], hits: Mapping[str, Hit]) -> tuple[Answer, ...]:
    return tuple(
        Answer(str(one["text"]), _number(one["confidence"]), _number(one["score"]), _places(one["places"], hits))
        for one in values
    )


def _places(values: Sequence[Mapping[str, Any]], hits: Mapping[str, Hit]) -> tuple[Place, ...]:
    places = []
    for one in values:
        hit = hits[one["passage_id"]]
        first = hit.passage.start
        span = Span(int(one["start"]) - first, int(one["end"]) - first, _number(one["span_score"]))
        if not 0 <= span.start < span.end <= len(hit.passage.text):
            raise ValueError(f"an answer outside its passage {hit.passage.id}")
        places.append(Place(hit, span, _number(one["null_score"])))
    if not places:
        raise ValueError("an answer without a place")
    return tuple(places)


def _number(value: Any) -> float:
    number = float(value)
    if not isfinite(number):
        raise ValueError(f"a number that is {number}")
    return number


def _component(value: Mapping[str, Any]) -> Component:
    return Component(_number(value["score"]), None if value["rank"] is None else int(value["rank"]))
