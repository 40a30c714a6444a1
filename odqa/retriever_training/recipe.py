"""A TOML file, flags or keyword arguments go in, every setting of a retriever's training comes out, checked.

Those of every training on questions and their passages are in :mod:`odqa.pairs.recipe`. Trains nothing.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from odqa.errors import UsageError
from odqa.pairs.recipe import PairsRecipe, make
from odqa.training.recipe import read_recipe as read
from odqa.training.recipe import setting


@dataclass(frozen=True, slots=True, kw_only=True)
class RetrieverRecipe(PairsRecipe):
    """Every setting of a run. ``docs/training-a-retriever.md`` explains them at length.

    Raises UsageError, naming the setting, for a value that makes no sense.
    """

    rounds: int = setting(1, "How often negatives are searched for anew, by the encoder as it is then.", least=1)
    symmetric: bool = setting(False, "Find questions by their passages, too.")
    matryoshka: tuple[int, ...] = setting((), "Make the first so many numbers of a vector a vector too (64,128,256).")
    scale: float = setting(20.0, "What cosines are multiplied by before they are compared.", above=0, below=math.inf)
    batch_size: int = setting(
        64, "Questions in a batch; each is compared with the passages of all of them.", least=2, most=100_000
    )
    mini_batch_size: int = setting(
        32,
        "Texts that are computed at once, which bounds the memory; all of a batch are where it is as large.",
        least=1,
        most=100_000,
    )
    base_weight: float = setting(0.0, "Share of the base's weights in the finished encoder.", least=0, below=1)

    def __post_init__(self) -> None:
        PairsRecipe.__post_init__(self)
        if self.rounds > self.epochs:
            raise UsageError(
                f"rounds is {self.rounds} but epochs only {self.epochs}: negatives are searched for before an epoch; "
                f"use --epochs {self.rounds}"
            )
        if any(dims < 1 for dims in self.matryoshka):
            raise UsageError(f"matryoshka is {list(self.matryoshka)}; each must be at least 1")


def read_recipe(path: Path) -> dict[str, Any]:
    """The settings of a TOML file; see :func:`odqa.training.recipe.read_recipe`."""
    return read(path, RetrieverRecipe)


def make_recipe(settings: Mapping[str, Any]) -> RetrieverRecipe:
    """A recipe that can be followed; see :func:`odqa.pairs.recipe.make`."""
    return make(RetrieverRecipe, settings)
