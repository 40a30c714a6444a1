"""The recipe of a reranker that trains in a second, and that reranker."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from odqa.reranker_training.recipe import RerankerRecipe, make_recipe
from odqa.reranker_training.train import train
from odqa.squad import write_examples
from odqa.training.recipe import Source
from odqa.training.watch import SilentWatcher
from tests import tiny
from tests.pairs.made import examples

SMALL: dict[str, Any] = {
    "held_out": 0.3,
    "negatives": 2,
    "epochs": 2,
    "batch_size": 4,
    "learning_rate": 1e-3,
    "precision": "float32",
    "save_every": 100,
}


@pytest.fixture(scope="session")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("pairs") / "mine.jsonl"
    write_examples(path, examples())
    return path


@pytest.fixture(scope="session")
def tiny_reranker(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny.make_reranker(tmp_path_factory.mktemp("cross"))


@pytest.fixture
def recipe(dataset: Path, tiny_base: Path, tiny_encoder: Path) -> Callable[..., RerankerRecipe]:
    def make(**settings: object) -> RerankerRecipe:
        given = {"train": (Source(str(dataset)),), "base": str(tiny_base), "encoder": str(tiny_encoder)}
        return make_recipe(given | SMALL | settings)

    return make


@pytest.fixture(scope="session")
def reranker(dataset: Path, tiny_reranker: Path, tiny_encoder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cross-encoder of the plain recipe, which began as one, trained once without a break."""
    output = tmp_path_factory.mktemp("reranker") / "out"
    given = {"train": (Source(str(dataset)),), "base": str(tiny_reranker), "encoder": str(tiny_encoder)}
    return train(make_recipe(given | SMALL), output, SilentWatcher(), device="cpu")
