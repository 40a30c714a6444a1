"""A TOML file, flags or keyword arguments go in, every setting of a language model's training comes out, checked.

What is set for every training is set here too, with defaults of its own. Trains nothing.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import MISSING, dataclass
from pathlib import Path
from typing import Any

from odqa.errors import UsageError
from odqa.training.recipe import LoopRecipe, same, setting
from odqa.training.recipe import read_recipe as read

# Layers, width and heads of the smaller BERTs of Turc et al. 2019 ("Well-Read Students Learn Better", table 1), and of
# BERT base (Devlin et al. 2019). Without a preset it is RoBERTa's width with half its layers.
PRESETS: dict[str, dict[str, int]] = {
    "tiny": {"layers": 2, "hidden": 128, "heads": 2},
    "mini": {"layers": 4, "hidden": 256, "heads": 4},
    "small": {"layers": 4, "hidden": 512, "heads": 8},
    "base": {"layers": 12, "hidden": 768, "heads": 12},
}
# What a model that is there already, or its tokenizer, has settled.
OF_TOKENIZER = ("vocab_size", "min_frequency")
OF_MODEL = ("preset", "tokenizer", *OF_TOKENIZER, "layers", "hidden", "heads", "positions", "short_share")
SETTLED = {"base": OF_MODEL, "tokenizer": OF_TOKENIZER}


@dataclass(frozen=True, slots=True, kw_only=True)
class LanguageRecipe(LoopRecipe):
    """Every setting of a run. ``docs/pretraining.md`` explains them at length.

    Raises UsageError, naming the setting, for a value that makes no sense.
    """

    texts: tuple[str, ...] = setting(
        MISSING, "Files and folders, as odqa index reads them, or hub ids (owner/name).", path=True
    )
    lines: bool = setting(False, "Read each line of a file as a text of its own, whatever the file is called.")
    split: str = setting("train", "The split of a dataset on the hub.")
    text_field: str = setting("text", "Field of a row, in a file or on the hub, that holds its text.")
    limit: int = setting(0, "Read only the first texts, as many as this (0: all).", least=0)
    held_out: float = setting(0.05, "Share of the texts to score the model on, never trained on.", least=0, most=0.5)
    base: str = setting("", "Go on from this model, with its tokenizer: a folder, shipped name or hub id.", path=True)
    tokenizer: str = setting("", "Take the tokenizer of this model instead of training one.", path=True)
    vocab_size: int = setting(30522, "Tokens of the tokenizer's vocabulary.", least=300, most=1_000_000)
    min_frequency: int = setting(2, "How often two pieces must stand side by side to become a token.", least=1)
    preset: str = setting("", "Layers, width and heads by name", choices=("", *PRESETS))
    layers: int = setting(6, "Layers of the model.", least=1, most=1000)
    hidden: int = setting(
        768, "Width of its layers, whose feed-forward parts are 4 times as wide.", least=1, most=1 << 16
    )
    heads: int = setting(12, "Attention heads of each layer.", least=1, most=1000)
    positions: int = setting(514, "Positions of the model; RoBERTa leaves two of them unused.", least=4, most=1 << 20)
    mask_share: float = setting(0.15, "Share of the tokens to guess.", above=0, below=1)
    whole_word: bool = setting(False, "Choose whole words to guess, not single tokens.")
    max_length: int = setting(512, "Tokens of a block, special ones included.", least=4, most=1 << 20)
    short_share: float = setting(
        0.8,
        "In a new model, share of the steps that read the blocks in pieces, of 16 tokens and then of 64 (0: none).",
        least=0,
        below=1,
        before=0.0,
    )
    epochs: int = same("epochs", 3)
    batch_size: int = setting(16, "Blocks in a batch, on each device.", least=1, most=100_000)
    accumulate: int = setting(1, "Batches for each optimiser step.", least=1, most=100_000)
    learning_rate: float = same("learning_rate", 5e-4)
    warmup: float = same("warmup", 0.06)
    dropout: float = setting(-1.0, "Dropout; below 0, the base's own, and 0.1 in a new model.", least=-1, below=1)

    def __post_init__(self) -> None:
        LoopRecipe.__post_init__(self)
        if not self.base and self.hidden % self.heads:
            near = self.heads * math.ceil(self.hidden / self.heads)
            raise UsageError(
                f"hidden is {self.hidden} and heads {self.heads}: each head takes the same share of the width, so it "
                f"must be a multiple of them, such as {near}"
            )


def read_recipe(path: Path) -> dict[str, Any]:
    """The settings of a TOML file; see :func:`odqa.training.recipe.read_recipe`."""
    return read(path, LanguageRecipe)


def overridden(recipe: Mapping[str, Any], flags: Mapping[str, Any]) -> dict[str, Any]:
    """The settings of a recipe's file with those of the flags instead, and without what a flag settles otherwise.

    A preset settles the shape, a base and a tokenizer what they have settled already.
    """
    shape = {name for preset in PRESETS.values() for name in preset}
    settled = {one for name, names in (SETTLED | {"preset": tuple(shape)}).items() if flags.get(name) for one in names}
    return {name: value for name, value in recipe.items() if name not in settled} | dict(flags)


def make_recipe(settings: Mapping[str, Any]) -> LanguageRecipe:
    """A recipe that can be followed; its preset gives what is not set otherwise.

    Raises UsageError without texts, and for settings that a ``base`` or a ``tokenizer`` has settled already.
    """
    if not settings.get("texts"):
        raise UsageError("no texts: name files or folders to read, or a dataset on the hub (owner/name)")
    for name, settled in SETTLED.items():
        if settings.get(name) and (given := [other for other in settled if settings.get(other)]):
            raise UsageError(
                f"{name} {settings[name]} settles already what {', '.join(given)} would say; leave one out, among "
                "the flags or in the recipe"
            )
    # A base has learned from long texts before.
    whole = {"short_share": 0.0} if settings.get("base") else {}
    return LanguageRecipe(**{**PRESETS.get(settings.get("preset", ""), {}), **settings, **whole})
