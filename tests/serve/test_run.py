"""Connections to a served app: of those that say nothing, and of too many, nobody else has a disadvantage."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from fastapi import FastAPI

from odqa.errors import UsageError
from odqa.serve import run
from odqa.serve.run import listening, serve

HEAD = b"GET /hello HTTP/1.1\r\nHost: localhost\r\n"


@pytest.fixture
def refused() -> list[str]:
    """The paths of the requests that were answered in place of the app."""
    return []


@pytest.fixture
def port(monkeypatch: pytest.MonkeyPatch, refused: list[str]) -> Iterator[int]:
    """Of a server of one address, by a thread of this process."""

    def around(inner: Any) -> Any:
        async def noting(scope: Any, receive: Any, send: Any) -> None:
            refused.append(scope["path"])
            await inner(scope, receive, send)

        return noting

    app = FastAPI()
    app.get("/hello")(lambda: "hello")
    servers: list[uvicorn.Server] = []
    made: Callable[..., None] = uvicorn.Server.__init__

    def making(server: uvicorn.Server, config: uvicorn.Config) -> None:
        servers.append(server)
        made(server, config)

    monkeypatch.setattr(uvicorn.Server, "__init__", making)
    started = threading.Event()
    bound = listening("127.0.0.1", 0)
    number = bound.getsockname()[1]
    thread = threading.Thread(target=serve, args=(app, bound, 5.0, started.set, around))
    thread.start()
    assert started.wait(20)
    try:
        yield number
    finally:
        servers[0].should_exit = True
        thread.join(20)


def asked(port: int) -> tuple[HTTPResponse, bytes]:
    connection = HTTPConnection("127.0.0.1", port, timeout=20)
    connection.request("GET", "/hello")
    response = connection.getresponse()
    content = response.read()
    connection.close()
    return response, content


@pytest.mark.parametrize("said", [b"", b"G", HEAD, HEAD + b"\r\n" + HEAD])
def test_a_connection_on_which_no_request_begins_is_closed(
    port: int, monkeypatch: pytest.MonkeyPatch, said: bytes
) -> None:
    monkeypatch.setattr(run, "_HEAD_SECONDS", 0.05)
    with socket.create_connection(("127.0.0.1", port), timeout=20) as silent:
        silent.sendall(said)
        received = b"".join(iter(lambda: silent.recv(1000), b""))
    assert received.count(b"200 OK") == said.count(b"\r\n\r\n")


def test_a_request_that_comes_in_pieces_is_answered(port: int) -> None:
    with socket.create_connection(("127.0.0.1", port), timeout=20) as slow:
        for piece in (HEAD[:5], HEAD[5:], b"Connection: close\r\n\r\n"):
            slow.sendall(piece)
        assert b"".join(iter(lambda: slow.recv(1000), b"")).endswith(b'"hello"')


def test_beyond_so_many_connections_one_is_told_to_come_again(
    port: int, refused: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run, "_MOST_CONNECTIONS", 2)
    silent = [socket.create_connection(("127.0.0.1", port)) for _ in range(2)]
    response, content = asked(port)
    assert (response.status, response.headers["Retry-After"]) == (503, "1")
    assert (
        response.headers["Content-Type"] == "application/problem+json" and "ask again" in json.loads(content)["detail"]
    )
    assert refused == ["/hello"]
    for one in silent:
        one.shutdown(socket.SHUT_WR)
        assert one.recv(1) == b"", "the server has let it go"
        one.close()
    assert asked(port)[0].status == 200
    assert refused == ["/hello"]


def test_of_two_servers_that_start_at_one_address_the_second_is_told() -> None:
    with listening("127.0.0.1", 0) as first, listening("127.0.0.1", first.getsockname()[1]) as second:
        first.listen()
        with pytest.raises(UsageError, match="cannot listen on 127"):
            serve(FastAPI(), second, 5.0, lambda: None)


CODE = """
from fastapi import FastAPI, Request
from odqa.serve.run import listening, serve

app = FastAPI()

@app.post("/hello")
async def hello(request: Request):
    print("begun", flush=True)
    return len(await request.body())

bound = listening("127.0.0.1", 0)
serve(app, bound, 600.0, lambda: print(bound.getsockname()[1], flush=True))
"""


@pytest.mark.skipif(os.name != "posix", reason="the limits are those of Unix")
def test_more_connections_than_a_process_may_open_files_are_cut_off(tmp_path: Path) -> None:
    limited = "import resource\nresource.setrlimit(resource.RLIMIT_NOFILE, (128, 128))\n" + CODE
    log = tmp_path / "log"
    with (
        log.open("w") as stderr,
        subprocess.Popen([sys.executable, "-c", limited], stdout=subprocess.PIPE, stderr=stderr, text=True) as process,
        ExitStack() as silent,
    ):
        silent.callback(process.kill)
        assert process.stdout is not None
        port = int(process.stdout.readline())
        for _ in range(140):
            last = silent.enter_context(socket.create_connection(("127.0.0.1", port), timeout=20))
            time.sleep(0.002)  # Else they come faster than the system lets them.
        with suppress(ConnectionResetError):
            assert last.recv(1) == b""
        assert log.read_text() == ""


@pytest.mark.skipif(os.name != "posix", reason="sends the signals of Unix")
def test_a_second_ctrl_c_ends_a_server_at_once_and_without_a_stack_trace() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", CODE], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None and process.stderr is not None
        port = int(process.stdout.readline())
        with socket.create_connection(("127.0.0.1", port), timeout=20) as half:
            half.sendall(b"POST /hello HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\nhalf")
            assert process.stdout.readline() == "begun\n"
            process.send_signal(signal.SIGINT)
            with suppress(ConnectionRefusedError, ConnectionResetError):  # It is stopping.
                while True:
                    socket.create_connection(("127.0.0.1", port), timeout=20).close()
            process.send_signal(signal.SIGINT)
            process.wait(60)
        assert (process.returncode, process.stderr.read()) == (130, "")
