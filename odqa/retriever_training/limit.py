"""A sentence-transformers model and a number of tokens go in; a block in which it reads no more of a text comes out."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def reading(model: Any, most: int) -> Iterator[None]:
    """A block in which the model reads no more than ``most`` tokens of a text; 0 stands for as many as it can."""
    usual = model.max_seq_length
    if most:
        model.max_seq_length = min(usual or most, most)
    try:
        yield
    finally:
        model.max_seq_length = usual
