"""Does a reranker pay? Its order before reading, and its score as a third prior, against reading more passages.

    python benchmarks/reranking.py --data ../shared/data/docs_qa --cross-encoder MODEL

The passages of docs_qa are indexed, and answerable questions of its ``tune.json`` asked, of which no shipped reader and
no encoder has learned. The first 50 passages of each question are read once, and scored once by the reranker; then each
way of choosing what is read is tried on the same readings. Weights of a ranking are fitted as `odqa tune` does, on four
fifths of the documents for the last fifth, so that each way has those that suit it. An answer is worth its ROUGE-1 F1,
whatever would be withheld.

The time of a way is that of the passages it reads, measured in the same run: seconds a passage of reader and reranker.
What was read is remembered in --work: only a run that reads everything anew measures the reader.
"""

from __future__ import annotations

import argparse
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

import numpy as np
from commands import run
from numpy.typing import NDArray
from scipy.optimize import minimize

from odqa.answering.candidates import Candidates, log_sum_exp
from odqa.answering.ranking import Weights, place_scores
from odqa.evaluation.bootstrap import confidence_interval
from odqa.evaluation.cases import Case, read, search
from odqa.evaluation.compare import randomisation_p
from odqa.evaluation.metrics import exact_match, rouge1_f1
from odqa.evaluation.readings import Readings
from odqa.index.retriever import Retriever
from odqa.models import DEFAULT_READER
from odqa.reader.model import Reader
from odqa.retriever_training.cross_encoder import CrossEncoder
from odqa.squad import load_examples

DEPTH = 50
FOLDS = 5
SEED = 7
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Scored:
    """A question with what was found and read for it, and the reranker's logit of each of its first hits."""

    case: Case
    logits: tuple[float, ...]

    def first(self, count: int) -> list[int]:
        """The numbers of the first hits of the search."""
        return list(range(min(count, len(self.logits))))

    def reranked(self, count: int) -> list[int]:
        """The numbers of the hits that the reranker puts first."""
        return sorted(range(len(self.logits)), key=lambda at: (-self.logits[at], at))[:count]


@dataclass(frozen=True, slots=True)
class Way:
    """What is read of a question's hits, how many pairs the reranker scores for it, and whether they are a prior."""

    name: str
    chosen: Callable[[Scored], list[int]]
    reads: int
    reranks: int = 0
    prior: bool = False


WAYS = (
    Way("the first 5", lambda one: one.first(5), 5),
    Way("5 of 50 by the reranker", lambda one: one.reranked(5), 5, DEPTH),
    Way("5 of 50 by the reranker, its score a prior", lambda one: one.reranked(5), 5, DEPTH, prior=True),
    Way("the first 20", lambda one: one.first(20), 20),
    Way("the first 20, the reranker's score a prior", lambda one: one.first(20), 20, 20, prior=True),
    Way("20 of 50 by the reranker", lambda one: one.reranked(20), 20, DEPTH),
    Way("20 of 50 by the reranker, its score a prior", lambda one: one.reranked(20), 20, DEPTH, prior=True),
    Way("the first 50", lambda one: one.first(DEPTH), DEPTH),
    Way("the first 50, the reranker's score a prior", lambda one: one.first(DEPTH), DEPTH, DEPTH, prior=True),
)


@dataclass(frozen=True, slots=True)
class Places:
    """A question's places by one way: the candidates, each place's log prior by the reranker, what each is worth."""

    candidates: Candidates
    reranker: Floats
    worth: Floats
    right: NDArray[np.bool_]

    @classmethod
    def of(cls, scored: Scored, way: Way) -> Places:
        """The places of a question in what a way reads."""
        chosen, case = way.chosen(scored), scored.case
        hits = [replace(case.query.hits[at], rank=rank) for rank, at in enumerate(chosen, start=1)]
        candidates = case.candidates(hits)
        logits = np.array([scored.logits[at] for at in chosen])
        prior = dict(zip((hit.passage.id for hit in hits), logits - log_sum_exp(logits), strict=True))
        texts = [place.text for place in candidates.places]
        return cls(
            candidates,
            np.array([prior[place.passage.id] for place in candidates.places]),
            np.array([rouge1_f1(text, case.references) for text in texts]),
            np.array([exact_match(text, case.references) == 1 for text in texts], dtype=bool),
        )

    def scores(self, weights: Sequence[float]) -> Floats:
        """By the ranking "prior", with the reranker's as a third."""
        temperature, dense, bm25, reranker = weights
        usual = place_scores("prior", self.candidates.evidence, Weights(temperature, dense, bm25))
        return usual + reranker * self.reranker


