"""The recipe of an encoder that trains in a second, and that encoder."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from odqa.retriever_training.recipe import RetrieverRecipe, make_recipe
from odqa.retriever_training.train import train
from odqa.squad import write_examples
from odqa.training.recipe import Source
from odqa.training.watch import SilentWatcher
from tests.retriever_training.made import examples

SMALL: dict[str, Any] = {
    "held_out": 0.3,
    "epochs": 2,
    "batch_size": 4,
    "mini_batch_size": 2,
    "learning_rate": 1e-3,
    "precision": "float32",
    "save_every": 100,
}


@pytest.fixture(scope="session")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("pairs") / "mine.jsonl"
    write_examples(path, examples())
    return path


@pytest.fixture
def recipe(dataset: Path, tiny_encoder: Path) -> Callable[..., RetrieverRecipe]:
    def make(**settings: object) -> RetrieverRecipe:
        return make_recipe({"train": (Source(str(dataset)),), "base": str(tiny_encoder)} | SMALL | settings)

    return make


@pytest.fixture(scope="session")
def retriever(dataset: Path, tiny_encoder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The encoder of the plain recipe, trained once without a break."""
    output = tmp_path_factory.mktemp("retriever") / "out"
    made = make_recipe({"train": (Source(str(dataset)),), "base": str(tiny_encoder)} | SMALL)
    return train(made, output, SilentWatcher(), device="cpu")
