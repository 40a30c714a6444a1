"""The API against its own OpenAPI document: no request that fits it, or does not, gets a failure or another shape."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import schemathesis
import uvicorn
from hypothesis import HealthCheck, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from odqa.serve.app import create_app
from odqa.serve.indexes import Indexes, Models
from odqa.serve.run import listening, url_of
from odqa.serve.service import Settings

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]


QUESTION = "What is the capital of Germany?"
# Requests that are answered, where those made at random find nothing.
ANSWERED: list[tuple[str, str, dict[str, Any]]] = [
    ("/ask", "POST", {"body": {"question": QUESTION, "explain": True, "evidence": True}}),
    ("/ask", "POST", {"body": {"question": QUESTION, "min_confidence": 1.0, "explain": True}}),
    ("/ask/batch", "POST", {"body": {"questions": [QUESTION, "who built the tower"], "filters": ["lang=en"]}}),
    ("/search", "POST", {"body": {"question": QUESTION, "mode": "bm25", "explain": True, "evidence": True}}),
    ("/passages", "GET", {"query": {"id": "tower.md#1", "around": 2}}),
    ("/passages/{id}", "GET", {"path_parameters": {"id": "tower.md%231"}}),
    ("/documents", "GET", {"query": {"id": "tower.md", "first": 1, "limit": 2}}),
    ("/documents/{id}", "GET", {"path_parameters": {"id": "spree"}}),
    ("/feedback", "POST", {"body": {"question": QUESTION, "verdict": "missing"}}),
]


@pytest.fixture(scope="module")
def api(notes: Path, models: Models, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """The document of a server that runs meanwhile and has all addresses that there can be."""
    feedback = tmp_path_factory.mktemp("said") / "feedback.jsonl" if find_spec("odqa.serve.feedback") else None
    app = create_app(Indexes({"notes": notes}, models), Settings(wait=0.0, feedback=feedback))
    server = uvicorn.Server(uvicorn.Config(app, log_config=None, lifespan="on"))
    with listening("127.0.0.1", 0) as bound:
        bound.listen()  # Who comes before the server has started waits.
        thread = threading.Thread(target=server.run, kwargs={"sockets": [bound]})
        thread.start()
        try:
            yield schemathesis.openapi.from_url(f"{url_of(bound)}/openapi.json")
        finally:
            server.should_exit = True
            thread.join()


# Its own way of making tests, by a plugin, takes one version of pytest and not the next.
@pytest.mark.parametrize("mode", list(GenerationMode))
def test_no_request_breaks_what_the_api_says_of_itself(api: Any, mode: GenerationMode) -> None:
    tried = []
    for result in api.get_all_operations():
        operation = result.ok()

        @given(case=operation.as_strategy(generation_mode=mode))
        @settings(max_examples=12, suppress_health_check=list(HealthCheck))
        def check(case: Any) -> None:
            case.validate_response(case.call(), checks=CHECKS)

        if mode is GenerationMode.POSITIVE or operation.body or operation.query:
            check()
            tried.append(operation.label)
    assert "POST /ask" in tried and "GET /passages" in tried


@pytest.mark.parametrize(
    ("path", "method", "parts"), ANSWERED, ids=[f"{at} {path}" for at, (path, *_) in enumerate(ANSWERED)]
)
def test_what_is_answered_is_what_the_api_says(api: Any, path: str, method: str, parts: dict[str, Any]) -> None:
    case = api[path][method].Case(**parts, **({"media_type": "application/json"} if "body" in parts else {}))
    response = case.call()
    assert response.status_code in (200, 201), response.content
    case.validate_response(response, checks=CHECKS)
