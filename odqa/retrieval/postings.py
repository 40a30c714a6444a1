"""Passages go in as numbers of terms, an inverted index comes out: how often each term occurs in which passages.

The files are those of an inverted index (Manning, Raghavan and Schütze 2008, "Introduction to Information Retrieval",
section 4.2, "Blocked sort-based indexing"): what comes in is sorted a run at a time into a file without a name beside
the others, and all runs are merged at the end, one stretch of terms after the other. So memory holds one run.

    keywords.sqlite       each term and its number; terms are numbered in the order in which they came first
    keywords.starts.npy   int64 (terms + 1,): the postings of term t are those from starts[t] to starts[t + 1]
    keywords.rows.npy     int32 (postings,): the passage of each posting, ascending within a term
    keywords.counts.npy   (postings,): how often the term occurs there, in the narrowest unsigned type for the largest
    keywords.lengths.npy  int32 (passages,): how many terms each passage has, repetitions included
"""

from __future__ import annotations

import sqlite3
import tempfile
from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from odqa.retrieval.names import COUNTS, KEYWORDS, LENGTHS, ROWS, RUNS, STARTS, TERMS

TERMS_SCHEMA = "CREATE TABLE terms (term TEXT NOT NULL PRIMARY KEY, number INTEGER NOT NULL) WITHOUT ROWID;"

_RUN = 1 << 21  # Terms that are sorted at a time, which takes about 80 MB; also the postings that are merged at a time.
_LOW = (1 << 32) - 1


@dataclass(frozen=True, slots=True)
class _Run:
    """Where in the spool a run begins, and how many of what it has, in this order.

    Lengths of passages; distinct terms, ascending; passages of each of these; rows by term, ascending; their counts.
    """

    at: int
    passages: int
    terms: int
    postings: int
    counts: np.dtype[Any]

    @property
    def terms_at(self) -> int:
        return self.at + 4 * self.passages

    @property
    def frequencies_at(self) -> int:
        return self.terms_at + 4 * self.terms

    @property
    def rows_at(self) -> int:
        return self.frequencies_at + 4 * self.terms

    @property
    def counts_at(self) -> int:
        return self.rows_at + 4 * self.postings


