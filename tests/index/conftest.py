"""A small corpus, the encoder that reads it, and its index."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from odqa.corpus import ChunkOptions
from odqa.index.build import build_index
from odqa.retrieval.encoder import Encoder

CHUNK = ChunkOptions(max_tokens=12, overlap_tokens=0)


@pytest.fixture(scope="session")
def encoder(tiny_encoder: Path) -> Encoder:
    return Encoder.load(tiny_encoder, device="cpu")


@pytest.fixture(scope="session")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two files that make three passages of at most 12 tokens, and one that is empty."""
    folder = tmp_path_factory.mktemp("corpus")
    (folder / "paris.txt").write_text(
        "The capital of France is Paris, on the Seine. The Eiffel Tower was built in Paris by Gustave Eiffel.\n"
    )
    (folder / "sky.md").write_text("# Moon\n\nThe moon orbits the earth in days.\n")
    (folder / "void.txt").touch()
    return folder


@pytest.fixture(scope="session")
def built(corpus: Path, encoder: Encoder, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("built") / "index"
    build_index([corpus], folder, encoder=encoder, chunk=CHUNK)
    return folder


@pytest.fixture
def copy(built: Path, tmp_path: Path) -> Path:
    """A copy of the index that a test may damage."""
    return shutil.copytree(built, tmp_path / "copy")
