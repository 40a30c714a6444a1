"""The documents of an index over all its segments, to look up and take out during a change. Reads no passage.

A document is live unless a change took it out.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from odqa.index.manifest import Manifest, SegmentRecord
from odqa.index.segment import Segment, with_deleted
from odqa.index.store import StoredDocument


@dataclass(frozen=True, slots=True)
class CatalogEntry:
    """A document and the position of its segment in the catalog."""

    segment: int
    document: StoredDocument


class Catalog:
    """The documents of some open segments, and those of them that a change takes out."""

    def __init__(self, segments: Sequence[Segment]) -> None:
        """``segments`` in the order of the index."""
        self._segments = segments
        self._removed: list[dict[int, StoredDocument]] = [{} for _ in segments]

    def find(self, id: str) -> CatalogEntry | None:
        """The live document with this id, if there is one."""
        found = (item for at, segment in enumerate(self._segments) for item in self._live(at, segment.store.find(id)))
        return next(found, None)

    def from_source(self, source: str) -> list[CatalogEntry]:
        """The live documents read from this file."""
        return [
            item
            for at, segment in enumerate(self._segments)
            for item in self._live(at, segment.store.from_source(source))
        ]

    def all(self) -> Iterator[CatalogEntry]:
        """All live documents."""
        for at, segment in enumerate(self._segments):
            yield from self._live(at, segment.store.all())

    def hashes(self) -> dict[str, str]:
        """The hash of each file as it was last read, by its path."""
        return newest_hashes(self._segments)

    def lost_hashes(self) -> dict[str, str]:
        """The hashes of files that only segments have of which nothing is left, where the index still has documents.

        With an older hash, a file that takes back a change would seem to be in the index as it is.
        """
        left = [segment for at, segment in enumerate(self._segments) if not self._is_empty(at)]
        if len(left) == len(self._segments):
            return {}
        kept = newest_hashes(left)
        return {
            source: digest
            for source, digest in self.hashes().items()
            if kept.get(source) != digest and self.from_source(source)
        }

    def remove(self, item: CatalogEntry) -> None:
        """Take a document out."""
        self._removed[item.segment][item.document.number] = item.document

    @property
    def removed(self) -> int:
        """How many documents were taken out."""
        return sum(map(len, self._removed))

    def records(self, index: Path, version: int) -> tuple[SegmentRecord, ...]:
        """The segments with anything left in them, for this version of the index; writes what was deleted of them."""
        records = []
        for at, (segment, removed) in enumerate(zip(self._segments, self._removed, strict=True)):
            if not self._is_empty(at):
                record = segment.record
                records.append(with_deleted(index, record, removed.values(), version) if removed else record)
        return tuple(records)

    def _is_empty(self, at: int) -> bool:
        """Whether nothing is left of a segment."""
        gone = sum(document.passages for document in self._removed[at].values())
        return gone == self._segments[at].record.live_passages

    def _live(self, at: int, documents: Iterator[StoredDocument] | Sequence[StoredDocument]) -> Iterator[CatalogEntry]:
        gone, removed = self._segments[at].deleted, self._removed[at]
        return (CatalogEntry(at, item) for item in documents if item.number not in gone and item.number not in removed)


@contextmanager
def open_catalog(folder: Path, manifest: Manifest) -> Iterator[Catalog]:
    """The documents of the index in ``folder``, whose segments (only their passages) stay open until the end."""
    with ExitStack() as stack:
        segments = []
        for record in manifest.segments:
            segments.append(Segment.open(folder, record, None))
            stack.callback(segments[-1].close)
        yield Catalog(segments)


def newest_hashes(segments: Sequence[Segment]) -> dict[str, str]:
    """The hash of each file as it was last read, by its path; ``segments`` are in the order of the index."""
    return {source: digest for segment in segments for source, digest in segment.store.sources().items()}
