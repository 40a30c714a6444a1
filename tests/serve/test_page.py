"""The page's files as they are sent."""

from __future__ import annotations

import re

import pytest

pytest.importorskip("fastapi", reason="the server's libraries are not installed: pip install 'odqa[serve]'")

from fastapi import FastAPI
from fastapi.testclient import TestClient

from odqa.serve.page import FILES, router


@pytest.fixture(scope="module")
def sent():
    app = FastAPI()
    app.include_router(router())
    client = TestClient(app)
    return {path: client.get(path) for path in FILES}


def test_every_file_has_its_type_and_the_policy(sent) -> None:
    kinds = {"html": "text/html", "css": "text/css", "js": "text/javascript"}
    for path, response in sent.items():
        assert response.status_code == 200
        suffix = FILES[path][0].rpartition(".")[2]
        assert response.headers["content-type"] == f"{kinds[suffix]}; charset=utf-8"
        policy = response.headers["content-security-policy"]
        assert "default-src 'none'" in policy and "unsafe" not in policy
        assert response.headers["x-content-type-options"] == "nosniff"


def test_it_is_light_and_loads_nothing_from_elsewhere(sent) -> None:
    assert sum(len(response.content) for response in sent.values()) <= 100_000
    for response in sent.values():
        addresses = re.findall(
            r"""(?:https?:|["'(])//\w[\w.-]+""", response.text.replace("http://www.w3.org/2000/svg", "")
        )
        assert addresses == []


def test_all_that_it_loads_is_served(sent) -> None:
    loaded = set(re.findall(r'(?:href|src)="([\w.]+)"', sent["/"].text))
    for path, response in sent.items():
        if path.endswith(".js"):
            loaded |= set(re.findall(r'from "\./([\w.]+)"', response.text))
    assert {f"/{name}" for name in loaded} == set(FILES) - {"/"}


def test_no_script_and_no_style_stands_in_the_page(sent) -> None:
    html = sent["/"].text
    assert re.findall(r"<script(?![^>]* src=)|<style|\sstyle=|\son\w+=|javascript:", html) == []


def test_no_text_ever_becomes_markup_or_code(sent) -> None:
    scripts = "".join(response.text for path, response in sent.items() if path.endswith(".js"))
    ways = r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b|new Function|DOMParser|ContextualFragment"
    assert re.findall(ways, scripts) == []


def test_a_browser_may_ask_for_the_head_alone() -> None:
    app = FastAPI()
    app.include_router(router())
    assert TestClient(app).head("/").status_code == 200
    assert TestClient(app).get("/page.html").status_code == 404
    assert app.openapi()["paths"] == {}
