"""Searches and reads for every question of a dataset, and tells which passages are the ones it was asked of.

A dataset's question comes with its context. In an index that context may be one passage or several, or not be there
at all. A passage is *gold* where its text is a piece of the context, or the context a piece of it, and it holds a
reference answer; of an unanswerable question, where it is a piece of the context at all. Where not one passage of the
hits is a piece of any context, retrieval is scored by the answers' texts instead: a passage is gold that holds one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import islice

from odqa.answering.fitted import Found
from odqa.answering.pipeline import SPANS_PER_PASSAGE
from odqa.answering.question import tidy
from odqa.evaluation.readings import Readings
from odqa.index.retriever import Retriever
from odqa.text import normalize_answer
from odqa.types import Example, Hit, Reading

SPARE = 5  # Hits beyond k, so that k are left when the gold ones, a context's two or three pieces, are taken away.
KS = (5, 20, 50)  # Numbers of passages at which one threshold must hold.
AT_ONCE = 256  # Questions between two looks of the progress.


Progress = Callable[[str, int, int], None]  # What is being done, how much of it was done now, and how much there is.


def ks_up_to(k: int) -> list[int]:
    """Those of ``KS`` below ``k``, and ``k``."""
    return [*(one for one in KS if one < k), k]


@dataclass(frozen=True, slots=True)
class Searched:
    """A question and its hits, k and ``SPARE`` more, best first.

    ``own`` are the ids of the passages that are pieces of its context, ``gold`` of those that hold the answer.
    """

    example: Example
    question: str
    hits: tuple[Hit, ...]
    own: frozenset[str]
    gold: frozenset[str]

    def first(self, k: int) -> tuple[Hit, ...]:
        """The ``k`` best hits."""
        return self.hits[:k]

    def without_gold(self, k: int) -> tuple[Hit, ...]:
        """The ``k`` best hits of the corpus without the question's context."""
        return tuple(islice((hit for hit in self.hits if hit.passage.id not in self.own | self.gold), k))

    def gold_ranks(self) -> list[int]:
        """The ranks of the gold passages among the hits."""
        return [hit.rank for hit in self.hits if hit.passage.id in self.gold]


@dataclass(frozen=True, slots=True)
class Search:
    """All questions of a dataset as they were searched; ``by_context`` says how gold passages were told."""

    questions: tuple[Searched, ...]
    k: int
    by_context: bool


def search(
    examples: Sequence[Example],
    retriever: Retriever,
    k: int,
    progress: Callable[[int], None] | None = None,
) -> Search:
    """Search for every question; ``progress`` is called with the number of questions done since its last call."""
    hits: list[Sequence[Hit]] = []
    questions = [tidy(example.question) for example in examples]
    for start in range(0, len(examples), AT_ONCE):
        some = retriever.search(questions[start : start + AT_ONCE], k + SPARE)
        hits += some
        if progress:
            progress(len(some))
    own = [
        frozenset(hit.passage.id for hit in found if _is_piece(hit.passage.text, example.context))
        for example, found in zip(examples, hits, strict=True)
    ]
    by_context = any(own)
    return Search(
        tuple(
            Searched(example, question, tuple(found), mine, _gold(example, found, mine, by_context))
            for example, question, found, mine in zip(examples, questions, hits, own, strict=True)
        ),
        k,
        by_context,
    )


def pairs(searched: Searched, k: int, *, removed: bool) -> dict[str, tuple[str, str]]:
    """The (question, text) to read for the ``k`` best hits, by passage; ``removed``: and without the gold ones."""
    hits = [*searched.first(k), *(searched.without_gold(k) if removed and searched.example.answerable else ())]
    return {hit.passage.id: (searched.question, hit.passage.text) for hit in hits}


@dataclass(frozen=True, slots=True)
class Read:
    """What the reader found in the hits of a question, by the passage's id."""

    searched: Searched
    readings: dict[str, Reading]

    def found(self, hits: Sequence[Hit]) -> Found:
        """The places among some of the hits."""
        return Found.of(hits, [self.readings[hit.passage.id] for hit in hits])


def read(
    searched: Sequence[Searched],
    k: int,
    readings: Readings,
    progress: Callable[[int, int], None] | None = None,
    *,
    removed: bool = True,
) -> list[Read]:
    """Read the ``k`` best hits of every question, and those that are the best without its gold passages.

    ``progress`` is called with the number of passages done since its last call, and how many there are.
    """
    wanted = [pairs(one, k, removed=removed) for one in searched]
    flat = [pair for some in wanted for pair in some.values()]
    tell = (lambda done: progress(done, len(flat))) if progress else None
    found = iter(readings.read(flat, SPANS_PER_PASSAGE, tell))
    return [
        Read(one, dict(zip(some, islice(found, len(some)), strict=True)))
        for one, some in zip(searched, wanted, strict=True)
    ]


def _is_piece(text: str, context: str) -> bool:
    return bool(context.strip()) and (text in context or context in text)  # Some datasets give no context.


def _gold(example: Example, hits: Sequence[Hit], own: frozenset[str], by_context: bool) -> frozenset[str]:
    if by_context and not example.answerable:
        return own
    answers = [answer for reference in example.references if (answer := normalize_answer(reference.text))]
    return frozenset(
        hit.passage.id
        for hit in hits
        if (not by_context or hit.passage.id in own) and _holds(hit.passage.text, answers)
    )


def _holds(text: str, answers: Sequence[str]) -> bool:
    padded = f" {normalize_answer(text)} "
    return any(f" {answer} " in padded for answer in answers)
