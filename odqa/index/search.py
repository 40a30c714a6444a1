"""An index folder open for search: questions and their vectors go in, hits come out. Writes nothing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import replace
from itertools import accumulate
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from odqa.arguments import check_count, check_texts
from odqa.closing import Closing
from odqa.errors import IndexFolderError, UsageError
from odqa.forking import Lock
from odqa.index.filters import Filter, Filters, fields_of, parsed, select
from odqa.index.manifest import Manifest, check_encoder, check_sizes, check_sums, of_one_version, rebuild_command
from odqa.index.segment import Segment, needed_files
from odqa.index.store import StoredDocument
from odqa.retrieval.dense import VectorSearch
from odqa.retrieval.hybrid import RankedRow, by_both, by_keywords, by_vectors
from odqa.retrieval.keywords import KeywordSearch
from odqa.types import Hit, Mode, Passage

if TYPE_CHECKING:
    from odqa.retrieval.encoder import Encoder

# Up to this many bytes, checksums are compared at every opening: a tenth of a second. `odqa verify` compares them all.
_CHECKED = 64_000_000


class Index(Closing):
    """An open index, as it was when it was opened, whatever becomes of the folder. Several threads may search it.

    ``len(index)`` is its number of passages. ``why_not_gpu`` says why vectors are not searched on a GPU although they
    may be; None where they are, or where nobody asked for it.
    """

    def __init__(self, folder: Path, manifest: Manifest, segments: Sequence[Segment], stack: ExitStack) -> None:
        """Hold the open parts; ``Index.open`` opens and checks them."""
        self.folder = folder
        self.manifest = manifest
        self._segments = segments
        self._stack = stack
        self._first = [0, *accumulate(segment.record.passages for segment in segments)]
        masks = [segment.live() for segment in segments]
        self._live: NDArray[np.bool_] | None = None
        if any(mask is not None for mask in masks):
            full = (np.ones(segment.record.passages, bool) for segment in segments)
            self._live = np.concatenate([one if mask is None else mask for one, mask in zip(full, masks, strict=True)])
        vectors = [segment.vectors for segment in segments if segment.vectors is not None]
        self._vectors = VectorSearch(vectors) if vectors else None
        keywords = [segment.keywords for segment in segments if segment.keywords is not None]
        language = str(manifest.keywords.get("language", ""))
        self._keywords = KeywordSearch(keywords, masks, language) if keywords else None
        self.why_not_gpu: str | None = None
        self._lock = Lock()
        self._filtered: tuple[tuple[Filter, ...], NDArray[np.bool_]] | None = None

    @classmethod
    def open(cls, folder: str | Path, mode: Mode | str = Mode.HYBRID, device: str = "cpu") -> Index:
        """Open the index in ``folder`` for searches in ``mode`` on ``device``, after checking what these need.

        That is its manifest, the sizes of all files, counts and dimension of the passages and of the vectors or
        keywords or both, and the checksums of a small index. Raises IndexFolderError naming the file that is missing
        or damaged, and the command that repairs it. Raises UsageError for an unknown mode, and for a ``device``
        ``cuda`` where FAISS has no GPU; ``auto`` takes the CPU then.
        """
        folder, mode = Path(folder), check_mode(mode)
        index = of_one_version(folder, lambda manifest: cls._open(folder, manifest, mode))
        try:
            index._move(device.partition(":")[0])
        except BaseException:
            index.close()
            raise
        return index

    def _move(self, device: str) -> None:
        """Search vectors on the GPUs where ``device`` is ``cuda``, or ``auto`` and there are some."""
        if device in ("auto", "cuda"):
            reasons = [segment.vectors.move(device) for segment in self._segments if segment.vectors is not None]
            self.why_not_gpu = next(filter(None, reasons), None)

    @classmethod
    def _open(cls, folder: Path, manifest: Manifest, mode: Mode) -> Index:
        check_sizes(folder, manifest)
        if manifest.bytes <= _CHECKED:
            for record in manifest.segments:
                check_sums(folder, record, needed_files(record, mode))
        with ExitStack() as stack:
            segments = []
            for record in manifest.segments:
                segment = Segment.open(folder, record, mode)
                stack.callback(segment.close)
                segments.append(segment)
                if segment.vectors is not None and segment.vectors.dimension != manifest.dimension:
                    raise IndexFolderError(
                        f"the vectors of {folder} do not fit its manifest: they have the dimension "
                        f"{segment.vectors.dimension} where {manifest.dimension} is stated; "
                        f"build the index again with {rebuild_command(folder)}"
                    )
            return cls(folder, manifest, segments, stack.pop_all())

    def __len__(self) -> int:
        """How many passages there are."""
        return self.manifest.passages

    @property
    def mode(self) -> Mode:
        """How it searches."""
        if self._keywords is None:
            return Mode.DENSE
        return Mode.BM25 if self._vectors is None else Mode.HYBRID

    @property
    def segments(self) -> Sequence[Segment]:
        """The open segments, in order."""
        return self._segments

    @property
    def address(self) -> Path:
        """Where it lies."""
        return self.folder

    def documents(self) -> Iterator[StoredDocument]:
        """The live documents, in order, one at a time; their passages are rows of the index."""
        for segment, first in zip(self._segments, self._first, strict=False):
            yield from (replace(one, first=first + one.first) for one in segment.documents())

    def find(self, id: str) -> StoredDocument | None:
        """The live document with this id; None where there is none. Raises IndexFolderError where it is damaged."""
        for segment, first in zip(self._segments, self._first, strict=False):
            for one in segment.store.find(id):
                if one.number not in segment.deleted:
                    return replace(one, first=first + one.first)
        return None

    def sources(self) -> dict[str, str]:
        """The hash of each file as it was last read, by its path."""
        return {source: digest for segment in self._segments for source, digest in segment.store.sources().items()}

    def vectors(self, rows: Sequence[int]) -> NDArray[np.float32]:
        """The stored vectors of these rows, float32 (rows, dimension). The index is open for searches by vectors."""
        wanted = np.asarray(rows, np.int64)
        found = np.empty((len(wanted), self.manifest.dimension), np.float32)
        for segment, first in zip(self._segments, self._first, strict=False):
            own = (wanted >= first) & (wanted < first + segment.record.passages)
            if own.any():
                assert segment.vectors is not None
                found[own] = segment.vectors.reconstruct(wanted[own] - first)
        return found

    def in_mode(self, mode: Mode | str) -> Index:
        """The same open files, searched in another mode; they are closed with this index.

        Raises UsageError for an unknown mode, and where the index was not opened for all modes (``hybrid``).
        """
        mode = check_mode(mode)
        if mode is self.mode:
            return self
        if self.mode is not Mode.HYBRID:
            raise UsageError(f"{self.folder} was opened to be searched by {self.mode} alone; open it by hybrid instead")
        dense, sparse = mode is Mode.DENSE, mode is Mode.BM25
        segments = [
            replace(one, vectors=one.vectors if dense else None, keywords=one.keywords if sparse else None)
            for one in self._segments
        ]
        other = Index(self.folder, self.manifest, segments, ExitStack())
        other.why_not_gpu = self.why_not_gpu if dense else None
        return other

    def check_encoder(self, encoder: Encoder) -> None:
        """Raise IndexFolderError unless ``encoder`` is the one whose vectors are stored, file for file."""
        check_encoder(self.folder, self.manifest, encoder)

    def search(
        self,
        questions: Sequence[str],
        k: int,
        vectors: NDArray[np.float32] | None = None,
        filters: Filters = (),
    ) -> list[list[Hit]]:
        """The ``k`` best passages for each question, best first; all of them if there are fewer.

        ``vectors`` (questions, dimension) are the questions' own, which all modes but ``bm25`` need; by words alone
        only passages come back that share one with the question. Only documents that match all ``filters`` are
        searched. Scores are cosines, BM25 scores, or both fused (``odqa.retrieval.fusion``); equal ones come in the
        order of the index. Raises UsageError for k below 1, for vectors of another shape, and for a filter on a field
        that no document has.
        """
        check_count("k", k)
        check_texts("questions", questions, "give a list of one for one question")
        ranked = self._rank(questions, k, vectors, self._allowed(parsed(filters)))
        passages = self.fetch(sorted({item.row for items in ranked for item in items}))
        return [
            [Hit(passages[item.row], item.score, rank, item.components) for rank, item in enumerate(items, start=1)]
            for items in ranked
        ]

    def matching(self, filters: Filters) -> int:
        """How many passages belong to documents that match all ``filters``. Raises UsageError for an unknown field."""
        allowed = self._allowed(parsed(filters))
        return len(self) if allowed is None else int(allowed.sum())

    def _rank(
        self,
        questions: Sequence[str],
        k: int,
        vectors: NDArray[np.float32] | None,
        allowed: NDArray[np.bool_] | None,
    ) -> list[list[RankedRow]]:
        if not questions or (allowed is not None and not allowed.any()):
            return [[] for _ in questions]
        if self._vectors is None:
            assert self._keywords is not None
            return by_keywords(self._keywords, questions, k, allowed)
        queries = np.ascontiguousarray(() if vectors is None else vectors, np.float32)
        wanted = (len(questions), self.manifest.dimension)
        if queries.shape != wanted:
            raise UsageError(f"the questions' vectors have the shape {queries.shape}; {self.folder} takes {wanted}")
        if self._keywords is None:
            return by_vectors(self._vectors, queries, k, allowed)
        return by_both(self._vectors, queries, self._keywords, questions, k, allowed)

    def _allowed(self, filters: tuple[Filter, ...]) -> NDArray[np.bool_] | None:
        """The rows that may come back, bool (rows,); None where all may. The last filters are remembered."""
        if not filters:
            return self._live
        with self._lock:
            if self._filtered is None or self._filtered[0] != filters:
                spans: list[tuple[int, int]] = []
                mask = np.zeros(self._first[-1], bool)
                for number in select(self._fields(spans), filters):
                    mask[slice(*spans[number])] = True
                self._filtered = (filters, mask)
            return self._filtered[1]

    def _fields(self, spans: list[tuple[int, int]]) -> Iterator[tuple[int, dict[str, Any]]]:
        """The fields of every document, numbered; the rows of its passages are appended to ``spans``."""
        for segment, first in zip(self._segments, self._first, strict=False):
            for document in segment.documents():
                spans.append((first + document.first, first + document.end))
                fields = fields_of(document.id, document.title, document.source, document.metadata)
                yield len(spans) - 1, fields

    def fetch(self, rows: Sequence[int]) -> dict[int, Passage]:
        """The passages of these rows, by row. Raises IndexFolderError where the index is damaged."""
        found: dict[int, Passage] = {}
        for segment, first in zip(self._segments, self._first, strict=False):
            own = [row - first for row in rows if 0 <= row - first < segment.record.passages]
            found.update((row + first, passage) for row, passage in segment.store.fetch(own).items())
        return found

    def close(self) -> None:
        """Close the files; the index cannot be searched afterwards."""
        self._stack.close()


def check_mode(mode: Mode | str) -> Mode:
    """The mode of that name. Raises UsageError where there is none."""
    try:
        return Mode(mode)
    except ValueError:
        raise UsageError(f"no such mode: {mode!r} ({', '.join(Mode)})") from None
