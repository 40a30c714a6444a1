"""The best rows for a question: by vectors, by keywords, or by both fused. Knows no passage, encoder or folder."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from odqa.retrieval.dense import VectorSearch
from odqa.retrieval.fusion import DEPTH, fuse
from odqa.retrieval.keywords import KeywordSearch, best
from odqa.types import Component

DENSE = "dense"
BM25 = "bm25"


@dataclass(frozen=True, slots=True)
class RankedRow:
    """A row, its score, and its score and rank by each component that was searched."""

    row: int
    score: float
    components: Mapping[str, Component]


def by_vectors(
    vectors: VectorSearch, queries: NDArray[np.float32], k: int, allowed: NDArray[np.bool_] | None = None
) -> list[list[RankedRow]]:
    """The ``k`` rows nearest to each query (q, dimension), best first, then by row; scores are cosines.

    ``allowed`` (rows,) are the rows that may come back, here and below; None where all may.
    """
    scores, rows = vectors.nearest(queries, k, allowed)
    return [alone(DENSE, *pair) for pair in zip(rows.tolist(), scores.tolist(), strict=True)]


def by_keywords(
    keywords: KeywordSearch, questions: Sequence[str], k: int, allowed: NDArray[np.bool_] | None = None
) -> list[list[RankedRow]]:
    """The ``k`` rows of the largest BM25 score for each question, of those that share a term with it."""
    found = []
    for question in questions:
        scores = keywords.scores(question)
        rows = best(scores, k, allowed)
        found.append(alone(BM25, rows.tolist(), scores[rows].tolist()))
    return found


def by_both(
    vectors: VectorSearch,
    queries: NDArray[np.float32],
    keywords: KeywordSearch,
    questions: Sequence[str],
    k: int,
    allowed: NDArray[np.bool_] | None = None,
) -> list[list[RankedRow]]:
    """The ``k`` rows of the largest fused score among the first of both components, ``DEPTH`` of each at least."""
    depth = max(k, DEPTH)
    cosines, nearest = vectors.nearest(queries, depth, allowed)
    found = []
    for question, query, near, near_scores in zip(questions, queries, nearest, cosines, strict=True):
        weights = keywords.scores(question)
        sharing = best(weights, depth, allowed)
        rows = np.union1d(near, sharing)
        dense = vectors.scores(query, rows)
        dense[np.searchsorted(rows, near)] = near_scores  # As the ranks have it, to the last digit.
        found.append(by_fusion(rows, dense, weights[rows], near.tolist(), sharing.tolist(), k))
    return found


def by_fusion(
    rows: NDArray[np.int64],
    cosines: NDArray[np.float32],
    bm25: NDArray[np.float32],
    near: Sequence[int],
    sharing: Sequence[int],
    k: int,
) -> list[RankedRow]:
    """The ``k`` of a question's candidates of the largest fused score, best first, then by row.

    ``rows``, ascending, with their ``cosines`` and ``bm25`` scores are (candidates,); ``near`` and ``sharing`` are the
    rows that each component found, best first.
    """
    fused = fuse(cosines, bm25)
    dense_rank = {row: rank for rank, row in enumerate(near, start=1)}
    bm25_rank = {row: rank for rank, row in enumerate(sharing, start=1)}
    return [
        RankedRow(
            row=(row := int(rows[at])),
            score=float(fused[at]),
            components={
                DENSE: Component(float(cosines[at]), dense_rank.get(row)),
                BM25: Component(float(bm25[at]), bm25_rank.get(row)),
            },
        )
        for at in np.lexsort((rows, -fused))[:k].tolist()
    ]


def alone(name: str, rows: Sequence[int], scores: Sequence[float]) -> list[RankedRow]:
    """Rows that one component found, best first, with its scores and nothing else."""
    return [
        RankedRow(row, score, {name: Component(score, rank)})
        for rank, (row, score) in enumerate(zip(rows, scores, strict=True), start=1)
    ]
