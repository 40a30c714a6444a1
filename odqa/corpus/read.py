"""A file -> its Documents, by the loader for its kind. One bad file never ends the run."""

from __future__ import annotations

import importlib
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import cast

from odqa.corpus.base import DEFAULTS, Loader, ReadOptions, Unusable, source_of
from odqa.corpus.files import KNOWN, LOADERS
from odqa.errors import DataError
from odqa.types import Document


def read_file(path: Path, options: ReadOptions = DEFAULTS) -> Iterator[Document | Unusable]:
    """Give a file's Documents as they are read, and an Unusable for what cannot be. Raises nothing.

    A Document's id is the path as given, or for a row its id field (``path:line`` without one).
    """
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
