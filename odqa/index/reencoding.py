"""An index and another encoder go in; the same passages with its vectors come out. Reads no user's file."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from odqa.addresses import folder_of
from odqa.corpus import ChunkOptions
from odqa.errors import UsageError
from odqa.index.change import changing
from odqa.index.compaction import fold
from odqa.index.ingest import fit_chunk
from odqa.index.manifest import Manifest, read_manifest, rebuild_command
from odqa.index.report import ENCODING, ChangeReport, Progress, ShowProgress, report_of
from odqa.index.segment import Segment
from odqa.index.theirs import their_errors, theirs
from odqa.retrieval.encoder import Encoder
from odqa.retrieval.factories import check_factory
from odqa.retrieval.faiss_library import require_faiss
from odqa.types import Passage


def reencode(
    folder: str | Path,
    encoder: Encoder | str | Path,
    *,
    device: str = "auto",
    progress: ShowProgress | None = None,
) -> ChangeReport:
    """Give all passages of the index in ``folder`` the vectors of ``encoder``, with which it is searched from then on.

    The passages stay as they are, and what was deleted leaves the disk. Until all are encoded, the index stays as it
    was, whatever happens; where it has this encoder's vectors already, nothing is done. Raises UsageError where a
    passage is longer than the encoder reads and where the index's factory does not fit, ModelError for an encoder that
    cannot be found, IndexFolderError for an index that is missing, damaged, or being changed, OdqaError when the disk
    is full.
    """
    started = time.monotonic()
    folder = folder_of(folder, "encoding an index anew")
    read_manifest(folder)  # Before a folder is made for the lock.
    require_faiss()
    new = encoder if isinstance(encoder, Encoder) else Encoder.load(encoder, device)
    with their_errors(), changing(folder) as change:
        manifest = read_manifest(folder)
        if manifest.encoder_hash == new.content_hash:
            return report_of(folder, manifest, started, {"unchanged": manifest.documents})
        if manifest.storage["factory"]:
            check_factory(str(manifest.storage["factory"]), new.dimension, manifest.passages)
        _check_lengths(folder, manifest, new)
        total, done = manifest.passages, 0

        def advance(count: int) -> None:
            nonlocal done
            done += count
            if progress:
                with theirs():
                    progress(Progress(ENCODING, done, total, manifest.documents, total))

        def encode(batch: Sequence[Passage]) -> NDArray[np.float32]:
            with theirs():
                return new.encode_passages(batch, advance)

        described = replace(
            manifest,
            encoder=new.name,
            encoder_hash=new.content_hash,
            dimension=new.dimension,
            pooling=new.pooling,
            prompts=new.prompts,
            chunking=asdict(fit_chunk(ChunkOptions(**manifest.chunking), new)),
        )
        manifest = fold(change, described, described.segments, encode)
    counts = {"unchanged": manifest.documents, "encoded": manifest.passages}
    return report_of(folder, manifest, started, counts)


def _check_lengths(folder: Path, manifest: Manifest, encoder: Encoder) -> None:
    """Raise UsageError where a passage's text is longer than the encoder reads: its end would not be found."""
    longest, over = 0, 0
    for record in manifest.segments:
        segment = Segment.open(folder, record, None)
        try:
            for rows in segment.rows():
                texts = [passage.text for passage in segment.store.fetch(rows).values()]
                with theirs():
                    lengths = encoder.lengths(texts)
                longest = max(longest, *lengths)
                over += sum(length > encoder.room for length in lengths)
        finally:
            segment.close()
    if over:
        raise UsageError(
            f"{encoder.name} reads {encoder.room} tokens of a passage, and {over:,} of the {manifest.passages:,} in "
            f"{folder} have more, up to {longest:,}; build the index again, in shorter passages, with "
            f"{rebuild_command(folder)[:-1]} --encoder {encoder.name}`"
        )
