"""A reader or a cross-encoder goes in; what it makes of a question and a passage comes out, as a number."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias

from odqa.retriever_training.cross_encoder import CrossEncoder
from odqa.retriever_training.recipe import RetrieverRecipe
from odqa.types import Passage
from odqa.views import context_of_passage

NOTHING = -30.0  # What a passage is worth in which a reader finds no span at all: far below any margin.
BATCH = 32

Teacher: TypeAlias = Callable[[Sequence[str], Sequence[Passage]], list[float]]
"""Gives what passages are worth for questions, pair by pair."""


def load(recipe: RetrieverRecipe, device: str) -> Teacher | None:
    """The recipe's teacher, None where it has none. Raises ModelError for one that cannot be loaded."""
    if recipe.distill_reader:
        return _reader(recipe.distill_reader, device)
    return CrossEncoder.load(recipe.distill, device).scores if recipe.distill else None


def worth(
    teacher: Teacher, questions: Sequence[str], right: Sequence[Passage], negatives: Sequence[Sequence[Passage]]
) -> list[list[float]]:
    """The teacher's scores of each question's right passage and, after it, of its negatives: as many of each."""
    passages = [one for passage, some in zip(right, negatives, strict=True) for one in (passage, *some)]
    each = 1 + len(negatives[0])
    found = teacher([question for question in questions for _ in range(each)], passages)
    return [found[at : at + each] for at in range(0, len(found), each)]


def _reader(name: str, device: str) -> Teacher:
    """A passage is worth the margin of the best span in it: its score less the passage's null score."""
    from odqa.reader.model import Reader

    reader = Reader.load(name, device=device)

    def worth(questions: Sequence[str], passages: Sequence[Passage]) -> list[float]:
        readings = reader.read(questions, [context_of_passage(one) for one in passages], n_best=1, batch_size=BATCH)
        return [one.spans[0].score - one.null_score if one.spans else NOTHING for one in readings]

    return worth
