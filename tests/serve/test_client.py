"""The client against a real server on a port of this machine: what it gives is what the pipeline gives."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from odqa.answering.pipeline import Pipeline
from odqa.cli import app
from odqa.errors import OdqaError, UsageError
from odqa.index.retriever import Retriever
from odqa.serve.client import Client
from odqa.serve.indexes import Models
from odqa.types import Response
from tests.serve.conftest import ROWS
from tests.serve.process import serving
from tests.tiny.asked import Asked

QUESTION = "who built the tower"
KEY = "a secret"


def run(*arguments: object) -> Any:
    return CliRunner().invoke(app, list(map(str, arguments)))


@pytest.fixture(scope="module")
def server(notes: Path, asked: Asked, models: Models) -> Iterator[str]:
    """The URL of a server that was started as a user starts it, and is stopped so: it ends well."""
    indexes = ("--index", f"notes={notes}", "--index", f"asked={asked.index}")
    with serving(*indexes, "--port", 0, "--reader", models.reader.folder, ODQA_API_KEY=KEY) as running:
        yield running.url


@pytest.fixture
def client(server: str) -> Iterator[Client]:
    with Client(server, api_key=KEY) as client:
        yield client


def untimed(response: Response) -> Response:
    assert response.timings["total"] >= 0
    return replace(response, timings={})


def test_a_response_is_that_of_the_pipeline(client: Client, notes: Path, models: Models) -> None:
    how: dict[str, Any] = {"k": 5, "n": 3, "filters": ["id!=spree"]}
    with Pipeline.open(notes, reader=models.reader.folder, device="cpu") as pipeline:
        assert untimed(client.ask(QUESTION, **how)) == untimed(pipeline.ask(QUESTION, **how))
        withheld = {"min_confidence": 1.0}
        assert untimed(client.ask(QUESTION, **withheld)) == untimed(pipeline.ask(QUESTION, **withheld))
        how["exhaustive"] = True
        assert untimed(client.ask(QUESTION, **how)) == untimed(pipeline.ask(QUESTION, **how))
        many = client.ask_many([QUESTION, "which river"], **how)
        assert [untimed(one) for one in many] == [
            untimed(one) for one in pipeline.ask_many([QUESTION, "which river"], **how)
        ]
        nothing = client.ask(QUESTION, filters="year>3000")
        assert nothing.reason == "no document matches year>3000" == pipeline.ask(QUESTION, filters="year>3000").reason


def test_hits_are_those_of_the_retriever(client: Client, notes: Path) -> None:
    with Retriever.open(notes, device="cpu", mode="bm25") as retriever:
        (hits,) = retriever.search(["the river"], 3)
    found = client.search("the river", k=3, mode="bm25")
    assert (list(found.hits), found.reason, found.language) == (hits, "", "en")
    assert client.passage(hits[0].passage.id) == hits[0].passage
    hostile = ROWS[2]["id"]
    assert client.passage(f"{hostile}#0").document_id == hostile
    assert [one["name"] for one in client.indexes()["indexes"]] == ["notes", "asked"]


def test_what_is_refused(client: Client, server: str) -> None:
    with pytest.raises(UsageError, match="empty"):
        client.ask("")
    with pytest.raises(UsageError, match="no operator"):
        client.ask(QUESTION, filters="lang")
    with pytest.raises(UsageError, match="The fields are"):
        client.search(QUESTION, filters="country=fr")
    with pytest.raises(UsageError, match="The fields are"):
        client.check_filters(["lang=en", "country=fr"])
    client.check_filters("year>3000")  # A field that there is, however little it finds.
    with pytest.raises(UsageError, match="notes, asked"):
        client.ask(QUESTION, index="others")
    with pytest.raises(UsageError, match="no passage"):
        client.passage("x#0")
    with pytest.raises(UsageError, match="the server does not take this k: should be less"):
        client.ask(QUESTION, k=10_000)
    for key in (None, "another"):
        with Client(server, api_key=key) as other, pytest.raises(OdqaError, match="ODQA_API_KEY"):
            other.ask(QUESTION)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "localhost:8265",
        "ftp://x",
        "http://",
        "http://x:99999",
        "http://x y",
        "http://a:b@c",
        "http://x?q",
        "http://é",
        "http://a..b",
        f"http://{'a' * 64}.b",
    ],
)
def test_what_is_no_url(url: str) -> None:
    with pytest.raises(UsageError, match="is not the URL"):
        Client(url)


def answering(content: bytes, status: int = 200, promised: int | None = None) -> HTTPServer:
    """A server of something else, which gives one answer, or the beginning of one of ``promised`` bytes."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(status)
            self.send_header("Content-Length", str(promised or len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            pass

    return HTTPServer(("127.0.0.1", 0), Handler)


RESPONSE = (
    b'{"question": "", "answers": [], "withheld": [], "evidence": [], "abstention": null, "timings": {}, "reason": "",'
    b' "ranking": "", "no_answer_probability": 1, "passages_read": 0}'
)


@pytest.mark.parametrize(
    ("content", "status"),
    [
        (RESPONSE.replace(b": 1,", b": NaN,"), 200),
        (RESPONSE.replace(b": 1,", b": 1e999,"), 200),
        (RESPONSE.replace(b": 0}", b": 1e999}"), 200),
        (b"<html>", 200),
        (b"{}", 200),
        (b"[]", 200),
        (b"null", 200),
        (b"<html>", 404),
        (b"[" * 100_000, 200),
        (b"{}", 500),
    ],
)
def test_what_is_no_server_of_ours(content: bytes, status: int) -> None:
    assert "no server of odqa" in told_by(content, status)


@pytest.mark.parametrize("status", [502, 503, 504])
def test_a_proxy_whose_server_does_not_answer(status: int) -> None:
    told = told_by(b"<html><h1>Bad Gateway</h1></html>", status)
    assert "a proxy answers" in told and str(status) in told


def test_a_server_that_dies_while_it_answers() -> None:
    assert "ended the connection (IncompleteRead)" in told_by(RESPONSE[:32], 200, promised=5000)


def told_by(content: bytes, status: int, promised: int | None = None) -> str:
    """What the client says where this is answered."""
    with answering(content, status, promised) as other:
        thread = threading.Thread(target=other.handle_request)
        thread.start()
        with Client(f"http://127.0.0.1:{other.server_port}") as client, pytest.raises(OdqaError) as raised:
            client.ask(QUESTION)
        thread.join()
    return str(raised.value)


def test_where_nobody_listens() -> None:
    with answering(b"") as other:
        port = other.server_port
    with Client(f"http://127.0.0.1:{port}") as client, pytest.raises(OdqaError, match="odqa serve"):
        client.ask(QUESTION)
    result = run("ask", QUESTION, "--url", f"http://127.0.0.1:{port}")
    assert (result.exit_code, result.stdout) == (1, "") and "odqa serve" in result.stderr


def test_the_commands_print_what_they_print_without_a_server(
    server: str, notes: Path, models: Models, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ODQA_API_KEY", KEY)
    here = ("--index", notes, "--device", "cpu")
    there = ("--url", server)
    reader = ("--reader", models.reader.folder)
    for options in ((), ("--explain",), ("-k", 2, "-n", 1), ("--filter", "year>3000"), ("--mode", "bm25")):
        asked = run("ask", QUESTION, *there, *options)
        assert asked.exit_code == 0, asked.stderr
        assert asked.stdout == run("ask", QUESTION, *here, *reader, *options).stdout
        searched = run("search", QUESTION, *there, *options)
        if "-n" not in options:
            assert (searched.exit_code, searched.stdout) == (0, run("search", QUESTION, *here, *options).stdout)
    shown = json.loads(run("search", QUESTION, *there, "--json", "--explain").stdout)
    assert shown == json.loads(run("search", QUESTION, *here, "--json", "--explain").stdout)
    other = json.loads(run("ask", QUESTION, *there, "--index", "asked", "--json").stdout)
    assert other["answers"][0]["document"]["source"] == "asked.json"


def test_many_questions_of_a_file(server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ODQA_API_KEY", KEY)
    file = tmp_path / "questions.txt"
    file.write_text(f"{QUESTION}\n" * 20, encoding="utf-8")
    for command, key in (("ask", "answers"), ("search", "hits")):
        result = run(command, "--questions", file, "--url", server)
        assert result.exit_code == 0, result.stderr
        lines = [json.loads(line) for line in result.stdout.splitlines()]
        assert [line["id"] for line in lines] == list(range(1, 21)) and all(line[key] for line in lines)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["ask", "Who?", "--url", "http://x", "--reader", "y"], ["--reader", "--url"]),
        (["ask", "Who?", "--url", "http://x", "--ranking", "null"], ["--ranking", "--url"]),
        (["ask", "Who?", "--url", "http://x", "--context", "f"], ["--context", "--url"]),
        (["ask", "Who?", "--url", "http://x", "--device", "cpu"], ["--device", "--url"]),
        (["search", "Who?", "--url", "http://x", "--device", "cpu"], ["--device", "--url"]),
        (["ask", "Who?", "--url", "http://x", "--backend", "torch"], ["--backend", "--url"]),
        (["search", "Who?", "--url", "http://x", "--threads", 2], ["--threads", "--url"]),
        (["ask", "Who?", "--url", "x"], ["http://127.0.0.1:8265"]),
        (["ask", "--url", "http://x"], ["give one question"]),
    ],
)
def test_options_that_are_the_servers_own(arguments: list[str], words: list[str]) -> None:
    result = run(*arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    assert all(word in result.stderr for word in words), result.stderr


def test_no_model_is_loaded_for_a_server() -> None:
    heavy = "{'torch', 'faiss', 'transformers', 'fastapi', 'httpx', 'pydantic'}"
    code = f"import sys, odqa.cli.ask, odqa.serve.client; print(sorted({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--host", "0.0.0.0"], ["ODQA_API_KEY", "--host 0.0.0.0"]),
        (["--api-key", " "], ["printable"]),
        (["--cors", "wiki"], ["--cors wiki", "https://"]),
        (["--index", "a=x", "--index", "a=y"], ["two indexes are called a"]),
        (["--index", "=x"], ["no name"]),
        (["--ranking", "best"], ["best"]),
        (["--host", "256.256.256.256"], ["256.256.256.256"]),
    ],
)
def test_a_server_that_cannot_be_started(arguments: list[str], words: list[str]) -> None:
    result = run("serve", *arguments)
    assert result.exit_code == 2, result.stderr
    assert all(word in result.stderr for word in words), result.stderr


def test_a_port_that_is_taken_and_an_index_that_is_not_there(tmp_path: Path) -> None:
    with answering(b"") as other:
        result = run("serve", "--port", other.server_port)
        assert result.exit_code == 2 and "--port" in result.stderr
    result = run("serve", "--index", tmp_path / "nowhere", "--port", 0)
    assert result.exit_code == 1 and "odqa index" in result.stderr
