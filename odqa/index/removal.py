"""Takes documents out of an index, by id, by file or by filter. Encodes nothing."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from pathlib import Path

from odqa.addresses import Address
from odqa.arguments import names_of
from odqa.corpus.base import storable
from odqa.errors import UsageError
from odqa.index.catalog import CatalogEntry
from odqa.index.filters import Filter, Filters, fields_of, parsed, select
from odqa.index.interface import Catalog
from odqa.index.report import ChangeReport, report_of
from odqa.index.spelling import under
from odqa.index.stores import store_at


def remove(folder: str | Address, names: str | Path | Iterable[str | Path] = (), filters: Filters = ()) -> ChangeReport:
    """Take documents out of the index in ``folder``: those with one of ``names``, and those that match all ``filters``.

    A name is the id of a document, the path of a file, or that of a folder with everything read from under it; it does
    not matter whether a path is relative or absolute. Their passages are no longer found from then on, and leave the
    disk with the next ``compact``. Raises UsageError for a name or filters that match no document, without removing
    the others, and when nothing would be left; IndexFolderError for an index that is missing, damaged, or being
    changed.
    """
    started = time.monotonic()
    store, filters = store_at(folder), parsed(filters)
    called = [storable(name) for name in names_of(names)]  # As a file whose name is not UTF-8 is called in an index.
    if not called and not filters:
        raise UsageError("nothing to remove: name document ids, files or folders, or give a --filter")
    store.manifest()
    with store.changing() as change:
        catalog = change.catalog
        found = [item for name in called for item in _named(catalog, name)]
        if filters:
            found += _matching(catalog, filters)
        for item in found:
            catalog.remove(item)
        removed = catalog.removed
        manifest = change.land(change.manifest)
    return report_of(store.address, manifest, started, {"removed": removed})


def _named(catalog: Catalog, name: str) -> Sequence[CatalogEntry]:
    """The documents of this id or, where there is none, those read from the file or folder of this name."""
    document = catalog.find(name) if name else None
    found = [document] if document else catalog.from_source(name)
    if not found and name:
        found = [item for source in under(catalog.hashes(), [name]) for item in catalog.from_source(source)]
    if not found:
        raise UsageError(
            f"no document, file or folder of the index is called {name!r}; names are those they were indexed under, "
            f'as `odqa search --json` shows them in "document"'
        )
    return found


def _matching(catalog: Catalog, filters: Sequence[Filter]) -> list[CatalogEntry]:
    items = list(catalog.all())
    documents = (item.document for item in items)
    numbers = select(
        enumerate(fields_of(some.id, some.title, some.source, some.metadata) for some in documents), filters
    )
    if not numbers:
        raise UsageError(f"no document matches {' and '.join(map(str, filters))}; nothing is removed")
    return [items[number] for number in numbers]
