"""An index folder in; the fields of its documents out, and whether a filter asks for one of them. Needs no model."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from itertools import islice
from pathlib import Path
from typing import Any

from odqa.index.filters import OWN_FIELDS, Filter, composed, fields_of, select
from odqa.index.layout import PASSAGES, segment_folder
from odqa.index.manifest import Manifest, check_sizes, of_one_version
from odqa.index.store import PassageStore


def check_fields(folder: Path, filters: Sequence[Filter]) -> None:
    """Check an index as far as can be done in a moment: its manifest, its files' sizes, and the fields of the filters.

    Raises IndexFolderError for a missing or damaged index, and UsageError for a field that no document has.
    """
    wanted = {composed(some.field) for some in filters} - set(OWN_FIELDS)

    def check(manifest: Manifest) -> None:
        check_sizes(folder, manifest)
        if wanted:
            select(enumerate(_until_known(_fields(folder, manifest), wanted)), filters)

    of_one_version(folder, check)


def fields_of_index(folder: Path, most: int) -> set[str]:
    """The fields of the first ``most`` documents of an index. Raises IndexFolderError."""
    return of_one_version(folder, lambda manifest: {*OWN_FIELDS}.union(*islice(_fields(folder, manifest), most)))


def _until_known(documents: Iterator[Mapping[str, Any]], wanted: set[str]) -> Iterator[Mapping[str, Any]]:
    """The documents up to the one with which each field has been seen: mostly the first."""
    for fields in documents:
        yield fields
        wanted = wanted - fields.keys()
        if not wanted:
            return


def _fields(folder: Path, manifest: Manifest) -> Iterator[Mapping[str, Any]]:
    for segment in manifest.segments:
        with closing(PassageStore(segment_folder(folder, segment.name) / PASSAGES)) as store:
            for document in store.all():
                yield fields_of(document.id, document.title, document.source, document.metadata)
