"""What is set for every training on questions and their passages, with its checks. Trains nothing.

What is set for every training whatever has its name, help and limits from :mod:`odqa.training.recipe`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from odqa.addresses import folder_of
from odqa.errors import UsageError
from odqa.models import DEFAULT_ENCODER
from odqa.training.recipe import LoopRecipe, Source, check_pinned, same, setting

SOURCES = ("train", "eval")


@dataclass(frozen=True, slots=True, kw_only=True)
class PairsRecipe(LoopRecipe):
    """The settings of a run on questions and their passages, whatever learns from them.

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
    margin: float = setting(
        0.95, "A passage is no negative if its cosine is above this share of the right one's.", above=0, most=1
    )
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
    batch_size: int = setting(32, "Questions in a batch.", least=1, most=100_000)
    max_length: int = setting(
        0, "Tokens that are read of a text in training (0: as many as the model reads).", least=0, most=1 << 20
    )

    def __post_init__(self) -> None:
        LoopRecipe.__post_init__(self)
        if self.index:
            folder_of(self.index, "training")
        if self.distill and self.distill_reader:
            raise UsageError("distill and distill_reader are both given; learn from one of them")
        if self.teacher and not self.negatives:
            raise UsageError("a teacher compares passages, but negatives is 0; ask for some, such as --negatives 4")
        for source in (*self.train, *self.eval):
            if source.negatives or source.keep == "unanswerable":
                raise UsageError(
                    f"{source.path}: passages are learned from answerable questions alone, and negatives are found "
                    "without you; leave out negatives and keep"
                )

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


R = TypeVar("R", bound=PairsRecipe)


def make(kind: type[R], settings: Mapping[str, Any]) -> R:
    """A recipe that can be followed. Raises UsageError without training data, DataError where a pinned file changed."""
    if not settings.get("train") and not settings.get("from_documents"):
        raise UsageError(
            "no training data: give --train FILE (SQuAD format, JSONL with question and passage, or a hub id), or "
            "--from-documents PATH to make questions out of documents"
        )
    recipe = kind(**settings)
    check_pinned((*recipe.train, *recipe.eval))
    return recipe
