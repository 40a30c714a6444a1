"""A TOML file, flags or keyword arguments go in, every setting of a reranker's training comes out, checked.

Those of every training on questions and their passages are in :mod:`odqa.pairs.recipe`. Trains nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from odqa.models import DEFAULT_ENCODER
from odqa.pairs.recipe import PairsRecipe, make
from odqa.training.recipe import read_recipe as read
from odqa.training.recipe import setting


@dataclass(frozen=True, slots=True, kw_only=True)
class RerankerRecipe(PairsRecipe):
    """Every setting of a run. ``docs/training-a-reranker.md`` explains them at length.

    Raises UsageError, naming the setting, for a value that makes no sense.
    """

    base: str = setting(
        DEFAULT_ENCODER,
        "The model to start from, a cross-encoder or any other transformer: a folder, shipped name or hub id.",
        path=True,
    )
    encoder: str = setting(
        "",
        "The encoder that searches, for negatives and for what is reranked: the --index's own if not given, else "
        f"{DEFAULT_ENCODER}.",
        path=True,
    )
    negatives: int = setting(4, "Hard negatives of each question.", least=1, most=50)
    batch_size: int = setting(
        16, "Questions in a batch, each with its passage and its negatives.", least=1, most=10_000
    )
    accumulate: int = setting(1, "Batches for each optimiser step.", least=1, most=100_000)

    @property
    def models(self) -> tuple[str, ...]:
        """The names of all models that the run reads, but for the encoder of an index, which is known by its own."""
        return tuple(filter(None, (self.base, self.encoder, self.teacher, self.reader)))


def read_recipe(path: Path) -> dict[str, Any]:
    """The settings of a TOML file; see :func:`odqa.training.recipe.read_recipe`."""
    return read(path, RerankerRecipe)


def make_recipe(settings: Mapping[str, Any]) -> RerankerRecipe:
    """A recipe that can be followed; see :func:`odqa.pairs.recipe.make`."""
    return make(RerankerRecipe, settings)
