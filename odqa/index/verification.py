"""An index folder goes in, what is broken in it comes out, from its files to a sample of vectors. Repairs nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from odqa.addresses import Address
from odqa.errors import IndexFolderError
from odqa.index.layout import PASSAGES, segment_folder, wrong_kinds
from odqa.index.manifest import (
    Description,
    Manifest,
    SegmentRecord,
    check_encoder,
    of_one_version,
    rebuild_command,
    record_file,
)
from odqa.index.segment import Segment
from odqa.index.tolerance import Tolerance, cosines_of, tolerance
from odqa.retrieval.names import KEYWORDS
from odqa.types import Mode

if TYPE_CHECKING:
    from odqa.retrieval.encoder import Encoder

SAMPLE = 100  # Passages that are encoded again.
_AT_ONCE = 16_384  # Passages, or vectors, that are in memory at a time.


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that is broken: what and where, and the command that repairs it."""

    what: str
    remedy: str


@dataclass(frozen=True, slots=True)
class Verification:
    """What was checked, and what is broken. ``least_cosine`` is that of the passages encoded again, 1 without any."""

    folder: Address
    version: int
    files: int
    bytes: int
    passages: int
    encoded: int
    least_cosine: float
    problems: tuple[Problem, ...]


def verify(
    folder: str | Path,
    load: Callable[[Description], Encoder] | None = None,
    *,
    progress: Callable[[int, int], None] | None = None,
) -> Verification:
    """Check the index in ``folder``: checksums, counts, SQLite's own check, vectors, and a sample of passages.

    ``load`` loads the encoder; without it, nothing is encoded again. ``progress`` is called with the bytes compared
    and their total. Where a change lands meanwhile, its version is checked, from the beginning. Raises IndexFolderError
    when the manifest itself cannot be read, ``load`` gives another encoder, or changes land again and again.
    """
    folder = Path(folder)
    return of_one_version(
        folder, lambda manifest: _verify(folder, manifest, load, progress), lambda found: not found.problems
    )


def _verify(
    folder: Path,
    manifest: Manifest,
    load: Callable[[Description], Encoder] | None,
    progress: Callable[[int, int], None] | None,
) -> Verification:
    """Check one version of the index."""
    rebuild = rebuild_command(folder)
    problems = [Problem(what, rebuild) for what in wrong_kinds(folder)]
    if not problems:  # What leads out of the index is not read.
        problems += _damaged_files(folder, manifest, progress)
    encoded, least = 0, 1.0
    if not problems:  # The content of damaged files would say nothing more.
        encoder = load(manifest) if load else None
        if encoder is not None:
            check_encoder(folder, manifest, encoder)
        for record in manifest.segments:
            try:
                with closing(Segment.open(folder, record, Mode.HYBRID)) as segment:
                    allowed = tolerance(manifest.storage["factory"], record.vectors["factory"])
                    inside = list(_inside(segment, allowed))
                    if encoder is not None and not inside:
                        share = -(-SAMPLE * record.live_passages // manifest.passages)
                        cosines = _encode_again(segment, encoder, share)
                        encoded, least = encoded + len(cosines), min([least, *cosines.values()])
                        inside += _other_vectors(manifest, record, cosines, allowed)
            except IndexFolderError as error:
                inside = [str(error)]
            problems += (Problem(what, rebuild) for what in inside)
    return Verification(
        folder=folder,
        version=manifest.version,
        files=sum(len(record.files) for record in manifest.segments),
        bytes=manifest.bytes,
        passages=manifest.passages,
        encoded=encoded,
        least_cosine=least,
        problems=tuple(problems),
    )


def _damaged_files(folder: Path, manifest: Manifest, progress: Callable[[int, int], None] | None) -> Iterator[Problem]:
    """The files that are missing or not as they were written; what has another size is not read."""
    done = 0
    for record in manifest.segments:
        for name, expected in record.files.items():
            path = segment_folder(folder, record.name) / name
            try:
                what = "size" if path.lstat().st_size != expected.size else "checksum"
                same = what == "checksum" and record_file(path) == expected
                problem = "" if same else f"{path} is damaged: its {what} is not the one in the manifest"
            except OSError as error:
                problem = f"{path} cannot be read: {error.strerror}"
            if problem:
                yield Problem(problem, _remedy(folder, name))
            done += expected.size
            if progress:
                progress(done, manifest.bytes)


def _remedy(folder: Path, name: str) -> str:
    """Compaction rebuilds keywords from the passages; everything else has to come from the documents again."""
    return f"`odqa compact --index {quote(str(folder))}`" if name in KEYWORDS else rebuild_command(folder)


def _inside(segment: Segment, allowed: Tolerance) -> Iterator[str]:
    """What is wrong inside a segment whose files are as they were written."""
    assert segment.vectors is not None
    name = segment.record.name
    if broken := segment.store.broken():
        yield f"{PASSAGES} of segment {name} is broken: {broken}"
        return
    end = 0
    for document in segment.store.all():
        if document.first != end:
            yield f"the passages of document {document.id} in segment {name} do not follow those before them"
            return
        end = document.end
    if end != segment.record.passages:
        yield f"the documents of segment {name} have {end} passages, and {segment.record.passages} are stored"
    for first in range(0, segment.record.passages, _AT_ONCE):  # What is read is checked, its blocks among it.
        segment.store.fetch(range(first, min(first + _AT_ONCE, segment.record.passages)))
    for first in range(0, segment.record.passages, _AT_ONCE):
        rows = np.arange(first, min(first + _AT_ONCE, segment.record.passages))
        with np.errstate(all="ignore"):
            norms = np.linalg.norm(segment.vectors.reconstruct(rows), axis=1)
        for row, norm in zip(rows.tolist(), norms.tolist(), strict=True):
            if not allowed.has(norm):
                yield f"the vector of row {row} in segment {name} has the length {norm:.3f}, not 1"
                return


def _other_vectors(
    manifest: Manifest, record: SegmentRecord, cosines: Mapping[str, float], allowed: Tolerance
) -> Iterator[str]:
    """The passages whose stored vector is another than the encoder's, by the ``cosines`` of the two."""
    for id, cosine in cosines.items():
        if not cosine >= allowed.cosine:
            yield (
                f"the vector of passage {id} in segment {record.name} is not the one that {manifest.encoder} gives: "
                f"their cosine is {cosine:.3f}"
            )


def _encode_again(segment: Segment, encoder: Encoder, count: int) -> dict[str, float]:
    """The cosine of the stored vector and a new one, by the passage's id, for ``count`` rows evenly spread."""
    assert segment.vectors is not None
    live = segment.live()
    every = np.arange(segment.record.passages) if live is None else np.flatnonzero(live)
    rows = np.unique(every[np.linspace(0, len(every) - 1, min(count, len(every))).astype(np.int64)])
    passages = segment.store.fetch(rows.tolist())
    some = [passages[row] for row in rows.tolist()]
    stored: NDArray[np.float32] = segment.vectors.reconstruct(rows)
    cosines = cosines_of(stored, encoder.encode_passages(some))
    return {passage.id: float(cosine) for passage, cosine in zip(some, cosines, strict=True)}
