"""A change of an index in a Milvus, as an index is changed wherever it lies: documents in, a new generation out."""

from __future__ import annotations

import errno
import sqlite3
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from itertools import chain, islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from odqa.addresses import MilvusAddress
from odqa.errors import IndexFolderError, OdqaError, UsageError
from odqa.index.filters import fields_of
from odqa.index.interface import Storage
from odqa.index.manifest import Description
from odqa.index.milvus.catalog import MilvusCatalog
from odqa.index.milvus.client import MOST_ROWS, Milvus
from odqa.index.milvus.collection import stored_vectors
from odqa.index.milvus.generation import Generation, Run
from odqa.index.milvus.ledger import (
    FORMAT,
    LONGEST_NAME,
    MOST_NAMES,
    Ledger,
    MilvusManifest,
    common,
    current_generation,
    read_manifest,
)
from odqa.index.milvus.records import Making, Row, content_hash, passage_of, placed, size_of, unfit, vectors_of
from odqa.index.milvus.search import MilvusIndex
from odqa.index.store import PassageStore, PassageWriter, StoredDocument, metadata_of
from odqa.retrieval.words import Analyzer
from odqa.types import Document, Mode, Passage
from odqa.version import __version__

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_MOST_SENT = 16_000_000  # About the bytes of rows that are written at once: a Milvus takes no request above 64 MB.


class MilvusWriter:
    """New documents, in a file of this machine until their vectors are made; see ``odqa.index.interface.Writer``."""

    def __init__(self, path: Path, making: Making, dimension: int) -> None:
        self.store = PassageWriter(path)
        self.making = making
        self._dimension = dimension
        self._vectors = path.with_suffix(".vectors")
        self._made = 0  # Of the first so many passages the vectors are there already, in that file.

    def unfit(self, document: Document | StoredDocument, passages: Sequence[Passage]) -> str:
        """Why a document cannot be stored in a Milvus; empty where it can."""
        stored = StoredDocument(
            0, document.id, document.title, document.source, metadata_of(document), "0" * 64, 0, len(passages),
        )  # fmt: skip
        for name in fields_of(stored.id, stored.title, stored.source, stored.metadata):
            if len(name) > LONGEST_NAME or "\0" in name:
                what = "holds a NUL" if "\0" in name else f"has {len(name):,} characters, of {LONGEST_NAME:,} at most"
                return f"the name of a field of {document.id[:200]}, {name[:50]!r}…, {what}; change it"
        return unfit(self.making.rows(stored, passages, ""))

    def add(self, document: Document, passages: Sequence[Passage], vectors: NDArray[np.float32] | None = None) -> None:
        """Append a document and its passages, with their ``vectors`` if they are there already."""
        self.store.add(document, passages)
        if vectors is not None:
            with self._vectors.open("ab") as file:
                file.write(vectors.astype(np.float32).tobytes())  # tofile says not what a disk refuses.
            self._made += len(passages)

    def vectors(
        self, rows: Sequence[int], encode: Callable[[Sequence[int]], NDArray[np.float32]]
    ) -> NDArray[np.float32]:
        """The vectors of the passages in these rows, (rows, dimension): those that they came with, else by ``encode``.

        It is given the positions in ``rows`` of the passages that came with none.
        """
        vectors = np.zeros((len(rows), self._dimension), np.float32)
        made = [at for at, row in enumerate(rows) if row < self._made]
        left = [at for at, row in enumerate(rows) if row >= self._made]
        if made:
            kept = np.memmap(self._vectors, np.float32, "r").reshape(-1, self._dimension)
            vectors[made] = kept[[rows[at] for at in made]]
        if left:
            vectors[left] = encode(left)
        return vectors


@dataclass(slots=True)
class _Tally:
    """What is counted of documents, and the names of their fields."""

    documents: int = 0
    passages: int = 0
    names: set[str] = field(default_factory=set)

    def add(self, document: StoredDocument) -> None:
        self.documents += 1
        self.passages += document.passages
        self.names |= fields_of(document.id, document.title, document.source, document.metadata).keys()


