"""An address in, an app served at it out, until a signal ends it. The only place that knows uvicorn."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import socket
import sys
from collections.abc import Callable
from contextlib import closing, suppress
from http import HTTPStatus
from types import FrameType

import h11
import uvicorn
from fastapi import FastAPI
from starlette.types import ASGIApp
from uvicorn.protocols.http.h11_impl import H11Protocol

from odqa.errors import UsageError
from odqa.serve.limits import SecureHeaders
from odqa.serve.problems import problem

_BACKLOG = 2048
_MOST_CONNECTIONS = 1000
_HEAD_SECONDS = 10.0  # In which the first lines of a request, up to its body, have to arrive.
_GRACE = 5.0  # Seconds beyond the time limit of a request.
_INTERRUPTED = 128 + signal.SIGINT  # The exit code by which shells know it.
_log = logging.getLogger("uvicorn.error")


class _Connection(H11Protocol):
    """A connection that is closed where no request begins on it, and refused where there are too many.

    Else some that say nothing, or only now and then a byte, would keep everybody else out.
    """

    around: Callable[[ASGIApp], ASGIApp]  # Put around what refuses.

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin: what comes next has to be a request."""
        super().connection_made(transport)
        self._until: asyncio.TimerHandle | None = None
        most, more = _room()
        if len(self.connections) > most + more:
            transport.abort()
            return
        if len(self.connections) > most:
            detail = f"{most:,} connections are open, and the server takes no more; ask again in a moment"
            headers = {"Retry-After": "1", "Connection": "close"}
            self.app = self.around(problem(HTTPStatus.SERVICE_UNAVAILABLE, detail, headers))
        self._wait()

    def data_received(self, data: bytes) -> None:
        """Take a part of a request."""
        super().data_received(data)
        self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        """End."""
        self._stop_waiting()
        super().connection_lost(exc)

    def _wait(self) -> None:
        """Set the time until which a request has to begin, where none has begun."""
        if self.conn.their_state is not h11.IDLE:
            self._stop_waiting()
        elif self._until is None:
            self._until = self.loop.call_later(_HEAD_SECONDS, self.transport.close)

    def _stop_waiting(self) -> None:
        if self._until is not None:
            self._until.cancel()
            self._until = None


def _room() -> tuple[int, int]:
    """How many connections are answered, and how many more are refused before others are cut off.

    The second number is also how many may come at once, before any can be cut off. Where a process may open few files,
    a quarter of those stays free of connections whatever comes: asyncio fills the log where it runs out of them.
    """
    try:
        import resource
    except ImportError:  # Windows has no such limit.
        return _MOST_CONNECTIONS, _BACKLOG
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if files == resource.RLIM_INFINITY:
        return _MOST_CONNECTIONS, _BACKLOG
    return min(_MOST_CONNECTIONS, max(1, files // 2)), min(_BACKLOG, max(1, files // 8))


class _Server(uvicorn.Server):
    """A server that says when it takes requests."""

    def __init__(self, config: uvicorn.Config, tell: Callable[[], None]) -> None:
        super().__init__(config)
        self._tell = tell

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Stop; at a second Ctrl-C without finishing what was begun, of which uvicorn would show stack traces."""
        super().handle_exit(sig, frame)
        if self.force_exit:
            _log.setLevel(logging.CRITICAL)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to listen."""
        await super().startup(sockets=sockets)
        if self.started:
            self._tell()


def listening(host: str, port: int) -> socket.socket:
    """A socket bound to the address, before anything is loaded: a request that comes early is refused, and not lost.

    Raises UsageError where it cannot be bound.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        bound = socket.socket(family, kind, protocol)
    except (OSError, UnicodeError) as error:  # UnicodeError: a name that no machine can have.
        reason = getattr(error, "strerror", None) or "it is no name of a machine"
        raise UsageError(f"--host {host}: {reason}; name an address of this machine") from None
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind(address)
    except OSError as error:
        bound.close()
        raise _taken(host, port, error) from None
    return bound


def _taken(host: str, port: int, error: OSError) -> UsageError:
    return UsageError(
        f"cannot listen on {host}, port {port}: {error.strerror or error}; name another one with --port or --host"
    )


def url_of(bound: socket.socket) -> str:
    """The URL of a server that listens on this socket."""
    host, port, *_ = bound.getsockname()
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def serve(
    app: FastAPI,
    bound: socket.socket,
    timeout: float,
    started: Callable[[], None],
    around: Callable[[ASGIApp], ASGIApp] = SecureHeaders,
) -> None:
    """Serve an app until SIGINT or SIGTERM; what was begun is finished then, within the time limit of a request.

    A second Ctrl-C ends the process at once. ``started`` is called when it takes requests, and ``around`` is
    put around what answers in place of the app where too many connections are open. Raises UsageError where another
    server has begun to listen at the address since it was bound.
    """
    _, backlog = _room()
    try:
        bound.listen(backlog)
    except OSError as error:
        host, port, *_ = bound.getsockname()
        raise _taken(host, port, error) from None
    connection = type("Connection", (_Connection,), {"around": staticmethod(around)})
    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        server_header=False,
        lifespan="on",
        http=connection,
        backlog=backlog,
        timeout_graceful_shutdown=round(timeout + _GRACE),
        ws="none",
    )
    _log.setLevel(logging.ERROR)  # Else whoever sends what is no HTTP fills the log.
    server = _Server(config, started)
    # uvicorn raises the signal that it stopped for again, as if it had not been heeded.
    with closing(bound), suppress(KeyboardInterrupt):
        server.run(sockets=[bound])
    if server.force_exit:
        sys.stderr.flush()
        os._exit(_INTERRUPTED)  # Python's own way out aborts where a thread still computes in C++.
