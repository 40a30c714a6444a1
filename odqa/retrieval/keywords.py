"""Passages by the words they share with a question: BM25. Knows nothing of vectors and indexes.

BM25 in Lucene's variant (Kamphuis et al. 2020, "Which BM25 Do You Mean?"; Robertson and Zaragoza 2009):

    score(question, passage) = sum over the question's terms of  idf * tf / (tf + k1 * (1 - b + b * length / average))
    idf = ln(1 + (N - df + 0.5) / (df + 0.5))

What is stored is how often each term occurs in each passage (``odqa.retrieval.postings``), memory-mapped: a question
reads the terms that it has. N, df and the average length are counted over the passages that are there when it is
asked, so that parts and deletions change no score: it is the score that the same passages have in a single part.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Sequence
from itertools import chain, count, pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from odqa.errors import IndexFolderError
from odqa.forking import Database, Lock
from odqa.retrieval.arrays import map_array
from odqa.retrieval.database import ERRORS, damaged, open_database
from odqa.retrieval.names import COUNTS, LENGTHS, ROWS, STARTS, TERMS
from odqa.retrieval.postings import TERMS_SCHEMA, PostingsWriter
from odqa.retrieval.words import Analyzer
from odqa.types import Passage
from odqa.views import context_of_passage, plain, view_of

K1 = 0.6  # How soon repeating a term stops counting. See docs/decisions/fusion.md for the measurement.
B = 0.75  # How much a long passage is held back against a short one, from 0 to 1.

PARAMETERS = {"method": "lucene", "k1": K1, "b": B}

_REMEMBERED = 1 << 17  # Words whose terms are remembered while writing; twice as many take about 40 MB.
_LONG = 32  # Characters of a word that is not worth remembering.
_GROUPS = 16  # See ``best``.


class KeywordWriter:
    """Counts the terms of passages, which get the rows 0, 1, 2, … in the order they come, and writes ``KEYWORDS``.

    Memory grows with the vocabulary alone, by about 150 bytes a term.
    """

    def __init__(self, folder: Path, language: str) -> None:
        """Write into ``folder``; ``language`` is the code of the rules for words (see ``odqa.retrieval.words``)."""
        self._numbers: defaultdict[str, int] = defaultdict(count().__next__)
        self._words = _Words(Analyzer(language), self._numbers)
        self._postings = PostingsWriter(folder)

    def add(self, passages: Sequence[Passage]) -> None:
        """Append passages, each with its title and headings. Raises OSError when the disk is full."""
        for passage in passages:
            words = map(self._words.__getitem__, keyword_text(passage).split())
            self._postings.add(chain.from_iterable(words))

    def finish(self) -> None:
        """Write the files. Raises OSError or sqlite3.OperationalError when the disk does not take them."""
        self._postings.finish(self._numbers)

    def close(self) -> None:
        """Discard what is not finished: nothing of it stays in the folder."""
        self._postings.close()


class _Words(dict[str, tuple[int, ...]]):
    """The numbers of the terms of a run of characters without a space, which most often is a word.

    No term and no rule of an Analyzer reaches across a space, and texts repeat their words: looking them up is eight
    times as fast as analysing each again.
    """

    def __init__(self, analyze: Analyzer, numbers: defaultdict[str, int]) -> None:
        super().__init__()
        self._analyze = analyze
        self._numbers = numbers
        self._before: dict[str, tuple[int, ...]] = {}  # So that frequent words outlive a clearing.

    def __missing__(self, word: str) -> tuple[int, ...]:
        numbers = self._before.get(word)
        if numbers is None:
            numbers = tuple([self._numbers[term] for term in self._analyze(word)])
        if len(word) <= _LONG:
            if len(self) == _REMEMBERED:
                self._before = dict(self)
                self.clear()
            self[word] = numbers
        return numbers


class Keywords:
    """The terms of the passages of one folder, read-only. ``len(keywords)`` is the number of passages.

    ``lengths`` are the numbers of their terms, int32 (passages,). Several threads may look terms up.
    """

    def __init__(self, folder: Path, db: Database, arrays: Sequence[NDArray[Any]]) -> None:
        """Hold what is open: the table of terms, then starts, rows, counts and lengths; ``read`` opens them."""
        self.folder = folder
        self._db = db
        self._starts, self._rows, self._counts, self.lengths = arrays
        self._lock = Lock()

    @classmethod
    def read(cls, folder: Path) -> Keywords:
        """Open ``KEYWORDS`` in ``folder``. Raises IndexFolderError, naming the file, when one cannot be used."""
        arrays = [map_array(folder / name) for name in (STARTS, ROWS, COUNTS, LENGTHS)]
        postings = {STARTS: int(arrays[0][-1]) if len(arrays[0]) else -1, ROWS: len(arrays[1]), COUNTS: len(arrays[2])}
        if len(set(postings.values())) > 1:
            found = ", ".join(f"{number} by {name}" for name, number in postings.items())
            raise IndexFolderError(f"{folder} is damaged: it has {found} postings; build the index again")
        path = folder / TERMS
        db = open_database(path, TERMS_SCHEMA)
        keywords = cls(folder, db, arrays)
        try:
            keywords.postings("")
            (terms,) = db.execute("PRAGMA user_version").fetchone()
            if terms != len(arrays[0]) - 1:
                raise IndexFolderError(
                    f"{path} is damaged: it has {terms} terms and {STARTS} has {len(arrays[0]) - 1}; "
                    f"build the index again"
                )
        except BaseException:
            db.close()
            raise
        return keywords

    def __len__(self) -> int:
        """How many passages there are."""
        return len(self.lengths)

    def postings(self, term: str) -> tuple[NDArray[np.int32], NDArray[Any]]:
        """The rows of the passages that have a term, ascending, and how often each has it.

        Raises IndexFolderError when the table of terms is damaged.
        """
        try:
            with self._lock:
                found = self._db.execute("SELECT number FROM terms WHERE term = ?", (term,)).fetchone()
        except ERRORS as error:
            raise damaged(self.folder / TERMS, error) from None
        if not found:
            return self._rows[:0], self._counts[:0]
        (number,) = found
        if type(number) is not int or not 0 <= number < len(self._starts) - 1:
            raise damaged(self.folder / TERMS, f"it numbers a term {number!r}")
        start, end = self._starts[number : number + 2].tolist()
        if not 0 <= start <= end:
            raise damaged(self.folder / STARTS, f"it has postings from {start} to {end}")
        return self._rows[start:end], self._counts[start:end]

    def close(self) -> None:
        """Close the table of terms; nothing can be looked up afterwards. The maps go with the last use of them."""
        self._db.close()


class KeywordSearch:
    """Scores questions against the passages of several parts, as if they were one. Several threads may ask it.

    ``len(search)`` is the number of rows: those of the first part, then those of the second, and so on. It holds 4
    bytes a row.
    """

    def __init__(self, parts: Sequence[Keywords], live: Sequence[NDArray[np.bool_] | None], language: str) -> None:
        """``live`` says for each part which of its passages are live, (passages,), None for all of them.

        ``language`` is the one that the parts were written with.
        """
        self._analyze = Analyzer(language)
        self._lock = Lock()  # A stemmer is for one thread at a time.
        for part in parts:
            if part.lengths.min(initial=0) < 0:
                raise damaged(part.folder / LENGTHS, "it has lengths below 0")
        kept = [part.lengths if alive is None else part.lengths[alive] for part, alive in zip(parts, live, strict=True)]
        self._passages = sum(map(len, kept))
        terms = sum(int(lengths.sum(dtype=np.int64)) for lengths in kept)
        # What is added to tf in the denominator, by row. Where it is infinite, a passage weighs nothing.
        self._norms = np.concatenate([np.zeros(0, np.float32), *(part.lengths for part in parts)], dtype=np.float32)
        self._norms *= K1 * B * self._passages / max(1, terms)
        self._norms += K1 * (1 - B)
        bounds = np.cumsum([0, *map(len, parts)]).tolist()
        self._parts = [(part, slice(*rows)) for part, rows in zip(parts, pairwise(bounds), strict=True)]
        for (_, rows), alive in zip(self._parts, live, strict=True):
            if alive is not None:
                self._norms[rows][~alive] = np.inf

    def __len__(self) -> int:
        """How many rows there are, deleted ones included."""
        return len(self._norms)

    def scores(self, question: str) -> NDArray[np.float32]:
        """The BM25 score of every row, float32 (rows,): 0 where it shares no term with the question, or is deleted.

        A term that the question repeats counts as often. Raises IndexFolderError when a part turns out damaged.
        """
        with self._lock:
            terms = Counter(self._analyze(plain(question)))  # As the texts are seen.
        scores = np.zeros(len(self), np.float32)
        for term, times in terms.items():
            frequency, found = 0, []
            for part, rows in self._parts:
                places, weights = _weights(part, term, self._norms[rows])
                frequency += int(np.count_nonzero(weights))
                found.append((scores[rows], places, weights))
            idf = math.log(1 + (self._passages - frequency + 0.5) / (frequency + 0.5))
            for here, places, weights in found:
                weights *= times * idf
                # No place comes twice, but this is faster than ``here[places] += weights``.
                np.add.at(here, places, weights)
        return scores


def best(scores: NDArray[np.float32], k: int, allowed: NDArray[np.bool_] | None = None) -> NDArray[np.int64]:
    """The rows of the ``k`` largest scores above 0, best first, then by row; fewer where there are fewer.

    ``allowed`` (rows,) says which rows may be among them; None allows all.
    """
    if allowed is not None:
        scores = scores * allowed  # Five times as fast as np.where.
    # Each of some groups of rows has its largest score. The k-th largest of these is not above the k-th largest of
    # all, and close to it: what reaches it is a handful to sort, out of millions.
    groups = _GROUPS * max(k, 1)
    size = len(scores) // groups
    largest = scores[: size * groups].reshape(size, groups).max(axis=0) if size > 1 else scores
    least = _largest(largest, k)
    rows = np.flatnonzero(scores >= least if least > 0 else scores > 0)
    least = _largest(scores[rows], k)
    above, equal = rows[scores[rows] > least], rows[scores[rows] == least]
    above = above[np.argsort(-scores[above], kind="stable")]
    return np.concatenate([above, equal])[: max(k, 0)]


def keyword_text(passage: Passage) -> str:
    """What is counted of a passage: its title, its headings and its text; a heading that repeats another once."""
    context = context_of_passage(passage)
    path = dict.fromkeys(plain(part) for part in context.path if part)
    return "\n".join([*path, view_of(context).text])


def _weights(part: Keywords, term: str, norms: NDArray[np.float32]) -> tuple[NDArray[np.intp], NDArray[np.float32]]:
    """The rows that have a term, and tf / (tf + norm) of each; 0 for the deleted ones."""
    rows, counts = part.postings(term)
    places, frequencies = rows.astype(np.intp), counts.astype(np.float32)
    if places.min(initial=0) < 0 or frequencies.min(initial=1) < 1:
        raise damaged(part.folder / ROWS, f"it has postings below 0, or {COUNTS} has counts below 1")
    try:
        weights = norms.take(places)
    except IndexError:
        raise IndexFolderError(
            f"{part.folder / ROWS} is damaged: it has rows beyond the {len(part)} passages; build the index again"
        ) from None
    weights += frequencies
    return places, np.divide(frequencies, weights, out=weights)


def _largest(scores: NDArray[np.float32], k: int) -> float:
    """The ``k``-th largest score, 0 where there are fewer."""
    at = len(scores) - k
    return float(np.partition(scores, at)[at]) if 0 <= at < len(scores) else 0.0
