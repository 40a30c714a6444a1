"""What an index is to those who search and change it, wherever it lies: in a folder, or in a Milvus."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from odqa.types import Mode

if TYPE_CHECKING:  # So that naming a store costs no more than reading a manifest.
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from contextlib import AbstractContextManager

    import numpy as np
    from numpy.typing import NDArray

    from odqa.addresses import Address
    from odqa.index.catalog import CatalogEntry
    from odqa.index.filters import Filter, Filters
    from odqa.index.manifest import Description
    from odqa.index.store import PassageWriter, StoredDocument
    from odqa.index.verification import Verification
    from odqa.retrieval.encoder import Encoder
    from odqa.types import Document, Hit, Passage


@dataclass(frozen=True, slots=True)
class Storage:
    """How vectors are stored: the FAISS factory or the type of Milvus's index, empty for the automatic choice.

    ``recall`` is that with which a folder is searched.
    """

    factory: str = ""
    recall: float = 0.95


class OpenIndex(Protocol):
    """An open index, as it was when it was opened; see ``odqa.index.search.Index``, whose methods these are.

    A passage is at a row, a whole number; the rows of a document follow one another, and the order of the rows is that
    of the index.
    """

    why_not_gpu: str | None

    @property
    def address(self) -> Address:
        """Where it lies."""

    @property
    def manifest(self) -> Description:
        """What is known of it."""

    @property
    def mode(self) -> Mode:
        """How it searches."""

    def __len__(self) -> int:
        """How many passages there are."""

    def in_mode(self, mode: Mode | str) -> OpenIndex:
        """The same index, searched in another mode."""

    def check_encoder(self, encoder: Encoder) -> None:
        """Raise IndexFolderError unless ``encoder`` is the one whose vectors are stored."""

    def search(
        self, questions: Sequence[str], k: int, vectors: NDArray[np.float32] | None = None, filters: Filters = ()
    ) -> list[list[Hit]]:
        """The ``k`` best passages for each question, best first."""

    def matching(self, filters: Filters) -> int:
        """How many passages belong to documents that match all ``filters``."""

    def documents(self) -> Iterator[StoredDocument]:
        """The documents, in order, one at a time."""

    def find(self, id: str) -> StoredDocument | None:
        """The document with this id."""

    def sources(self) -> dict[str, str]:
        """The hash of each file that documents were read from, by its path."""

    def fetch(self, rows: Sequence[int]) -> dict[int, Passage]:
        """The passages of these rows, by row."""

    def vectors(self, rows: Sequence[int]) -> NDArray[np.float32]:
        """The stored vectors of these rows, float32 (rows, dimension)."""

    def close(self) -> None:
        """Close it; it cannot be searched afterwards."""


class Catalog(Protocol):
    """The documents of an index while it is changed, less those that the change takes out."""

    def find(self, id: str) -> CatalogEntry | None:
        """The document with this id, if there is one."""

    def from_source(self, source: str) -> Sequence[CatalogEntry]:
        """The documents read from this file."""

    def all(self) -> Iterator[CatalogEntry]:
        """All documents."""

    def hashes(self) -> dict[str, str]:
        """The hash of each file as it was last read, by its path."""

    def remove(self, item: CatalogEntry) -> None:
        """Take a document out."""

    @property
    def removed(self) -> int:
        """How many documents were taken out."""


class Writer(Protocol):
    """What a change writes new documents to; their vectors come last, see ``Change.finish``.

    ``store`` has the documents and passages that were added.
    """

    store: PassageWriter

    def unfit(self, document: Document | StoredDocument, passages: Sequence[Passage]) -> str:
        """Why a document cannot be stored where the index lies; empty where it can."""

    def add(self, document: Document, passages: Sequence[Passage], vectors: NDArray[np.float32] | None = None) -> None:
        """Append a document and its passages, with their ``vectors``, float32 (passages, dimension), if there are some.

        Documents with their vectors come before any without. Raises DataError when two passages have one id.
        """


class Change(Protocol):
    """One change of an index, which lands whole or not at all."""

    @property
    def catalog(self) -> Catalog:
        """The documents that the index had when the change began; none where it is built anew."""

    @property
    def manifest(self) -> Description:
        """The index as it was when the change began. Raises IndexFolderError where there is none."""

    def write(self, dimension: int, language: str) -> Writer:
        """What new documents are written to. ``dimension`` is that of the vectors, ``language`` the rules' for words.

        It is closed with the change.
        """

    def finish(
        self,
        encode: Callable[[Sequence[Passage]], NDArray[np.float32]],
        storage: Storage,
        replaced: Iterable[StoredDocument],
    ) -> None:
        """Encode and store what was written, but for the ``replaced`` documents of it."""

    def land(self, made: Description) -> Description:
        """Make the index what it was, less what was taken out of the catalog, with what was written.

        ``made`` says how it is made; returned is the same with its new version. Where nothing was changed, there is
        none. Raises UsageError when nothing would be left.
        """


class Store(Protocol):
    """Where an index lies, and what can be done with it as a whole."""

    @property
    def address(self) -> Address:
        """Its address."""

    def check_installed(self) -> None:
        """Raise OdqaError where a library is missing that changing an index needs."""

    def check_target(self) -> None:
        """Raise IndexFolderError where something else than an index is in its place."""

    def exists(self) -> bool:
        """Whether there is an index."""

    def check_storage(self, storage: Storage, dimension: int) -> None:
        """Raise UsageError where vectors cannot be stored so: better before hours of encoding."""

    def manifest(self) -> Description:
        """What is known of the index. Raises IndexFolderError where there is none, or where it is damaged."""

    def check_fields(self, filters: Sequence[Filter]) -> None:
        """Check the index as far as can be done in a moment, and that documents have the fields of the filters."""

    def fields(self, most: int) -> set[str]:
        """The fields of the first ``most`` documents."""

    def open(self, mode: Mode | str = Mode.HYBRID, device: str = "cpu") -> OpenIndex:
        """Open the index for searches in ``mode`` on ``device``."""

    def changing(self, *, build: bool = False) -> AbstractContextManager[Change]:
        """Begin a change, of which there is one at a time; ``build`` puts a new index in the place of what is there.

        If the block raises, the index stays as it was.
        """

    def discard(self, version: int) -> None:
        """Take the index away that a change has just made, with what is stored of it, unless it has another version.

        Raises IndexFolderError where another process is changing it.
        """

    def verify(
        self,
        load: Callable[[Description], Encoder] | None,
        progress: Callable[[int, int], None] | None = None,
    ) -> Verification:
        """What is broken in the index; see ``odqa.index.verification``."""
