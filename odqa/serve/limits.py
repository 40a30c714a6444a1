"""Around the whole app: what a request may be, and what every response says to browsers. Knows no question.

Plain ASGI, so that it also holds for what the app does not know.
"""

from __future__ import annotations

import asyncio
import hmac
import ipaddress
import re
from collections.abc import Sequence
from http import HTTPStatus
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from odqa.errors import UsageError
from odqa.serve.problems import Refused, of_error, problem

MOST_BYTES = 1_000_000  # Of a request's body.
# A page may load its own scripts and styles and nothing else, and nobody may frame it.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
}
_LOCAL = ("localhost", "ip6-localhost")
_HOST = re.compile(r"[a-z0-9._-]+")
_PORTS = {"http": 80, "https": 443}  # Which browsers leave out of an origin.


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches a server at this address or name."""
    name = host.strip("[]").casefold()
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return name in _LOCAL


class KeyRequired:
    """A dependency of FastAPI: refuses requests without the key, in ``Authorization: Bearer`` or ``X-API-Key``."""

    def __init__(self, key: str | None) -> None:
        """With None, nothing is refused."""
        self._key = None if key is None else key.encode()

    async def __call__(self, request: Request) -> None:
        """Raise Refused (401) for a request without the key."""
        self.check(request.headers)

    def check(self, headers: Headers) -> None:
        """Raise Refused (401) for headers without the key."""
        if self._key is None:
            return
        scheme, _, bearer = headers.get("authorization", "").partition(" ")
        given = bearer.strip() if scheme.casefold() == "bearer" else headers.get("x-api-key", "")
        # In a time that does not tell how much of it was right.
        if not hmac.compare_digest(given.encode("latin-1"), self._key):
            what = "this server wants another key" if given else "this server wants a key"
            raise Refused(
                HTTPStatus.UNAUTHORIZED,
                f"{what}: send it as `Authorization: Bearer KEY` or `X-API-Key: KEY` (odqa: ODQA_API_KEY)",
                {"WWW-Authenticate": "Bearer"},
            )


class SecureHeaders:
    """Adds ``HEADERS`` to every response."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        await self._app(scope, receive, with_headers)


class KnownHost:
    """Refuses requests that call a server without a key by a name that is not this machine's own.

    Else a page from anywhere could ask it, by having its own name lead to 127.0.0.1 (DNS rebinding).
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or refuse it with 421."""
        if scope["type"] == "http" and not _is_local(Headers(scope=scope).get("host", "")):
            detail = (
                "a server without a key answers to localhost and 127.0.0.1 alone; call it so, or start it with "
                "--api-key; a proxy before it has to send the Host of the server"
            )
            await problem(HTTPStatus.MISDIRECTED_REQUEST, detail)(scope, receive, send)
            return
        await self._app(scope, receive, send)


class WholeBody:
    """Reads the body of a request before anything is done with it, up to so many bytes and in so many seconds.

    None is read of who lacks the key, nor of requests that have none to be read: nobody else can make the server hold
    what he sends.
    """

    def __init__(self, app: ASGIApp, key: KeyRequired, most: int = MOST_BYTES, seconds: float = 30.0) -> None:
        self._app = app
        self._key = key
        self._most = most
        self._seconds = seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or refuse it with 401, 408 or 413."""
        if scope["type"] != "http" or scope["method"] != "POST":
            await self._app(scope, receive, send)
            return
        try:
            self._key.check(Headers(scope=scope))
        except Refused as error:
            await of_error(error)(scope, receive, send)
            return
        length = Headers(scope=scope).get("content-length", "0")
        if length.isdecimal() and int(length[:20]) > self._most:
            await self._too_large()(scope, receive, send)
            return
        try:
            async with asyncio.timeout(self._seconds):
                body = await self._read(receive)
        except TimeoutError:
            detail = f"the request did not arrive within {self._seconds:g} seconds; send it again"
            await problem(HTTPStatus.REQUEST_TIMEOUT, detail, {"Connection": "close"})(scope, receive, send)
            return
        if isinstance(body, bytes):
            await self._app(scope, _replayed(body, receive), send)
        elif body:
            await self._too_large()(scope, receive, send)

    async def _read(self, receive: Receive) -> bytes | bool:
        """The body; true where it is too large, false where the client went away."""
        body = bytearray()
        while True:
            message = await receive()
            if message["type"] != "http.request":
                return False
            body += message.get("body", b"")
            if len(body) > self._most:
                return True
            if not message.get("more_body", False):
                return bytes(body)

    def _too_large(self) -> ASGIApp:
        detail = f"the request has more than {self._most:,} bytes; send fewer questions at a time"
        return problem(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, detail, {"Connection": "close"})


def _replayed(body: bytes, receive: Receive) -> Receive:
    """A ``receive`` that gives the body that was read, and then what comes after it."""
    waiting: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def replay() -> Message:
        return waiting.pop() if waiting else await receive()

    return replay


def _is_local(host: str) -> bool:
    name = host.rpartition(":")[0] if host.rpartition(":")[2].isdecimal() and not host.endswith("]") else host
    return is_loopback(name or host)


def origins(values: Sequence[str]) -> list[str]:
    """The origins that ``--cors`` names, as browsers send them. Raises UsageError for what is none."""
    return [value if value == "*" else _origin(value) for value in values]


def _origin(value: str) -> str:
    try:
        parts = urlsplit(value)
        host, port = parts.hostname or "", parts.port
        if ":" in host:
            host = f"[{ipaddress.ip_address(host)}]"
        elif not _HOST.fullmatch(host):
            host = ""
    except ValueError:
        host = ""
    if not host or "@" in value or value.lower() != f"{parts.scheme}://{parts.netloc}".lower():
        raise UsageError(
            f"--cors {value}: an origin is a scheme and a whole host in ASCII alone, as https://wiki.example.com, and "
            "a port where it is not the usual one"
        )
    return f"{parts.scheme}://{host}" + (f":{port}" if port not in (None, _PORTS.get(parts.scheme)) else "")
