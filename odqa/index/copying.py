"""An index at one address in, the same at another out, between folders and Milvus; nothing is encoded."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import asdict, fields
from itertools import islice
from shlex import quote

import numpy as np
from numpy.typing import NDArray

from odqa.addresses import Address
from odqa.errors import IndexFolderError, OdqaError, UsageError
from odqa.index.interface import Change, OpenIndex, Storage
from odqa.index.manifest import FORMAT, Description, Manifest
from odqa.index.report import ENCODING, ChangeReport, Progress, ShowProgress, report_of
from odqa.index.store import StoredDocument
from odqa.index.stores import store_at
from odqa.index.tolerance import cosines_of, tolerance
from odqa.types import Passage

SAMPLE = 100  # Passages whose text, place and vector are compared in the end.
_AT_ONCE = 256  # Documents whose passages are in memory.


def copy(
    source: str | Address,
    target: str | Address,
    *,
    storage: Storage | None = None,
    progress: ShowProgress | None = None,
) -> ChangeReport:
    """Copy the index at ``source`` to ``target``, where there is none yet, with its vectors, and compare the two.

    ``storage`` says how vectors are stored there, None that it is chosen. What is compared is how many documents there
    are, the hash and the number of passages of each, and of ``SAMPLE`` passages everything and their vectors, within
    what storing them may make of these (``odqa.index.tolerance``). A copy that is found to be another, or could not be
    compared, is taken away again. Raises UsageError where there is an index at the target, and where the two are one
    place, IndexFolderError for a source that is missing or damaged, OdqaError where the copy is not what was copied.
    """
    started = time.monotonic()
    old, new = store_at(source), store_at(target)
    if old.address == new.address:
        raise UsageError(f"{old.address} is what is to be copied and where to; name another place")
    old.manifest()
    new.check_target()
    if new.exists():
        raise UsageError(f"{new.address} has an index already, which a copy does not replace; name another place")
    new.check_installed()
    storage = storage or Storage()
    with closing(old.open()) as index:
        new.check_storage(storage, index.manifest.dimension)
        with new.changing(build=True) as change:
            _write(index, change, storage, progress)
            manifest = change.land(_manifest(index.manifest, storage))
        try:
            with closing(new.open()) as copied:
                _compare(index, copied)
        except BaseException:  # Ctrl-C too: nobody takes for whole what was not compared.
            new.discard(manifest.version)
            raise
    return report_of(new.address, manifest, started, {"added": manifest.documents})


def _manifest(described: Description, storage: Storage) -> Manifest:
    """The manifest of a copy, without a segment, which says how the index was made."""
    common = {field.name: getattr(described, field.name) for field in fields(Description)}
    return Manifest(**(common | {"format": FORMAT, "version": 0, "storage": asdict(storage)}), segments=())


def _write(index: OpenIndex, change: Change, storage: Storage, progress: ShowProgress | None) -> None:
    """Write all documents with their vectors."""
    manifest = index.manifest
    writer = change.write(manifest.dimension, str(manifest.keywords.get("language", "")))
    first: dict[str, int] = {}  # Where the passages of each document are in ``index``.
    for document, passages in _documents(index):
        if problem := writer.unfit(document, passages):
            raise IndexFolderError(f"{document.id} of {index.address} cannot be copied: {problem}")
        writer.store.copy(document, passages)
        first[document.id] = document.first
    for source, digest in index.sources().items():
        writer.store.add_source(source, digest)
    done = 0

    def stored(batch: Sequence[Passage]) -> NDArray[np.float32]:
        nonlocal done
        done += len(batch)
        if progress:
            progress(Progress(ENCODING, done, manifest.passages, manifest.documents, manifest.passages))
        return index.vectors([first[one.document_id] + int(one.id.rpartition("#")[2]) for one in batch])

    change.finish(stored, storage, ())


def _documents(index: OpenIndex) -> Iterator[tuple[StoredDocument, list[Passage]]]:
    """All documents with their passages, fetched for many documents at a time."""
    documents = index.documents()
    while some := list(islice(documents, _AT_ONCE)):
        found = index.fetch([row for one in some for row in range(one.first, one.end)])
        yield from ((one, [found[row] for row in range(one.first, one.end)]) for one in some)


def _compare(index: OpenIndex, copied: OpenIndex) -> None:
    """Raise OdqaError where two indexes are not the same."""

    def differ(what: str) -> OdqaError:
        return OdqaError(
            f"what was copied to {copied.address} is not what {index.address} is: {what}; it was taken away "
            f"again. Copy it once more, after `odqa verify {quote(str(index.address))}`"
        )

    if len(index) != len(copied) or index.manifest.documents != copied.manifest.documents:
        raise differ(f"it has {len(copied):,} passages of {copied.manifest.documents:,} documents")
    rows, others = [], []
    step = max(1, index.manifest.documents // SAMPLE)
    for number, (one, other) in enumerate(zip(index.documents(), copied.documents(), strict=True)):
        if (one.id, one.hash, one.passages) != (other.id, other.hash, other.passages):
            raise differ(f"its document {number} is {other.id} where the other's is {one.id}, or is not as that")
        if number % step == 0:
            rows.append(one.first + number % one.passages)
            others.append(other.first + number % one.passages)
    passages, copies = index.fetch(rows), copied.fetch(others)
    cosines = cosines_of(index.vectors(rows), copied.vectors(others))
    # A Milvus gives vectors back as they were, whatever it searches by.
    stored = copied.manifest.newest_vectors["factory"] if isinstance(copied.manifest, Manifest) else ""
    least = tolerance(stored).cosine
    lengths = np.linalg.norm(index.vectors(rows), axis=1)
    for row, at, cosine, length in zip(rows, others, cosines.tolist(), lengths.tolist(), strict=True):
        if passages[row] != copies[at]:
            raise differ(f"its passage {copies[at].id} is another")
        if not cosine >= least and length != 0:
            raise differ(f"the vector of its passage {copies[at].id} is another, their cosine is {cosine:.3f}")
