"""Eighty small texts in two files, and the recipe of a model that trains in a second."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from odqa.pretraining.pretrain import pretrain
from odqa.pretraining.recipe import LanguageRecipe, make_recipe
from odqa.pretraining.tokens import train
from odqa.training.watch import SilentWatcher

CITIES = ("Paris", "Berlin", "Rome", "Madrid", "Vienna", "Lisbon", "Athens", "Dublin", "Warsaw", "Prague")
SIGHTS = ("river", "museum", "tower", "bridge", "garden", "market", "castle", "harbour")
TEXTS = [
    f"{city} has a {sight}. The {sight} of {city} is old, and many people see the {sight} on a sunny day."
    for city in CITIES
    for sight in SIGHTS
]
SMALL: dict[str, Any] = {
    "vocab_size": 320,
    "layers": 2,
    "hidden": 32,
    "heads": 2,
    "positions": 34,
    "max_length": 32,
    "held_out": 0.1,
    "epochs": 2,
    "batch_size": 8,
    "accumulate": 2,
    "learning_rate": 5e-3,
    "precision": "float32",
    "save_every": 100,
}


@pytest.fixture(scope="session")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the texts: half of them as rows, half of them a line each."""
    folder = tmp_path_factory.mktemp("corpus")
    (folder / "one.txt").write_text("\n".join(TEXTS[:40]), encoding="utf-8")
    (folder / "two.txt").write_text("\n".join(TEXTS[40:]), encoding="utf-8")
    return folder


@pytest.fixture(scope="session")
def tokenizer() -> Any:
    return train(iter(TEXTS), 320, 2)


@pytest.fixture
def recipe(corpus: Path) -> Callable[..., LanguageRecipe]:
    def make(**settings: object) -> LanguageRecipe:
        return make_recipe({"texts": (str(corpus),), "lines": True} | SMALL | settings)

    return make


@pytest.fixture(scope="session")
def language_model(corpus: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The model of the plain recipe, trained once without a break."""
    output = tmp_path_factory.mktemp("language") / "out"
    made = make_recipe({"texts": (str(corpus),), "lines": True} | SMALL)
    return pretrain(made, output, SilentWatcher(), device="cpu")
