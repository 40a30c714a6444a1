"""The API as a program asks it: what each address gives, and what is refused, how."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from odqa.answering.pipeline import Pipeline
from odqa.errors import UsageError
from odqa.index.retriever import Retriever
from odqa.reports.answers_json import hits_as_json
from odqa.serve import schema
from odqa.serve.app import around
from odqa.serve.indexes import Indexes, Models
from odqa.serve.limits import origins
from odqa.serve.problems import Unforeseen
from odqa.serve.problems import problem as refusal
from tests.serve.conftest import LOCAL, TOWER
from tests.tiny.asked import Asked

QUESTION = "who built the tower"


def untimed(value: dict[str, Any]) -> dict[str, Any]:
    return value | {"timings": sorted(value["timings"])}


def problem(response: Any, status: int) -> str:
    """The detail of a problem, which has to be a whole one."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    value = response.json()
    schema.Problem.model_validate(value)
    assert value["status"] == status and value["type"] == "about:blank" and value["title"]
    assert "Traceback" not in response.text
    return str(value["detail"])


@pytest.mark.parametrize("explain", [False, True])
@pytest.mark.parametrize("mode", ["hybrid", "dense", "bm25"])
def test_an_answer_is_the_object_that_the_command_prints(
    client: TestClient, notes: Path, models: Models, explain: bool, mode: str
) -> None:
    asked = {"question": f" {QUESTION}\n", "k": 3, "n": 2, "mode": mode, "filters": ["id!=spree"], "explain": explain}
    shown = client.post("/ask", json=asked)
    assert shown.status_code == 200, shown.text
    with Pipeline.open(notes, mode=mode, reader=models.reader.folder, device="cpu") as pipeline:
        expected = pipeline.ask(QUESTION, k=3, n=2, filters="id!=spree").to_dict(explain)
    assert untimed(shown.json()) == untimed(expected)
    assert list(shown.json()) == list(expected)
    schema.Response.model_validate(shown.json())
    assert shown.json()["answers"]


def test_evidence_is_the_passages_in_full(client: TestClient) -> None:
    shown = client.post("/ask", json={"question": QUESTION, "evidence": True, "explain": True}).json()
    schema.Response.model_validate(shown)
    whole = {one["passage"]["id"]: one["passage"] for one in shown["evidence"]}
    for answer in shown["answers"]:
        passage = whole[answer["passage_id"]]
        start = answer["start"] - passage["start"]
        assert passage["text"][start : start + len(answer["text"])] == answer["text"]


def test_questions_of_a_batch_are_answered_in_their_order(client: TestClient) -> None:
    questions = [QUESTION, "what orbits the earth", QUESTION]
    shown = client.post("/ask/batch", json={"questions": questions, "index": "asked", "n": 1})
    assert shown.status_code == 200, shown.text
    schema.Responses.model_validate(shown.json())
    assert [one["question"] for one in shown.json()["responses"]] == questions
    detail = problem(client.post("/ask/batch", json={"questions": ["who", "a\x00b"]}), 422)
    assert "questions/1" in detail and "U+0000" in detail


def test_passages_are_the_object_that_the_command_prints(client: TestClient, notes: Path) -> None:
    asked = {"question": "the river", "k": 2, "filters": ["year>=2020"], "explain": True}
    shown = client.post("/search", json=asked).json()
    with Retriever.open(notes, device="cpu") as retriever:
        (hits,) = retriever.search(["the river"], 2, "year>=2020")
    assert shown == hits_as_json("the river", hits, explain=True)
    schema.Hits.model_validate(shown)
    nothing = client.post("/search", json={"question": "the river", "filters": ["year>3000"]}).json()
    assert nothing == {"question": "the river", "hits": [], "reason": "no document matches year>3000"}


@pytest.mark.parametrize("path", ["/passages/a%2Fb%20%231%3F%C3%A9%230", "/passages?id=a%2Fb+%231%3F%C3%A9%230"])
def test_a_passage_is_found_by_its_id_whatever_characters_it_has(client: TestClient, path: str) -> None:
    shown = client.get(path)
    assert shown.status_code == 200, shown.text
    schema.PassageWithNeighbours.model_validate(shown.json())
    assert shown.json()["passage"]["document"]["id"] == "a/b #1?é"
    assert (shown.json()["before"], shown.json()["after"], shown.json()["number"]) == ([], [], 0)


