"""The address of an index in; what reads and changes it there out. Knows the two kinds of places by name alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from odqa.addresses import Address, MilvusAddress, address_of
from odqa.index.folder import FolderStore
from odqa.index.interface import Store

if TYPE_CHECKING:
    from odqa.index.manifest import Description
    from odqa.index.verification import Verification
    from odqa.retrieval.encoder import Encoder


def store_at(address: object) -> Store:
    """The store at an address, of which nothing is opened yet. Raises UsageError for what is no address."""
    found = address_of(address)
    if isinstance(found, MilvusAddress):
        # pymilvus is imported where a connection is made, and neither it nor what needs it for an index folder.
        from odqa.index.milvus.store import MilvusStore

        return MilvusStore(found)
    return FolderStore(found)


def verify(
    index: str | Address,
    load: Callable[[Description], Encoder] | None = None,
    *,
    progress: Callable[[int, int], None] | None = None,
) -> Verification:
    """What is broken in an index, wherever it lies; see ``odqa.index.verification.verify``."""
    return store_at(index).verify(load, progress)
