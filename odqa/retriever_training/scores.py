"""Questions and an open index go in; where each finds its passage, how good that is, and whether it is better.

A question needs one of its gold passages (:mod:`odqa.evaluation.cases` says which these are), so that what counts is
the place of the first: recall@k is 1 where it is among the first k, MRR 1 over the place, and nDCG that of a question
with one relevant passage. With a reader, what its first answer is worth counts too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from odqa.answering.question import DEFAULT_K
from odqa.evaluation.bootstrap import confidence_interval
from odqa.evaluation.cases import Query, search
from odqa.evaluation.compare import LEVEL, randomisation_p
from odqa.evaluation.metrics import ndcg, recall, reciprocal_rank
from odqa.index.retriever import Retriever
from odqa.retriever_training.answers import Answerer
from odqa.retriever_training.cloze import says
from odqa.retriever_training.questions import Pair

DEPTH = DEFAULT_K  # Of what is found, as many as `odqa ask` reads.
NOT_FOUND = DEPTH + 1
DEPTHS = (1, 5, DEPTH)
DECISIVE = f"ndcg@{DEPTH}"  # The score that says whether one model finds more than another.
ANSWERS = "rouge1_f1"  # And the one that says whether answers are better.
BETTER, WORSE, ALIKE = "better", "worse", "not better"


@dataclass(frozen=True, slots=True)
class Found:
    """The place from 1 of each question's first gold passage, ``NOT_FOUND`` where none is among ``DEPTH``.

    ``rouge1_f1`` is what the first answer is worth of each question that has a reference; empty where nobody answers.
    """

    places: list[int]
    rouge1_f1: list[float] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Score:
    """The mean of a score over the questions, and its 95 % bootstrap interval."""

    mean: float
    interval: tuple[float, float]


@dataclass(frozen=True, slots=True)
class Difference:
    """By how much the score changed that decides, on the same questions: mean, interval, p-value, and what that says.

    The p-value is that of a two-sided paired randomisation test; below 0.05 it says better or worse, else not better.
    """

    score: str
    mean: float
    interval: tuple[float, float]
    p: float
    verdict: str


@dataclass(frozen=True, slots=True)
class Comparison:
    """The scores of so many questions before the training and after it, and how the one changed that decides."""

    questions: int
    before: Mapping[str, Score]
    after: Mapping[str, Score]
    difference: Difference


def find(
    pairs: Sequence[Pair],
    sources: Mapping[str, str],
    retriever: Retriever,
    answerer: Answerer | None,
    tell: Callable[[str], None],
) -> Found:
    """Where each question finds its passage and, with an ``answerer``, what its first answer is worth.

    A passage that says a made question word for word takes no place: to find it first is no mistake. ``sources`` are as
    in :func:`odqa.evaluation.cases.search`, ``tell`` as in :meth:`Answerer.worth`.
    """
    queries = search([pair.example for pair in pairs], retriever, DEPTH, sources=sources).queries
    places = [_place(pair, query) for pair, query in zip(pairs, queries, strict=True)]
    return Found(places, answerer.worth(queries, tell) if answerer else [])


def compared(before: Mapping[str, Found], after: Mapping[str, Found]) -> dict[str, Comparison]:
    """By what is compared, what the places of the held-out questions' passages say."""
    return {
        name: Comparison(
            len(one.places),
            scores(before[name].places),
            scores(one.places),
            difference(before[name].places, one.places),
        )
        for name, one in after.items()
    }


def answers_compared(before: Mapping[str, Found], after: Mapping[str, Found]) -> dict[str, Comparison]:
    """By what is compared, what the held-out questions' first answers say; empty where nobody answers."""
    return {
        name: Comparison(
            len(one.rouge1_f1),
            {ANSWERS: _score(before[name].rouge1_f1)},
            {ANSWERS: _score(one.rouge1_f1)},
            _difference(ANSWERS, before[name].rouge1_f1, one.rouge1_f1),
        )
        for name, one in after.items()
        if one.rouge1_f1
    }


def verdicts(comparisons: Mapping[str, Comparison]) -> Iterator[str]:
    """A line for each comparison: the score that decides before and after, and whether it is better."""
    for name, one in comparisons.items():
        change = one.difference
        words = {BETTER: "better", WORSE: "worse"}.get(change.verdict, "not better: chance may do as much")
        low, high = change.interval
        yield (
            f"{name}: {change.score} {one.before[change.score].mean:.3f} before, {one.after[change.score].mean:.3f} "
            f"after ({change.mean:+.3f}, from {low:+.3f} to {high:+.3f}, p = {change.p:.4f}): {words}"
        )


def scores(places: Sequence[int]) -> dict[str, Score]:
    """Recall at each of ``DEPTHS``, MRR and nDCG of questions that found their passages at these places."""
    return {name: _score(values) for name, values in _values(places).items()}


def difference(before: Sequence[int], after: Sequence[int]) -> Difference:
    """How nDCG changed of the same questions, in the same order, that found their passages at these places."""
    return _difference(DECISIVE, *(_values(places)[DECISIVE] for places in (before, after)))


def _place(pair: Pair, query: Query) -> int:
    if not (ranks := query.gold_ranks()):
        return NOT_FOUND
    first = min(ranks)
    others = (hit.passage for hit in query.hits if hit.rank < first)
    return min(first - sum(says(pair, passage) for passage in others), NOT_FOUND)


def _difference(score: str, before: Sequence[float], after: Sequence[float]) -> Difference:
    changes = np.round(np.array(after) - np.array(before), 9)
    p = randomisation_p(changes)
    mean = float(changes.mean())
    verdict = ALIKE if p >= 1 - LEVEL else BETTER if mean > 0 else WORSE
    return Difference(score, mean, confidence_interval(changes, level=LEVEL), p, verdict)


def _values(places: Sequence[int]) -> dict[str, list[float]]:
    return {
        **{f"recall@{k}": [recall([place], 1, k) for place in places] for k in DEPTHS},
        f"mrr@{DEPTH}": [reciprocal_rank([place], DEPTH) for place in places],
        DECISIVE: [ndcg([place], 1, DEPTH) for place in places],
    }


def _score(values: Sequence[float]) -> Score:
    return Score(float(np.mean(values)), confidence_interval(values, level=LEVEL))
