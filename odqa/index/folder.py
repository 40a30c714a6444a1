"""An index in a folder, as a store: what others ask of an index, wherever it lies, answered by the modules above.

What a method needs is imported when it is called: a mistyped name is told before anything large is loaded.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from odqa.index.layout import MANIFEST
from odqa.index.manifest import Description, Manifest, read_manifest
from odqa.index.ownership import check_target
from odqa.types import Mode

if TYPE_CHECKING:
    from odqa.index.filters import Filter
    from odqa.index.folder_change import FolderChange
    from odqa.index.interface import Storage
    from odqa.index.search import Index
    from odqa.index.verification import Verification
    from odqa.retrieval.encoder import Encoder


class FolderStore:
    """An index folder. See ``odqa.index.interface.Store``, whose methods these are."""

    def __init__(self, address: Path) -> None:
        self.address = address

    def check_installed(self) -> None:
        """Raise OdqaError where FAISS is missing."""
        from odqa.retrieval.faiss_library import require_faiss

        require_faiss()

    def check_target(self) -> None:
        """Raise IndexFolderError when the folder holds something other than an index."""
        check_target(self.address)

    def exists(self) -> bool:
        """Whether there is a manifest."""
        return (self.address / MANIFEST).is_file()

    def check_storage(self, storage: Storage, dimension: int) -> None:
        """Raise UsageError for a factory that FAISS does not know, or that does not fit."""
        if storage.factory:
            from odqa.retrieval.factories import check_factory

            check_factory(storage.factory, dimension)

    def manifest(self) -> Manifest:
        """The manifest."""
        return read_manifest(self.address)

    def check_fields(self, filters: Sequence[Filter]) -> None:
        """Check the manifest, the files' sizes, and the fields of the filters."""
        from odqa.index.known_fields import check_fields

        check_fields(self.address, filters)

    def fields(self, most: int) -> set[str]:
        """The fields of the first documents."""
        from odqa.index.known_fields import fields_of_index

        return fields_of_index(self.address, most)

    def open(self, mode: Mode | str = Mode.HYBRID, device: str = "cpu") -> Index:
        """Open the index."""
        from odqa.index.search import Index

        return Index.open(self.address, mode, device)

    def changing(self, *, build: bool = False) -> AbstractContextManager[FolderChange]:
        """Lock the folder for a change."""
        from odqa.index.folder_change import changing_folder

        return changing_folder(self.address, build=build)

    def discard(self, version: int) -> None:
        """Delete the manifest, without which there is no index, and the segments."""
        from odqa.index.change import changing

        with changing(self.address) as change:
            manifest = read_manifest(self.address)
            if manifest.version == version:
                (self.address / MANIFEST).unlink()
                change.clean(replace(manifest, segments=(), outdated=()))

    def verify(
        self, load: Callable[[Description], Encoder] | None, progress: Callable[[int, int], None] | None = None
    ) -> Verification:
        """Check the folder down to the last byte."""
        from odqa.index.verification import verify

        return verify(self.address, load, progress=progress)