def test_a_passage_has_its_neighbours(client: TestClient) -> None:
    shown = client.get("/passages", params={"id": "tower.md#2", "around": 2}).json()
    assert [one["id"] for one in shown["before"]] == ["tower.md#0", "tower.md#1"]
    assert [one["id"] for one in shown["after"]] == ["tower.md#3", "tower.md#4"]
    assert shown["number"] == 2
    first = client.get("/passages", params={"id": "tower.md#0"}).json()
    assert (first["before"], [one["id"] for one in first["after"]]) == ([], ["tower.md#1"])


@pytest.mark.parametrize(
    "id",
    ["", "tower.md", "tower.md#", "tower.md#99", "tower.md#01", "tower.md#-1", "tower.md#²", "x#0", "../x#0", "\0#0"],
)
def test_an_id_that_no_passage_has(client: TestClient, id: str) -> None:
    assert "no passage with the id" in problem(client.get("/passages", params={"id": id}), 404)


def test_a_document_is_shown_as_the_index_has_it(client: TestClient, notes: Path) -> None:
    shown = client.get("/documents/tower.md").json()
    schema.DocumentText.model_validate(shown)
    assert (shown["document"]["id"], shown["first"], shown["total"]) == ("tower.md", 0, len(shown["passages"]))
    with Retriever.open(notes, mode="bm25") as retriever:
        (hits,) = retriever.search(["engineer"], 20)
    start = shown["start"]
    for hit in hits:
        assert shown["text"][hit.passage.start - start : hit.passage.end - start] == hit.passage.text
    assert "<b>tower</b>" in TOWER and shown["text"].count("Gustave") == 12
    part = client.get("/documents", params={"id": "tower.md", "first": 2, "limit": 1}).json()
    assert [one["id"] for one in part["passages"]] == ["tower.md#2"]
    assert part["text"] == part["passages"][0]["text"] and part["start"] == part["passages"][0]["start"]
    past = client.get("/documents", params={"id": "tower.md", "first": 1000}).json()
    assert (past["text"], past["passages"]) == ("", [])
    assert client.get("/documents/spree").json()["metadata"] == {"lang": "de", "year": 2021}
    assert "no document" in problem(client.get("/documents/..%2F..%2Fetc%2Fpasswd"), 404)
    assert "no document" in problem(client.get("/documents", params={"id": "/etc/passwd"}), 404)


def test_indexes_tell_their_fields_and_questions(client: TestClient) -> None:
    shown = client.get("/indexes").json()
    schema.ServedIndexes.model_validate(shown)
    assert (shown["default"], [one["name"] for one in shown["indexes"]]) == ("notes", ["notes", "asked"])
    notes = shown["indexes"][0]
    assert (notes["documents"], notes["problem"], notes["reader"]) == (4, "", "reader")
    assert "/" not in notes["encoder"]
    fields = {field["name"]: field for field in notes["fields"]}
    assert fields["lang"]["values"] == [{"value": "en", "documents": 2}, {"value": "de", "documents": 1}]
    assert fields["lang"]["complete"] and fields["year"]["documents"] == 3
    assert notes["questions"] == ["Where is it?"]


def test_health_and_metrics(client: TestClient) -> None:
    assert client.get("/health").json()["status"] == "ready"
    client.post("/ask", json={"question": QUESTION})
    client.get("/nowhere")
    text = client.get("/metrics").text
    assert 'odqa_requests_total{method="POST",path="/ask",status="200"} 1.0' in text
    assert 'odqa_requests_total{method="GET",path="other",status="404"} 1.0' in text
    assert 'odqa_answers_total{index="notes",outcome="answer"} 1.0' in text
    assert 'odqa_stage_seconds_count{stage="read"} 1.0' in text
    assert 'odqa_queue_questions{work="ask"} 0.0' in text and "process_resident_memory_bytes" in text


