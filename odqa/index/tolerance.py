"""How vectors are stored goes in, what that may have made of them comes out: what is rounded, and what is broken."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import cast

import numpy as np
from numpy.typing import NDArray

# The parts of a FAISS factory that keep each number, in eight bits or more.
_WHOLE = re.compile(r"Flat|SQ8|SQfp16|SQbf16|IVF\d+|HNSW\d+|RR|L2norm")


@dataclass(frozen=True, slots=True)
class Tolerance:
    """What storing may make of a vector of length 1: its length then, and at least its cosine with what it was."""

    shortest: float
    longest: float
    cosine: float

    def has(self, length: float) -> bool:
        """Whether a vector may have this length; 0 is that of a text of no weight."""
        return self.shortest <= length <= self.longest or length == 0


# bfloat16 and other batches move a vector's cosine with the one made again by less than 0.001, eight bits a number by
# about 0.01. Another encoder's vector, or another passage's, is far below.
WHOLE = Tolerance(0.95, 1.05, 0.9)
# Fewer numbers, or codes of several: of a vector its length and its cosine may be next to nothing (PCA8 of 384 numbers
# has left 0.07), but it is not turned round.
COARSE = Tolerance(0.0, 1.5, 0.0)


def tolerance(*factories: str) -> Tolerance:
    """What may have become of vectors that were stored by these FAISS factories, one after the other; empty is none.

    >>> tolerance("Flat", "") == tolerance("IVF1024_HNSW32,SQ8") == WHOLE
    True
    >>> tolerance("Flat", "OPQ8,IVF64,PQ8") == tolerance("SQ4") == COARSE
    True
    """
    parts = [part for factory in factories for part in re.split("[,_]", factory) if part]
    return WHOLE if all(map(_WHOLE.fullmatch, parts)) else COARSE


def cosines_of(vectors: NDArray[np.float32], others: NDArray[np.float32]) -> NDArray[np.float32]:
    """The cosine of each row with the other's row, whatever their lengths; 1 where both are of zeros alone."""
    with np.errstate(all="ignore"):
        lengths = np.linalg.norm(vectors, axis=1) * np.linalg.norm(others, axis=1)
        cosines = np.einsum("ij,ij->i", vectors, others) / lengths
    none = ~vectors.any(axis=1) & ~others.any(axis=1)
    return cast("NDArray[np.float32]", np.where(none, 1, cosines))
