"""The FAISS library: imports it, or says how to install it; what its wrapped indexes and its errors mean."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from odqa.errors import OdqaError


def require_faiss() -> Any:
    """The faiss module. Raises OdqaError naming both ways to install it when it is missing."""
    try:
        import faiss
    except ImportError as error:
        raise OdqaError(
            f'FAISS is needed for an index and cannot be imported ({error}): run `pip install "odqa[cpu]"`, '
            f'or `pip install "odqa[gpu]"` on a machine with an NVIDIA GPU'
        ) from None
    return faiss


def unwrap(index: Any) -> Any:
    """The faiss index inside the rotations and projections (``OPQ…``, ``PCA…``) that one may begin with."""
    faiss = require_faiss()
    while isinstance(index, faiss.IndexPreTransform):
        index = faiss.downcast_index(index.index)
    return index


def transformations(index: Any) -> Iterator[Any]:
    """The rotations and projections that :func:`unwrap` takes off, the first one first."""
    faiss = require_faiss()
    while isinstance(index, faiss.IndexPreTransform):
        yield from (faiss.downcast_VectorTransform(index.chain.at(at)) for at in range(index.chain.size()))
        index = faiss.downcast_index(index.index)


def reason(error: BaseException) -> str:
    """What went wrong: the last part of FAISS's message, which names its own source file and function first."""
    if isinstance(error, OSError):
        return error.strerror or str(error)
    if "read error" in str(error):
        return "it ends too early"
    return str(error).rpartition(": ")[2].strip() or str(error) or type(error).__name__