def test_what_is_refused_before_it_is_asked_is_counted_by_its_path(started: Callable[..., TestClient]) -> None:
    client = started(key="secret")
    key = {"X-API-Key": "secret"}
    client.post("/ask", json={"question": QUESTION})
    client.post("/search", content=b"x" * 1_000_001, headers=key)
    client.post("/nowhere")
    crowded = around(client.app)(refusal(503, "too many connections"))  # type: ignore[arg-type]
    assert TestClient(crowded).post("/ask").headers["x-content-type-options"] == "nosniff"
    text = client.get("/metrics", headers=key).text
    for path, status in (("/ask", 401), ("/search", 413), ("other", 401), ("/ask", 503)):
        assert f'odqa_requests_total{{method="POST",path="{path}",status="{status}"}} 1.0' in text


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"question": ""}, ["empty"]),
        ({"question": "x" * 10_000}, ["10,000 characters", "1,000"]),
        ({"question": "a\x00b"}, ["U+0000"]),
        ({"question": "Who?", "filters": ["year>"]}, ["'year>'", "no value"]),
        ({"question": "Who?", "filters": ["country=fr"]}, ["'country'", "The fields are"]),
        ({"question": "Who?", "k": 0}, ["#/k"]),
        ({"question": "Who?", "k": 10**30}, ["#/k"]),
        ({"question": "Who?", "k": "5"}, ["#/k"]),
        ({"question": "Who?", "k": True}, ["#/k"]),
        ({"question": "Who?", "mode": "sparse"}, ["#/mode", "hybrid"]),
        ({"question": "Who?", "min_confidence": 80}, ["#/min_confidence"]),
        ({"question": "Who?", "exhaustive": "yes"}, ["#/exhaustive"]),
        ({"question": "Who?", "K": 5}, ["#/K"]),
        ({"question": ["Who?"]}, ["#/question"]),
        ({}, ["#/question"]),
        ([], ["#/"]),
    ],
)
def test_a_request_that_makes_no_sense(client: TestClient, body: object, words: list[str]) -> None:
    detail = problem(client.post("/ask", json=body), 422)
    assert all(word in detail for word in words), detail


