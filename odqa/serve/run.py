"""An address in, an app served at it out, until a signal ends it. The only place that knows uvicorn."""

from __future__ import annotations

import socket
from collections.abc import Callable
from contextlib import closing, suppress

import uvicorn
from fastapi import FastAPI

from odqa.errors import UsageError

_BACKLOG = 2048
_MOST_CONNECTIONS = 1000
_GRACE = 5.0  # Seconds beyond the time limit of a request.


class _Server(uvicorn.Server):
    """A server that says when it takes requests."""

    def __init__(self, config: uvicorn.Config, tell: Callable[[], None]) -> None:
        super().__init__(config)
        self._tell = tell

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
    except OSError as error:
        raise UsageError(f"--host {host}: {error.strerror or error}; name an address of this machine") from None
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind(address)
    except OSError as error:
        bound.close()
        raise UsageError(
            f"cannot listen on {host}, port {port}: {error.strerror or error}; name another one with --port or --host"
        ) from None
    return bound


def url_of(bound: socket.socket) -> str:
    """The URL of a server that listens on this socket."""
    host, port, *_ = bound.getsockname()
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def serve(app: FastAPI, bound: socket.socket, timeout: float, started: Callable[[], None]) -> None:
    """Serve an app until SIGINT or SIGTERM; what was begun is finished then, within the time limit of a request.

    ``started`` is called when it takes requests.
    """
    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        server_header=False,
        lifespan="on",
        backlog=_BACKLOG,
        limit_concurrency=_MOST_CONNECTIONS,
        timeout_graceful_shutdown=round(timeout + _GRACE),
        ws="none",
    )
    # uvicorn raises the signal that it stopped for again, as if it had not been heeded.
    with closing(bound), suppress(KeyboardInterrupt):
        _Server(config, started).run(sockets=[bound])
