"""What a change of an index did, and how far it has come."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from odqa.addresses import Address
from odqa.corpus import ChunkOptions, Found, Unusable
from odqa.index.manifest import Description

READING = "reading"
ENCODING = "encoding"


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a change has come. ``done`` of ``total`` are bytes of files in ``READING``, passages in ``ENCODING``."""

    stage: str
    done: int
    total: int
    documents: int
    passages: int


ShowProgress: TypeAlias = Callable[[Progress], None]


@dataclass(frozen=True, slots=True)
class ChangeReport:
    """What a change did. ``documents``, ``passages`` and ``bytes`` are those of the whole index after it.

    ``added``, ``changed``, ``removed``, ``unchanged`` and ``skipped`` count documents: new ones; those that replaced an
    older one with their id; those taken out; those found unchanged; those left out because another has their id.
    ``encoded`` counts passages. ``chunk`` says how documents are split: the options, limited to what the encoder reads.

    ``unusable`` has every file that was found and not read, or not all of it, with the reason; ``vanished`` are files
    that no longer exist and whose documents were kept. ``hidden`` counts what is passed over by rule: hidden files and
    folders, those of tools, and indexes; ``excluded`` what the globs ``include`` and ``exclude`` left out.
    """

    folder: Address
    version: int
    documents: int
    passages: int
    seconds: float
    bytes: int
    chunk: ChunkOptions
    added: int = 0
    changed: int = 0
    removed: int = 0
    unchanged: int = 0
    skipped: int = 0
    encoded: int = 0
    unusable: tuple[Unusable, ...] = ()
    vanished: tuple[str, ...] = ()
    hidden: int = 0
    excluded: int = 0
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()


def report_of(
    folder: Address,
    manifest: Description,
    started: float,
    counts: Mapping[str, int] | None = None,
    unusable: Sequence[Unusable] = (),
    vanished: Sequence[str] = (),
    found: Found | None = None,
) -> ChangeReport:
    """The report of a change that began at ``started`` (``time.monotonic``) and ended with ``manifest``.

    ``unusable`` are the files that could not be read; those of ``found`` come after them.
    """
    found = found or Found(())
    return ChangeReport(
        folder=folder,
        version=manifest.version,
        documents=manifest.documents,
        passages=manifest.passages,
        seconds=time.monotonic() - started,
        bytes=manifest.bytes,
        chunk=ChunkOptions(**manifest.chunking),
        unusable=(*unusable, *found.unusable),
        vanished=tuple(vanished),
        hidden=found.hidden,
        excluded=found.excluded,
        include=found.include,
        exclude=found.exclude,
        **(counts or {}),
    )
