"""An open index in; what its documents can be filtered by, and questions one could ask of it, out. Reads a sample."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

from odqa.index.filters import OWN_FIELDS, fields_of
from odqa.index.lookup import all_documents, find_document
from odqa.index.search import Index
from odqa.index.store import StoredDocument

DOCUMENTS = 2000  # That are looked at for fields.
FIELDS = 50  # That are told at most.
VALUES = 20  # Of a field that are told at most, those of most documents.
LONGEST = 100  # Characters of a value that is told.
QUESTIONS = 5
HEADED = 40  # Documents whose headings are looked at for questions.
_PLAIN = re.compile(r"[^\W\d_][\w’'-]*(?: [\w’'-]+){0,4}")  # A heading of one to five words.
_NUMBERED = re.compile(r"^(?:\d+(?:\.\d+)*\.?|[A-Z]\.)\s+")


@dataclass(frozen=True, slots=True)
class Field:
    """A field of the documents: how many of those that were looked at have it, and its values by their number.

    ``complete`` says whether these are all values that it has in the index.
    """

    name: str
    documents: int
    values: tuple[tuple[str, int], ...]
    complete: bool


def fields(index: Index) -> list[Field]:
    """What documents can be filtered by besides id, title and source, the fields of most documents first.

    Raises IndexFolderError where the index is damaged.
    """
    having: Counter[str] = Counter()
    values: dict[str, Counter[str]] = {}
    sample = list(islice(all_documents(index), DOCUMENTS))
    for document in sample:
        for name, value in fields_of("", "", "", document.metadata).items():
            found = set(_texts(value))
            if name not in OWN_FIELDS and found:
                having[name] += 1
                values.setdefault(name, Counter()).update(found)
    whole = len(sample) == index.manifest.documents
    told = []
    for name, documents in having.most_common(FIELDS):
        # Ties in the order of their texts, so that the same index always tells the same.
        ranked = sorted(values[name].items(), key=lambda item: (-item[1], item[0]))
        short = [item for item in ranked if len(item[0]) <= LONGEST][:VALUES]
        told.append(Field(name, documents, tuple(short), whole and len(short) == len(ranked)))
    return told


def questions(index: Index) -> list[str]:
    """Some questions made of headings, each of another document: those that are questions themselves come first.

    Raises IndexFolderError where the index is damaged.
    """
    asked, made = [], []
    for headings in islice(_headings(index, _spread(index)), HEADED):
        own = next((one for one in headings if one.endswith("?") and len(one) <= LONGEST), None)
        plain = next((one for one in reversed(headings) if _PLAIN.fullmatch(one)), None)
        if own:
            asked.append(own)
        elif plain:
            made.append(f"What is {plain}?" if plain[:2].isupper() else f"What is {plain[0].lower()}{plain[1:]}?")
    return list(dict.fromkeys([*asked, *made]))[:QUESTIONS]


def _spread(index: Index) -> Iterator[StoredDocument]:
    """Some documents, from all over the part of the index that is looked at."""
    sample = list(islice(all_documents(index), DOCUMENTS))
    yield from sample[:: max(1, len(sample) // HEADED)]


def _headings(index: Index, documents: Iterable[StoredDocument]) -> Iterator[list[str]]:
    for document in documents:
        found = find_document(index, document.id)
        if found is not None:
            passages = found.passages(0, 8)
            paths = [passage.headings for passage in passages]
            yield [_NUMBERED.sub("", heading).strip() for path in paths for heading in path]


def _texts(value: Any) -> Iterator[str]:
    for one in value if isinstance(value, list | tuple) else [value]:
        if isinstance(one, bool):
            yield "true" if one else "false"
        elif one is not None and str(one):
            yield str(one)
