"""How often does the passage with the answer come back? Dense, BM25 and hybrid search over SQuAD v2 dev.

    python benchmarks/retrieval.py --data ../shared/data
    python benchmarks/retrieval.py --dataset ../shared/data/xquad/xquad.vi.json --language vi --encoder MODEL

With --dataset it is over the paragraphs of that file alone, by the rules of --language for words.

Questions are the answerable ones of SQuAD v2 dev; what should come back is the paragraph each was asked of. Passages
are whole paragraphs under their article's title (an encoder that reads 256 tokens does not see the end of a longer
one), at first the dev set's own, then with those of every other file beside them. Left out are XQuAD, whose paragraphs
are the dev set's and their translations, and paragraphs that are there already but for white space.

Vectors are kept in runs/retrieval, so that a second run takes the time of the searches alone.
"""

from __future__ import annotations

import argparse
import hashlib
import sqlite3
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from odqa.evaluation.bootstrap import confidence_interval
from odqa.evaluation.metrics import ndcg, recall, reciprocal_rank
from odqa.models import DEFAULT_ENCODER
from odqa.retrieval.dense import Vectors, VectorSearch
from odqa.retrieval.encoder import Encoder
from odqa.retrieval.hybrid import RankedRow, by_both, by_keywords, by_vectors
from odqa.retrieval.keywords import Keywords, KeywordSearch, KeywordWriter
from odqa.retrieval.names import VECTORS
from odqa.retrieval.vector_writer import VectorWriter
from odqa.squad import load_examples
from odqa.types import Mode, Passage

DEV = "squad_v2/dev-v2.0.json"
TRIAL = (
    "policyqa.json",
    "squad_v1/dev-v1.1-other-articles.json",
    "squad_v2/train-slices.json",
    "squadshifts/new_wiki.json",
)
OTHERS = (
    *TRIAL,
    "quoref-contrast.json",
    "squad_v1/train-sentence-context.json",
    "squadshifts/amazon_reviews.json",
    "squadshifts/reddit.json",
    "vietnamese/wiki-dev.json",
    "vietnamese/wiki-train.json",
)
DEPTH = 100
AT_ONCE = 64  # Texts between two writes of the cache.


@dataclass(slots=True)
class Corpus:
    """Paragraphs, each once, and questions with the rows of the paragraphs that answer them."""

    passages: list[Passage] = field(default_factory=list)
    questions: list[str] = field(default_factory=list)
    gold: list[int] = field(default_factory=list)
    rows: dict[str, int] = field(default_factory=dict)

    def add(self, path: Path, ask: bool = False) -> None:
        """Append the paragraphs of a file that are not there yet, and its answerable questions if they are asked."""
        for example in load_examples(path):
            key = " ".join(example.context.split())
            if key not in self.rows:
                self.rows[key] = len(self.passages)
                title = example.title.replace("_", " ") or path.stem
                name = str(len(self.passages))
                self.passages.append(Passage(name, name, title, example.context, 0, path.name))
            if ask and example.answerable:
                self.questions.append(example.question)
                self.gold.append(self.rows[key])

    def join(self, other: Corpus) -> None:
        """Append another corpus whose paragraphs are none of these."""
        first = len(self.passages)
        self.passages += other.passages
        self.questions += other.questions
        self.gold += [first + row for row in other.gold]

    def draw(self, count: int, seed: int = 0) -> None:
        """Keep ``count`` of the questions, drawn without replacement."""
        kept = np.random.default_rng(seed).permutation(len(self.questions))[:count]
        self.questions = [self.questions[at] for at in kept]
        self.gold = [self.gold[at] for at in kept]


class VectorCache:
    """Vectors on the disk by the encoder and what it read, so that each text is encoded once."""

    def __init__(self, folder: Path, encoder: Encoder) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._encoder = encoder
        self._db = sqlite3.connect(folder / f"{encoder.content_hash[:16]}.sqlite", isolation_level=None)
        self._db.execute("CREATE TABLE IF NOT EXISTS vectors (key BLOB PRIMARY KEY, vector BLOB)")

    def passages(self, passages: Sequence[Passage]) -> NDArray[np.float32]:
        """The vectors of passages, (n, dimension)."""
        keys = [_key("passage", f"{passage.title}\n{passage.text}") for passage in passages]
        return self._get(keys, lambda some: self._encoder.encode_passages([passages[row] for row in some]))

    def questions(self, questions: Sequence[str]) -> NDArray[np.float32]:
        """The vectors of questions, (n, dimension)."""
        keys = [_key("question", question) for question in questions]
        return self._get(keys, lambda some: self._encoder.encode_queries([questions[row] for row in some]))

    def _get(
        self, keys: Sequence[bytes], encode: Callable[[Sequence[int]], NDArray[np.float32]]
    ) -> NDArray[np.float32]:
        vectors = np.zeros((len(keys), self._encoder.dimension), np.float32)
        missing = []
        for row, key in enumerate(keys):
            found = self._db.execute("SELECT vector FROM vectors WHERE key = ?", (key,)).fetchone()
            if found:
                vectors[row] = np.frombuffer(found[0], np.float32)
            else:
                missing.append(row)
        for some in batched(missing, AT_ONCE):
            made = encode(some)
            vectors[some] = made
            pairs = ((keys[row], vector.tobytes()) for row, vector in zip(some, made, strict=True))
            self._db.execute("BEGIN")
            self._db.executemany("INSERT OR REPLACE INTO vectors VALUES (?, ?)", pairs)
            self._db.execute("COMMIT")
        return vectors


