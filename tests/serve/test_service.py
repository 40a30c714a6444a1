"""A server under load, and when it stops: what is refused, given up and finished. Events, no clocks."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest
from starlette.requests import Request
from starlette.testclient import TestClient

from odqa.answering.question import Ask
from odqa.errors import UsageError
from odqa.serve import schema
from odqa.serve.problems import Refused
from odqa.serve.work import Asking
from odqa.types import Mode, Response

MOST = 60
HOW = Asking("notes", Mode.HYBRID, Ask())


class Held:
    """In place of what answers: holds every batch until it is let go."""

    def __init__(self) -> None:
        self.begun, self.go_on = threading.Event(), threading.Event()
        self.questions: list[str] = []

    def __call__(self, how: Asking, questions: list[str]) -> list[Response]:
        self.questions += questions
        self.begun.set()
        assert self.go_on.wait(MOST)
        return [Response(question, (), 1.0) for question in questions]


@pytest.fixture
def held() -> Held:
    return Held()


def hold(client: TestClient, held: Held) -> Any:
    service = client.app.state.service  # type: ignore[attr-defined]
    service.asks._work = held
    return service


def test_beyond_the_queue_requests_are_told_to_come_again(started: Callable[..., TestClient], held: Held) -> None:
    client = started(queue=2, batch=1)
    service = hold(client, held)
    with ThreadPoolExecutor(3) as pool:
        first = pool.submit(client.post, "/ask", json={"question": "one"})
        assert held.begun.wait(MOST)
        service.asks.submit(HOW, ["two", "three"])
        refused = client.post("/ask", json={"question": "four"})
        assert (refused.status_code, refused.json()["status"]) == (503, 503)
        assert int(refused.headers["retry-after"]) >= 1
        schema.Problem.model_validate(refused.json())
        assert client.post("/search", json={"question": "the river"}).status_code == 200, "searching is another queue"
        assert client.get("/health").status_code == 200
        held.go_on.set()
        assert first.result().status_code == 200
    more = client.post("/ask/batch", json={"questions": ["a", "b", "c"]})
    assert more.status_code == 422 and "2 at a time" in more.json()["detail"]


def test_a_request_that_takes_too_long_is_given_up(started: Callable[..., TestClient], held: Held) -> None:
    client = started(timeout=0.01, batch=1)
    service = hold(client, held)
    for question in ("begun", "never begun"):
        late = client.post("/ask", json={"question": question})
        assert late.status_code == 504 and "0.01 seconds" in late.json()["detail"]
    held.go_on.set()
    service.asks.stop()
    assert held.questions == ["begun"]


def test_a_question_too_long_to_be_read_is_refused_before_the_queue(
    started: Callable[..., TestClient], held: Held
) -> None:
    client = started()
    service = hold(client, held)
    held.go_on.set()
    for sent in ({"question": "who " * 240}, {"questions": ["where is the tower", "who " * 240]}):
        refused = client.post("/ask/batch" if "questions" in sent else "/ask", json=sent)
        assert refused.status_code == 422 and "leaves no room" in refused.json()["detail"]
    service.asks.stop()
    assert held.questions == []


def request_of(messages: list[dict[str, Any]]) -> Request:
    async def receive() -> dict[str, Any]:
        if messages:
            return messages.pop(0)
        await asyncio.Event().wait()
        raise AssertionError

    return Request({"type": "http", "method": "POST", "path": "/ask", "headers": []}, receive)


def test_the_questions_of_a_client_that_went_away_are_not_begun(started: Callable[..., TestClient], held: Held) -> None:
    service = hold(started(batch=1), held)
    (first,) = service.asks.submit(HOW, ["first"])
    assert held.begun.wait(MOST)
    with pytest.raises(Refused, match="went away") as told:
        asyncio.run(service.answer(HOW, ["second"], request_of([{"type": "http.disconnect"}])))
    assert told.value.status == 499
    held.go_on.set()
    assert first.result(MOST).question == "first"
    service.asks.stop()
    assert held.questions == ["first"]


class Failing(Held):
    """The same, and fails for what is wrong without being held."""

    def __call__(self, how: Asking, questions: list[str]) -> list[Response]:
        if questions == ["wrong"]:
            self.questions += questions
            raise UsageError("no")
        return super().__call__(how, questions)


def test_where_one_question_fails_the_others_are_not_begun(started: Callable[..., TestClient]) -> None:
    held = Failing()
    service = hold(started(batch=1), held)
    with pytest.raises(UsageError, match="no"):
        asyncio.run(service.answer(HOW, ["wrong", "begun", *map(str, range(9))], request_of([])))
    held.go_on.set()
    service.asks.stop()
    assert held.questions in (["wrong"], ["wrong", "begun"])


def test_a_stop_finishes_what_was_begun(started: Callable[..., TestClient], held: Held) -> None:
    client = started(batch=1)
    service = hold(client, held)
    with ThreadPoolExecutor(2) as pool:
        answer = pool.submit(client.post, "/ask", json={"question": "one"})
        assert held.begun.wait(MOST)
        stopping: Future[None] = pool.submit(service.stop)
        assert service.asks.stopping.wait(MOST)
        refused = client.post("/ask", json={"question": "two"})
        assert (refused.status_code, client.get("/health").status_code) == (503, 503)
        assert client.get("/health").json()["status"] == "stopping"
        held.go_on.set()
        stopping.result(MOST)
        assert answer.result().json()["question"] == "one"


def test_questions_that_come_together_are_read_together(started: Callable[..., TestClient], held: Held) -> None:
    """The first is at work while the others come; each batch is one call, and is counted."""
    client = started(batch=8)
    service = hold(client, held)
    with ThreadPoolExecutor(5) as pool:
        waiting = [pool.submit(client.post, "/ask", json={"question": "0"})]
        assert held.begun.wait(MOST)
        waiting += [pool.submit(client.post, "/ask", json={"question": str(number)}) for number in range(1, 5)]
        with service.asks.changed:
            assert service.asks.changed.wait_for(lambda: len(service.asks) == 4, MOST)
        held.go_on.set()
        assert [one.result().json()["question"] for one in waiting] == list("01234")
    text = client.get("/metrics").text
    assert 'odqa_batch_questions_count{work="ask"} 2.0' in text
    assert 'odqa_batch_questions_sum{work="ask"} 5.0' in text
