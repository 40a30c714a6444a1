"""Whatever goes wrong with a request in; a response of RFC 9457 (``application/problem+json``) that says so out.

What is the server's own fault is told in its log, and to the client in general words: messages name files.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from odqa.errors import OdqaError, UsageError
from odqa.serve.batching import Busy
from odqa.serve.indexes import NoSuchIndex

MEDIA_TYPE = "application/problem+json"
GONE = 499  # What nobody reads: the client went away. nginx calls it so.
MOST_FAULTS = 20
_log = logging.getLogger("odqa.serve")


class Refused(OdqaError):
    """A request that is answered with an error: its status, what is wrong, and headers."""

    def __init__(self, status: int, detail: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(detail)
        self.status = status
        self.headers = dict(headers or {})


def body_of(status: int, detail: str, errors: Sequence[Mapping[str, str]] = ()) -> dict[str, Any]:
    """The members of a problem; its type is its status alone."""
    title = "Client Closed Request" if status == GONE else HTTPStatus(status).phrase
    value = {"type": "about:blank", "title": title, "status": status, "detail": detail}
    return value | {"errors": list(errors)} if errors else value


def problem(
    status: int, detail: str, headers: Mapping[str, str] | None = None, errors: Sequence[Mapping[str, str]] = ()
) -> Response:
    """A response that tells of a problem."""
    # A message may quote half of a surrogate pair, which UTF-8 cannot hold: JSON's escapes can.
    content = json.dumps(body_of(status, detail, errors)).encode("ascii")
    return Response(content, status, headers, MEDIA_TYPE)


def of_error(error: Exception) -> Response:
    """The problem that an exception is to the client."""
    match error:
        case Refused():
            return problem(error.status, str(error), error.headers)
        case Busy():
            return problem(HTTPStatus.SERVICE_UNAVAILABLE, str(error), {"Retry-After": str(error.retry_after)})
        case NoSuchIndex():
            return problem(HTTPStatus.NOT_FOUND, str(error))
        case UsageError():
            return problem(HTTPStatus.UNPROCESSABLE_ENTITY, str(error))
        case OdqaError():
            _log.error("a request failed: %s", error)
        case _:
            _log.error("a request failed by a defect of odqa", exc_info=error)
    detail = "the server could not do this; its log says why. Ask again, or tell whoever runs it"
    return problem(HTTPStatus.INTERNAL_SERVER_ERROR, detail)


def register(app: FastAPI) -> None:
    """Have all errors that are foreseen answered as problems."""

    async def failed(request: Request, error: Exception) -> Response:
        return of_error(error)

    async def http(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        return problem(error.status_code, _said(error), error.headers)

    async def invalid(request: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)
        if request.method == "POST" and not _is_json(request.headers.get("content-type", "")):
            return problem(
                HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "send JSON, with the header Content-Type: application/json"
            )
        return _invalid(error)

    app.add_exception_handler(OdqaError, failed)
    app.add_exception_handler(HTTPException, http)
    app.add_exception_handler(RequestValidationError, invalid)


class Unforeseen:
    """Answers a request that fails by a defect with a problem.

    Plain ASGI, as the handler that an app has for this answers outside all layers: a page of another origin, which may
    ask, could not read what it says.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request. Raises what is raised once the response has begun."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begun = False

        async def noting(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            await self._app(scope, receive, noting)
        except Exception as error:
            if begun:
                raise
            await of_error(error)(scope, receive, send)


def _said(error: HTTPException) -> str:
    match error.status_code:
        case HTTPStatus.NOT_FOUND:
            return "there is nothing at this address; /openapi.json lists what there is"
        case HTTPStatus.METHOD_NOT_ALLOWED:
            return "this address is asked by another method; /openapi.json lists which"
    return str(error.detail)


def _invalid(error: RequestValidationError) -> Response:
    """The problem of a body or a parameter that is not as it should be. What was sent is not repeated."""
    found = error.errors()
    broken = next((one for one in found if one["type"] == "json_invalid"), None)
    if broken is not None:
        return problem(HTTPStatus.BAD_REQUEST, f"the body is not JSON: {broken.get('ctx', {}).get('error', '')}")
    faults = [{"pointer": _pointer(one["loc"]), "detail": str(one["msg"])} for one in found[:MOST_FAULTS]]
    first = faults[0] if faults else {"pointer": "", "detail": "it is not as it should be"}
    detail = f"{first['pointer']}: {first['detail']}; /openapi.json describes every request"
    return problem(HTTPStatus.UNPROCESSABLE_ENTITY, detail, errors=faults)


def _is_json(media_type: str) -> bool:
    kind = media_type.partition(";")[0].strip().casefold()
    return kind == "application/json" or (kind.startswith("application/") and kind.endswith("+json"))


def _pointer(location: Sequence[str | int]) -> str:
    where, *parts = location
    # Keys that a client made up may be of any length.
    names = [str(part)[:100].replace("~", "~0").replace("/", "~1") for part in parts]
    return "#/" + "/".join(names) if where == "body" else "/".join(names)
