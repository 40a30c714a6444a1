"""What a run reads: its training questions source by source, and the SHA-256 of every file. Knows no model's inside."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from odqa.errors import DataError
from odqa.files import sha256
from odqa.models import content_hash, resolve
from odqa.training import data
from odqa.training.data import Labelled
from odqa.training.labels import Repairs
from odqa.training.recipe import Recipe
from odqa.types import Example


@dataclass(frozen=True, slots=True)
class Taken:
    """How many questions a source gave, its made unanswerable ones among them."""

    answerable: int
    unanswerable: int


def training_examples(recipe: Recipe) -> tuple[list[Example], Repairs, tuple[Taken, ...]]:
    """The training questions in order, the repairs of all, and what each source gave.

    Raises DataError naming a source of which no question can be used.
    """
    read = [data.gather((source,), recipe.seed, plausible=recipe.plausible_answers) for source in recipe.train]
    counts = [Counter(example.answerable for example in examples) for examples, _ in read]
    repairs = [one for _, one in read]
    total = Repairs(
        kept=sum(one.kept for one in repairs),
        repaired=sum(one.repaired for one in repairs),
        dropped=sum(one.dropped for one in repairs),
    )
    taken = tuple(Taken(answerable=count[True], unanswerable=count[False]) for count in counts)
    return [example for examples, _ in read for example in examples], total, taken


def check_spans(recipe: Recipe, labelled: Sequence[Labelled]) -> None:
    """Raise DataError, naming the data, where no window holds an answer, so that no span could be learned."""
    if not any(item.start != item.window.null for item in labelled):
        paths = ", ".join(dict.fromkeys(source.path for source in recipe.train))
        raise DataError(
            f"{paths}: none of the {len(labelled):,} windows holds an answer, so no span can be learned; give "
            'questions whose answers are in their contexts (keep = "unanswerable" alone makes no reader)'
        )


def hashes(recipe: Recipe, recipes: Sequence[str] = ()) -> dict[str, str]:
    """The SHA-256 of every data file of the recipe, of its teacher and of the ``recipes`` that make others, by path.

    What lies on the hub is not hashed.
    """
    sources = (*recipe.train, *recipe.eval, *recipe.tune)
    paths = dict.fromkeys([*(source.path for source in sources), *recipes])
    found = {path: sha256(Path(path)) for path in paths if Path(path).is_file()}
    if not recipe.distill or recipe.distill in recipes:
        return found
    return found | {recipe.distill: content_hash(resolve(recipe.distill).folder)}


def data_hashes(recipe: Recipe, found: Mapping[str, str]) -> dict[str, str]:
    """Those of :func:`hashes` that are of data, by file name, or by path where two files have one name."""
    paths = dict.fromkeys(source.path for source in (*recipe.train, *recipe.eval, *recipe.tune))
    names = Counter(Path(path).name for path in paths if path in found)
    return {Path(path).name if names[Path(path).name] == 1 else path: found[path] for path in paths if path in found}
