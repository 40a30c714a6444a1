"""The address of an index in; what reads and changes it there out. Knows the two kinds of places by name alone."""

from __future__ import annotations

from odqa.addresses import folder_of
from odqa.index.folder import FolderStore
from odqa.index.interface import Store


def store_at(address: object) -> Store:
    """The store at an address, of which nothing is opened yet. Raises UsageError for what is no address."""
    return FolderStore(folder_of(address, "odqa"))
