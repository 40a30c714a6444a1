"""A served index of documents that can be counted by hand, made once, and what tests ask it by."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack, chdir
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from odqa.index.build import build_index
from odqa.serve.app import create_app
from odqa.serve.indexes import Indexes, Models
from odqa.serve.service import Settings
from tests.answering.conftest import reader_with
from tests.tiny.asked import Asked

LOCAL = "http://127.0.0.1:8265"
ROWS = [
    {"id": "louvre", "text": "The museum has the painting Mona Lisa.", "lang": "en", "year": 2019},
    {"id": "spree", "text": "The capital of Germany is Berlin on the river Spree.", "lang": "de", "year": 2021},
    {"id": "a/b #1?é", "text": "The capital of France is Paris on the river Seine.", "lang": "en", "year": 2022},
]
# More than one passage, of which the tiny encoder takes some twenty words each; with markup to be shown, not run.
TOWER = "# The <b>tower</b>\n\n## Where is it?\n\n" + "\n\n".join(
    f"The tower {number} was built by the engineer Gustave in the city of Paris by the river Seine."
    for number in range(12)
)


@pytest.fixture(scope="session")
def models(asked: Asked, tmp_path_factory: pytest.TempPathFactory) -> Models:
    """A reader that always answers; loaded once for all tests."""
    return Models(reader_with(-1000.0, asked.reader, tmp_path_factory.mktemp("served") / "reader"), device="cpu")


@pytest.fixture(scope="session")
def notes(tiny_encoder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An index of a table of three rows, with fields, and of a text of several passages."""
    folder = tmp_path_factory.mktemp("notes")
    (folder / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in ROWS), encoding="utf-8")
    (folder / "tower.md").write_text(TOWER, encoding="utf-8")
    with chdir(folder):
        build_index(["rows.jsonl", "tower.md"], "index", encoder=tiny_encoder, device="cpu")
    return folder / "index"


@pytest.fixture
def copied(notes: Path, tmp_path: Path) -> Path:
    """A copy of the index, which a test may change."""
    return shutil.copytree(notes, tmp_path / "index")


@pytest.fixture
def started(notes: Path, asked: Asked, models: Models) -> Iterator[Callable[..., TestClient]]:
    """Starts a server of two indexes, or of ``folders``, and gives what asks it; keywords are its settings."""
    with ExitStack() as stack:

        def start(folders: dict[str, Path] | None = None, *, local: bool = True, **settings: Any) -> TestClient:
            indexes = Indexes(folders or {"notes": notes, "asked": asked.index}, models)
            app = create_app(indexes, Settings(**{"wait": 0.0} | settings), local=local)
            return stack.enter_context(TestClient(app, base_url=LOCAL, raise_server_exceptions=False))

        yield start


@pytest.fixture
def client(started: Callable[..., TestClient]) -> TestClient:
    return started()
