"""A file of whole numbers in NumPy's format goes in, the numbers come out, mapped: what is not used is not read."""

from __future__ import annotations

import tokenize
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from odqa.errors import IndexFolderError


def map_array(path: Path, dimensions: int = 1) -> NDArray[Any]:
    """The whole numbers in a file, read-only, with so many ``dimensions``.

    The file may come from anywhere: it is never unpickled, and numbers that it has not, though its header says so, are
    not allocated. Raises IndexFolderError, naming the file, when it cannot be used.
    """
    try:
        values = np.lib.format.open_memmap(path, mode="r")
    # The header is an expression in Python; one that is too deep for the parser is none of ours.
    except (OSError, ValueError, OverflowError, TypeError, tokenize.TokenError, RecursionError, MemoryError) as error:
        raise _damaged(path, error or type(error).__name__) from None
    if values.ndim != dimensions or values.dtype.kind not in "iu":
        raise _damaged(path, f"{values.dtype} {values.shape} where whole numbers are expected")
    return np.asarray(values)


def _damaged(path: Path, reason: object) -> IndexFolderError:
    return IndexFolderError(f"{path} cannot be read ({reason}); build the index again")
