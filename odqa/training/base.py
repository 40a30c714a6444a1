"""A model's folder goes in, a model with a span head and its tokenizer come out, fit to be trained or refused."""

from __future__ import annotations

from typing import Any

from odqa.errors import ModelError, UsageError
from odqa.models import ResolvedModel
from odqa.reader.weights import load_model


def load(base: ResolvedModel, max_length: int, *, attention: str | None = None) -> tuple[Any, Any]:
    """The model with a question-answering head, in float32, and its tokenizer; see :func:`load_model`.

    The tokenizer's limit becomes the model's where it had none or a larger one. Raises ModelError for a tokenizer
    without character offsets, UsageError where the model has fewer positions than a window has tokens.
    """
    model, tokenizer = load_model(base.folder, head_required=False, attention=attention)
    if not getattr(tokenizer, "is_fast", False):
        raise ModelError(
            f"{base.name}: its tokenizer ({type(tokenizer).__name__}) is not a fast one and gives no character "
            "offsets, so no answer could be found in a text; use a base whose folder has a tokenizer.json"
        )
    wanted, have = min(max_length, tokenizer.model_max_length), positions(model)
    if have is not None:
        if have < wanted:
            raise UsageError(
                f"{base.name}: the model has {have} positions, fewer than the {wanted} tokens of a window; use "
                f"--max-length {have} (max_length = {have} in a recipe)"
            )
        tokenizer.model_max_length = min(tokenizer.model_max_length, have)
    return model, tokenizer


def freeze(model: Any, layers: int) -> None:
    """Leave the embeddings and the ``layers`` lowest layers out of training (0: nothing is left out).

    Raises UsageError where the model has not more layers than that.
    """
    import torch

    if not layers:
        return
    stacks = [module for module in model.modules() if isinstance(module, torch.nn.ModuleList)]
    stack = max(stacks, key=len, default=torch.nn.ModuleList())
    if layers >= len(stack):
        raise UsageError(
            f"frozen_layers is {layers}, but the base has {len(stack)} layers; leave at least one to train"
        )
    # What normalises the embeddings is below the first layer too: it has the same name in every family.
    lowest = [
        module
        for name, module in model.named_modules()
        if isinstance(module, torch.nn.Embedding) or name.endswith("embeddings")
    ]
    for module in (*lowest, *stack[:layers]):
        module.requires_grad_(False)


def positions(model: Any) -> int | None:
    """How many tokens the model's learned absolute positions allow; None where it has none, and so no such limit."""
    import torch

    for name, module in model.named_modules():
        if name.endswith("position_embeddings") and isinstance(module, torch.nn.Embedding):
            # RoBERTa and its relatives count positions from the one after the padding token's number.
            unused = 0 if module.padding_idx is None else module.padding_idx + 1
            return module.num_embeddings - unused
    return None
