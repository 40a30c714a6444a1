"""One segment of an index, its passages, vectors and keywords: written once, opened many times."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, replace
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from odqa.closing import Closing
from odqa.errors import IndexFolderError
from odqa.index.layout import DATA_FILES, PASSAGES, number_name, segment_folder
from odqa.index.manifest import SegmentRecord, rebuild_command, record_file
from odqa.index.store import PassageStore, PassageWriter, StoredDocument
from odqa.retrieval.arrays import map_array
from odqa.retrieval.database import damaged
from odqa.retrieval.dense import Vectors
from odqa.retrieval.keywords import Keywords, KeywordWriter
from odqa.retrieval.names import KEYWORDS, VECTORS
from odqa.retrieval.vector_writer import VectorWriter
from odqa.types import Document, Mode, Passage

_LONGEST = 4.0  # The square of a vector's length, which is 1 but for what compressing it lost.
BATCH = 4096  # Passages that are in memory at a time; sorted by length within a batch when they are encoded.


class SegmentWriter(Closing):
    """Writes the files of a new segment into an empty folder. Use it as a context manager, or close it."""

    def __init__(self, folder: Path, dimension: int, language: str) -> None:
        """``dimension`` is that of the vectors, ``language`` the code of the rules for words."""
        self._folder = folder
        self._open = ExitStack()
        self.store = PassageWriter(folder / PASSAGES)
        self._open.callback(self.store.close)
        self._vectors = VectorWriter(folder, dimension)
        self._open.callback(self._vectors.close)
        self._keywords = KeywordWriter(folder, language)
        self._open.callback(self._keywords.close)
        self._done = 0  # Passages whose vectors are written.

    def unfit(self, document: Document | StoredDocument, passages: Sequence[Passage]) -> str:
        """Why a document cannot be stored: a segment holds any."""
        return ""

    def add(self, document: Document, passages: Sequence[Passage], vectors: NDArray[np.float32] | None = None) -> None:
        """Append a document. Its passages are encoded by ``finish``, unless their ``vectors`` are there already.

        Documents with their vectors come before any without.
        """
        self.store.add(document, passages)
        if vectors is not None:
            self._vectors.add(vectors)
            self._keywords.add(passages)
            self._done += len(passages)

    def take(self, segment: Segment) -> None:
        """Append the live documents of another segment; their passages are encoded by ``finish``."""
        for document in segment.documents():
            rows = list(range(document.first, document.end))
            passages = segment.store.fetch(rows)
            self.store.copy(document, [passages[row] for row in rows])

    def copy(self, segment: Segment) -> None:
        """Append the live documents of another segment, vectors included, before any document is added."""
        waiting: dict[int, Passage] = {}
        for document in segment.documents():
            rows = list(range(document.first, document.end))
            passages = segment.store.fetch(rows)
            self.store.copy(document, [passages[row] for row in rows])
            waiting.update(sorted(passages.items()))
            if len(waiting) >= BATCH:
                self._copy(segment, waiting)
        self._copy(segment, waiting)

    def _copy(self, segment: Segment, passages: dict[int, Passage]) -> None:
        assert segment.vectors is not None
        if passages:
            vectors = segment.vectors.reconstruct(np.array(list(passages), np.int64))
            # FAISS ends the process that trains on such a vector.
            if not np.einsum("ij,ij->i", vectors, vectors).max() <= _LONGEST:
                raise IndexFolderError(
                    f"the vectors of segment {segment.record.name} are damaged: the length of one is far from 1; "
                    f"build the index again"
                )
            self._vectors.add(vectors)
            self._keywords.add(list(passages.values()))
            self._done += len(passages)
            passages.clear()

    def finish(
        self, encode: Callable[[Sequence[Passage]], NDArray[np.float32]] | None, factory: str | None, recall: float
    ) -> SegmentRecord:
        """Write everything and return the record of what was written.

        ``encode`` gives the vectors of the passages that were added, if any were; ``factory`` and ``recall`` say how
        they are stored (``odqa.retrieval.vector_writer``).
        """
        self.store.commit()
        for batch in self.store.batches(BATCH, self._done):
            assert encode is not None
            self._vectors.add(encode(batch))
            self._keywords.add(batch)
        vectors = self._vectors.finish(factory, recall)
        self._keywords.finish()
        documents, passages = self.store.documents, self.store.passages
        self.close()
        return SegmentRecord(
            name=self._folder.name,
            documents=documents,
            passages=passages,
            vectors=asdict(vectors),
            files={name: record_file(self._folder / name) for name in sorted(DATA_FILES)},
            deleted="",
            deleted_documents=0,
            deleted_passages=0,
        )

    def close(self) -> None:
        """Close the files; an unfinished segment is worthless."""
        self._open.close()


@dataclass(frozen=True, slots=True)
class Segment:
    """An open segment of an index, as its manifest has it in ``record``.

    ``vectors`` and ``keywords`` are None where they are not needed. ``deleted`` has the deleted documents by
    number, each with its first row and the row after its last.
    """

    record: SegmentRecord
    store: PassageStore
    vectors: Vectors | None
    keywords: Keywords | None
    deleted: Mapping[int, tuple[int, int]]

    @classmethod
    def open(cls, index: Path, record: SegmentRecord, mode: Mode | None) -> Segment:
        """Open a segment of the folder ``index`` for searches in ``mode``; None opens the passages alone.

        Raises IndexFolderError for files that cannot be used, or do not agree with ``record`` in number.
        """
        folder = segment_folder(index, record.name)
        dense, sparse = mode in (Mode.DENSE, Mode.HYBRID), mode in (Mode.BM25, Mode.HYBRID)
        with ExitStack() as stack:
            store = PassageStore(folder / PASSAGES)
            stack.callback(store.close)
            counts = {"documents": store.documents, "passages": store.passages}
            vectors = Vectors.read(folder / VECTORS) if dense else None
            if vectors is not None:
                vectors.set_parameters(record.vectors["parameters"])
                counts["vectors"] = len(vectors)
            keywords = Keywords.read(folder) if sparse else None
            if keywords is not None:
                stack.callback(keywords.close)
                counts["passages in its keywords"] = len(keywords)
            expected = {name: record.documents if name == "documents" else record.passages for name in counts}
            if counts != expected:
                found = ", ".join(f"{count} {name}" for name, count in counts.items())
                raise IndexFolderError(
                    f"{folder} is damaged: it has {found}; its manifest counts {record.passages} passages and "
                    f"{record.documents} documents; build the index again with {rebuild_command(index)}"
                )
            segment = cls(record, store, vectors, keywords, _read_deleted(folder, record))
            stack.pop_all()
        return segment

    def live(self) -> NDArray[np.bool_] | None:
        """Which passages are live, bool (passages,); None where all are."""
        if not self.deleted:
            return None
        mask = np.ones(self.record.passages, bool)
        for first, end in self.deleted.values():
            mask[first:end] = False
        return mask

    def documents(self) -> Iterator[StoredDocument]:
        """The live documents."""
        return (document for document in self.store.all() if document.number not in self.deleted)

    def rows(self, at_once: int = BATCH) -> Iterator[list[int]]:
        """The rows of the live passages in order, some at a time."""
        rows = (row for document in self.documents() for row in range(document.first, document.end))
        while some := list(islice(rows, at_once)):
            yield some

    def has_source(self, source: str) -> bool:
        """Whether a live document was read from this file."""
        return any(number not in self.deleted for number in self.store.numbers_from(source))

    def close(self) -> None:
        """Close the files."""
        self.store.close()
        if self.keywords is not None:
            self.keywords.close()


def needed_files(record: SegmentRecord, mode: Mode) -> list[str]:
    """The files of a segment that searches in ``mode`` read."""
    idle = {Mode.DENSE: KEYWORDS, Mode.BM25: (VECTORS,), Mode.HYBRID: ()}[mode]
    return [name for name in record.files if name not in idle]


def with_deleted(
    index: Path, record: SegmentRecord, documents: Iterable[StoredDocument], version: int
) -> SegmentRecord:
    """``record`` with more of its documents deleted; writes the list of them all for this version of the index."""
    folder = segment_folder(index, record.name)
    deleted = {**_read_deleted(folder, record), **{item.number: (item.first, item.end) for item in documents}}
    name = f"deleted.{number_name(version)}.npy"
    rows = [(number, *span) for number, span in sorted(deleted.items())]
    with (folder / name).open("xb") as stream:  # Through no link that is there.
        np.save(stream, np.array(rows, np.int64).reshape(-1, 3))
    files = {other: kept for other, kept in record.files.items() if other != record.deleted}
    return replace(
        record,
        files={**files, name: record_file(folder / name)},
        deleted=name,
        deleted_documents=len(deleted),
        deleted_passages=sum(end - first for first, end in deleted.values()),
    )


def _read_deleted(folder: Path, record: SegmentRecord) -> dict[int, tuple[int, int]]:
    """The deleted documents of a segment. Raises IndexFolderError where they are not those that its record counts."""
    if not record.deleted:
        return {}
    path = folder / record.deleted
    rows = map_array(path, dimensions=2).astype(np.int64)
    if rows.shape != (record.deleted_documents, 3):
        raise damaged(path, f"it has the shape {rows.shape} for {record.deleted_documents} documents")
    numbers, first, end = rows.T
    inside = (numbers >= 0) & (numbers < record.documents) & (first >= 0) & (first < end) & (end <= record.passages)
    in_order = (numbers[1:] > numbers[:-1]) & (first[1:] >= end[:-1])
    if not (inside.all() and in_order.all() and int((end - first).sum()) == record.deleted_passages):
        raise damaged(path, "it lists other documents or passages than its segment has")
    return {number: (first, end) for number, first, end in rows.tolist()}