class PostingsWriter:
    """Takes passages as the numbers of their terms; they get the rows 0, 1, 2, … in the order they come.

    Memory is that of one run, whatever the number of passages, and at the end 5 to 8 bytes for each passage of the
    most frequent term and 25 for each term. The spool takes about as much of the disk as the files.
    """

    def __init__(self, folder: Path) -> None:
        """Write into ``folder``, which has none of ``KEYWORDS``. Raises OSError when it cannot be written."""
        self._folder = folder
        # Without a name, or deleted at once: gone with the process, however that ends.
        self._spool: IO[bytes] = tempfile.TemporaryFile(dir=folder, prefix=RUNS)  # noqa: SIM115
        self._runs: list[_Run] = []
        self._passages = 0
        self._finished = False
        self._begin()

    def add(self, terms: Iterable[int]) -> None:
        """Append a passage that has these terms, repetitions included. Raises OSError when the disk is full."""
        before = len(self._terms)
        self._terms.extend(terms)
        self._lengths.append(len(self._terms) - before)
        if len(self._terms) >= _RUN or len(self._lengths) >= _RUN:
            self._end()
            self._begin()

    def finish(self, numbers: Mapping[str, int]) -> None:
        """Write ``KEYWORDS``; ``numbers`` has every term and its number, from 0 on.

        Raises OSError or sqlite3.OperationalError when the disk does not take them.
        """
        self._end()
        frequencies = np.zeros(len(numbers), np.int64)
        for run in self._runs:
            frequencies[self._read(run.terms_at, run.terms)] += self._read(run.frequencies_at, run.terms)
        starts = np.zeros(len(numbers) + 1, np.int64)
        np.cumsum(frequencies, out=starts[1:])
        counts = np.result_type(np.uint8, *(run.counts for run in self._runs))
        with _array(self._folder / STARTS, starts.dtype, len(starts)) as stream:
            stream.write(starts.data)
        with _array(self._folder / LENGTHS, np.dtype(np.int32), self._passages) as stream:
            for run in self._runs:
                stream.write(self._read(run.at, run.passages).data)
        with (
            _array(self._folder / ROWS, np.dtype(np.int32), int(starts[-1])) as rows_stream,
            _array(self._folder / COUNTS, counts, int(starts[-1])) as counts_stream,
        ):
            for some_rows, some_counts in self._merge(starts, counts):
                rows_stream.write(some_rows.data)
                counts_stream.write(some_counts.data)
        _write_terms(self._folder / TERMS, numbers)
        self._finished = True
        self.close()

    def close(self) -> None:
        """Discard what is not finished: nothing of it stays in the folder."""
        with suppress(OSError):  # A full disk refuses what is still to be written, which nobody needs.
            self._spool.close()
        if not self._finished:
            for name in KEYWORDS:
                (self._folder / name).unlink(missing_ok=True)

    def _begin(self) -> None:
        self._terms, self._lengths = array("i"), array("i")

    def _end(self) -> None:
        """Sort the terms at hand by number, then by row, and append them to the spool."""
        lengths = np.array(self._lengths, np.int32)
        # Sorting one array of whole numbers is by far the fastest way to sort by two of them.
        pairs = np.array(self._terms, np.int64)
        pairs <<= 32
        pairs |= np.repeat(np.arange(self._passages, self._passages + len(lengths)), lengths)
        pairs.sort()
        pairs, counts = _distinct(pairs)
        counts = counts.astype(np.min_scalar_type(counts.max(initial=0)))
        rows = (pairs & _LOW).astype(np.int32)
        terms, frequencies = _distinct((pairs >> 32).astype(np.int32))
        self._runs.append(_Run(self._spool.tell(), len(lengths), len(terms), len(rows), counts.dtype))
        for values in (lengths, terms, frequencies.astype(np.int32), rows, counts):
            self._spool.write(values.data)
        self._passages += len(lengths)

    def _merge(
        self, starts: NDArray[np.int64], counts: np.dtype[Any]
    ) -> Iterator[tuple[NDArray[np.int32], NDArray[Any]]]:
        """The rows and counts of all postings by term, then by row; stretches of them, in their order."""
        bounds = _stretches(starts)
        cuts = [self._cut(run, bounds) for run in self._runs]
        for at, (first, end) in enumerate(pairwise(bounds)):
            free = starts[first:end] - starts[first]  # Where the next posting of each term goes.
            rows = np.empty(starts[end] - starts[first], np.int32)
            times = np.empty(len(rows), counts)
            for run, (terms_cut, postings_cut) in zip(self._runs, cuts, strict=True):
                begin, size = int(terms_cut[at]), int(terms_cut[at + 1] - terms_cut[at])
                terms = self._read(run.terms_at + 4 * begin, size) - first
                frequencies = self._read(run.frequencies_at + 4 * begin, size)
                begin, size = int(postings_cut[at]), int(postings_cut[at + 1] - postings_cut[at])
                # Runs come in the order of their rows, so that what is appended has larger ones.
                places = np.repeat(free[terms] - (np.cumsum(frequencies) - frequencies), frequencies)
                places += np.arange(size)
                rows[places] = self._read(run.rows_at + 4 * begin, size)
                times[places] = self._read(run.counts_at + run.counts.itemsize * begin, size, run.counts)
                free[terms] += frequencies
            yield rows, times

    def _cut(self, run: _Run, bounds: Sequence[int]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Where the stretches begin among a run's terms and among its postings, both (bounds,)."""
        terms = np.searchsorted(self._read(run.terms_at, run.terms), bounds)
        ends = np.cumsum(self._read(run.frequencies_at, run.terms), dtype=np.int64)
        return terms, np.concatenate(([0], ends))[terms]

    def _read(self, at: int, size: int, dtype: np.dtype[Any] | None = None) -> NDArray[Any]:
        """``size`` values of the spool, which are int32 where nothing else is said."""
        dtype = dtype or np.dtype(np.int32)
        self._spool.seek(at)
        return np.frombuffer(self._spool.read(size * dtype.itemsize), dtype)


def _stretches(starts: NDArray[np.int64]) -> list[int]:
    """The terms at which stretches of at most ``_RUN`` postings, or of a single term, begin and the last one ends."""
    bounds = [0]
    while bounds[-1] < len(starts) - 1:
        full = int(np.searchsorted(starts, starts[bounds[-1]] + _RUN, side="right")) - 1
        bounds.append(max(full, bounds[-1] + 1))
    return bounds


def _distinct(values: NDArray[Any]) -> tuple[NDArray[Any], NDArray[np.int64]]:
    """The distinct ones of sorted values that are not negative, and how often each of them occurs."""
    at = np.flatnonzero(np.diff(values, prepend=-1))
    return values[at], np.diff(at, append=len(values))


@contextmanager
def _array(path: Path, dtype: np.dtype[Any], length: int) -> Iterator[IO[bytes]]:
    """A stream into which ``length`` values are written, which make a file of NumPy's format."""
    from numpy.lib import format as npy

    with path.open("xb") as stream:  # Through no link that is there.
        header = {"descr": npy.dtype_to_descr(dtype), "fortran_order": False, "shape": (length,)}
        npy.write_array_header_1_0(stream, header)
        yield stream


def _write_terms(path: Path, numbers: Mapping[str, int]) -> None:
    """Write the table of terms; the file says itself, as its ``user_version``, how many there are."""
    path.touch(exist_ok=False)  # Through no link that is there.
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.executescript(
            f"PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA user_version = {len(numbers)}; BEGIN;"
            f"{TERMS_SCHEMA}"
        )
        # In the order of the table, which fills its pages one after the other.
        db.executemany("INSERT INTO terms VALUES (?, ?)", ((term, numbers[term]) for term in sorted(numbers)))
        db.execute("COMMIT")
