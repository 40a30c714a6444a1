"""A TOML file, flags or keyword arguments go in, every setting of a retriever's training comes out, checked.

What is set for every training whatever has its name, help and limits from :mod:`odqa.training.recipe`. Trains nothing.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from odqa.addresses import folder_of
from odqa.errors import UsageError
from odqa.models import DEFAULT_ENCODER
from odqa.training.recipe import LoopRecipe, Source, check_pinned, same, setting
from odqa.training.recipe import read_recipe as read

SOURCES = ("train", "eval")


@dataclass(frozen=True, slots=True, kw_only=True)
class RetrieverRecipe(LoopRecipe):
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
        path=True,
    )
    base: str = setting(DEFAULT_ENCODER, "The encoder to start from: a folder, shipped name or hub id.", path=True)
    index: str = setting(
        "",
        "The index whose passages are searched, and in which answers without a context are found.",
        metavar="FOLDER",
        path=True,
    )
    language: str = setting("en", "Code of the rules for words and sentences, where there is no --index that has it.")
    held_out: float = setting(
        0.1,
        "Without --eval: share of the passages whose questions are compared on, never trained on.",
        least=0,
        most=0.5,
    )
    reader: str = setting(
        "",
        "Compare answers too, those of this reader, out of the first 20 passages: a folder, shipped name or hub id.",
        metavar="READER",
        path=True,
    )
    keep_sentence: float = setting(
        0.1, "Of --from-documents: share of the passages that keep the sentence that is the question.", least=0, most=1
    )
    negatives: int = setting(1, "Hard negatives of each question (0: none but the others' passages).", least=0, most=50)
    rounds: int = setting(1, "How often negatives are searched for anew, by the encoder as it is then.", least=1)
    margin: float = setting(
        0.95, "A passage is no negative if its cosine is above this share of the right one's.", above=0, most=1
    )
    symmetric: bool = setting(False, "Find questions by their passages, too.")
    matryoshka: tuple[int, ...] = setting((), "Make the first so many numbers of a vector a vector too (64,128,256).")
    distill_reader: str = setting(
        "",
        "Learn too what this reader finds in the passages: a folder, shipped name or hub id.",
        metavar="READER",
        path=True,
    )
    distill: str = setting(
        "",
        "Learn too a cross-encoder's scores of the passages: a folder or hub id.",
        metavar="CROSS_ENCODER",
        path=True,
    )
    distill_weight: float = setting(0.5, "The teacher's share of the loss, from 0 to 1.", least=0, most=1)
    distill_temperature: float = setting(
        2.0, "What softens the scores of teacher and student.", above=0, below=math.inf
    )
    epochs: int = same("epochs", 1)
    learning_rate: float = same("learning_rate", 2e-5)
    batch_size: int = setting(
        64, "Questions in a batch; each is compared with the passages of all of them.", least=2, most=100_000
    )
    mini_batch_size: int = setting(
        32,
        "Texts that are computed at once, which bounds the memory; all of a batch are where it is as large.",
        least=1,
        most=100_000,
    )
    max_length: int = setting(
        0, "Tokens that are read of a text in training (0: as many as the model reads).", least=0, most=1 << 20
    )
    scale: float = setting(20.0, "What cosines are multiplied by before they are compared.", above=0, below=math.inf)
    base_weight: float = setting(0.0, "Share of the base's weights in the finished encoder.", least=0, below=1)

    def __post_init__(self) -> None:
        LoopRecipe.__post_init__(self)
        if self.index:
            folder_of(self.index, "training")
        if self.distill and self.distill_reader:
            raise UsageError("distill and distill_reader are both given; learn from one of them")
        if self.reader and not self.eval and not self.held_out:
            raise UsageError(
                "a reader compares the answers to held-out questions, but held_out is 0 and there is no eval; give one "
                "of them, or leave reader out"
            )
        if self.teacher and not self.negatives:
            raise UsageError("a teacher compares passages, but negatives is 0; ask for some, such as --negatives 4")
        for source in (*self.train, *self.eval):
            if source.negatives or source.keep != "all":
                raise UsageError(
                    f"{source.path}: passages are learned from answerable questions alone, which are kept without "
                    "being asked for, and negatives are found without you; leave out negatives and keep"
                )
        if self.rounds > self.epochs:
            raise UsageError(
                f"rounds is {self.rounds} but epochs only {self.epochs}: negatives are searched for before an epoch; "
                f"use --epochs {self.rounds}"
            )
        if any(dims < 1 for dims in self.matryoshka):
            raise UsageError(f"matryoshka is {list(self.matryoshka)}; each must be at least 1")

    @property
    def accumulate(self) -> int:
        """One batch a step where passages are told apart in it: several smaller ones have fewer of them."""
        return 1

    @property
    def teacher(self) -> str:
        """The model whose scores are learned too; empty where there is none."""
        return self.distill or self.distill_reader

    @property
    def models(self) -> tuple[str, ...]:
        """The names of all models that the run reads."""
        return tuple(filter(None, (self.base, self.teacher, self.reader)))


def read_recipe(path: Path) -> dict[str, Any]:
    """The settings of a TOML file; see :func:`odqa.training.recipe.read_recipe`."""
    return read(path, RetrieverRecipe)


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