@pytest.mark.parametrize(
    ("content", "status"),
    [
        (b"{", 400),
        (b"\xff\xfe", 400),
        (b"[" * 100_000, 400),
        (b'{"question": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", 400),
        (b'{"question": "\\ud800"}', 422),
        (b'{"question": "Who?", "filters": ["lang=\\ud800"]}', 422),
        (b'{"question": "Who?", "min_confidence": NaN}', 422),
        (b'{"question": "Who?", "k": 1' + b"0" * 5000 + b"}", 400),
        (b'"' + b"x" * 1_000_001 + b'"', 413),
    ],
)
def test_hostile_bodies(client: TestClient, content: bytes, status: int) -> None:
    problem(client.post("/ask", content=content, headers={"Content-Type": "application/json"}), status)


def test_a_body_without_a_length_is_limited_too(client: TestClient) -> None:
    pieces = (b"x" * 1000 for _ in range(1001))
    problem(client.post("/ask", content=pieces, headers={"Content-Type": "application/json"}), 413)


def test_a_form_of_another_page_is_no_request(client: TestClient) -> None:
    content = json.dumps({"question": "Who?"})
    for kind in ("text/plain", "application/x-www-form-urlencoded"):
        detail = problem(client.post("/ask", content=content, headers={"Content-Type": kind}), 415)
        assert "application/json" in detail


def test_markup_stays_text_in_json(client: TestClient) -> None:
    shown = client.post("/ask", json={"question": "<script>alert(1)</script> & tower"})
    assert shown.json()["question"] == "<script>alert(1)</script> & tower"
    assert shown.headers["content-type"] == "application/json"


def test_what_there_is_not(client: TestClient) -> None:
    assert "openapi.json" in problem(client.get("/nowhere"), 404)
    assert "method" in problem(client.get("/ask"), 405)
    assert "openapi.json" in problem(client.post("/ask/", json={"question": "Who?"}), 404)
    assert "notes, asked" in problem(client.post("/ask", json={"question": "Who?", "index": "x"}), 404)
    problem(client.post("/feedback", json={"question": "Who?", "verdict": "right"}), 404)


def test_every_response_says_what_a_browser_may_do(client: TestClient) -> None:
    for response in (client.get("/health"), client.get("/nowhere"), client.post("/ask", content=b"{")):
        assert "default-src 'none'" in response.headers["content-security-policy"]
        assert "frame-ancestors 'none'" in response.headers["content-security-policy"]
        assert response.headers["x-content-type-options"] == "nosniff"
        assert response.headers["referrer-policy"] == "no-referrer"


@pytest.mark.parametrize(
    ("headers", "right"),
    [
        ({}, False),
        ({"X-API-Key": "secret"}, True),
        ({"Authorization": "Bearer secret"}, True),
        ({"Authorization": "bearer secret"}, True),
        ({"Authorization": "Basic secret"}, False),
        ({"X-API-Key": "secre"}, False),
        ({"X-API-Key": "secret2"}, False),
        ({"X-API-Key": "sécret".encode("latin-1")}, False),
    ],
)
def test_a_key_is_wanted(started: Callable[..., TestClient], headers: dict[str, Any], right: bool) -> None:
    client = started(key="secret", local=False)
    assert client.get("/health").status_code == 200
    for path in ("/indexes", "/metrics", "/passages/tower.md%230", "/documents/tower.md"):
        assert client.get(path, headers=headers).status_code == (200 if right else 401)
    asked = client.post("/ask", json={"question": QUESTION}, headers=headers)
    if right:
        assert asked.status_code == 200
    else:
        assert "ODQA_API_KEY" in problem(asked, 401) and asked.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize(
    ("method", "path", "status"), [("POST", "/ask", 401), ("POST", "/nowhere", 401), ("GET", "/health", 200)]
)
def test_no_body_is_read_of_who_lacks_the_key(
    started: Callable[..., TestClient], method: str, path: str, status: int
) -> None:
    app: Any = started(key="secret").app
    sent: list[Any] = []

    async def receive() -> Any:
        raise AssertionError("the body was read")

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {"type": "http", "method": method, "path": path, "query_string": b"", "headers": [(b"host", b"localhost")]}
    asyncio.run(app(scope, receive, send))
    assert sent[0]["status"] == status


def test_other_origins_are_shut_out_unless_named(started: Callable[..., TestClient]) -> None:
    wiki = {"Origin": "https://wiki.example.com", "Access-Control-Request-Method": "POST"}
    closed = started()
    assert "access-control-allow-origin" not in closed.post("/ask", json={"question": "Who?"}, headers=wiki).headers
    assert closed.options("/ask", headers=wiki).status_code == 405
    opened = started(cors=("https://wiki.example.com",))
    allowed = opened.options("/ask", headers=wiki)
    assert (allowed.status_code, allowed.headers["access-control-allow-origin"]) == (200, wiki["Origin"])
    other = opened.options("/ask", headers=wiki | {"Origin": "https://evil.example.com"})
    assert "access-control-allow-origin" not in other.headers


@pytest.mark.parametrize(
    ("named", "sent"),
    [
        ("*", "*"),
        ("HTTPS://Wiki.example.com:443", "https://wiki.example.com"),
        ("http://localhost:80", "http://localhost"),
        ("http://localhost:8080", "http://localhost:8080"),
        ("http://[0:0::1]:80", "http://[::1]"),
    ],
)
def test_an_origin_is_meant_as_browsers_send_it(named: str, sent: str) -> None:
    assert origins([named]) == [sent]


@pytest.mark.parametrize(
    "named",
    [
        *("wiki", "null", "https://", "https://a/", "https://a?", "https://u@a", "https://*.a.org", "https://wíki.org"),
        *("https://a:x", "https://a:99999", "http://[::g]", "https://a b", "https://a\t"),
    ],
)
def test_an_origin_that_no_browser_sends_is_refused(named: str) -> None:
    with pytest.raises(UsageError, match=r"--cors.*as https://"):
        origins([named])


def test_a_page_of_another_origin_can_read_what_failed(
    started: Callable[..., TestClient], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    wiki = {"Origin": "https://wiki.example.com"}
    client = started(cors=("https://wiki.example.com",))

    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("a defect")

    monkeypatch.setattr(Pipeline, "respond", fail)
    failed = client.post("/ask", json={"question": QUESTION}, headers=wiki)
    assert "log" in problem(failed, 500)
    assert failed.headers["access-control-allow-origin"] == wiki["Origin"]
    assert failed.headers["x-content-type-options"] == "nosniff" and "content-security-policy" in failed.headers
    assert [record.message for record in caplog.records].count("a request failed by a defect of odqa") == 1
    assert 'path="/ask",status="500"} 1.0' in client.get("/metrics").text


def test_what_fails_once_its_response_has_begun_is_not_answered_twice() -> None:
    sent: list[Any] = []

    async def half(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        raise RuntimeError("a defect")

    async def send(message: Any) -> None:
        sent.append(message["type"])

    with pytest.raises(RuntimeError, match="a defect"):
        asyncio.run(Unforeseen(half)({"type": "http"}, None, send))  # type: ignore[arg-type]
    assert sent == ["http.response.start"]


@pytest.mark.parametrize(
    ("host", "status"),
    [
        *[(host, 200) for host in ("localhost", "localhost:80", "127.0.0.1:1", "[::1]:8265", "[::1]")],
        *[(host, 421) for host in ("evil.example.com", "127.0.0.1.example.com", "192.168.0.7:8265", "")],
    ],
)
def test_without_a_key_only_this_machine_is_answered(
    started: Callable[..., TestClient], host: str, status: int
) -> None:
    assert started().get("/health", headers={"Host": host}).status_code == status
    assert started(key="secret").get("/health", headers={"Host": host}).status_code == 200


def test_an_error_of_the_server_tells_nothing_of_its_files(
    started: Callable[..., TestClient], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    client = started()

    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("/srv/secret/path")

    monkeypatch.setattr(Pipeline, "respond", fail)
    detail = problem(client.post("/ask", json={"question": QUESTION}), 500)
    assert "secret" not in detail and "log" in detail
    assert "/srv/secret/path" in caplog.text


def test_feedback_is_written_where_the_server_was_told(started: Callable[..., TestClient], tmp_path: Path) -> None:
    client = started(feedback=tmp_path / "feedback.jsonl")
    answer = client.post("/ask", json={"question": QUESTION}).json()["answers"][0]
    said = {"question": QUESTION, "verdict": "right", "document": answer["document"]["id"], "text": answer["text"]}
    place = {"start": answer["start"], "end": answer["end"]}
    saved = client.post("/feedback", json=said | place)
    assert saved.status_code == 201, saved.text
    (line,) = (tmp_path / "feedback.jsonl").read_text(encoding="utf-8").splitlines()
    assert (json.loads(line)["id"], json.loads(line)["question"]) == (saved.json()["id"], QUESTION)
    assert client.post("/feedback", json={"question": QUESTION, "verdict": "missing"}).status_code == 201
    problem(client.post("/feedback", json=said), 422)
    problem(client.post("/feedback", json=said | {"start": 5, "end": 4}), 422)
    problem(client.post("/feedback", json=said | place | {"text": "x"}), 422)
    problem(client.post("/feedback", json=said | place | {"document": "/etc/passwd"}), 404)
    problem(client.post("/feedback", json=said | place | {"verdict": "perhaps"}), 422)
    assert client.get("/indexes").json()["feedback"] is True


def test_what_is_wrong_with_the_servers_own_files_is_told_in_its_log(
    started: Callable[..., TestClient], copied: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file = tmp_path / "feedback.jsonl"
    client = started({"notes": copied}, feedback=file)
    file.mkdir()
    detail = problem(client.post("/feedback", json={"question": QUESTION, "verdict": "missing"}), 500)
    assert str(tmp_path) not in detail and str(file) in caplog.text
    (copied / "manifest.json").unlink()
    app: Any = client.app
    app.state.service.indexes.refresh()
    told = client.get("/indexes").json()["indexes"][0]["problem"]
    assert "log" in told and str(copied) not in told and str(copied) in caplog.text


def test_the_page_is_served_without_a_key(started: Callable[..., TestClient]) -> None:
    shown = started(key="secret").get("/")
    assert (shown.status_code, shown.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert "script-src 'self'" in shown.headers["content-security-policy"]


def test_openapi_has_an_example_of_every_request_and_the_problems(client: TestClient) -> None:
    value = client.get("/openapi.json").json()
    schemas = value["components"]["schemas"]
    assert all(schemas[name]["examples"] for name in ("AskRequest", "AskBatchRequest", "SearchRequest"))
    assert "HTTPValidationError" not in schemas and "Fault" in schemas
    for name, methods in value["paths"].items():
        for method in methods.values():
            assert "503" in method["responses"], name


def test_names_of_asked_are_those_of_the_files(asked: Asked) -> None:
    from odqa.serve.indexes import named_folders

    default = Path("indexes/default")
    assert named_folders([], default) == {"default": default}
    assert named_folders(["wiki=/srv/x", "indexes/a=b"], default) == {
        "wiki": Path("/srv/x"),
        "a=b": Path("indexes/a=b"),
    }


def test_an_index_that_is_not_there_is_told_before_models_are_loaded(tmp_path: Path) -> None:
    from odqa.errors import IndexFolderError

    with pytest.raises(IndexFolderError, match="odqa index"):
        Indexes({"x": tmp_path / "nowhere"}, Models("no/such/reader", device="cpu"))
    assert LOCAL.startswith("http://127.")
