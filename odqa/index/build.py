"""Files to an index folder: reads and splits everything first, then encodes; knows no file format and no search."""

from __future__ import annotations

import errno
import shutil
import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeAlias

from odqa.corpus import ChunkOptions, ReadOptions, Unusable, find_files, read_corpus, split
from odqa.errors import DataError, IndexFolderError, OdqaError
from odqa.index.manifest import (
    FILES,
    FORMAT,
    MANIFEST,
    PASSAGES,
    VECTORS,
    Manifest,
    is_index,
    record_file,
    write_manifest,
)
from odqa.index.replace import building, sync
from odqa.index.store import PassageWriter
from odqa.index.vectors import METRIC, Vectors, require_faiss
from odqa.models import DEFAULT_ENCODER
from odqa.retrieval.encoder import Encoder
from odqa.retrieval.keywords import PARAMETERS, KeywordWriter
from odqa.types import Document

READING = "reading"
ENCODING = "encoding"

_READ = ReadOptions()
_CHUNK = ChunkOptions()
_BLOCK = 4096  # Passages that are in memory at a time; sorted by length within a block.
_REASONS = 10  # Reasons quoted when nothing could be used.
_FLOAT32 = 4  # Bytes.


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a build is. ``done`` of ``total`` counts bytes of files in ``READING``, passages in ``ENCODING``."""

    stage: str
    done: int
    total: int
    documents: int
    passages: int


ShowProgress: TypeAlias = Callable[[Progress], None]


@dataclass(frozen=True, slots=True)
class BuildReport:
    """What a build made. ``bytes`` is the folder's size; ``chunk`` is what the encoder left of the options."""

    folder: Path
    documents: int
    passages: int
    seconds: float
    bytes: int
    unusable: tuple[Unusable, ...]
    chunk: ChunkOptions


def build_index(
    paths: Sequence[str | Path],
    folder: str | Path,
    *,
    encoder: Encoder | str | Path = DEFAULT_ENCODER,
    read: ReadOptions = _READ,
    chunk: ChunkOptions = _CHUNK,
    strict: bool = False,
    device: str = "auto",
    progress: ShowProgress | None = None,
) -> BuildReport:
    """Index the files under ``paths`` into ``folder``, in place of the index that is there.

    Until the new index is whole, ``folder`` stays as it was, whatever happens. A passage is never longer than the
    encoder reads: ``chunk`` is cut down to its ``passage_budget``. A file that cannot be used is listed in the
    report; with ``strict`` the first one raises DataError.

    Raises UsageError for a path that does not exist, IndexFolderError when ``folder`` holds something else than an
    index, DataError when two documents have one id, and OdqaError when nothing could be used or the disk is full.
    """
    started = time.monotonic()
    folder = Path(folder)
    check_target(folder)
    require_faiss()
    found = find_files([Path(path) for path in paths])
    # An index among the documents is no document.
    files = [file for file in found if file.name not in (MANIFEST, *FILES) or not is_index(file.parent)] or found
    if not isinstance(encoder, Encoder):
        encoder = Encoder.load(encoder, device)
    chunk = fit_chunk(chunk, encoder)
    with _disk_errors(folder), building(folder) as new, closing(PassageWriter(new / PASSAGES)) as writer:
        unusable: list[Unusable] = []
        for item in _watch(read_corpus(files, read), files, writer, progress):
            passages = split(item, encoder.token_offsets, chunk) if isinstance(item, Document) else []
            if isinstance(item, Document) and passages:
                writer.add(item, passages)
                continue
            unusable.append(item if isinstance(item, Unusable) else _without_passages(item))
            if strict:
                source, reason = unusable[0].source, unusable[0].reason
                raise DataError(f"{source}: {reason} (without --strict it would be left out)")
        if not writer.passages:
            raise OdqaError(_nothing_usable(unusable))
        writer.commit()
        _check_space(new, writer.passages * encoder.dimension * _FLOAT32)
        vectors, keywords = _encode(writer, encoder, chunk.language, progress)
        vectors.write(new / VECTORS)
        keywords.write(new)
        writer.close()
        manifest = _manifest(new, writer, encoder, chunk)
        write_manifest(new, manifest)
        size = sum(path.stat().st_size for path in new.iterdir())
    return BuildReport(
        folder=folder,
        documents=manifest.documents,
        passages=manifest.passages,
        seconds=time.monotonic() - started,
        bytes=size,
        unusable=tuple(unusable),
        chunk=chunk,
    )