class MilvusChange:
    """A change that makes the next generation of an index: of what is kept of the last one, and what is new."""

    def __init__(
        self, milvus: Milvus, run: Run, folder: Path, index: MilvusIndex | None, before: int | None, stack: ExitStack
    ) -> None:
        """``index`` is what is changed, None where one is built; ``before`` is the generation that is there.

        Files are made in ``folder``, and closed with ``stack``.
        """
        self._milvus = milvus
        self._run = run
        self._folder = folder
        self._index = index
        self._before = before
        self._stack = stack
        self.catalog = MilvusCatalog(folder / "catalog.sqlite", index)
        stack.callback(self.catalog.close)
        self._writer: MilvusWriter | None = None
        self._new: PassageStore | None = None
        self._encode: Callable[[Sequence[Passage]], NDArray[np.float32]] | None = None
        self._replaced: set[int] = set()

    @property
    def manifest(self) -> MilvusManifest:
        """The index as it was when the change began."""
        return read_manifest(self._milvus, self._milvus.address) if self._index is None else self._index.manifest

    def write(self, dimension: int, language: str) -> MilvusWriter:
        """What new documents are written to."""
        self._writer = MilvusWriter(self._folder / "new.sqlite", Making(Analyzer(language)), dimension)
        self._stack.callback(self._writer.store.close)
        return self._writer

    def finish(
        self,
        encode: Callable[[Sequence[Passage]], NDArray[np.float32]],
        storage: Storage,
        replaced: Iterable[StoredDocument],
    ) -> None:
        """Note how new passages get their vectors. That is done in ``land``: what is kept comes before them."""
        assert self._writer is not None
        self._writer.store.commit()
        self._new = PassageStore(self._folder / "new.sqlite")
        self._stack.callback(self._new.close)
        self._encode = encode
        self._replaced = {document.number for document in replaced}

    def land(self, made: Description) -> Description:
        """Write the next generation, and make it the index."""
        if self._new is None and not self.catalog.removed:
            return made
        kept, new = _Tally(), _Tally()
        for entry in self.catalog.all():
            kept.add(entry.document)
        for document in self._new_documents():
            new.add(document)
        total = kept.passages + new.passages
        if not total:
            raise UsageError(
                f"nothing would be left of the index {self._milvus.address}, so it stays as it is; drop its "
                f"collections if that is what is wanted"
            )
        names = kept.names | new.names
        if len(names) > MOST_NAMES:
            raise IndexFolderError(
                f"the documents of {self._milvus.address} would have {len(names):,} different fields, and in a Milvus "
                f"there are {MOST_NAMES:,} at most; it stays as it was. Give fewer names to metadata, or use a folder"
            )
        vectors = stored_vectors(Storage(**made.storage), total)
        alike = {"encoder": made.encoder_hash, "keywords": dict(made.keywords), "format": FORMAT}
        generation = Generation(self._milvus, self._run, self._before, made.dimension, vectors, alike)
        size = self._write_kept(generation) + self._write_new(generation, kept.passages)
        generation.complete(total)
        said = common(made) | {
            "format": FORMAT,
            "version": generation.number,
            "odqa_version": __version__,
            "changed": datetime.now(UTC).isoformat(timespec="seconds"),
        }
        manifest = MilvusManifest(
            **said,
            all_documents=kept.documents + new.documents,
            all_passages=total,
            size=size + 4 * made.dimension * total,
            names=tuple(sorted(names)),
            vectors=vectors,
        )
        generation.land(manifest)
        return manifest

    def _new_documents(self) -> Iterator[StoredDocument]:
        """What was written, but for what a later document has replaced."""
        if self._new is not None:
            yield from (one for one in self._new.all() if one.number not in self._replaced)

    def _write_kept(self, generation: Generation) -> int:
        """Write what is kept of the last generation, vectors included; returns its size."""
        size = 0
        for rows, taken in _in_batches(self._kept()):
            size += taken
            vectors = vectors_of(rows, self.manifest.dimension)
            generation.write(rows, lambda places, vectors=vectors: vectors[list(places)])  # type: ignore[misc]
        return size

    def _kept(self) -> Iterator[Row]:
        """The rows of the last generation that are kept, numbered anew."""
        hashes = {} if self._new is None else self._new.sources()
        first = at = 0
        for row in self._index.rows() if self._index is not None else ():
            if self.catalog.is_removed(row["first"]):
                continue
            first = at if row["part"] == 0 else first
            newest = hashes.get(row["source"], row["file_hash"])
            if newest != row["file_hash"]:  # The file was read again, and this of it is as it was.
                row = {**row, "file_hash": newest}
                row["content"] = content_hash(row)
            yield placed(row, first)
            at += 1

    def _write_new(self, generation: Generation, first: int) -> int:
        """Write what is new from the row ``first`` on, each passage encoded when it comes; returns its size."""
        size = 0
        written = chain.from_iterable(range(document.first, document.end) for document in self._new_documents())
        for rows, taken in _in_batches(self._added(first)):
            size += taken
            generation.write(rows, partial(self._vectors, rows, list(islice(written, len(rows)))))
        return size

    def _vectors(self, rows: Sequence[Row], written: Sequence[int], places: Sequence[int]) -> NDArray[np.float32]:
        """The vectors of the rows at ``places``, which are ``written`` in the writer's rows."""
        assert self._writer is not None
        assert self._encode is not None
        encode = self._encode
        return self._writer.vectors(
            [written[place] for place in places], lambda left: encode([passage_of(rows[places[at]]) for at in left])
        )

    def _added(self, first: int) -> Iterator[Row]:
        """The rows of what is new."""
        if self._new is None:
            return
        assert self._writer is not None
        hashes = self._new.sources()
        for document in self._new_documents():
            fetched = self._new.fetch(range(document.first, document.end))
            passages = [fetched[row] for row in range(document.first, document.end)]
            rows = self._writer.making.rows(document, passages, hashes.get(document.source, ""))
            yield from (placed(row, first) for row in rows)
            first += len(rows)


