"""Datasets of a recipe go in, padded batches of labelled windows come out, in a fixed order. Knows no model."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from itertools import groupby
from typing import Any

import numpy as np
from numpy.typing import NDArray

from odqa.corpus.blocks import context_of_example
from odqa.errors import DataError
from odqa.reader.features import Window, pad, windows
from odqa.squad import load_examples
from odqa.training.labels import Repairs, repair, spans, tightened, with_plausible
from odqa.training.negatives.contexts import Search
from odqa.training.negatives.mixture import make_negatives
from odqa.training.recipe import Source
from odqa.types import Example

GROUP = (
    50  # Batches that are sorted by length together: enough for little padding, few enough to keep the order random.
)


KNOWN_BY = 100  # Letters and digits by which a paragraph is known.


@dataclass(frozen=True, slots=True)
class LabelledWindow:
    """A window and its labels: the (first, last) tokens of each of its answers, or the null position twice."""

    window: Window
    spans: tuple[tuple[int, int], ...]

    @property
    def answered(self) -> bool:
        """Whether it holds an answer."""
        return self.spans[0][0] != self.window.null


def gather(
    sources: Sequence[Source],
    seed: int,
    *,
    plausible: bool = False,
    read: Callable[[str, str | None], list[Example]] = load_examples,
    search: Search | None = None,
) -> tuple[list[Example], Repairs]:
    """Read, repair and sample every source, and add its made negatives. Raises DataError where nothing is left.

    With ``plausible`` the unanswerable questions that were taken, not the made ones, have their plausible answers as
    references. ``read`` gives the questions of a path, or of the id and the split of a dataset on a hub; ``search``
    finds the passages of the negatives ``retrieved``, see :func:`odqa.training.negatives.mixture.make_pairs`.
    """
    examples: list[Example] = []
    kept = repaired = dropped = 0
    for source in sources:
        some = read(source.path, source.split or None)
        some, repairs = repair(some, plausible=plausible)
        kept, repaired, dropped = kept + repairs.kept, repaired + repairs.repaired, dropped + repairs.dropped
        some = part_of(some, *source.part)
        if not source.titled:
            some = [replace(example, title="", headings=()) for example in some]
        if source.keep != "all":
            some = [example for example in some if example.answerable == (source.keep == "answerable")]
        if 0 < source.limit < len(some):
            some = random.Random(seed).sample(some, source.limit)
        made = []
        if source.negatives:
            made = make_negatives(some, source.negatives_ratio, seed, source.negatives, search=search)
        # Last: until here a question is as answerable as its context makes it. Made ones are there to have no answer.
        examples += [with_plausible(example) for example in some] if plausible else some
        examples += made
    if sources and not examples:
        paths = ", ".join(source.path for source in sources)
        raise DataError(
            f"{paths}: no question can be used ({dropped} dropped: their answers are not in their contexts)"
        )
    return examples, Repairs(kept, repaired, dropped)


def part_of(examples: Sequence[Example], first: float, last: float) -> list[Example]:
    """The examples whose paragraphs stand from the share ``first`` to the share ``last``, in the order of the file.

    Where a paragraph stands is a hash of its first ``KNOWN_BY`` letters and digits, in lower case, so that it is the
    same in files that write capitals, spaces and signs differently. But only the first ``2 * KNOWN_BY`` characters are
    looked at: where spaces and signs leave fewer letters there in one file, as in a padded Markdown table, it may stand
    elsewhere. So may it in another Unicode normalisation form, which has other letters.
    """
    return [example for example in examples if first <= place_of(example.context) < last]


@cache
def place_of(context: str) -> float:
    """Where a paragraph stands, from 0 to 1; see :func:`part_of`."""
    return drawn(context, 2 * KNOWN_BY)


def drawn(text: str, within: int) -> float:
    """A number from 0 to 1, as if drawn at random, by the first ``KNOWN_BY`` letters and digits of ``text[:within]``.

    Capitals are as small letters. Accents that are characters of their own are no letters: they do not count.
    """
    letters = "".join(character for character in text[:within].lower() if character.isalnum())[:KNOWN_BY]
    return int.from_bytes(hashlib.sha256(letters.encode()).digest()[:6], "big") / 2**48


def without_paths(examples: Sequence[Example], share: float, seed: int) -> list[Example]:
    """The examples, a ``share`` of them drawn at random without title and headings."""
    chance = random.Random(f"{seed}/paths")
    return [replace(one, title="", headings=()) if chance.random() < share else one for one in examples]


def label(tokenizer: Any, examples: Sequence[Example], max_length: int, stride: int) -> Iterator[LabelledWindow]:
    """The labelled windows of the examples, in order."""
    questions, contexts = [example.question for example in examples], [context_of_example(one) for one in examples]
    made = windows(tokenizer, questions, contexts, max_length=max_length, stride=stride)
    for pair, group in groupby(made, key=lambda window: window.pair):
        some = list(group)
        references = tightened(examples[pair].references, some)
        for window in some:
            yield LabelledWindow(window, spans(window, references))


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
        some.sort(key=lambda i: -lengths[i])
        found += [some[first : first + batch_size] for first in range(0, len(some), batch_size)]
    chance.shuffle(found)
    return found


def collate(tokenizer: Any, some: Sequence[LabelledWindow]) -> dict[str, NDArray[np.int64]]:
    """One padded batch with ``start_positions``, ``end_positions`` and ``context_positions``.

    The first two are (windows, most answers of a window), where there are fewer of them filled up with -1.
    The last are the positions of the first tokens after the questions.
    """
    inputs = pad(tokenizer, [item.window for item in some])
    inputs["context_positions"] = np.array([item.window.second for item in some])
    most = max(len(item.spans) for item in some)
    labels = np.full((2, len(some), most), -1, dtype=np.int64)
    for row, item in enumerate(some):
        labels[:, row, : len(item.spans)] = np.array(item.spans).T
    inputs["start_positions"], inputs["end_positions"] = labels
    return inputs
