"""A reader or a cross-encoder goes in; what it makes of a question and a passage comes out, as a number."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

from odqa import model_configs
from odqa.errors import ModelError
from odqa.models import resolve
from odqa.retriever_training.recipe import RetrieverRecipe
from odqa.types import Passage
from odqa.views import context_of_passage

NOTHING = -30.0  # What a passage is worth in which a reader finds no span at all: far below any margin.
BATCH = 32

Teacher: TypeAlias = Callable[[Sequence[str], Sequence[Passage], Sequence[str]], list[float]]
"""Gives what passages are worth for questions, pair by pair; the last argument is what an encoder reads of them."""


def load(recipe: RetrieverRecipe, device: str) -> Teacher | None:
    """The recipe's teacher, None where it has none. Raises ModelError for one that cannot be loaded."""
    if recipe.distill_reader:
        return _reader(recipe.distill_reader, device)
    return _cross_encoder(recipe.distill, device) if recipe.distill else None


def _reader(name: str, device: str) -> Teacher:
    """A passage is worth the margin of the best span in it: its score less the passage's null score."""
    from odqa.reader.model import Reader

    reader = Reader.load(name, device=device)

    def worth(questions: Sequence[str], passages: Sequence[Passage], texts: Sequence[str]) -> list[float]:
        readings = reader.read(questions, [context_of_passage(one) for one in passages], n_best=1, batch_size=BATCH)
        return [one.spans[0].score - one.null_score if one.spans else NOTHING for one in readings]

    return worth


def _cross_encoder(name: str, device: str) -> Teacher:
    """A passage is worth the cross-encoder's logit."""
    import torch
    from sentence_transformers import CrossEncoder

    found = resolve(name)
    try:
        model_configs.check(found.folder)
        model: Any = CrossEncoder(str(found.folder), device=device, local_files_only=True, trust_remote_code=False)
    # Damaged weights, configurations and tokenizers surface as a dozen unrelated types of error.
    except Exception as error:
        raise ModelError(
            f"{found.folder} cannot be loaded as a cross-encoder: {model_configs.reason(error)}; name one of "
            "sentence-transformers"
        ) from None
    if model.num_labels != 1:
        raise ModelError(
            f"{found.name} gives {model.num_labels} numbers for a question and a passage, not one score; name a "
            "cross-encoder that was trained to rank passages"
        )

    def worth(questions: Sequence[str], passages: Sequence[Passage], texts: Sequence[str]) -> list[float]:
        scores = model.predict(
            list(zip(questions, texts, strict=True)),
            batch_size=BATCH,
            show_progress_bar=False,
            activation_fn=torch.nn.Identity(),
        )
        return [float(score) for score in scores]

    return worth