@contextmanager
def changing_milvus(address: MilvusAddress, *, build: bool) -> Iterator[MilvusChange]:
    """Begin a change of the index at an address, beside which nobody else's goes on (``generation.Run``).

    If the block raises, the index stays as it was. ``build`` begins with no document. Raises IndexFolderError where
    there is no index to change, or something else has its name, and OdqaError where this machine has no room.
    """
    with ExitStack() as stack:
        milvus = stack.enter_context(Milvus(address, make=build))
        current_generation(milvus, address)  # Raises, before a ledger is made for it, where something else is there.
        index = None if build else stack.enter_context(MilvusIndex.open(address, Mode.DENSE))
        run = Run(Ledger(milvus, address), address)
        before = current_generation(milvus, address)  # From here on no other run makes another one.
        if index is not None and index.manifest.version != before:
            raise IndexFolderError(f"{address} was changed when this began; nothing was changed here, try again")
        try:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="odqa-")))
        except OSError as error:
            raise _without_room(address, error) from error
        try:
            yield MilvusChange(milvus, run, folder, index, before, stack)
        except sqlite3.OperationalError as error:  # SQLite says so of a full disk, and of nothing else while it writes.
            raise _without_room(address, error) from error
        except OSError as error:
            if error.errno not in _FULL:
                raise
            raise _without_room(address, error) from error


def _without_room(address: MilvusAddress, error: Exception) -> OdqaError:
    where = tempfile.tempdir or "the folder for temporary files"
    return OdqaError(
        f"{where} cannot take what is changed of {address} ({error}); make room there, or set TMPDIR to another "
        f"folder. The index is unchanged"
    )


def _in_batches(rows: Iterable[Row]) -> Iterator[tuple[list[Row], int]]:
    """Rows, as many at a time as are written at once, and about their bytes."""
    some: list[Row] = []
    size = 0
    for row in rows:
        some.append(row)
        size += size_of(row)
        if len(some) == MOST_ROWS or size >= _MOST_SENT:
            yield some, size
            some, size = [], 0
    if some:
        yield some, size
