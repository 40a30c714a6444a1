"""The addresses of the API: a request in, its JSON out. Knows no HTTP but its paths, and no model."""

from __future__ import annotations

import json
from collections.abc import Sequence
from http import HTTPStatus
from pathlib import PurePath
from typing import Annotated, Any, Final

from fastapi import APIRouter, Body, Path, Query, Request
from starlette.responses import Response as HTTPResponse

from odqa.answering.question import Ask, check_question
from odqa.errors import UsageError
from odqa.index.filters import parse
from odqa.index.lookup import FoundDocument, find_document, find_passage
from odqa.serve import schema, wire
from odqa.serve.indexes import Version
from odqa.serve.metrics import MEDIA_TYPE as METRICS
from odqa.serve.problems import MEDIA_TYPE as PROBLEM
from odqa.serve.problems import Refused
from odqa.serve.service import Service
from odqa.serve.work import Asking, Searching
from odqa.types import Hit, Mode, Passage, Response
from odqa.version import __version__

MOST_NEIGHBOURS = 20
MOST_PASSAGES = 1000  # Of a document in one response.
_BLANKS = 1_000_000  # White space between passages in one response.

PROBLEMS: Final[dict[int | str, dict[str, Any]]] = {
    status: {
        "description": HTTPStatus(status).phrase,
        "content": {PROBLEM: {"schema": {"$ref": "#/components/schemas/Problem"}}},
    }
    for status in (400, 401, 404, 408, 413, 415, 421, 422, 500, 503, 504)
}
_IndexName = Annotated[schema.Text | None, Query(description="The name of an index; the first one if not given.")]
_Id = Annotated[str, Path(max_length=schema.LONGEST, description="The id; with / and # as %2F and %23.")]
_AnyId = Annotated[str, Query(max_length=schema.LONGEST, description="The id, whatever characters it has.")]
_Around = Annotated[int, Query(ge=0, le=MOST_NEIGHBOURS, description="Neighbours on each side.")]
_First = Annotated[int, Query(ge=0, le=2**31, description="The number of the first passage, counted from 0.")]
_Limit = Annotated[int, Query(ge=1, le=MOST_PASSAGES, description="Passages to give at most.")]

open_routes = APIRouter(responses={503: PROBLEMS[503]})
routes = APIRouter(responses=PROBLEMS)


