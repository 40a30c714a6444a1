"""An index in a Milvus goes in, what is broken in it comes out, from rows to a sample of vectors. Repairs nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import numpy as np

from odqa.errors import IndexFolderError
from odqa.index.manifest import Description
from odqa.index.milvus.ledger import MilvusManifest
from odqa.index.milvus.records import DENSE, Row, content_hash, passage_of
from odqa.index.milvus.search import MilvusIndex
from odqa.index.tolerance import WHOLE, cosines_of
from odqa.index.verification import SAMPLE, Problem, Verification

if TYPE_CHECKING:
    from odqa.retrieval.encoder import Encoder


def verify_milvus(
    index: MilvusIndex,
    load: Callable[[Description], Encoder] | None,
    progress: Callable[[int, int], None] | None,
) -> Verification:
    """Check an open index: that every row is there once and as it was written, its vector's length, and a sample.

    ``load`` loads the encoder; without it, nothing is encoded again. ``progress`` is called with the bytes compared and
    their total. Raises IndexFolderError where ``load`` gives another encoder.
    """
    manifest = index.manifest
    rebuild = f"`odqa index PATH... --index {index.address}`"
    encoder = load(manifest) if load else None
    if encoder is not None:
        index.check_encoder(encoder)
    encoded, least = 0, 1.0
    try:
        problems = list(_broken(index, progress))
        if encoder is not None and not problems:
            rows = np.unique(np.linspace(0, len(index) - 1, min(SAMPLE, len(index))).astype(np.int64)).tolist()
            passages = index.fetch(rows)
            vectors = encoder.encode_passages([passages[row] for row in rows])
            cosines = cosines_of(index.vectors(rows), vectors)
            encoded, least = len(rows), float(cosines.min())
            problems += [
                f"the vector of passage {passages[row].id} is not the one that {manifest.encoder} gives: their cosine "
                f"is {cosine:.3f}"
                for row, cosine in zip(rows, cosines.tolist(), strict=True)
                if not cosine >= WHOLE.cosine
            ]
    except IndexFolderError as error:
        problems = [str(error)]
    return Verification(
        folder=index.address,
        version=manifest.version,
        files=1,
        bytes=manifest.bytes,
        passages=manifest.passages,
        encoded=encoded,
        least_cosine=least,
        problems=tuple(Problem(what, rebuild) for what in problems),
    )


def _broken(index: MilvusIndex, progress: Callable[[int, int], None] | None) -> Iterator[str]:
    """What is wrong with the rows, the first of each kind."""
    manifest: MilvusManifest = index.manifest
    said: set[str] = set()
    documents = 0
    for at, row in enumerate(index.rows()):
        documents += row["part"] == 0
        if (what := _wrong(row, manifest.dimension)) and what not in said:
            said.add(what)
            yield f"row {at} of {index.collection}, passage {row['passage']}: {what}"
        if progress:
            progress(manifest.bytes * (at + 1) // len(index), manifest.bytes)
    if documents != manifest.documents:
        yield f"{index.collection} has {documents:,} documents where its manifest has {manifest.documents:,}"


def _wrong(row: Row, dimension: int) -> str:
    """What is wrong with a row; empty where nothing is."""
    if content_hash(row) != row["content"]:
        return "it is not as it was written"
    passage_of(row)
    vector = np.asarray(row[DENSE], np.float32)
    if vector.shape != (dimension,):
        return f"its vector has the shape {vector.shape}"
    length = float(np.linalg.norm(vector))
    return "" if WHOLE.has(length) else f"its vector has the length {length:.3f}, not 1"
