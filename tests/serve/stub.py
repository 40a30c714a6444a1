"""A server that speaks as odqa's does, over a few documents, with answers that a test can foresee."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import uvicorn
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse

from odqa.errors import OdqaError
from odqa.serve.feedback import Verdict, append, feedback
from odqa.serve.page import router
from odqa.types import (
    Abstention,
    Answer,
    Block,
    BlockKind,
    Component,
    Document,
    Hit,
    Passage,
    Place,
    Response,
    Span,
)

SCRIPT = "<script>alert(1)</script><img src=x onerror=alert(2)>"
TOWER = (
    "The tower 🗼 stands in Paris. It was built by Gustave Eiffel in 1889. It is 330 metres high. " * 3
    + "\n\nThe ferry 🚢 goes at noon. It was built by Ada. Tickets cost 12 kroner."
)
TABLE = "Prices of the ferry.\n\n| Zone | Price |\n|---|---|\n| Inner | 24 kroner |\n| Outer | 36 kroner |\n"
ROWS = TABLE.index("| Zone")


def _row(text: str, labels: tuple[str, ...] = ()) -> Block:
    start = TABLE.index(text)
    return Block(start, start + len(text), BlockKind.ROW, labels)


DOCUMENTS = [
    Document("tower", "The tower", TOWER, "https://example.org/tower.html", {"lang": "en", "year": 2021}),
    Document(
        "prices",
        "Prices",
        TABLE,
        "prices.md",
        {"lang": "en", "year": 2024},
        blocks=(
            Block(0, 20),
            _row("| Zone | Price |"),
            _row("| Inner | 24 kroner |", ("Zone", "Price")),
            _row("| Outer | 36 kroner |", ("Zone", "Price")),
        ),
    ),
    Document(
        f"hostile {SCRIPT}",
        f"Hostile {SCRIPT}",
        f"Whoever wrote this is called Mallory. {SCRIPT} It answers nothing.",
        f"javascript:document.title='run'//{SCRIPT}",
        {"lang": f"{SCRIPT}", "author": {"name": "Mallory"}},
    ),
    Document("long", "Long", "\n\n".join(f"Paragraph {at} of a long text. " * 20 for at in range(200)), "long.txt"),
]
OVERLAP = 30  # Characters of a passage that the next one begins with.


def _passages(document: Document) -> list[Passage]:
    """A passage a paragraph, but for the one that has blocks, each beginning with the end of the one before."""
    paragraphs = [document.text] if document.blocks else document.text.split("\n\n")
    found, start = [], 0
    for number, paragraph in enumerate(paragraphs):
        first, end = max(0, start - OVERLAP), start + len(paragraph)
        found.append(
            Passage(
                f"{document.id}#{number}",
                document.id,
                document.title,
                document.text[first:end],
                first,
                document.source,
                headings=(document.title, "A part"),
                blocks=document.blocks,
            )
        )
        start = end + 2
    return found


PASSAGES = {document.id: _passages(document) for document in DOCUMENTS}
# A question, its document, and the answers with their confidence; one of no answers is unanswerable.
ANSWERS: dict[str, tuple[str, list[tuple[str, float]]]] = {
    "Who built it?": ("tower", [("Ada", 0.82), ("Gustave Eiffel", 0.3)]),
    "What is the price?": ("prices", [("24 kroner", 0.95)]),
    "Who is it?": (f"hostile {SCRIPT}", [("Mallory", 0.6), (SCRIPT, 0.2)]),
    "How high is it?": ("tower", [("330 metres", 0.9), ("1889", 0.05)]),
    "Where is paragraph 150?": ("long", [("Paragraph 150", 0.9)]),
}


@dataclass
class Stub:
    """What it was asked, and what it shall fail with next; ``key`` is demanded where it is set."""

    address: str = ""
    file: Path | None = None
    key: str = ""
    failures: list[tuple[int, dict[str, str], dict[str, Any]]] = field(default_factory=list)
    asked: list[dict[str, Any]] = field(default_factory=list)
    waits: list[threading.Event] = field(default_factory=list)

    def response(self, value: dict[str, Any]) -> Response:
        document, wanted = ANSWERS.get(value["question"], ("", []))
        answers = [_answer(PASSAGES[document], text, sure) for text, sure in wanted]
        sure = any(answer.confidence >= 0.25 for answer in answers)
        least = value.get("min_confidence", 0.0 if sure else 1.0)
        shown = tuple(answer for answer in answers if answer.confidence >= least)[: value["n"]]
        reason = "no document matches the filters" if any("klingon" in one for one in value["filters"]) else ""
        return Response(
            value["question"],
            () if reason else shown,
            0.2 if shown else 0.93,
            {"encode": 0.01, "search": 0.002, "read": 0.3, "rank": 0.001, "total": 0.313},
            reason,
            () if shown or reason else tuple(answers),
            "evidence",
            None if reason else Abstention("probability", 0.2 if shown else 0.93, 0.5),
        )


def _answer(passages: list[Passage], text: str, confidence: float) -> Answer:
    passage = max((one for one in passages if text in one.text), key=lambda one: one.start)
    start = passage.text.rindex(text)
    hit = Hit(passage, 0.5, 1, {"dense": Component(0.7, 1), "bm25": Component(0.0, None)})
    return Answer(text, confidence, 1.5, (Place(hit, Span(start, start + len(text), 7.25), 1.5),))


def _values(passage: Passage) -> dict[str, Any]:
    return {
        "id": passage.id,
        "document": passage._origin(),
        "text": passage.text,
        "start": passage.start,
        "end": passage.end,
        "headings": list(passage.headings),
        "pages": [],
        "blocks": [
            {"start": one.start, "end": one.end, "kind": one.kind.value, "labels": list(one.labels)}
            for one in passage.blocks
        ],
    }


def _field(name: str, values: list[str]) -> dict[str, Any]:
    return {"name": name, "values": [{"value": value, "documents": 1} for value in values], "complete": True}


def app_of(stub: Stub) -> FastAPI:
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    app.include_router(router())

    @app.middleware("http")
    async def guard(request: Request, call_next: Any) -> Any:
        api = request.url.path.strip("/") in {"ask", "search", "indexes", "passages", "documents", "feedback"}
        if api and stub.key and request.headers.get("Authorization") != f"Bearer {stub.key}":
            return _problem(401, "Unauthorized", "this server wants a key")
        if request.url.path == "/ask" and stub.failures:
            status, headers, value = stub.failures.pop(0)
            return JSONResponse(value, status, headers, media_type="application/problem+json")
        return await call_next(request)

    @app.get("/indexes")
    def indexes() -> Any:
        fields = [_field("lang", ["en", SCRIPT]), _field("year", ["2021", "2024"])]
        one = {"name": "tiny", "documents": len(DOCUMENTS), "passages": 205, "fields": fields}
        questions = list(ANSWERS)[:2]
        return {"default": "tiny", "indexes": [one | {"questions": questions}], "feedback": stub.file is not None}

    @app.post("/ask")
    def ask(value: dict[str, Any]) -> Any:
        stub.asked.append(value)
        if stub.waits:
            stub.waits.pop().wait(20)
        return stub.response(value).to_dict(value.get("explain", False))

    @app.post("/search")
    def search(value: dict[str, Any]) -> Any:
        assert value.keys() == {"index", "question", "k", "mode", "filters"}
        passages = [PASSAGES[document.id][0] for document in DOCUMENTS][: value["k"]]
        return {"hits": [Hit(one, 0.5, rank).to_dict() for rank, one in enumerate(passages, start=1)]}

    @app.get("/passages")
    def passages(id: str, index: str) -> Any:
        found = PASSAGES[id.rpartition("#")[0]]
        at = [one.id for one in found].index(id)
        return {
            "number": at,
            "passage": _values(found[at]),
            "before": list(map(_values, found[max(0, at - 1) : at])),
            "after": list(map(_values, found[at + 1 : at + 2])),
        }

    @app.get("/documents")
    def documents(id: str, index: str, first: int, limit: int) -> Any:
        document = next(one for one in DOCUMENTS if one.id == id)
        found = PASSAGES[id][first : first + limit]
        return {
            "document": found[0]._origin(),
            "metadata": document.metadata,
            "first": first,
            "total": len(PASSAGES[id]),
            "start": found[0].start,
            "text": document.text[found[0].start : found[-1].end],
            "passages": list(map(_values, found)),
        }

    @app.post("/feedback")
    def said(value: dict[str, Any]) -> Any:
        place = None if value.get("document") is None else (value["start"], value["end"])
        passages = PASSAGES[value["document"]] if place else []
        verdict, text = Verdict(value["verdict"]), value.get("text", "")
        try:
            record = feedback(
                value["question"], verdict, index=value["index"], passages=passages, place=place, text=text
            )
            append(stub.file, record)
        except OdqaError as error:
            return _problem(422, "Unprocessable Entity", str(error))
        return {"id": record.id}

    return app


def _problem(status: int, title: str, detail: str) -> JSONResponse:
    value = {"type": "about:blank", "title": title, "detail": detail, "status": status}
    return JSONResponse(value, status, media_type="application/problem+json")


@contextmanager
def running(app: FastAPI) -> Iterator[str]:
    """The address at which an app is served, by a thread of this process."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = uvicorn.Server(uvicorn.Config(app, log_level="warning"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}/"
        finally:
            server.should_exit = True
            thread.join(10)


@contextmanager
def served(stub: Stub) -> Iterator[Stub]:
    """The stub behind an address of this machine."""
    with running(app_of(stub)) as stub.address:
        yield stub