def batched(items: Sequence[int], size: int) -> Iterator[Sequence[int]]:
    """The items, ``size`` at a time."""
    return (items[start : start + size] for start in range(0, len(items), size))


def _key(kind: str, text: str) -> bytes:
    return hashlib.sha256(f"{kind}\n{text}".encode("utf-8", "surrogatepass")).digest()


@dataclass(frozen=True, slots=True)
class Parts:
    """What a search takes: the passages' vectors and terms, and the questions' vectors (n, dimension)."""

    vectors: VectorSearch
    keywords: KeywordSearch
    queries: NDArray[np.float32]


def open_parts(corpus: Corpus, cache: VectorCache, language: str = "en") -> Parts:
    """The parts for a corpus, made as an index of that language makes them."""
    stored = cache.passages(corpus.passages)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        vectors, words = VectorWriter(folder, stored.shape[1]), KeywordWriter(folder, language)
        vectors.add(stored)
        vectors.finish("Flat")
        words.add(corpus.passages)
        words.finish()
        # Mapped and open, so the files may go.
        dense = VectorSearch([Vectors.read(folder / VECTORS)])
        sparse = KeywordSearch([Keywords.read(folder)], [None], language)
    return Parts(dense, sparse, cache.questions(corpus.questions))


def first_rows(mode: Mode, corpus: Corpus, parts: Parts) -> list[list[RankedRow]]:
    """The ``DEPTH`` best rows for every question."""
    if mode is Mode.DENSE:
        return by_vectors(parts.vectors, parts.queries, DEPTH)
    if mode is Mode.BM25:
        return by_keywords(parts.keywords, corpus.questions, DEPTH)
    return by_both(parts.vectors, parts.queries, parts.keywords, corpus.questions, DEPTH)


def measure(found: Sequence[Sequence[RankedRow]], gold: Sequence[int]) -> dict[str, tuple[float, float, float]]:
    """Each metric's mean and the ends of its 95 % bootstrap interval."""
    places = [
        [rank for rank, item in enumerate(items, start=1) if item.row == row]
        for items, row in zip(found, gold, strict=True)
    ]
    scores = {f"recall@{k}": [recall(ranks, 1, k) for ranks in places] for k in (1, 5, 20, 100)}
    scores["MRR@10"] = [reciprocal_rank(ranks, 10) for ranks in places]
    scores["nDCG@10"] = [ndcg(ranks, 1, 10) for ranks in places]
    return {name: (float(np.mean(values)), *confidence_interval(values)) for name, values in scores.items()}


def corpora(data: Path) -> Iterator[tuple[str, Corpus]]:
    """The dev set's paragraphs, and those with more and more others beside them."""
    corpus = Corpus()
    corpus.add(data / DEV, ask=True)
    yield "SQuAD v2 dev", corpus
    for name, paths in (("and four Wikipedia and policy files", TRIAL), ("and all other files", OTHERS)):
        for path in paths:
            corpus.add(data / path)
        yield name, corpus


def alone(path: Path) -> Iterator[tuple[str, Corpus]]:
    """The paragraphs of one file."""
    corpus = Corpus()
    corpus.add(path, ask=True)
    yield path.name, corpus


def main() -> None:
    """Print a table for each corpus."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument("--data", type=Path, help="folder of the datasets")
    which.add_argument("--dataset", type=Path, help="a dataset to ask instead, over its own paragraphs")
    parser.add_argument("--language", default="en", help="its language, as a code")
    parser.add_argument("--cache", type=Path, default=Path("runs/retrieval"), help="where vectors are kept")
    parser.add_argument("--encoder", default=DEFAULT_ENCODER)
    options = parser.parse_args()

    encoder = Encoder.load(options.encoder)
    cache = VectorCache(options.cache, encoder)
    for name, corpus in alone(options.dataset) if options.dataset else corpora(options.data):
        parts = open_parts(corpus, cache, options.language)
        print(f"\n{name}: {len(corpus.passages):,} paragraphs, {len(corpus.questions):,} questions\n")
        for number, mode in enumerate((Mode.DENSE, Mode.BM25, Mode.HYBRID)):
            measured = measure(first_rows(mode, corpus, parts), corpus.gold)
            if not number:
                print("| | " + " | ".join(measured) + " |")
                print("|---|" + "---|" * len(measured))
            cells = (f"{mean:.3f} ± {(high - low) / 2:.3f}" for mean, low, high in measured.values())
            print(f"| {mode} | " + " | ".join(cells) + " |", flush=True)


if __name__ == "__main__":
    main()
