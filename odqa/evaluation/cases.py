"""A dataset's questions go in; cases come out: what was found and read for each, and which passages are the gold ones.

A dataset's question comes with its context. In an index that context may be one passage or several, or not be there
at all. A passage is *gold* where its text is a piece of the context, or the context a piece of it, and it holds a
reference answer; of an unanswerable question, where it is a piece of the context at all. Where not one passage of the
hits is a piece of any context, retrieval is scored by the answers' texts instead: a passage is gold that holds one.
So it always is for a question that came without a context (:mod:`odqa.evaluation.places`), within the source it names.

A question with its own context is a case with that context as its only hit.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from odqa.answering.candidates import Candidates
from odqa.answering.pipeline import SPANS_PER_PASSAGE, whole_document
from odqa.answering.question import tidy
from odqa.errors import DataError
from odqa.evaluation.mentions import holds
from odqa.evaluation.places import is_from
from odqa.evaluation.readings import Readings
from odqa.files import sha256
from odqa.index.retriever import Retriever
from odqa.squad import OwnQuestion
from odqa.types import Document, Example, Hit, Reading
from odqa.views import Context, context_of_passage

SPARE = 5  # Hits beyond k, so that k are left when the gold ones, a context's two or three pieces, are taken away.
KS = (5, 20, 50)  # Numbers of passages at which one threshold must hold.
AT_ONCE = 256  # Questions between two looks of the progress.


def ks_up_to(k: int) -> list[int]:
    """Those of ``KS`` below ``k``, and ``k``."""
    return [*(one for one in KS if one < k), k]


@dataclass(frozen=True, slots=True)
class Dataset:
    """Questions, and the name of the file they came from with its hash, by which reports are seen to be of the same.

    ``sources`` has the ids of those that came without a context, each with the source that it names, or none. Raises
    DataError where there is no question or where two questions have one id.
    """

    examples: Sequence[Example]
    name: str = ""
    sha256: str = ""
    sources: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        check_examples(self.examples, self.name or "dataset")

    @classmethod
    def of(cls, examples: Sequence[Example], path: str | Path, sources: Mapping[str, str] | None = None) -> Dataset:
        """Questions that were read from ``path``, a file or the id of a dataset on a hub."""
        file = Path(path)
        return cls(examples, file.name or str(path), sha256(file) if file.is_file() else "", sources or {})


@dataclass(frozen=True, slots=True)
class Query:
    """A dataset's question and its hits, k and ``SPARE`` more, best first.

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
class Queries:
    """All questions of a dataset with their hits; ``by_context`` says how gold passages were recognised."""

    queries: tuple[Query, ...]
    k: int
    by_context: bool


def search(
    examples: Sequence[Example],
    retriever: Retriever,
    k: int,
    progress: Callable[[int], None] | None = None,
    sources: Mapping[str, str] | None = None,
) -> Queries:
    """Search for every question; ``progress`` is called with the number of questions done since its last call.

    ``sources`` are those of :class:`Dataset`.
    """
    named = sources or {}
    hits: list[Sequence[Hit]] = []
    questions = [tidy(example.question) for example in examples]
    for start in range(0, len(examples), AT_ONCE):
        some = retriever.search(questions[start : start + AT_ONCE], k + SPARE)
        hits += some
        if progress:
            progress(len(some))
    own = [
        frozenset(
            hit.passage.id for hit in found if example.id not in named and is_piece(hit.passage.text, example.context)
        )
        for example, found in zip(examples, hits, strict=True)
    ]
    by_context = any(own)
    return Queries(
        tuple(
            Query(
                example,
                question,
                tuple(found),
                mine,
                _gold(example, _of_source(found, named[example.id]), mine, False)
                if example.id in named
                else _gold(example, found, mine, by_context),
            )
            for example, question, found, mine in zip(examples, questions, hits, own, strict=True)
        ),
        k,
        by_context,
    )


@dataclass(frozen=True, slots=True)
class Case:
    """A query, and what the reader found in its hits, by the passage's id."""

    query: Query
    readings: dict[str, Reading]

    @property
    def references(self) -> list[str]:
        """The texts of the reference answers, none for an unanswerable question."""
        return [reference.text for reference in self.query.example.references]

    def candidates(self, hits: Sequence[Hit], read: int | None = None) -> Candidates:
        """The candidates among some of the hits, of which only the first ``read`` count as read; None for all."""
        return Candidates.of(hits, [self.readings[hit.passage.id] for hit in hits[:read]])


def read(
    queries: Sequence[Query],
    k: int,
    readings: Readings,
    progress: Callable[[int, int], None] | None = None,
    *,
    removed: bool = True,
) -> list[Case]:
    """Read the ``k`` best hits of every question and, with ``removed``, those that are the best without its gold ones.

    ``progress`` is called with the number of passages done since its last call, and how many there are.
    """
    wanted = [_pairs(one, k, removed=removed) for one in queries]
    flat = [pair for some in wanted for pair in some.values()]
    tell = (lambda done: progress(done, len(flat))) if progress else None
    found = iter(readings.read(flat, SPANS_PER_PASSAGE, tell))
    return [
        Case(one, dict(zip(some, islice(found, len(some)), strict=True)))
        for one, some in zip(queries, wanted, strict=True)
    ]


def in_context(examples: Sequence[Example], readings: Sequence[Reading]) -> list[Case]:
    """A case for each question with its own context as its only hit; ``readings`` are of these contexts, in order."""
    cases = []
    for example, reading in zip(examples, readings, strict=True):
        hit = whole_document(Document(example.id, example.title, example.context, ""))
        own = frozenset({hit.passage.id})
        cases.append(Case(Query(example, tidy(example.question), (hit,), own, own), {hit.passage.id: reading}))
    return cases


def check_examples(examples: Sequence[Example | OwnQuestion], source: str = "dataset") -> None:
    """Raise DataError, naming ``source``, where there is no question or where two questions have one id."""
    if not examples:
        raise DataError(f"{source}: no questions in it, so there is nothing to score; check that it is the right one")
    seen: dict[str, int] = {}
    for number, example in enumerate(examples, start=1):
        if example.id in seen:
            raise DataError(
                f"{source}: the question id {example.id!r} occurs twice, at questions {seen[example.id]:,} and "
                f"{number:,}; predictions are matched by id, so give every question its own"
            )
        seen[example.id] = number


def _pairs(query: Query, k: int, *, removed: bool) -> dict[str, tuple[str, Context]]:
    """The (question, context) to read for the ``k`` best hits, by passage; ``removed``: and without the gold ones."""
    hits = [*query.first(k), *(query.without_gold(k) if removed and query.example.answerable else ())]
    return {hit.passage.id: (query.question, context_of_passage(hit.passage)) for hit in hits}


def is_piece(text: str, context: str) -> bool:
    """Whether a passage's text is a piece of a context, or the context one of it."""
    return bool(context.strip()) and (text in context or context in text)  # Some datasets give no context.


def _of_source(hits: Sequence[Hit], source: str) -> list[Hit]:
    """The hits that are of a source, themselves or in a copy."""
    return [hit for hit in hits if any(is_from(one, source) for one in (hit.passage, *hit.copies))]


def _gold(example: Example, hits: Sequence[Hit], own: frozenset[str], by_context: bool) -> frozenset[str]:
    if by_context and not example.answerable:
        return own
    answers = [reference.text for reference in example.references]
    return frozenset(
        hit.passage.id for hit in hits if (not by_context or hit.passage.id in own) and holds(hit.passage.text, answers)
    )
