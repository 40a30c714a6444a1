"""An index in a Milvus, as a store: what others ask of an index, wherever it lies, answered by the modules above."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, closing
from typing import TYPE_CHECKING

from odqa.addresses import MilvusAddress
from odqa.index.filters import Filter, check_known
from odqa.index.interface import Storage
from odqa.index.manifest import Description
from odqa.index.milvus.change import MilvusChange, changing_milvus
from odqa.index.milvus.client import Milvus, check_installed, lacks_file
from odqa.index.milvus.collection import check_storage
from odqa.index.milvus.ledger import Ledger, MilvusManifest, current_generation, manifest_name, read_manifest
from odqa.index.milvus.names import generation_name
from odqa.index.milvus.search import MilvusIndex
from odqa.index.milvus.verification import verify_milvus
from odqa.index.verification import Verification
from odqa.types import Mode

if TYPE_CHECKING:
    from odqa.retrieval.encoder import Encoder


class MilvusStore:
    """An index in a Milvus. See ``odqa.index.interface.Store``, whose methods these are."""

    def __init__(self, address: MilvusAddress) -> None:
        self.address = address

    def check_installed(self) -> None:
        """Raise OdqaError where pymilvus, or for a file milvus-lite, is missing."""
        check_installed(self.address)

    def check_target(self) -> None:
        """Raise IndexFolderError when a collection has the name that is none of odqa's, or no Milvus answers."""
        self.exists()

    def check_storage(self, storage: Storage, dimension: int) -> None:
        """Raise UsageError for a type of index that this Milvus does not have."""
        check_storage(self.address, storage)

    def exists(self) -> bool:
        """Whether there is an index. Looking makes no file of milvus-lite."""
        if lacks_file(self.address):
            return False
        with Milvus(self.address) as milvus:
            return current_generation(milvus, self.address) is not None

    def manifest(self) -> MilvusManifest:
        """The manifest."""
        with Milvus(self.address) as milvus:
            return read_manifest(milvus, self.address)

    def check_fields(self, filters: Sequence[Filter]) -> None:
        """Check the manifest, and the fields of the filters."""
        check_known(filters, self.fields(0))

    def fields(self, most: int) -> set[str]:
        """The fields of all documents, which the manifest has."""
        return set(self.manifest().names)

    def open(self, mode: Mode | str = Mode.HYBRID, device: str = "cpu") -> MilvusIndex:
        """Open the index. Where it is searched is the server's choice, whatever the ``device`` of the models is."""
        return MilvusIndex.open(self.address, mode)

    def changing(self, *, build: bool = False) -> AbstractContextManager[MilvusChange]:
        """Begin a change."""
        return changing_milvus(self.address, build=build)

    def discard(self, version: int) -> None:
        """Drop the alias, without which there is no index, and the generation that it leads to."""
        with Milvus(self.address) as milvus:
            if current_generation(milvus, self.address) == version:
                milvus.call("drop_alias", self.address.name)
                milvus.write("drop_collection", generation_name(self.address.name, version))
                Ledger(milvus, self.address).forget([manifest_name(version)])

    def verify(
        self, load: Callable[[Description], Encoder] | None, progress: Callable[[int, int], None] | None = None
    ) -> Verification:
        """Check every row."""
        with closing(self.open()) as index:
            return verify_milvus(index, load, progress)

    def stamp(self, name: str) -> tuple[object, ...]:
        """What changes when the index does, or the text that is kept under a name."""
        with Milvus(self.address) as milvus:
            return current_generation(milvus, self.address), Ledger(milvus, self.address).read(name)

    def note(self, name: str) -> str | None:
        """A text that is kept beside the index under a name; None where there is none."""
        with Milvus(self.address) as milvus:
            return Ledger(milvus, self.address).read(name)

    def keep(self, name: str, text: str) -> None:
        """Keep a text beside the index under a name, in the place of what was kept there."""
        with Milvus(self.address) as milvus:
            read_manifest(milvus, self.address)
            Ledger(milvus, self.address).write(name, text)
