"""Which fusion of dense and BM25 finds most? Measured on tuning data, never on SQuAD v2 dev.

    python benchmarks/fusion.py --data ../shared/data

1,000 questions of each of three sets, asked of the set's own paragraphs and of those of all three together. The fusion
of the package is `odqa.retrieval.fusion`; the others live here alone. See docs/decisions/fusion.md.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from retrieval import Corpus, Parts, VectorCache, open_parts

from odqa.models import DEFAULT_ENCODER
from odqa.retrieval.encoder import Encoder
from odqa.retrieval.fusion import DEPTH
from odqa.retrieval.keywords import KeywordSearch, best
from odqa.retrieval.words import Analyzer

TUNING = (
    "squadshifts/new_wiki.json",
    "squad_v1/dev-v1.1-other-articles.json",
    "squad_v2/train-slices.json",
)
QUESTIONS = 1000
CUTS = (1, 5, 20)

Floats: TypeAlias = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Candidates:
    """The rows compared for one question: cosine, BM25 and its limit, and the rank in either list (0 beyond it)."""

    rows: NDArray[np.int64]
    dense: Floats
    bm25: Floats
    limit: float
    dense_rank: Floats
    bm25_rank: Floats
    gold: int


def candidates(corpus: Corpus, parts: Parts, depth: int) -> list[Candidates]:
    """The first ``depth`` of both components for each question."""
    nearest = parts.vectors.nearest(parts.queries, depth)[1]
    found = []
    for question, query, near, gold in zip(corpus.questions, parts.queries, nearest, corpus.gold, strict=True):
        weights = parts.keywords.scores(question)
        sharing = best(weights, depth)
        rows = np.union1d(near, sharing)
        found.append(
            Candidates(
                rows=rows,
                dense=parts.vectors.scores(query, rows).astype(float),
                bm25=weights[rows].astype(float),
                limit=_limit(parts.keywords, question),
                dense_rank=_ranks(rows, near),
                bm25_rank=_ranks(rows, sharing),
                gold=gold,
            )
        )
    return found


def fusions() -> Iterator[tuple[str, Callable[[Candidates], Floats]]]:
    """Each fusion by its name."""
    yield "dense", lambda some: some.dense
    yield "BM25", lambda some: some.bm25
    for k in (10, 60):
        yield f"RRF, k {k}", lambda some, k=k: _reciprocal(some.dense_rank, k) + _reciprocal(some.bm25_rank, k)
    normalisations = {
        "range of the score": (lambda some: (some.dense + 1) / 2, lambda some: some.bm25 / some.limit),
        "lowest possible to best": (lambda some: _scaled(some.dense, -1.0), lambda some: _scaled(some.bm25, 0.0)),
        "lowest to best": (lambda some: _scaled(some.dense), lambda some: _scaled(some.bm25)),
        "standard scores": (lambda some: _standard(some.dense), lambda some: _standard(some.bm25)),
        "BM25 unscaled": (lambda some: some.dense * 20, lambda some: some.bm25),
    }
    for name, (dense, bm25) in normalisations.items():
        for weight in (0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8):

            def fuse(some, dense=dense, bm25=bm25, weight=weight):
                return weight * dense(some) + (1 - weight) * bm25(some)

            yield f"sum, {name}, dense {weight}", fuse


def ranks(found: list[Candidates], fuse: Callable[[Candidates], Floats]) -> NDArray[np.int64]:
    """The place of the right paragraph for each question; a large number where it is no candidate."""
    places = []
    for some in found:
        at = np.flatnonzero(some.rows == some.gold)
        scores = fuse(some)
        before = (scores > scores[at]) | ((scores == scores[at]) & (some.rows < some.gold)) if len(at) else ()
        places.append(1 + int(np.sum(before)) if len(at) else 1_000_000)
    return np.array(places)


def _limit(keywords: KeywordSearch, question: str) -> float:
    """What no passage's BM25 reaches: the sum of idf over the question's terms."""
    analyze, passages = Analyzer("en"), len(keywords)
    counts = (sum(len(part.postings(term)[0]) for part, _ in keywords._parts) for term in analyze(question))
    return sum(math.log1p((passages - count + 0.5) / (count + 0.5)) for count in counts if count) or 1.0


def _ranks(rows: NDArray[np.int64], ranked: NDArray[np.int64]) -> Floats:
    places = np.zeros(len(rows))
    places[np.searchsorted(rows, ranked)] = np.arange(1, len(ranked) + 1)
    return places


def _reciprocal(places: Floats, k: int) -> Floats:
    return np.where(places > 0, 1 / (k + places), 0.0)


def _scaled(scores: Floats, low: float | None = None) -> Floats:
    low = scores.min() if low is None else low
    return (scores - low) / ((scores.max() - low) or 1.0)


def _standard(scores: Floats) -> Floats:
    return (scores - scores.mean()) / (scores.std() or 1.0)


def main() -> None:
    """Print a row for each fusion: recall at 1, 5 and 20 over the sets' own paragraphs, and over all of them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--cache", type=Path, default=Path("runs/retrieval"))
    parser.add_argument("--encoder", default=DEFAULT_ENCODER)
    parser.add_argument("--depth", type=int, default=DEPTH)
    options = parser.parse_args()

    cache = VectorCache(options.cache, Encoder.load(options.encoder))
    joint, own = Corpus(), []
    for name in TUNING:
        corpus = Corpus()
        corpus.add(options.data / name, ask=True)
        corpus.draw(QUESTIONS)
        own.append(corpus)
        joint.join(corpus)
    tables = [candidates(corpus, open_parts(corpus, cache), options.depth) for corpus in (*own, joint)]
    print("| fusion | own paragraphs: recall@1 | @5 | @20 | all paragraphs: recall@1 | @5 | @20 | mean |")
    print("|---|---|---|---|---|---|---|---|")
    for name, fuse in fusions():
        places = [ranks(table, fuse) for table in tables]
        shares = [np.mean(np.concatenate(places[:-1]) <= cut) for cut in CUTS]
        shares += [np.mean(places[-1] <= cut) for cut in CUTS]
        print("|".join(["", f" {name} ", *(f" {share:.4f} " for share in (*shares, np.mean(shares))), ""]))


if __name__ == "__main__":
    main()
