"""A dataset and kinds go in, made unanswerable questions come out with their originals. Prints nothing."""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path

from odqa.errors import DataError, UsageError
from odqa.files import check_writable, whole
from odqa.squad import load_examples, write_examples
from odqa.training.labels import repair
from odqa.training.negatives.kinds import KINDS, check_kinds
from odqa.training.negatives.mixture import make_negatives
from odqa.types import Example

Pair = tuple[Example, Example]  # A made question and the one that it was made of.


def draw(
    source: str, kinds: Sequence[str], ratio: float, limit: int, seed: int, output: Path | None = None
) -> tuple[list[Pair], list[Example]]:
    """The made questions of a dataset with their originals, and the answerable questions that were drawn from.

    Raises UsageError for an unknown kind, a ratio or a limit that makes no sense or an ``output`` that cannot be
    written, and DataError where no question of the dataset is answerable.
    """
    kinds = check_kinds([kind.strip() for kind in kinds if kind.strip()], "--kinds")
    if not kinds:
        raise UsageError(f"--kinds names none; known: {', '.join(KINDS)}, all")
    if not 0 < ratio < float("inf") or limit < 0:
        raise UsageError(f"--ratio is {ratio} and --limit {limit}; the one must be above 0, the other not below it")
    if output is not None:
        _check_writable(output, source)
    examples, repairs = repair(load_examples(source))
    answerable = [example for example in examples if example.answerable]
    if not answerable:
        lost = f" ({repairs.dropped:,} dropped: their answers are not in their contexts)" if repairs.dropped else ""
        raise DataError(f"{source}: no question in it is answerable{lost}, so no unanswerable one can be made of any")
    if 0 < limit < len(answerable):
        answerable = random.Random(seed).sample(answerable, limit)
    originals = {example.id: example for example in answerable}
    made = make_negatives(answerable, ratio, seed, kinds)
    return [(negative, originals[negative.id.rpartition("-")[0]]) for negative in made], answerable


def by_kind(made: Sequence[Pair]) -> dict[str, list[Pair]]:
    """The pairs of each kind, in the order of their making."""
    found: dict[str, list[Pair]] = {}
    for pair in made:
        found.setdefault(pair[0].id.rpartition("-")[2], []).append(pair)
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
