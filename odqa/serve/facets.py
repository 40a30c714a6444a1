"""An open index in; what its documents can be filtered by, and questions one could ask of it, out. Reads a sample."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

from odqa.index.filters import OWN_FIELDS, fields_of
from odqa.index.lookup import all_documents, find_document
from odqa.index.search import Index

DOCUMENTS = 2000  # That are looked at for fields.
FIELDS = 50  # That are told at most.
VALUES = 20  # Of a field that are told at most, those of most documents.
LONGEST = 100  # Characters of a value that is told.
QUESTIONS = 5
LOOKED_AT, PASSAGES = 40, 8  # Documents, and the first passages of each, that are looked at for questions.
# The beginning of a sentence that says what something is.
_DEFINITION = re.compile(
    r"(?:^|(?<=[.!?]\s))(The |An? |(?=[A-Z]))((?:[\w’'-]+ ){0,2}[\w’'-]+) (is|are) (?:the|an?) ", re.MULTILINE
)
_NO_NAMES = frozenset(
    "it this that these those there here he she they we you i who what which where when why how one each all some any "
    "none nothing both such same other another first second last next only most many in on at by for from with without "
    "of to if as so but and or not".split()
)


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
    """Some questions that the index should answer, each of another document; few or none where it shows none.

    They are headings that ask something and, of English text, what its sentences define: "A passage is a piece of …".
    Raises IndexFolderError where the index is damaged.
    """
    english = index.manifest.keywords.get("language") == "en"
    sample = list(islice(all_documents(index), DOCUMENTS))
    asked, made = [], []
    for document in sample[:: max(1, len(sample) // LOOKED_AT)]:
        found = find_document(index, document.id)
        passages = found.passages(0, PASSAGES) if found else []
        headings = [heading.strip() for passage in passages for heading in passage.headings]
        asked += [heading for heading in headings if heading.endswith("?") and len(heading) <= LONGEST][:1]
        if english:
            made += [one for passage in passages for one in _defined(passage.text)][:1]
    return list(dict.fromkeys([*asked, *made]))[:QUESTIONS]


def _defined(text: str) -> Iterator[str]:
    """Questions for what sentences define."""
    for found in _DEFINITION.finditer(text):
        article, name, verb = found.groups()
        if name.split()[0].casefold() not in _NO_NAMES:
            yield f"What {verb} {article.lower()}{name}?"


def _texts(value: Any) -> Iterator[str]:
    for one in value if isinstance(value, list | tuple) else [value]:
        if isinstance(one, bool):
            yield "true" if one else "false"
        elif one is not None and str(one):
            yield str(one)
