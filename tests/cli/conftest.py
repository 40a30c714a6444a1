"""A folder to work in: documents that can be counted by hand, and their index, made once and copied for each test."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import chdir
from pathlib import Path

import pytest

from odqa.index.build import build_index
from tests.cli.started import Started, started

TEXTS = {
    "moon.txt": "The moon orbits the earth in days.",
    "policies/leave.txt": "The policy has twenty days of vacation.",
}
ROWS = [
    {"id": "louvre", "text": "The museum has the painting Mona Lisa.", "lang": "en", "year": 2019},
    {"id": "spree", "text": "The capital of Germany is Berlin on the river Spree.", "lang": "de", "year": 2021},
    {"id": "seine", "text": "The capital of France is Paris on the river Seine.", "lang": "en", "year": 2022},
]


@pytest.fixture(scope="session")
def made(tiny_encoder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Holds ``docs``, two texts and a table of three rows, and ``index``: five documents of one passage each."""
    folder = tmp_path_factory.mktemp("made")
    for name, text in TEXTS.items():
        path = folder / "docs" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    write_rows(folder / "docs" / "rows.jsonl", ROWS)
    with chdir(folder):  # Documents are called as their files are named, and tests work on a copy elsewhere.
        build_index(["docs"], "index", encoder=tiny_encoder, device="cpu")
    return folder


@pytest.fixture(scope="session")
def program() -> Iterator[Started]:
    """The command line, to be started with arguments in a process of its own."""
    with started() as process:
        yield process


@pytest.fixture
def work(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder of a test: a copy of ``made`` that it may change."""
    folder = shutil.copytree(made, tmp_path / "work")
    monkeypatch.chdir(folder)
    return folder


def write_rows(path: Path, rows: list[dict[str, object]]) -> None:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


def snapshot(folder: Path) -> dict[str, bytes]:
    """What lies in a folder, byte for byte, but for the lock that a change leaves behind."""
    files = (path for path in sorted(folder.rglob("*")) if path.is_file() and path.name != ".lock")
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}
