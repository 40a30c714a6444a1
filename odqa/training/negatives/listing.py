"""A dataset and kinds go in, made unanswerable questions come out with their originals. Prints nothing."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from odqa.errors import DataError, UsageError
from odqa.files import check_writable, whole
from odqa.squad import load_examples, write_examples
from odqa.training.labels import repair
from odqa.training.negatives.kinds import check_kinds
from odqa.training.negatives.mixture import Pair, kind_of, make_pairs
from odqa.training.recipe import Source, setting_of
from odqa.types import Example

# The limits of a recipe, but for a ratio of 0, by which nothing is made.
RATIO = replace(setting_of(Source, "negatives_ratio"), least=None, above=0)
LIMIT = setting_of(Source, "limit")


def draw(
    source: str, kinds: Sequence[str], ratio: float, limit: int, seed: int, output: Path | None = None
) -> tuple[list[Pair], list[Example]]:
    """The made questions of a dataset with their originals, and the answerable questions that were drawn from.

    Raises UsageError for an unknown kind, a ratio or a limit that makes no sense or an ``output`` that cannot be
    written, and DataError where no question of the dataset is answerable.
    """
    check_kinds(kinds, "--kinds")
    for name, value, limits in (("--ratio", ratio, RATIO), ("--limit", limit, LIMIT)):
        if fault := limits.fault(value):
            raise UsageError(f"{name} is {value}; it must be {fault}")
    if output is not None:
        _check_writable(output, source)
    examples, repairs = repair(load_examples(source))
    answerable = [example for example in examples if example.answerable]
    if not answerable:
        lost = f" ({repairs.dropped:,} dropped: their answers are not in their contexts)" if repairs.dropped else ""
        raise DataError(f"{source}: no question in it is answerable{lost}, so no unanswerable one can be made of any")
    if 0 < limit < len(answerable):
        answerable = random.Random(seed).sample(answerable, limit)
    return make_pairs(answerable, ratio, seed, kinds), answerable


def by_kind(made: Sequence[Pair]) -> dict[str, list[Pair]]:
    """The pairs of each kind, in the order of their making."""
    found: dict[str, list[Pair]] = {}
    for pair in made:
        found.setdefault(kind_of(pair[0]), []).append(pair)
    return found


def write(path: Path, made: Sequence[Pair]) -> None:
    """Write the made questions as JSONL, whole or not at all; ``load_examples`` reads them."""
    with whole(path) as unfinished:
        write_examples(unfinished, (negative for negative, _ in made))


def _check_writable(path: Path, source: str) -> None:
    """Refuse before the work what could not be written, or not be read again, after it."""
    if path.suffix.lower() != ".jsonl":
        raise UsageError(f"--output {path}: the questions are written as JSON lines; give it the suffix .jsonl")
    check_writable(path, "the questions", source)
