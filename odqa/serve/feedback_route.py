"""The address that takes what people say of answers, and writes it to the file of ``--feedback``."""

from __future__ import annotations

from collections.abc import Iterator
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Body, Request

from odqa.answering.question import check_question
from odqa.errors import UsageError
from odqa.index.lookup import FoundDocument, find_document
from odqa.serve import feedback as kept
from odqa.serve import schema
from odqa.serve.problems import Refused
from odqa.serve.routes import PROBLEMS, Json, service_of
from odqa.types import Passage

_AT_ONCE = 500
router = APIRouter(responses=PROBLEMS)


@router.post("/feedback", response_model=schema.Saved, status_code=201, tags=["Questions"])
def feedback(request: Request, body: Annotated[schema.FeedbackRequest, Body()]) -> Json:
    """Save what somebody says of the answers to a question; it is on the disk when this returns."""
    service = service_of(request)
    assert service.settings.feedback is not None
    question = check_question(body.question)
    place = _place(body)
    with service.indexes.use(body.index) as version:
        passages: Iterator[Passage] = iter(())
        if place is not None:
            assert body.document is not None
            found = find_document(version.index, body.document)
            if found is None:
                raise Refused(HTTPStatus.NOT_FOUND, f"the index {version.name} has no such document; ask again")
            passages = _holding(found, *place)
        record = kept.feedback(
            question, kept.Verdict(body.verdict), index=version.name, passages=passages, place=place, text=body.text
        )
    kept.append(service.settings.feedback, record)
    return Json({"id": record.id}, HTTPStatus.CREATED)


def _place(body: schema.FeedbackRequest) -> tuple[int, int] | None:
    given = (body.document, body.start, body.end)
    if all(value is None for value in given) and not body.text:
        return None
    if body.document is None or body.start is None or body.end is None:
        raise UsageError("an answer is named by its document, start, end and text: give all of them, or none")
    if not body.start <= body.end:
        raise UsageError(f"the answer ends ({body.end}) before it starts ({body.start})")
    return body.start, body.end


def _holding(found: FoundDocument, start: int, end: int) -> Iterator[Passage]:
    """The passages of a document that hold the place, which follow one another."""
    for first in range(0, found.stored.passages, _AT_ONCE):
        for passage in found.passages(first, _AT_ONCE):
            if passage.start > start:
                return
            if passage.end >= end:
                yield passage