def fitted(some: Sequence[Places], *, prior: bool) -> list[float]:
    """Temperature and weights that make right places most likely, as :mod:`odqa.fitting.ranking` fits them."""
    usable = [one for one in some if one.right.any() and not one.right.all()]

    def weights(free: Floats) -> list[float]:
        return [float(np.exp(free[0])), *map(float, free[1:]), *([] if prior else [0.0])]

    def loss(free: Floats) -> float:
        total = 0.0
        for one in usable:
            scores = one.scores(weights(free))
            total += log_sum_exp(scores) - log_sum_exp(scores[one.right])
        return total / len(usable) + 0.01 * float((free[1:] ** 2).sum())

    bounds = [(np.log(0.05), np.log(20.0)), *[(-2.0, 2.0)] * (3 if prior else 2)]
    found = minimize(loss, np.zeros(len(bounds)), method="Powell", bounds=bounds, options={"xtol": 1e-3})
    return weights(np.atleast_1d(found.x))


def crossed(some: Sequence[Scored], way: Way) -> tuple[Floats, list[list[float]]]:
    """What the first answer of each question is worth, by weights fitted on other documents; and these weights."""
    places = [Places.of(one, way) for one in some]
    titles = [one.case.query.example.title for one in some]
    documents = sorted(set(titles))
    random.Random(SEED).shuffle(documents)
    fold = {title: number % FOLDS for number, title in enumerate(documents)}
    worth, all_weights = np.zeros(len(some)), []
    for number in range(FOLDS):
        inside = [fold[title] == number for title in titles]
        weights = fitted([one for one, own in zip(places, inside, strict=True) if not own], prior=way.prior)
        all_weights.append(weights)
        for at in np.flatnonzero(inside).tolist():
            one = places[at]
            worth[at] = one.worth[int(np.argmax(one.scores(weights)))] if len(one.worth) else 0.0
    return worth, all_weights


def gathered(
    index: Path, tune: Path, count: int, reranker: CrossEncoder, reader: Reader, folder: Path
) -> tuple[list[Scored], float, float]:
    """The questions, and the seconds that the reader and the reranker take for a passage."""
    answerable = [one for one in load_examples(str(tune)) if one.answerable]
    examples = random.Random(SEED).sample(answerable, min(count, len(answerable)))
    with Retriever.open(index) as retriever:
        queries = search(examples, retriever, DEPTH).queries
    pairs = [(one.question, hit.passage) for one in queries for hit in one.first(DEPTH)]
    began = time.perf_counter()
    logits = reranker.scores(*zip(*pairs, strict=True))
    reranking = (time.perf_counter() - began) / len(pairs)
    print(f"{len(examples)} questions, {len(pairs):,} passages reranked", flush=True)
    began = time.perf_counter()
    with Readings(reader, folder) as readings:
        cases = read(queries, DEPTH, readings, removed=False)
    reading = (time.perf_counter() - began) / len(pairs)
    left = iter(logits)
    scored = [Scored(case, tuple(islice(left, len(case.query.first(DEPTH))))) for case in cases]
    return scored, reading, reranking


def found_at(scored: Scored, chosen: Sequence[int]) -> bool:
    """Whether a passage that holds the answer is among the chosen."""
    query = scored.case.query
    return any(query.hits[at].passage.id in query.gold for at in chosen)


def main() -> None:
    """Index, read and rerank what is missing, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="the folder docs_qa")
    parser.add_argument("--cross-encoder", required=True, help="a folder or a hub id")
    parser.add_argument("--reader", default=DEFAULT_READER)
    parser.add_argument("--questions", type=int, default=250)
    parser.add_argument("--work", type=Path, default=Path("runs/reranking"), help="for the index and the readings")
    arguments = parser.parse_args()
    index = arguments.work / "index"
    if not index.exists():
        run("index", *sorted(arguments.data.glob("*.json")), "--index", index)
    reranker, reader = CrossEncoder.load(arguments.cross_encoder), Reader.load(arguments.reader)
    some, reading, reranking = gathered(
        index, arguments.data / "tune.json", arguments.questions, reranker, reader, arguments.work / "readings"
    )
    print(f"a passage: {1000 * reading:.1f} ms to read, {1000 * reranking:.1f} ms to rerank\n")
    print("| read | passage found | ROUGE-1 F1 of the first answer | against the first 50 | p | seconds |")
    print("|---|---|---|---|---|---|")
    tried = {way.name: crossed(some, way) for way in WAYS}
    reference, _ = tried[f"the first {DEPTH}"]
    for way in WAYS:
        worth, weights = tried[way.name]
        low, high = confidence_interval(worth)
        change = np.round(worth - reference, 9)
        of, to = confidence_interval(change)
        seconds = way.reads * reading + way.reranks * reranking
        found = np.mean([found_at(one, way.chosen(one)) for one in some])
        print(
            f"| {way.name} | {found:.3f} | {worth.mean():.3f} ({low:.3f} – {high:.3f}) | {change.mean():+.3f} "
            f"({of:+.3f} to {to:+.3f}) | {randomisation_p(change):.3f} | {seconds:.2f} |",
            flush=True,
        )
        if way.prior:
            print(f"<!-- weights: {np.round(np.mean(weights, axis=0), 3).tolist()} -->", flush=True)


if __name__ == "__main__":
    main()