class Json(HTTPResponse):
    """A response of JSON in UTF-8: what cannot be in it is a defect, not a gap."""

    media_type = "application/json"

    def render(self, content: Any) -> bytes:
        """The bytes of the content."""
        return json.dumps(content, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode("utf-8")


def service_of(request: Request) -> Service:
    """The service of the app that a request came to."""
    service: Service = request.app.state.service
    return service


@routes.post("/ask", response_model=schema.Response, tags=["Questions"])
async def ask(request: Request, body: Annotated[schema.AskRequest, Body()]) -> Json:
    """Answer a question: what `odqa ask --json` prints."""
    service = service_of(request)
    (response,) = await service.answer(_asking(service, body), [check_question(body.question)], request)
    return Json(_response(response, body))


@routes.post("/ask/batch", response_model=schema.Responses, tags=["Questions"])
async def ask_batch(request: Request, body: Annotated[schema.AskBatchRequest, Body()]) -> Json:
    """Answer several questions, which are read together."""
    service = service_of(request)
    questions = []
    for number, question in enumerate(body.questions):
        try:
            questions.append(check_question(question))
        except UsageError as error:
            raise UsageError(f"questions/{number}: {error}") from None
    responses = await service.answer(_asking(service, body), questions, request)
    return Json({"responses": [_response(response, body) for response in responses]})


@routes.post("/search", response_model=schema.Hits, tags=["Questions"])
async def search(request: Request, body: Annotated[schema.SearchRequest, Body()]) -> Json:
    """Find the passages that fit a question best, without reading them: what `odqa search --json` prints."""
    service = service_of(request)
    how = Searching(service.indexes.check(body.index), body.mode, body.k, tuple(map(parse, body.filters)))
    question = check_question(body.question)
    found = await service.search(how, question, request)
    value: dict[str, Any] = {"question": question, "hits": [hit.to_dict(body.explain) for hit in found.hits]}
    value |= {"reason": found.reason} if found.reason else {}
    if body.evidence:
        value |= {"evidence": _evidence(found.hits), "language": found.language}
    return Json(value)


@routes.get("/passages", response_model=schema.PassageWithNeighbours, tags=["Documents"])
def passage_by_query(request: Request, id: _AnyId, around: _Around = 1, index: _IndexName = None) -> Json:
    """A passage by its id, and its neighbours in its document."""
    with service_of(request).indexes.use(index) as version:
        found = find_passage(version.index, id, around)
        if found is None:
            raise _missing("passage", id, version)
        return Json(
            {
                "index": version.name,
                "number": found.number,
                "passage": wire.passage_values(found.passage),
                "before": list(map(wire.passage_values, found.before)),
                "after": list(map(wire.passage_values, found.after)),
            }
        )


@routes.get("/passages/{id:path}", response_model=schema.PassageWithNeighbours, tags=["Documents"])
def passage(request: Request, id: _Id, around: _Around = 1, index: _IndexName = None) -> Json:
    """A passage by its id; `/passages?id=` takes any id, also those that proxies change in a path."""
    return passage_by_query(request, id, around, index)


@routes.get("/documents", response_model=schema.DocumentText, tags=["Documents"])
def document_by_query(
    request: Request, id: _AnyId, first: _First = 0, limit: _Limit = MOST_PASSAGES, index: _IndexName = None
) -> Json:
    """A document by its id, as the index has it."""
    with service_of(request).indexes.use(index) as version:
        found = find_document(version.index, id)
        if found is None:
            raise _missing("document", id, version)
        passages = found.passages(first, limit)
        return Json(
            {
                "index": version.name,
                "document": _origin(found),
                "metadata": found.stored.metadata,
                "first": first,
                "total": found.stored.passages,
                "start": passages[0].start if passages else 0,
                "text": joined(passages),
                "passages": list(map(wire.passage_values, passages)),
            }
        )


@routes.get("/documents/{id:path}", response_model=schema.DocumentText, tags=["Documents"])
def document(
    request: Request, id: _Id, first: _First = 0, limit: _Limit = MOST_PASSAGES, index: _IndexName = None
) -> Json:
    """A document by its id; `/documents?id=` takes any id, also those that proxies change in a path."""
    return document_by_query(request, id, first, limit, index)


@routes.get("/indexes", response_model=schema.ServedIndexes, tags=["Server"])
def indexes(request: Request) -> Json:
    """The indexes that are served, what their documents can be filtered by, and questions to begin with."""
    service = service_of(request)
    described = []
    for name in service.indexes.names:
        with service.indexes.use(name) as version:
            described.append(_described(version, stale=name in service.indexes.problems))
    feedback = service.settings.feedback is not None
    return Json({"default": service.indexes.names[0], "indexes": described, "feedback": feedback})


@open_routes.get("/health", response_model=schema.Health, tags=["Server"])
async def health(request: Request) -> Json:
    """Whether questions are answered: 200 when they are; 503 when the server is stopping. Needs no key."""
    service = service_of(request)
    value = {
        "status": "ready" if service.ready else "stopping",
        "version": __version__,
        "indexes": service.indexes.names,
    }
    return Json(value, HTTPStatus.OK if service.ready else HTTPStatus.SERVICE_UNAVAILABLE)


@routes.get("/metrics", response_class=HTTPResponse, tags=["Server"])
def metrics(request: Request) -> HTTPResponse:
    """Requests, times by stage, queues, batches, answers, indexes and memory, in the format of Prometheus."""
    return HTTPResponse(service_of(request).metrics.text(), media_type=METRICS)


def joined(passages: Sequence[Passage]) -> str:
    """The text from the first character of the first passage to the last of the last; white space is between them.

    Each character keeps its offset. Raises UsageError where there is more white space than can be shown.
    """
    parts: list[str] = []
    at = passages[0].start if passages else 0
    room = _BLANKS
    for passage in passages:
        gap = passage.start - at
        if gap > 0:
            room -= gap
            if room < 0:
                raise UsageError("these passages are too far apart to be shown as one text; ask for fewer (limit)")
            parts.append("\n" * min(gap, 2) + " " * (gap - 2))
        new = passage.text[max(0, -gap) :]  # Passages may overlap.
        parts.append(new)
        at = max(at, passage.end)
    return "".join(parts)


def _asking(service: Service, body: schema.AskRequest | schema.AskBatchRequest) -> Asking:
    filters = tuple(map(parse, body.filters))
    ask = Ask(body.k, body.n, filters, body.min_confidence, body.exhaustive)
    return Asking(service.indexes.check(body.index), body.mode, ask)


def _response(response: Response, body: schema.AskRequest | schema.AskBatchRequest) -> dict[str, Any]:
    value = response.to_dict(body.explain)
    return value | {"evidence": _evidence(wire.evidence_of(response))} if body.evidence else value


def _evidence(hits: Sequence[Hit]) -> list[dict[str, Any]]:
    return list(map(wire.hit_values, hits))


def _origin(found: FoundDocument) -> dict[str, str]:
    return {"id": found.stored.id, "title": found.stored.title, "source": found.stored.source}


def _missing(what: str, id: str, version: Version) -> Refused:
    shown = id if len(id) <= 200 else f"{id[:200]} …"
    return Refused(HTTPStatus.NOT_FOUND, f"the index {version.name} has no {what} with the id {shown!r}")


def _shown(model: str) -> str:
    """The name of a model; of a folder the last part, as nobody has to know where it is."""
    return PurePath(model).name if PurePath(model).is_absolute() else model


def _described(version: Version, *, stale: bool) -> dict[str, Any]:
    manifest, pipeline = version.index.manifest, version.pipeline(Mode.HYBRID)
    return {
        "name": version.name,
        "documents": manifest.documents,
        "passages": manifest.passages,
        "bytes": manifest.bytes,
        "version": manifest.version,
        "changed": manifest.changed,
        "encoder": _shown(manifest.encoder),
        "reader": _shown(pipeline.reader.name),
        "ranking": pipeline.decider.name,
        "language": str(manifest.keywords.get("language", "")),
        "fields": [
            {
                "name": field.name,
                "documents": field.documents,
                "values": [{"value": value, "documents": documents} for value, documents in field.values],
                "complete": field.complete,
            }
            for field in version.fields
        ],
        "questions": version.questions,
        # Why not names folders of the server.
        "problem": "its folder has changed, and cannot be opened anew; the server's log says why" if stale else "",
    }
