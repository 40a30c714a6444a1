"""An open index in; what its documents can be filtered by, and questions one could ask of it, out. Reads a sample."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from operator import itemgetter
from typing import Any

from odqa.index.filters import OWN_FIELDS, fields_of
from odqa.index.interface import OpenIndex
from odqa.index.lookup import find_document
from odqa.types import Passage

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
_HOW_TO = re.compile(r"How to (\w.+\w)")
_QUESTION = re.compile(
    r"(?:How|What|When|Where|Which|Who|Why) (?:are|can|do|does|is|may|must|should|was|were|will)( [\w’'-]+){2,}"
)
_DOING = re.compile(r"(?!String|Nothing|Anything|Everything|Something)[A-Z][a-z]+ing( [\w’'-]+){1,6}")
_WORD = re.compile(r"\w+")
_TOPIC = re.compile(r"(?:An? |The )?+[^\W\d_][\w’'-]*( [\w’'-]+){1,5}")
# What names nothing where it stands alone, or at an end.
_NO_NAMES = frozenset(
    "it this that these those there here he she they we you i who what which where when why how one each all some any "
    "none nothing both such same other others another first second last next only most many in on at by for from with "
    "without of to if as so but and or not under over before after about see more them us its their our your "
    "own".split()
)
_POINTING = frozenset("it this that these those they them others here there above below".split())


@dataclass(frozen=True, slots=True)
class Field:
    """A field of the documents: how many of those that were looked at have it, and its values by their number.

    ``complete`` says whether these are all values that it has in the index.
    """

    name: str
    documents: int
    values: tuple[tuple[str, int], ...]
    complete: bool


def fields(index: OpenIndex) -> list[Field]:
    """What documents can be filtered by besides id, title and source, the fields of most documents first.

    Raises IndexFolderError where the index is damaged.
    """
    having: Counter[str] = Counter()
    values: dict[str, Counter[str]] = {}
    sample = list(islice(index.documents(), DOCUMENTS))
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


def questions(index: OpenIndex) -> list[str]:
    """Some questions or search words that the index should answer, each of another document; few where it shows few.

    They are headings that ask something. Of English text they are, too, those that tell how to do something, what
    sentences define ("A passage is a piece of …") of which headings tell, and other headings of several words.
    Raises IndexFolderError where the index is damaged.
    """
    english = index.manifest.keywords.get("language") == "en"
    sample = list(islice(index.documents(), DOCUMENTS))
    found: list[tuple[int, str]] = []
    for document in sample[:: max(1, len(sample) // LOOKED_AT)]:
        stored = find_document(index, document.id)
        passages = stored.passages(0, PASSAGES) if stored else []
        found += sorted(_asked(passages, english), key=itemgetter(0))[:1]
    return list(dict.fromkeys(text for _, text in sorted(found, key=itemgetter(0))))[:QUESTIONS]


def _asked(passages: Sequence[Passage], english: bool) -> Iterator[tuple[int, str]]:
    """What the passages of a document are asked by, each with a number: the less, the better does it read."""
    headings = list(dict.fromkeys(" ".join(one.split()) for passage in passages for one in passage.headings))
    for heading in headings:
        if len(heading) > LONGEST:
            continue
        if heading.endswith("?"):
            yield 4 if english and _points(heading) else 0, heading
        elif english:
            yield from _in_words(heading)
    if english:
        told = " ".join(headings).casefold()
        for passage in passages:
            yield from ((1, question) for name, question in _defined(passage.text) if name.casefold() in told)


def _in_words(heading: str) -> Iterator[tuple[int, str]]:
    """An English heading as a question, or as it is where people would search for its words; else nothing."""
    words = heading.casefold().split()
    if not words or words[-1] in _NO_NAMES or _points(heading):
        return
    if how := _HOW_TO.fullmatch(heading):
        yield 0, f"How do I {how[1]}?"
    elif _QUESTION.fullmatch(heading):
        yield 0, f"{heading}?"
    elif _DOING.fullmatch(heading):
        yield 2, heading
    elif _TOPIC.fullmatch(heading) and words[0] not in _NO_NAMES:
        yield 3, heading


def _points(text: str) -> bool:
    """Whether one has to know what stands around the text to know what it tells of."""
    return not _POINTING.isdisjoint(_WORD.findall(text.casefold()))


def _defined(text: str) -> Iterator[tuple[str, str]]:
    """What sentences define, and the questions for it."""
    for found in _DEFINITION.finditer(text):
        article, name, verb = found.groups()
        if name.split()[0].casefold() not in _NO_NAMES and not _points(name):
            yield name, f"What {verb} {article.lower()}{name}?"


def _texts(value: Any) -> Iterator[str]:
    for one in value if isinstance(value, list | tuple) else [value]:
        if isinstance(one, bool):
            yield "true" if one else "false"
        elif one is not None and str(one):
            yield str(one)
