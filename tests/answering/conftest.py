"""A small indexed corpus, and readers that always or never answer."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

TEXTS = {
    "eiffel.md": "# The tower\n\nThe tower was built by the engineer Gustave. It is in Paris, by the river Seine.\n",
    "louvre.txt": "The Louvre is a museum in Paris. The painting of Mona Lisa is in the museum.\n",
    "moon.txt": "The moon orbits the earth in days. The light of the sun has a speed.\n",
}


def reader_with(threshold: float, tiny_reader: Path, folder: Path) -> Path:
    """A copy of the tiny reader with a no-answer threshold of its own."""
    shutil.copytree(tiny_reader, folder)
    settings = {"no_answer_threshold": threshold, "max_length": 96, "stride": 32}
    (folder / "reader.json").write_text(json.dumps(settings), encoding="utf-8")
    return folder


@pytest.fixture(scope="session")
def eager_reader(tiny_reader: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return reader_with(-1000.0, tiny_reader, tmp_path_factory.mktemp("eager") / "reader")


@pytest.fixture(scope="session")
def silent_reader(tiny_reader: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return reader_with(1000.0, tiny_reader, tmp_path_factory.mktemp("silent") / "reader")


@pytest.fixture(scope="session")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("corpus")
    for name, text in TEXTS.items():
        (folder / name).write_text(text, encoding="utf-8")
    return folder


@pytest.fixture(scope="session")
def index_folder(corpus: Path, tiny_encoder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    from odqa.index.build import build_index

    folder = tmp_path_factory.mktemp("indexes") / "tiny"
    build_index([corpus], folder, encoder=str(tiny_encoder), device="cpu")
    return folder
