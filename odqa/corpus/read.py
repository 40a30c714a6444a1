"""A file's path -> its Documents, whatever it takes to read it safely. One bad file never ends the run."""

from __future__ import annotations

import hashlib
import stat
import time
from collections.abc import Iterator
from pathlib import Path

from odqa.corpus.base import DEFAULTS, LIMITS, OpenFile, ReadLimits, ReadOptions, Unusable, source_of
from odqa.corpus.files import PARSED
from odqa.corpus.load import load
from odqa.corpus.worker import AVAILABLE, read_apart
from odqa.errors import DataError, OdqaError, UsageError
from odqa.files import open_regular
from odqa.types import Document

_PIECE = 1 << 20  # Bytes of a file that are hashed at once.


def read_file(
    path: Path, options: ReadOptions = DEFAULTS, limits: ReadLimits = LIMITS
) -> Iterator[Document | Unusable]:
    """Give a file's Documents as they are read, and an Unusable for what cannot be. Raises nothing.

    A Document's id is the path as given, or for a row its id field (``path:line`` without one). A file beyond the
    ``limits`` is Unusable, except for the Documents already given; so is one whose parser crashes or needs too much
    memory, where it is parsed in a process of its own (see ``docs/decisions/worker-process.md``).
    """
    source = source_of(path)
    try:
        _check_kind(path)
        with open_regular(path) as stream:
            file = OpenFile(path, stream, options, limits)
            apart = AVAILABLE and file.kind in PARSED
            yield from read_apart(file) if apart else _in_time(load(file), limits)
    except OdqaError as error:
        yield Unusable(source, str(error))
    except OSError as error:
        yield Unusable(source, error.strerror or str(error))
    except (MemoryError, ValueError) as error:  # ValueError: a path with a NUL.
        yield Unusable(source, "needs more memory than there is" if isinstance(error, MemoryError) else str(error))


def digest_of(path: Path, limits: ReadLimits) -> str:
    """The SHA-256 (hex) of a file; empty where it is not a regular file, cannot be read, or not within the limits."""
    digest = hashlib.sha256()
    latest = time.monotonic() + limits.seconds
    try:
        with open_regular(path) as stream:
            while piece := stream.read(_PIECE):
                digest.update(piece)
                if time.monotonic() > latest:
                    return ""
    except (OSError, UsageError):
        return ""
    return digest.hexdigest()


def _check_kind(path: Path) -> None:
    mode = path.stat().st_mode
    if stat.S_ISDIR(mode):
        next(path.iterdir(), None)  # Only a folder that cannot be listed comes here: this says why.
    if not stat.S_ISREG(mode):
        raise DataError("not a regular file")


def _in_time(items: Iterator[Document | Unusable], limits: ReadLimits) -> Iterator[Document | Unusable]:
    """The items, until making them (what is done with them does not count) has taken too many seconds."""
    left = float(limits.seconds)
    while left > 0:
        started = time.monotonic()
        item = next(items, None)
        left -= time.monotonic() - started
        if item is None:
            return
        yield item
    raise limits.too_long()
