"""A change of an index folder, as an index is changed wherever it lies: documents in, a new version of it out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from odqa.index.catalog import Catalog, open_catalog
from odqa.index.change import Change, changing, check_space
from odqa.index.compaction import fold_small
from odqa.index.interface import Storage
from odqa.index.layout import PASSAGES
from odqa.index.manifest import Description, Manifest, SegmentRecord, check_sums, read_manifest
from odqa.index.segment import Segment, SegmentWriter, with_deleted
from odqa.index.store import StoredDocument
from odqa.retrieval.factories import check_factory
from odqa.retrieval.names import VECTORS
from odqa.retrieval.vector_writer import fitting, room
from odqa.types import Mode, Passage


class FolderChange:
    """A change of the index in a folder: a segment is written, and of the others what was deleted."""

    def __init__(self, change: Change, catalog: Catalog, before: Manifest | None, stack: ExitStack) -> None:
        """``before`` is the index that is changed, None where it is built; ``stack`` is closed in the end."""
        self.catalog = catalog
        self._change = change
        self._before = before
        self._stack = stack
        self._writer: SegmentWriter | None = None
        self._segment = Path()
        self._dimension = 0
        self._new: list[SegmentRecord] = []

    @property
    def manifest(self) -> Manifest:
        """The index as it was when the change began."""
        return read_manifest(self._change.folder) if self._before is None else self._before

    def write(self, dimension: int, language: str) -> SegmentWriter:
        """What writes a new segment."""
        self._segment, self._dimension = self._change.new_segment(), dimension
        self._writer = self._stack.enter_context(SegmentWriter(self._segment, dimension, language))
        return self._writer

    def finish(
        self,
        encode: Callable[[Sequence[Passage]], NDArray[np.float32]],
        storage: Storage,
        replaced: Iterable[StoredDocument],
    ) -> None:
        """Encode and write the new segment, of which the ``replaced`` documents are deleted at once."""
        assert self._writer is not None
        for source, digest in self.catalog.lost_hashes().items():
            self._writer.store.keep_source(source, digest)
        passages = self._writer.store.passages
        check_space(self._segment, room(passages, self._dimension))
        factory = storage.factory or None
        if self._before is not None:  # Nobody has asked for a factory now, and what is added may be little.
            factory = fitting(storage.factory, self._dimension, passages)
        elif factory:  # Before hours of encoding.
            check_factory(factory, self._dimension, passages)
        record = self._writer.finish(encode, factory, storage.recall)
        gone = list(replaced)
        self._new.append(with_deleted(self._change.folder, record, gone, int(record.name)) if gone else record)

    def land(self, made: Description) -> Manifest:
        """Commit a new version of the manifest, and fold small segments into one where there are many."""
        assert isinstance(made, Manifest)
        if not self._new and not self.catalog.removed:
            return made
        if not self._new and (lost := self.catalog.lost_hashes()):
            self._write_again(made, lost)
        kept = self.catalog.records(self._change.folder, self._change.version)
        return fold_small(self._change, self._change.commit(made, (*kept, *self._new)))

    def _write_again(self, made: Manifest, hashes: Mapping[str, str]) -> None:
        """Copy the shortest document of some files, with its vectors: hashes are stored beside documents alone."""
        found = (entry for source in hashes for entry in self.catalog.from_source(source))
        entry = min(found, key=lambda one: one.document.passages)
        rows, record = range(entry.document.first, entry.document.end), made.segments[entry.segment]
        check_sums(self._change.folder, record, (PASSAGES, VECTORS))  # A copy of damage would have sums that are right.
        with closing(Segment.open(self._change.folder, record, Mode.DENSE)) as segment:
            assert segment.vectors is not None
            vectors = segment.vectors.reconstruct(np.array(rows, np.int64))
            passages = segment.store.fetch(rows)
        writer = self.write(made.dimension, str(made.keywords.get("language", "")))
        writer.store.copy(entry.document, [passages[row] for row in rows])
        for source, digest in hashes.items():
            writer.store.add_source(source, digest)
        self.catalog.remove(entry)
        left = iter(vectors)
        self.finish(lambda batch: np.array(list(islice(left, len(batch)))), Storage(**made.storage), ())


@contextmanager
def changing_folder(folder: Path, *, build: bool) -> Iterator[FolderChange]:
    """Lock a folder for a change; see ``odqa.index.change.changing``. ``build`` begins with no document."""
    with changing(folder) as change, ExitStack() as stack:
        before = None if build else read_manifest(folder)
        catalog = Catalog([]) if before is None else stack.enter_context(open_catalog(folder, before))
        yield FolderChange(change, catalog, before, stack)
