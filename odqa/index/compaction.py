"""Several segments go in, one comes out, without what was deleted. Knows no encoder and reads no user's file."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import asdict, replace
from pathlib import Path
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from odqa.addresses import folder_of
from odqa.errors import IndexFolderError
from odqa.index.catalog import newest_hashes
from odqa.index.change import Change, changing, check_space
from odqa.index.interface import Storage
from odqa.index.manifest import Manifest, SegmentRecord, check_sums, read_manifest
from odqa.index.report import ChangeReport, report_of
from odqa.index.segment import Segment, SegmentWriter
from odqa.retrieval.factories import check_factory
from odqa.retrieval.names import KEYWORDS, VECTORS
from odqa.retrieval.vector_writer import fitting, room
from odqa.types import Mode, Passage

Encode: TypeAlias = Callable[[Sequence[Passage]], NDArray[np.float32]]
"""What gives passages their vectors, (passages, dimension)."""

MOST = 8  # Segments an index may have: each is searched separately, which slows every question down.


def compact(folder: str | Path, *, storage: Storage | None = None) -> ChangeReport:
    """Rewrite the index in ``folder`` as one segment without what was deleted.

    ``storage`` says how vectors are stored from now on; None leaves that as it is. Vectors are copied as they are
    stored: from one factory that compresses them to another, they lose precision twice. Keywords are rebuilt from the
    passages, which also repairs damaged ones. Raises IndexFolderError for an index that is missing, damaged, or being
    changed, UsageError for a factory that does not fit, OdqaError when the disk is full.
    """
    started = time.monotonic()
    folder = folder_of(folder, "compacting")
    read_manifest(folder)
    with changing(folder) as change:
        manifest = read_manifest(folder)
        whole = len(manifest.segments) == 1 and not manifest.deleted_passages
        if storage is not None and asdict(storage) != manifest.storage:
            if storage.factory:
                check_factory(storage.factory, manifest.dimension, manifest.passages)
            whole, manifest = False, replace(manifest, storage=asdict(storage))
        if not whole or _keywords_damaged(folder, manifest):
            manifest = fold(change, manifest, manifest.segments)
    return report_of(folder, manifest, started)


def fold_small(change: Change, manifest: Manifest) -> Manifest:
    """Fold all segments but the largest into one where there are more than ``MOST``; else return ``manifest``.

    So a passage is copied again only after many changes, and less and less often: once the others together have
    outgrown the largest, it is folded with the next batch.
    """
    if len(manifest.segments) <= MOST:
        return manifest
    largest = max(manifest.segments, key=lambda segment: segment.live_passages)
    return fold(change, manifest, [segment for segment in manifest.segments if segment is not largest])


def _keywords_damaged(folder: Path, manifest: Manifest) -> bool:
    try:
        for record in manifest.segments:
            check_sums(folder, record, KEYWORDS)
    except (IndexFolderError, OSError):
        return True
    return False


def fold(change: Change, manifest: Manifest, chosen: Sequence[SegmentRecord], encode: Encode | None = None) -> Manifest:
    """Replace the ``chosen`` segments with one. ``manifest`` says of what dimension its vectors are.

    ``encode`` gives the passages new vectors; without it those that are stored are copied. Where they are too few for
    the factory of the index to learn from, they get the one for their number.
    """
    names = {record.name for record in chosen}
    storage = Storage(**manifest.storage)
    made_anew = {*KEYWORDS, *([VECTORS] if encode else [])}
    with ExitStack() as stack:
        segments = []
        for record in manifest.segments:
            if record.name in names:  # A copy of damaged files would have checksums that are right.
                check_sums(change.folder, record, sorted(set(record.files) - made_anew))
            mode = Mode.DENSE if record.name in names and not encode else None
            segments.append(Segment.open(change.folder, record, mode))
            stack.callback(segments[-1].close)
        folder = change.new_segment()
        passages = sum(record.live_passages for record in chosen)
        check_space(folder, room(passages, manifest.dimension))
        writer = stack.enter_context(
            SegmentWriter(folder, manifest.dimension, str(manifest.keywords.get("language", "")))
        )
        hashes = newest_hashes(segments)
        for segment in segments:
            if segment.record.name in names:
                writer.take(segment) if encode else writer.copy(segment)
                for source, digest in segment.store.sources().items():
                    # Not even the name of a file stays of which all was removed.
                    if hashes[source] == digest and any(one.has_source(source) for one in segments):
                        writer.store.add_source(source, digest)
        factory = fitting(storage.factory, manifest.dimension, passages)
        record = writer.finish(encode, factory, storage.recall)
    kept = [record for record in manifest.segments if record.name not in names]
    return change.commit(manifest, [*kept, record])
