"""The model that a run starts from: what it must be, and the recipes that make it or its teacher. Trains nothing."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from odqa.errors import DataError, ModelError, UsageError
from odqa.models import ResolvedModel
from odqa.reader.model import load_model
from odqa.training.recipe import Recipe, make_recipe, read_recipe

RECIPE = ".toml"


def chain(recipe: Recipe) -> list[tuple[str, Recipe]]:
    """The recipes that make the base of ``recipe``, nearest first, each with its path; none where it is a model.

    Raises UsageError where one is missing or needs itself, and what is wrong in a broken one, naming it.
    """
    found: list[tuple[str, Recipe]] = []
    needed(recipe)
    while recipe.base.endswith(RECIPE):
        path, recipe = recipe.base, _read("base", recipe.base)
        found.append((path, recipe))
    return found


def root(recipe: Recipe) -> str:
    """The model that the chain of a recipe begins with."""
    return ([one for _, one in chain(recipe)] or [recipe])[-1].base


def teacher(recipe: Recipe) -> tuple[str, Recipe] | None:
    """The recipe that makes the teacher, with its path; None where the teacher is a reader already, or there is none.

    Raises as ``chain`` does.
    """
    needed(recipe)
    return (recipe.distill, _read("teacher", recipe.distill)) if recipe.distill.endswith(RECIPE) else None


def needed(recipe: Recipe, before: Sequence[str] = ()) -> list[str]:
    """The paths of all recipes that have to be followed first; ``before`` are those that led here."""
    found = []
    for what, path in (("base", recipe.base), ("teacher", recipe.distill)):
        if not path.endswith(RECIPE):
            continue
        places = [Path(name).resolve() for name in before]
        if Path(path).resolve() in places:
            circle = [*before[places.index(Path(path).resolve()) :], path]
            raise UsageError(
                f"the recipe {path} needs itself first ({' → '.join(circle)}); a chain of recipes must end in a model: "
                "change base, or distill, in one of them"
            )
        found += [path, *needed(_read(what, path), [*before, path])]
    return list(dict.fromkeys(found))


def _read(what: str, path: str) -> Recipe:
    try:
        return make_recipe(read_recipe(Path(path)))
    except (UsageError, DataError) as error:
        raise type(error)(f"the {what} is the recipe {path}, which cannot be used: {error}") from None


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
    for module in model.modules():
        if isinstance(module, torch.nn.Embedding) or module in list(stack[:layers]):
            module.requires_grad_(False)
    # What normalises the embeddings lies below the first layer too: found by what it is called everywhere.
    for name, module in model.named_modules():
        if name.endswith("embeddings"):
            module.requires_grad_(False)


def positions(model: Any) -> int | None:
    """How many tokens the model's learned absolute positions allow; None where it has none, and so no such limit."""
    import torch

    for name, module in model.named_modules():
        if name.endswith("position_embeddings") and isinstance(module, torch.nn.Embedding):
            # RoBERTa and its kin begin to count positions behind the number of the padding token.
            unused = 0 if module.padding_idx is None else module.padding_idx + 1
            return module.num_embeddings - unused
    return None
