"""The model that a run starts from: what it must be, and the recipes that make it or its teacher. Trains nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from odqa.errors import DataError, ModelError, UsageError
from odqa.models import ResolvedModel
from odqa.reader.model import load_model
from odqa.training.recipe import Recipe, make_recipe, read_recipe

RECIPE = ".toml"


@dataclass(frozen=True, slots=True)
class Plan:
    """A recipe and the plans of those that make its base and its teacher, None where these are models already.

    ``path`` is where the recipe was read, empty for the run's own.
    """

    recipe: Recipe
    path: str = ""
    base: Plan | None = None
    teacher: Plan | None = None

    @property
    def root(self) -> str:
        """The model that the chain of bases begins with."""
        return self.base.root if self.base else self.recipe.base

    @property
    def paths(self) -> list[str]:
        """The paths of all recipes that are followed before this one."""
        made = [one for one in (self.base, self.teacher) if one]
        return list(dict.fromkeys(path for one in made for path in (one.path, *one.paths)))


def plan(recipe: Recipe, path: str = "", before: Sequence[str] = ()) -> Plan:
    """Read, once, all recipes that have to be followed first; ``before`` are the paths that led to ``path``.

    Raises UsageError where one is missing or needs itself, and what is wrong in a broken one, naming it.
    """
    way = [*before, path] if path else list(before)
    made: list[Plan | None] = []
    for what, name in (("base", recipe.base), ("teacher", recipe.distill)):
        if not name.endswith(RECIPE):
            made.append(None)
            continue
        places = [Path(one).resolve() for one in way]
        if Path(name).resolve() in places:
            circle = [*way[places.index(Path(name).resolve()) :], name]
            raise UsageError(
                f"the recipe {name} needs itself first ({' → '.join(circle)}); a chain of recipes must end in a model: "
                "change base, or distill, in one of them"
            )
        made.append(plan(_read(what, name), name, way))
    return Plan(recipe, path, *made)


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
    # What normalises the embeddings lies below the first layer too: found by what it is called everywhere.
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
            # RoBERTa and its kin begin to count positions behind the number of the padding token.
            unused = 0 if module.padding_idx is None else module.padding_idx + 1
            return module.num_embeddings - unused
    return None
