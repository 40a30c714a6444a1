"""Questions and an index go in; at which place each finds its passage, how good that is, and whether it is better.

A question needs one of its gold passages (:mod:`odqa.evaluation.cases` says which these are), so that what counts is
the place of the first: recall@k is 1 where it is among the first k, MRR 1 over the place, and nDCG that of a question
with one relevant passage.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from odqa.evaluation.bootstrap import confidence_interval
from odqa.evaluation.cases import search
from odqa.evaluation.compare import LEVEL, randomisation_p
from odqa.evaluation.metrics import ndcg, recall, reciprocal_rank
from odqa.index.retriever import Retriever
from odqa.index.search import Index
from odqa.retrieval.encoder import Encoder
from odqa.types import Example, Mode

DEPTH = 20
NOT_FOUND = DEPTH + 1
DEPTHS = (1, 5, DEPTH)
MODES = (Mode.DENSE, Mode.HYBRID)
DECISIVE = f"ndcg@{DEPTH}"  # The score that says whether one encoder is better.
BETTER, WORSE, ALIKE = "better", "worse", "not better"


@dataclass(frozen=True, slots=True)
class Score:
    """The mean of a score over the questions, and its 95 % bootstrap interval."""

    mean: float
    interval: tuple[float, float]


@dataclass(frozen=True, slots=True)
class Difference:
    """By how much the decisive score changed on the same questions: mean, interval, p-value, and what that says.

    The p-value is that of a two-sided paired randomisation test; below 0.05 it says better or worse, else not better.
    """

    mean: float
    interval: tuple[float, float]
    p: float
    verdict: str


def ranks(
    examples: Sequence[Example], sources: Mapping[str, str], folder: Path, encoder: Encoder
) -> dict[str, list[int]]:
    """By mode, the place from 1 of each question's first gold passage, ``NOT_FOUND`` where none is among ``DEPTH``.

    ``sources`` are as in :class:`odqa.evaluation.cases.Dataset`; ``encoder`` is the one that the index has.
    """
    found = {}
    for mode in MODES:
        with Retriever(Index.open(folder, mode=mode), encoder) as retriever:
            queries = search(examples, retriever, DEPTH, sources=sources).queries
        firsts = (min(one.gold_ranks(), default=NOT_FOUND) for one in queries)
        found[mode.value] = [min(first, NOT_FOUND) for first in firsts]
    return found


def scores(places: Sequence[int]) -> dict[str, Score]:
    """Recall at each of ``DEPTHS``, MRR and nDCG of questions that found their passages at these places."""
    return {name: _score(values) for name, values in _values(places).items()}


def difference(before: Sequence[int], after: Sequence[int]) -> Difference:
    """How the decisive score of the same questions, in the same order, changed."""
    one, other = (np.array(_values(places)[DECISIVE]) for places in (before, after))
    changes = np.round(other - one, 9)
    p = randomisation_p(changes)
    mean = float(changes.mean())
    verdict = ALIKE if p >= 1 - LEVEL else BETTER if mean > 0 else WORSE
    return Difference(mean, confidence_interval(changes, level=LEVEL), p, verdict)


def _values(places: Sequence[int]) -> dict[str, list[float]]:
    return {
        **{f"recall@{k}": [recall([place], 1, k) for place in places] for k in DEPTHS},
        f"mrr@{DEPTH}": [reciprocal_rank([place], DEPTH) for place in places],
        DECISIVE: [ndcg([place], 1, DEPTH) for place in places],
    }


def _score(values: Sequence[float]) -> Score:
    return Score(float(np.mean(values)), confidence_interval(values, level=LEVEL))
