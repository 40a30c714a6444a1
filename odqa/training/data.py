"""Datasets of a recipe go in, padded batches of labelled windows come out, in a fixed order. Knows no model."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from odqa.errors import DataError
from odqa.reader.features import Window, batches, pad, windows
from odqa.squad import load_examples
from odqa.training.labels import Repairs, main_reference, positions, repair, with_plausible
from odqa.training.negatives.mixture import make_negatives
from odqa.training.recipe import Source
from odqa.types import Example

GROUP = (
    50  # Batches that are sorted by length together: enough for little padding, few enough to keep the order random.
)


@dataclass(frozen=True, slots=True)
class LabelledWindow:
    """A window and its label: the token positions of the answer, or the null position twice."""

    window: Window
    start: int
    end: int


def gather(sources: Sequence[Source], seed: int, *, plausible: bool = False) -> tuple[list[Example], Repairs]:
    """Read, repair and sample every source, and add its made negatives. Raises DataError where nothing is left."""
    examples: list[Example] = []
    kept = repaired = dropped = 0
    for source in sources:
        some = load_examples(source.path, source.split or None)
        if plausible:
            some = [with_plausible(example) for example in some]
        some, repairs = repair(some)
        kept, repaired, dropped = kept + repairs.kept, repaired + repairs.repaired, dropped + repairs.dropped
        some = part_of(some, *source.part)
        if source.keep != "all":
            some = [example for example in some if example.answerable == (source.keep == "answerable")]
        if 0 < source.limit < len(some):
            some = random.Random(seed).sample(some, source.limit)
        examples += some
        if source.negatives:
            examples += make_negatives(some, source.negatives_ratio, seed, source.negatives)
    if sources and not examples:
        paths = ", ".join(source.path for source in sources)
        raise DataError(
            f"{paths}: no question can be used ({dropped} dropped: their answers are not in their contexts)"
        )
    return examples, Repairs(kept, repaired, dropped)


def part_of(examples: Sequence[Example], first: float, last: float) -> list[Example]:
    """The examples of the articles from the share ``first`` to the share ``last`` of all, in the order of the file.

    An article is what has one title, or one context where there is no title.
    """
    articles = list(dict.fromkeys(example.title or example.context for example in examples))
    wanted = set(articles[round(first * len(articles)) : round(last * len(articles))])
    return [example for example in examples if (example.title or example.context) in wanted]


def label(tokenizer: Any, examples: Sequence[Example], max_length: int, stride: int) -> Iterator[LabelledWindow]:
    """The labelled windows of the examples, in order."""
    references = [main_reference(example) for example in examples]
    questions, contexts = [example.question for example in examples], [example.context for example in examples]
    for window in windows(tokenizer, questions, contexts, max_length=max_length, stride=stride):
        start, end = positions(window, references[window.pair])
        yield LabelledWindow(window, start, end)


def epoch_order(lengths: Sequence[int], batch_size: int, seed: int, epoch: int, *, group: bool) -> list[list[int]]:
    """The batches of one epoch: a pure function of the seed and the epoch, so that a run can be resumed anywhere.

    With ``group`` windows of similar length share a batch: shuffled, sorted inside groups of ``GROUP`` batches,
    and the batches shuffled again.
    """
    chance = random.Random(f"{seed}/{epoch}")
    order = list(range(len(lengths)))
    chance.shuffle(order)
    if not group:
        return [order[at : at + batch_size] for at in range(0, len(order), batch_size)]
    found: list[list[int]] = []
    for at in range(0, len(order), GROUP * batch_size):
        some = order[at : at + GROUP * batch_size]
        found += [[some[inside] for inside in batch] for batch in batches([lengths[i] for i in some], batch_size)]
    chance.shuffle(found)
    return found


def collate(tokenizer: Any, some: Sequence[LabelledWindow]) -> dict[str, NDArray[np.int64]]:
    """One padded batch with ``start_positions``, ``end_positions`` and ``context_positions``, arrays of (windows, …).

    The last are the positions of the contexts' first tokens.
    """
    inputs = pad(tokenizer, [item.window for item in some])
    inputs["context_positions"] = np.array([int(np.argmax(item.window.offsets[:, 0] >= 0)) for item in some])
    inputs["start_positions"] = np.array([item.start for item in some])
    inputs["end_positions"] = np.array([item.end for item in some])
    return inputs
