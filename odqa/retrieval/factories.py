"""A number of vectors goes in, the FAISS factory string that suits it comes out; checks the strings that users give."""

from __future__ import annotations

import re
from math import floor, log2, sqrt
from typing import Any

from odqa.errors import UsageError
from odqa.retrieval.faiss_library import reason, require_faiss, transformations, unwrap

FLAT = "Flat"
EXAMPLES = ("Flat", "SQ8", "HNSW32", "IVF1024,Flat", "IVF4096,SQ8")

FLAT_UP_TO = 30_000  # Vectors of 384 numbers: 10 ms a search on two cores, see docs/retrieval.md.
_KINDS = {
    "IndexFlat",
    "IndexFlatIP",
    "IndexScalarQuantizer",
    "IndexHNSWFlat",
    "IndexHNSWSQ",
    "IndexIVFFlat",
    "IndexIVFScalarQuantizer",
    "IndexIVFPQ",
    "IndexIVFPQFastScan",
}
# What an index may begin with, as it can be undone. Whitening (``PCAW…``) cannot.
_UNDONE = {
    "PCAMatrix",
    "OPQMatrix",
    "RandomRotationMatrix",
    "NormalizationTransform",
    "CenteringTransform",
    "RemapDimensionsTransform",
}
_BYTE = 256  # Values of a byte, each of which is a centroid of a product quantizer.
_FEWEST = 32  # Vectors a cluster.
_POINTS = 64  # Vectors that a cluster is learned from. FAISS asks for 39 at least and uses no more than 256.
_QUANTIZER = 256 * _BYTE  # Vectors that codes are learned from, by FAISS's own measure.


def choose(vectors: int, dimension: int) -> str:
    """The factory string for so many vectors: exact as long as that is fast, then clusters of 8-bit codes.

    ``IVF…,SQ8`` keeps one byte a number, which costs next to no recall. There are four clusters a square root of the
    vectors, rounded to a power of two: looking for the nearest clusters then costs about as much as looking through
    them. Long vectors, of which few are compressed already, have fewer, so that each can be learned.
    """
    if vectors * dimension <= FLAT_UP_TO * 384:
        return FLAT
    clusters = min(round(log2(4 * sqrt(vectors))), floor(log2(vectors / _FEWEST)))
    return f"IVF{2**clusters},SQ8"


def training_size(index: Any) -> int:
    """How many vectors a faiss index is trained on, where there are so many; 0 where there is nothing to learn."""
    return 0 if index.is_trained else max(_QUANTIZER, _POINTS * _needed(index))


def make(factory: str, dimension: int) -> Any:
    """An empty faiss index by inner product. Raises UsageError for a factory string that cannot be used."""
    faiss = require_faiss()
    try:
        too_small = re.search(r"(?<!\d)0+(?!\d)|HNSW1(?!\d)", factory)
        if too_small:  # On some of these FAISS ends the process.
            raise ValueError(f"{too_small[0]} is too small")
        index = faiss.index_factory(dimension, factory, faiss.METRIC_INNER_PRODUCT)
    except (RuntimeError, MemoryError, ValueError) as error:
        raise UsageError(
            f"FAISS refuses the factory {factory!r} for vectors of {dimension} numbers: {reason(error)}; {_remedy()}"
        ) from None
    core = unwrap(index)
    if type(core).__name__ not in _KINDS:
        raise UsageError(
            f"the factory {factory!r} makes an {type(core).__name__}, and such an index cannot both apply filters "
            f"and return its vectors; {_remedy()}"
        )
    for one in transformations(index):
        kind = type(one).__name__
        if kind not in _UNDONE or getattr(one, "eigen_power", None):
            raise UsageError(
                f"the factory {factory!r} begins with what cannot be undone ({kind}), and an index must return its "
                f"vectors; {_remedy()}"
            )
        if isinstance(one, faiss.PCAMatrix) and one.d_out > one.d_in:
            raise UsageError(
                f"the factory {factory!r} makes {one.d_out:,} numbers of {one.d_in:,}, and it can only make fewer; "
                f"{_remedy()}"
            )
    if isinstance(core, faiss.IndexIVF):
        # FAISS warns on stderr of few vectors to learn from; here the recall that comes of it is measured.
        core.cp.min_points_per_centroid = 1
        if hasattr(core, "pq"):
            core.pq.cp.min_points_per_centroid = 1
    return index


def check_factory(factory: str, dimension: int, vectors: int | None = None) -> None:
    """Raise UsageError unless FAISS can make, and train on so many ``vectors``, the index that ``factory`` describes.

    Cheap, so that a build can ask before it encodes anything, and again when it has counted its passages.
    """
    index = make(factory, dimension)
    needed = 0 if index.is_trained else _needed(index)
    if vectors is not None and vectors < needed:
        raise UsageError(
            f"the factory {factory!r} has to learn from at least {needed:,} vectors, and there are {vectors:,}; use "
            f"--factory {choose(vectors, dimension)}, or leave --factory out"
        )


def _needed(index: Any) -> int:
    """The fewest vectors that each part of the index can learn from: one for each of its centroids, or components."""
    faiss = require_faiss()
    core = unwrap(index)
    quantizer = getattr(core, "pq", None)
    needed = [int(getattr(core, "nlist", 0)), int(quantizer.ksub) if quantizer is not None else 0]
    for one in transformations(index):
        if isinstance(one, faiss.PCAMatrix):
            needed.append(int(one.d_out))
        elif isinstance(one, faiss.OPQMatrix):  # It learns codes of a byte for its rotation.
            needed.append(_BYTE)
    return max(needed)


def _remedy() -> str:
    return f"for example {', '.join(EXAMPLES)} can be used; without --factory one is chosen by the number of passages"
