"""A TOML file, flags or keyword arguments go in, every setting of a retriever's training comes out, checked.

What is set for a reader's training too has the same name, help and limits here. Trains nothing.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from odqa.errors import UsageError
from odqa.models import DEFAULT_ENCODER
from odqa.training.recipe import (
    Source,
    beside,
    check_limits,
    check_pinned,
    read_settings,
    read_sources,
    same,
    setting,
)

SOURCES = ("train", "eval")
MODELS = ("base", "distill", "distill_reader")


@dataclass(frozen=True, slots=True)
class RetrieverRecipe:
    """Every setting of a run. ``docs/training-a-retriever.md`` explains them at length.

    Raises UsageError, naming the setting, for a value that makes no sense.
    """

    train: tuple[Source, ...] = setting(
        (),
        "Questions with their passages: SQuAD-format .json, .jsonl, .parquet, a hub id, JSONL with question and "
        "passage, or JSONL with question and answer and --index; repeat.",
    )
    eval: tuple[Source, ...] = setting((), "Questions that before and after are compared on; repeat for several.")
    from_documents: tuple[str, ...] = setting(
        (),
        "Files and folders, as odqa index reads them, out of whose sentences and headings questions are made; repeat.",
    )
    base: str = setting(DEFAULT_ENCODER, "The encoder to start from: a folder, shipped name or hub id.")
    index: str = setting(
        "", "The index whose passages are searched, and in which answers without a context are found.", metavar="FOLDER"
    )
    language: str = setting("en", "Code of the rules for words and sentences, where there is no --index that has it.")
    held_out: float = setting(
        0.1,
        "Without --eval: share of the passages whose questions are compared on, never trained on.",
        least=0,
        most=0.5,
    )
    keep_sentence: float = setting(
        0.1, "Of --from-documents: share of the passages that keep the sentence that is the question.", least=0, most=1
    )
    negatives: int = setting(1, "Hard negatives of each question (0: none but the others' passages).", least=0, most=50)
    rounds: int = setting(1, "How often negatives are searched for anew, by the encoder as it is then.", least=1)
    margin: float = setting(
        0.95, "A passage is no negative if its cosine is above this share of the right one's.", above=0, most=1
    )
    distill_reader: str = setting(
        "", "Learn too what this reader finds in the passages: a folder, shipped name or hub id.", metavar="READER"
    )
    distill: str = setting(
        "", "Learn too a cross-encoder's scores of the passages: a folder or hub id.", metavar="CROSS_ENCODER"
    )
    distill_weight: float = same("distill_weight")
    distill_temperature: float = setting(
        2.0, "What softens the scores of teacher and student.", above=0, below=math.inf
    )
    symmetric: bool = setting(False, "Find questions by their passages, too.")
    matryoshka: tuple[int, ...] = setting((), "Make the first so many numbers of a vector a vector too (64,128,256).")
    scale: float = setting(20.0, "What cosines are multiplied by before they are compared.", above=0, below=math.inf)
    epochs: int = same("epochs", 1)
    batch_size: int = setting(
        64, "Questions in a batch; each is compared with the passages of all of them.", least=2, most=100_000
    )
    mini_batch_size: int = setting(
        32,
        "Texts that are computed at once, which bounds the memory; all of a batch are where it is as large.",
        least=1,
        most=100_000,
    )
    learning_rate: float = same("learning_rate", 2e-5)
    warmup: float = same("warmup")
    weight_decay: float = same("weight_decay")
    max_gradient_norm: float = same("max_gradient_norm")
    dropout: float = same("dropout")
    base_weight: float = setting(0.0, "Share of the base's weights in the finished encoder.", least=0, below=1)
    max_length: int = setting(
        0, "Tokens of a text that are read in training (0: as many as the encoder reads).", least=0, most=1 << 20
    )
    precision: str = same("precision")
    save_precision: str = same("save_precision")
    keep: str = setting("best", "The epoch to keep (the best has the lowest held-out loss)", choices=("best", "last"))
    save_every: int = same("save_every")
    seed: int = same("seed")
    track: str = same("track")

    def __post_init__(self) -> None:
        check_limits(self)
        if self.distill and self.distill_reader:
            raise UsageError("distill and distill_reader are both given; learn from one of them")
        if (self.distill or self.distill_reader) and not self.negatives:
            raise UsageError("a teacher compares passages, but negatives is 0; ask for some, such as --negatives 4")
        if self.rounds > self.epochs:
            raise UsageError(
                f"rounds is {self.rounds} but epochs only {self.epochs}: negatives are searched for before an epoch; "
                f"use --epochs {self.rounds}"
            )
        if any(dims < 1 for dims in self.matryoshka):
            raise UsageError(f"matryoshka is {list(self.matryoshka)}; each must be at least 1")
        for source in (*self.train, *self.eval):
            if source.negatives or source.keep == "unanswerable":
                raise UsageError(
                    f"{source.path}: a retriever learns from answerable questions alone, and finds its negatives "
                    "itself; leave out negatives and keep"
                )

    @property
    def accumulate(self) -> int:
        """One batch a step: a larger batch has more passages to tell apart, which several smaller ones have not."""
        return 1

    @property
    def teacher(self) -> str:
        """The model whose scores are learned too; empty where there is none."""
        return self.distill or self.distill_reader


def read_recipe(path: Path) -> dict[str, Any]:
    """The settings of a TOML file as keyword arguments for :func:`make_recipe`.

    Relative paths are looked for from the current folder first, then from the recipe's own. Raises UsageError where
    there is no such file, DataError naming an unknown or ill-typed setting.
    """
    settings = read_settings(path, RetrieverRecipe)
    settings |= {name: beside(settings[name], path.parent) for name in (*MODELS, "index") if settings.get(name)}
    if "from_documents" in settings:
        settings["from_documents"] = tuple(beside(one, path.parent) for one in settings["from_documents"])
    return settings | read_sources(settings, SOURCES, path)


def make_recipe(settings: Mapping[str, Any]) -> RetrieverRecipe:
    """A recipe that can be followed. Raises UsageError without training data, DataError where a pinned file changed."""
    if not settings.get("train") and not settings.get("from_documents"):
        raise UsageError(
            "no training data: give --train FILE (SQuAD format, JSONL with question and passage, or a hub id), or "
            "--from-documents PATH to make questions out of documents"
        )
    recipe = RetrieverRecipe(**settings)
    check_pinned((*recipe.train, *recipe.eval))
    return recipe
