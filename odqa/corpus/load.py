"""An open file -> its Documents, by the loader for its suffix, or why there are none. Knows no process."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from typing import cast

from odqa.corpus.base import Loader, OpenFile, Unusable, is_packed, source_of
from odqa.corpus.files import KNOWN, LOADERS, ROWS, unknown_kind
from odqa.corpus.unpacking import gunzip
from odqa.errors import DataError
from odqa.types import Document


def load(file: OpenFile) -> Iterator[Document | Unusable]:
    """Give a file's Documents as they are read, and an Unusable for what cannot be. Raises MemoryError alone."""
    source = source_of(file.path)
    try:
        file, loader = _opened(file)
        yield from loader(file)
        yield from (Unusable(source, remark) for remark in file.remarks)
    except DataError as error:
        yield Unusable(source, str(error).removeprefix(str(file.path)).lstrip(":. "))
    except OSError as error:
        yield Unusable(source, error.strerror or str(error))
    except MemoryError:
        raise
    except Exception as error:  # The parsers' many error types: one file's damage must not cost the others.
        yield Unusable(source, f"cannot be read ({type(error).__name__}: {str(error)[:200]})")


def _opened(file: OpenFile) -> tuple[OpenFile, Loader]:
    """The file, unpacked where it is packed, and the loader for its kind."""
    kind = LOADERS.get(file.kind)
    if kind is None:
        raise DataError(f"{unknown_kind(file.path)}: known are {KNOWN}")
    if file.kind not in ROWS and file.stream.seek(0, 2) > file.limits.bytes:
        raise file.limits.too_large()
    file.stream.seek(0)
    if is_packed(file.path):
        file = gunzip(file, whole=file.kind not in ROWS)
    module, name = kind
    return file, cast(Loader, getattr(importlib.import_module(f"odqa.corpus.{module}"), name))
