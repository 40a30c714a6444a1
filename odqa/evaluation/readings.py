"""Questions and texts go in, readings come out, out of a file where the reader has read them before. Knows no score.

Reading is nearly all the time that an evaluation takes; everything after it (rankings, thresholds, k) is then tried in
minutes. A reading is kept by the question, the text and the number of spans asked for, in a file that belongs to
one reader (``Reader.content_hash``), so that another one's readings are never used.
"""

from __future__ import annotations

import hashlib
import math
import os
import sqlite3
import struct
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from odqa.closing import Closing
from odqa.corpus.blocks import context_of
from odqa.errors import DataError, UsageError
from odqa.models import cache_folder
from odqa.types import Reading, Span
from odqa.views import Context

if TYPE_CHECKING:
    from odqa.reader.model import Reader

DECODING = 4  # The version of views, windows, units and decoding: the readings of another one are not used.
AT_ONCE = 256  # Pairs between two commits: some seconds of two cores, which is what a killed run loses.
_HEAD = struct.Struct("<If")  # Windows and null score.
_SPAN = np.dtype([("start", "<u4"), ("end", "<u4"), ("score", "<f4")])
_LOOK_UP = 500  # Keys a query.
_REMEDY = "remove the file, and the readings are made again"


def default_folder() -> Path:
    """Where readings are kept if no other folder is named: the user's cache."""
    return cache_folder("readings")


def folder_of(named: Path | None) -> Path:
    """The folder that is ``named`` for readings, or the user's cache; it is there now.

    Raises UsageError where it cannot be made or written to.
    """
    folder = named or default_folder()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        refused = "" if os.access(folder, os.W_OK) else "no permission to write in it"
    except OSError as error:
        refused = str(error.strerror)
    if refused:
        raise UsageError(
            f"what is read cannot be kept in {folder} ({refused}); name another folder with --cache, or set "
            "XDG_CACHE_HOME to one"
        )
    return folder


class Readings(Closing):
    """A reader and what it has read. Use it as a context manager, or close it."""

    def __init__(self, reader: Reader, folder: Path | None = None, batch_size: int = 32) -> None:
        """Open, or begin, the reader's file in ``folder``; ``batch_size`` windows are read at once.

        Raises DataError for a file that holds no readings, and as :func:`folder_of` does.
        """
        self.reader = reader
        self.batch_size = batch_size
        # What was computed in another precision differs in the third digit.
        self.path = folder_of(folder) / f"{reader.content_hash[:32]}-{reader.precision}.sqlite"
        if self.path.exists() and not self.path.is_file():
            raise DataError(f"{self.path}, where readings are remembered, is not a regular file; {_REMEDY}")
        with self._usable():
            self._db = sqlite3.connect(self.path, timeout=60, isolation_level=None)
        try:
            with self._usable():
                self._db.execute("CREATE TABLE IF NOT EXISTS readings (key BLOB PRIMARY KEY, value BLOB) WITHOUT ROWID")
                found = self._db.execute("SELECT type, name FROM sqlite_master").fetchall()
            # A view of that name could compute for ever.
            if found != [("table", "readings")]:
                raise DataError(f"{self.path} does not hold readings alone; {_REMEDY}")
        except DataError:
            self._db.close()
            raise

    def read(
        self,
        pairs: Sequence[tuple[str, str | Context]],
        n_best: int,
        progress: Callable[[int], None] | None = None,
    ) -> list[Reading]:
        """One Reading for each (question, text), in order; what is not remembered is read, and then remembered.

        ``progress`` is called with the number of pairs done since its last call, first with all that were remembered.
        Raises UsageError as :meth:`odqa.reader.model.Reader.read` does, and DataError where the file is damaged or
        cannot be written to.
        """
        asked = [(question, context_of(context)) for question, context in pairs]
        keys = [_key(question, context, n_best) for question, context in asked]
        found = self._look_up({key: len(context.text) for key, (_, context) in zip(keys, asked, strict=True)})
        missing = {key: pair for key, pair in zip(keys, asked, strict=True) if key not in found}
        known = sum(key not in missing for key in keys)
        if progress:
            progress(known)
        # Texts of like length together, so that the batches of one turn are padded little.
        order = sorted(missing, key=lambda key: len(missing[key][1].text))
        left = len(pairs) - known
        at_once = AT_ONCE * self.reader.workers
        for start in range(0, len(order), at_once):
            some = order[start : start + at_once]
            questions, texts = zip(*(missing[key] for key in some), strict=True)
            made = self.reader.read(questions, texts, n_best=n_best, batch_size=self.batch_size)
            rows = list(zip(some, map(_pack, made), strict=True))
            with self._usable():
                self._db.execute("BEGIN IMMEDIATE")
                self._db.executemany("INSERT OR REPLACE INTO readings VALUES (?, ?)", rows)
                self._db.execute("COMMIT")
            found.update(zip(some, made, strict=True))
            if progress:
                # A pair asked for twice is read once; it counts as often as it was asked for.
                done = left if start + at_once >= len(order) else len(some)
                progress(done)
                left -= done
        return [found[key] for key in keys]

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def _look_up(self, lengths: Mapping[bytes, int]) -> dict[bytes, Reading]:
        """The readings that are remembered, by key; ``lengths`` are those of the texts."""
        found: dict[bytes, Reading] = {}
        wanted = sorted(lengths)
        for start in range(0, len(wanted), _LOOK_UP):
            some = wanted[start : start + _LOOK_UP]
            marks = ", ".join("?" * len(some))
            with self._usable():
                rows = self._db.execute(f"SELECT key, value FROM readings WHERE key IN ({marks})", some)
                found.update((key, self._unpack(value, lengths[key])) for key, value in rows)
        return found

    def _unpack(self, value: object, length: int) -> Reading:
        """The reading of a text of ``length`` characters. Raises DataError where it can be none."""
        try:
            reading = _unpack(value)  # type: ignore[arg-type]
        except (struct.error, ValueError, TypeError):
            reading = None
        if reading is None or not _is_of(reading, length):
            raise DataError(f"{self.path} holds a reading that is none; {_REMEDY}")
        return reading

    @contextmanager
    def _usable(self) -> Iterator[None]:
        """Turn what SQLite says of a damaged file, or of a full disk, into a DataError that names the file."""
        try:
            yield
        except sqlite3.Error as error:
            raise DataError(
                f"{self.path}, which remembers readings, cannot be used ({error}); make room on the disk, or {_REMEDY}"
            ) from None


def _key(question: str, context: Context, n_best: int) -> bytes:
    content = repr((DECODING, n_best, question, context))
    return hashlib.blake2b(content.encode("utf-8", "surrogatepass"), digest_size=16).digest()


def _pack(reading: Reading) -> bytes:
    spans = np.array([(span.start, span.end, span.score) for span in reading.spans], dtype=_SPAN)
    return _HEAD.pack(reading.windows, reading.null_score) + spans.tobytes()


def _unpack(value: bytes) -> Reading:
    windows, null_score = _HEAD.unpack_from(value)
    spans = np.frombuffer(value, _SPAN, offset=_HEAD.size)
    return Reading(tuple(Span(int(s), int(e), float(score)) for s, e, score in spans.tolist()), null_score, windows)


def _is_of(reading: Reading, length: int) -> bool:
    """Whether a reading can be one of a text of ``length`` characters."""
    spans = all(0 <= one.start <= one.end <= length and math.isfinite(one.score) for one in reading.spans)
    return spans and math.isfinite(reading.null_score)
