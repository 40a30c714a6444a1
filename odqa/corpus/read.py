"""Files -> Documents, one at a time. Knows which loader reads which file; one bad file never ends the run."""

from __future__ import annotations

import importlib
import stat
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import cast

from odqa.corpus.base import DEFAULTS, Loader, ReadOptions, Unusable, source_of
from odqa.corpus.files import KNOWN, LOADERS, find_files
from odqa.errors import DataError
from odqa.types import Document


def read_corpus(paths: Sequence[Path], options: ReadOptions = DEFAULTS) -> Iterator[Document | Unusable]:
    """Read every file under ``paths`` and give its Documents, and an Unusable for what gave none.

    A Document's id is the path as given, or for a row its id field (``path:line`` without one). Files are opened
    as the iteration reaches them. Raises UsageError at once as ``find_files`` does, and nothing later.
    """
    files = find_files(paths)
    return (found for file in files for found in read_file(file, options))


def read_file(path: Path, options: ReadOptions = DEFAULTS) -> Iterator[Document | Unusable]:
    """Read one file. Raises nothing: what cannot be read comes as an Unusable."""
    source = source_of(path)
    try:
        yield from _loader(path)(path, options)
    except DataError as error:
        yield Unusable(source, str(error).removeprefix(str(path)).lstrip(":. "))
    except OSError as error:
        yield Unusable(source, error.strerror or str(error))
    except Exception as error:  # The parsers' many error types: one file's damage must not cost the others.
        yield Unusable(source, f"cannot be read ({type(error).__name__}: {error})")


def _loader(path: Path) -> Loader:
    mode = path.stat().st_mode
    if stat.S_ISDIR(mode):
        next(path.iterdir(), None)  # Only a folder that cannot be listed comes here: this says why.
    if not stat.S_ISREG(mode):
        raise DataError("not a regular file")
    kind = LOADERS.get(path.suffix.lower())
    if kind is None:
        raise DataError(f"unknown kind of file {path.suffix!r}: known are {KNOWN}")
    module, name = kind
    return cast(Loader, getattr(importlib.import_module(f"odqa.corpus.{module}"), name))