def check_target(folder: Path) -> None:
    """Raise IndexFolderError unless ``folder`` is free, empty, or an index (a damaged one too) and nothing else."""
    if not folder.exists():
        return
    remedy = "choose another folder with --index"
    if not folder.is_dir():
        raise IndexFolderError(f"{folder} is a file, and an index is a folder; {remedy}")
    names = {path.name for path in folder.iterdir()}
    if names and not (is_index(folder) or names & set(FILES)):
        raise IndexFolderError(f"{folder} is not empty and holds no index, so it is not replaced; {remedy}")
    foreign = sorted(names - {MANIFEST, *FILES})
    if foreign:
        raise IndexFolderError(
            f"{folder} holds {foreign[0]} beside its index, which replacing it would delete; move it away, or {remedy}"
        )


def fit_chunk(chunk: ChunkOptions, encoder: Encoder) -> ChunkOptions:
    """``chunk`` with passages no longer than the encoder reads; the overlap keeps its share of them."""
    budget = encoder.passage_budget
    if chunk.max_tokens <= budget:
        return chunk
    overlap = chunk.overlap_tokens * budget // chunk.max_tokens
    return replace(chunk, max_tokens=budget, overlap_tokens=overlap)


def _watch(
    items: Iterable[Document | Unusable], files: Sequence[Path], writer: PassageWriter, progress: ShowProgress | None
) -> Iterator[Document | Unusable]:
    """``items``, with progress told after each: the bytes of the files before, and about those of this one.

    A file of rows gives many documents; how far it is read is taken from the length of their texts.
    """
    sizes = {path.as_posix(): _size(path) for path in files}
    total = sum(sizes.values())
    before, current, within = 0, "", 0
    for item in items:
        yield item
        if item.source != current:
            before, current, within = before + sizes.get(current, 0), item.source, 0
        within += len(item.text) if isinstance(item, Document) else 0
        if progress:
            done = before + min(within, sizes.get(current, 0))
            progress(Progress(READING, done, total, writer.documents, writer.passages))
    if progress:
        progress(Progress(READING, total, total, writer.documents, writer.passages))


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0  # Reading the file tells what is wrong with it.


def _encode(
    writer: PassageWriter, encoder: Encoder, language: str, progress: ShowProgress | None
) -> tuple[Vectors, KeywordWriter]:
    """The vector and the terms of every passage, in the order of the rows."""
    vectors, keywords = Vectors.empty(encoder.dimension), KeywordWriter(language)
    done = 0

    def advance(count: int) -> None:
        nonlocal done
        done += count
        if progress:
            progress(Progress(ENCODING, done, writer.passages, writer.documents, writer.passages))

    for block in writer.blocks(_BLOCK):
        vectors.add(encoder.encode_passages(block, advance))
        keywords.add(block)
    return vectors, keywords


def _manifest(new: Path, writer: PassageWriter, encoder: Encoder, chunk: ChunkOptions) -> Manifest:
    """The manifest of the data files in ``new``, which are flushed to the disk first."""
    from odqa import __version__

    for name in FILES:
        sync(new / name)
    return Manifest(
        format=FORMAT,
        odqa_version=__version__,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        encoder=encoder.name,
        encoder_hash=encoder.content_hash,
        dimension=encoder.dimension,
        metric=METRIC,
        normalized=True,
        pooling=encoder.pooling,
        prompts=encoder.prompts,
        chunking=asdict(chunk),
        keywords={**PARAMETERS, "language": chunk.language},
        documents=writer.documents,
        passages=writer.passages,
        files={name: record_file(new / name) for name in FILES},
    )


def _without_passages(document: Document) -> Unusable:
    which = "" if document.id == document.source else f" (document {document.id})"
    return Unusable(document.source, f"no character in it that the encoder knows{which}")


def _nothing_usable(unusable: Sequence[Unusable]) -> str:
    reasons = "".join(f"\n  {item.source}: {item.reason}" for item in unusable[:_REASONS])
    more = f"\n  and {len(unusable) - _REASONS} more" if len(unusable) > _REASONS else ""
    return f"nothing could be indexed, and no index was written; the reasons:{reasons}{more}"


def _check_space(folder: Path, needed: int) -> None:
    """Raise OSError when the disk cannot take ``needed`` bytes: better now than when the encoding is done."""
    if shutil.disk_usage(folder).free < needed:
        raise OSError(errno.ENOSPC, f"{needed / 1e6:,.0f} MB more are needed")


@contextmanager
def _disk_errors(folder: Path) -> Iterator[None]:
    """Turn what the disk refuses into one OdqaError: which folder, why, how much space there is."""
    try:
        yield
    except (OSError, sqlite3.OperationalError) as error:
        reason = (error.strerror if isinstance(error, OSError) else None) or str(error)
        place = next(place for place in (folder, *folder.absolute().parents) if place.exists())
        free = shutil.disk_usage(place).free / 1e6
        raise OdqaError(
            f"the index {folder} cannot be written: {reason} ({free:,.0f} MB are free there); make room or choose "
            f"another folder with --index. What was there before is unchanged"
        ) from error
