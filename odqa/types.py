"""The nouns that travel through the system, from Document to Response. Standard library only; knows no file or model.

Offsets are half-open and count characters (Unicode code points), never bytes or tokens.
"""

from __future__ import annotations

import json
import math
from bisect import bisect_right
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path
from typing import Any, TypeAlias

DEFAULT_INDEX = Path("indexes/default")  # Where an index is, and is written, unless another folder is named.

# What long work calls as it goes on: the stage, how much of it was done since the last call, and how much there is.
Progress: TypeAlias = Callable[[str, int, int], None]

_SHOWN = 60  # Characters of a text in a repr.


@dataclass(frozen=True, slots=True)
class Section:
    """A stretch of a document that begins at ``start`` and ends where the next section begins.

    ``headings`` is the heading path, outermost first; ``page`` counts from 1, None where a format has no pages.
    """

    start: int
    headings: tuple[str, ...] = ()
    page: int | None = None


class BlockKind(StrEnum):
    """What a block of a document is to the person who reads it."""

    HEADING = "heading"
    PARAGRAPH = "paragraph"
    ITEM = "item"  # Of a list.
    ROW = "row"  # Of a table; its cells stand between vertical bars.
    TERM = "term"  # What the next block defines: a word of a glossary, an option of a command.
    CODE = "code"
    NOTE = "note"  # A footnote, a comment, what is written on the margin.
    CAPTION = "caption"


@dataclass(frozen=True, slots=True)
class Block:
    """``text[start:end]``, which people read as one: no answer reaches over its ends.

    Blocks are sorted and share no character; between them are white space and the marks of a format (``##``,
    ``|---|``), which answer nothing. ``labels`` are the heads of the columns of a row, one a cell; empty for the row of
    heads itself, and where a table has none. Where no bars part the cells, each cell is a row of its own.
    """

    start: int
    end: int
    kind: BlockKind = BlockKind.PARAGRAPH
    labels: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, repr=False)
class Document:
    """A text and where it came from. ``sections`` are sorted by start; empty means one unnamed section.

    ``blocks`` are what a loader knows of the structure of the text; empty means that the text alone tells it.

    >>> Document("leave", "Leave", "Employees have twenty days of vacation.", metadata={"year": 2024})
    Document('leave', title='Leave', text='Employees have twenty days of vacation.')
    """

    id: str
    title: str
    text: str
    source: str = ""
    metadata: Mapping[str, Any] = field(default_factory=dict)
    sections: tuple[Section, ...] = ()
    blocks: tuple[Block, ...] = ()

    def __repr__(self) -> str:
        return f"Document({self.id!r}, title={_short(self.title)}, text={_short(self.text)})"


@dataclass(frozen=True, slots=True, repr=False)
class Passage:
    """A slice of a document: ``document.text[start:start + len(text)] == text``.

    ``pages`` holds (offset inside the passage, page number) for the page the passage begins on and each one that
    begins inside it; empty where the format has no pages. ``blocks`` are those of the document that it holds, whole or
    in part, their offsets inside the passage.

    >>> passage = Passage("a.pdf#1", "a.pdf", "A", "One. Two.", start=100, pages=((0, 7), (5, 8)))
    >>> passage.end, passage.page_at(0), passage.page_at(5)
    (109, 7, 8)
    """

    id: str
    document_id: str
    title: str
    text: str
    start: int
    source: str = ""
    headings: tuple[str, ...] = ()
    pages: tuple[tuple[int, int], ...] = ()
    blocks: tuple[Block, ...] = ()

    @property
    def end(self) -> int:
        """The offset in the document just after the passage's last character."""
        return self.start + len(self.text)

    def page_at(self, offset: int) -> int | None:
        """The page on which the character at ``offset`` (inside the passage) stands; None without pages."""
        at = bisect_right(self.pages, offset, key=lambda page: page[0]) - 1
        return self.pages[at][1] if at >= 0 else None

    def __repr__(self) -> str:
        return f"Passage({self.id!r}, title={_short(self.title)}, text={_short(self.text)})"

    def _origin(self) -> dict[str, str]:
        return {"id": self.document_id, "title": self.title, "source": self.source}


class Backend(StrEnum):
    """What computes models: OpenVINO on a CPU and torch elsewhere (``auto``), or one of them."""

    AUTO = "auto"
    OPENVINO = "openvino"
    TORCH = "torch"


class Mode(StrEnum):
    """How passages are found: by their vectors, by the words they share with the question, or by both."""

    DENSE = "dense"
    BM25 = "bm25"
    HYBRID = "hybrid"


@dataclass(frozen=True, slots=True)
class Component:
    """One retriever's score of a passage. ``rank`` counts from 1; None where no rank was computed so far down."""

    score: float
    rank: int | None


@dataclass(frozen=True, slots=True, repr=False)
class Hit:
    """A retrieved passage. ``rank`` counts from 1; ``score`` is the retriever's own (larger is better).

    ``components`` are what the score was made of, by the name of the retriever: ``dense``, ``bm25``. ``copies`` are
    the other passages of the same text that were found, in their order; white space may differ.
    """

    passage: Passage
    score: float
    rank: int
    components: Mapping[str, Component] = field(default_factory=dict)
    copies: tuple[Passage, ...] = ()

    def to_dict(self, explain: bool = False) -> dict[str, Any]:
        """The values of a hit in ``odqa search --json``; ``explain`` adds each component's score and rank."""
        value: dict[str, Any] = {
            "rank": self.rank,
            "score": self.score,
            "text": self.passage.text,
            "passage_id": self.passage.id,
            "document": self.passage._origin(),
            "copies": [{"passage_id": copy.id, "document": copy._origin()} for copy in self.copies],
        }
        return value | {"components": self._components()} if explain else value

    def _components(self) -> dict[str, Any]:
        return {name: {"rank": some.rank, "score": some.score} for name, some in self.components.items()}

    def __repr__(self) -> str:
        return f"Hit(rank={self.rank}, score={self.score:.4g}, passage={self.passage!r})"


@dataclass(frozen=True, slots=True)
class Span:
    """``text[start:end]`` of the text that was read, and its score: start + end logit, less the length penalty."""

    start: int
    end: int
    score: float


@dataclass(frozen=True, slots=True)
class Reading:
    """What the reader found in one text: its best spans, best first, and the null score.

    ``null_score`` is the start + end logit of the null position, the minimum over the text's windows (the
    window least sure that there is no answer decides; Devlin et al. 2019, section 4.3, per window).
    """

    spans: tuple[Span, ...]
    null_score: float
    windows: int = 1


@dataclass(frozen=True, slots=True)
class Place:
    """A span in a retrieved passage, with the null score of that passage."""

    hit: Hit
    span: Span
    null_score: float

    @property
    def passage(self) -> Passage:
        """The passage that the span is in."""
        return self.hit.passage

    @property
    def margin(self) -> float:
        """The log-odds of the span against the null of its passage: span score - null score."""
        return self.span.score - self.null_score

    @property
    def start(self) -> int:
        """The offset in the document of the span's first character."""
        return self.passage.start + self.span.start

    @property
    def end(self) -> int:
        """The offset in the document just after the span's last character."""
        return self.passage.start + self.span.end

    @property
    def text(self) -> str:
        """The span's characters."""
        return self.passage.text[self.span.start : self.span.end]

    @property
    def page(self) -> int | None:
        """The page the span begins on, None where the format has no pages."""
        return self.passage.page_at(self.span.start)

    @property
    def copies(self) -> tuple[Place, ...]:
        """The same span in the copies of the passage."""
        return tuple(
            Place(
                replace(self.hit, passage=copy, copies=()),
                _moved(self.span, self.passage.text, copy.text),
                self.null_score,
            )
            for copy in self.hit.copies
        )

    def _where(self) -> dict[str, Any]:
        return {
            "document": self.passage._origin(),
            "start": self.start,
            "end": self.end,
            "passage_id": self.passage.id,
            "page": self.page,
        }

    def _values(self) -> dict[str, Any]:
        return {
            "document": self.passage.document_id,
            "start": self.start,
            "end": self.end,
            "passage_id": self.passage.id,
            "span_score": self.span.score,
            "null_score": self.null_score,
            "rank": self.hit.rank,
            "components": self.hit._components(),
        }


@dataclass(frozen=True, slots=True, repr=False)
class Answer:
    """A ranked answer. ``start`` and ``end`` are offsets in the *document*; ``span`` is inside the passage.

    ``confidence`` is a probability between 0 and 1, ``score`` the ranking's own (larger is better).
    ``places`` are the distinct places that say it, best first; the first one is what the other fields tell of. They
    are what agrees: a copy of a passage that was read says nothing new, and is found in ``copies``.
    """

    text: str
    confidence: float
    score: float
    places: tuple[Place, ...]

    @property
    def start(self) -> int:
        """The offset in the document of the answer's first character."""
        return self.places[0].start

    @property
    def end(self) -> int:
        """The offset in the document just after the answer's last character."""
        return self.places[0].end

    @property
    def span(self) -> Span:
        """The answer inside its passage."""
        return self.places[0].span

    @property
    def passage(self) -> Passage:
        """The passage that holds the answer."""
        return self.places[0].passage

    @property
    def mentions(self) -> int:
        """How many distinct places say it, copies not counted."""
        return len(self.places)

    @property
    def copies(self) -> tuple[Place, ...]:
        """Where it stands in copies of the passages of ``places``."""
        return tuple(copy for place in self.places for copy in place.copies)

    @property
    def page(self) -> int | None:
        """The page the answer begins on, None where the format has no pages."""
        return self.places[0].page

    def to_dict(self, explain: bool = False) -> dict[str, Any]:
        """The values of an answer in ``odqa ask --json``; ``explain`` adds what it was ranked by."""
        value: dict[str, Any] = {
            "text": self.text,
            "confidence": self.confidence,
            "document": self.passage._origin(),
            "start": self.start,
            "end": self.end,
            "passage": self.passage.text,
            "passage_id": self.passage.id,
            "page": self.page,
            "headings": list(self.passage.headings),
            "mentions": self.mentions,
            "copies": [copy._where() for copy in self.copies],
        }
        return value | {"score": self.score, "places": [some._values() for some in self.places]} if explain else value

    def __repr__(self) -> str:
        page = "" if self.page is None else f", page={self.page}"
        return (
            f"Answer({_short(self.text)}, confidence={self.confidence:.3f}, source={self.passage.source!r}, "
            f"start={self.start}, end={self.end}{page})"
        )


@dataclass(frozen=True, slots=True)
class Abstention:
    """The rule by which no answer is given, and how close it came.

    By the rule ``margin`` none is given unless ``value``, by how much the best span beats the null of its passage,
    exceeds ``limit``. By the rule ``probability`` none is given unless ``value``, the probability that there is none,
    is at most ``limit``.
    """

    rule: str
    value: float
    limit: float

    @property
    def abstains(self) -> bool:
        """Whether no answer is given."""
        return self.value <= self.limit if self.rule == "margin" else self.value > self.limit

    def _values(self) -> dict[str, Any]:
        # JSON has no infinity, which (with a minus) the margin is where there is no span at all, and the limit where an
        # answer is forced.
        value, limit = (one if math.isfinite(one) else None for one in (self.value, self.limit))
        return {"rule": self.rule, "value": value, "limit": limit, "abstains": self.abstains}


@dataclass(frozen=True, slots=True, repr=False)
class Response:
    """All that was found for a question. No answers is a proper result: there is none, or none that is sure enough.

    ``withheld`` are then the answers that were not given, best first. ``ranking`` names what they were ranked by, and
    ``abstention`` the rule by which they are given or not; None where nothing was read, and ``reason`` says why.
    ``timings`` are seconds by stage. ``passages_read`` is how many passages were read, at most k: no more than it
    takes to be sure of an answer.
    """

    question: str
    answers: tuple[Answer, ...]
    no_answer_probability: float
    timings: Mapping[str, float] = field(default_factory=dict)
    reason: str = ""
    withheld: tuple[Answer, ...] = ()
    ranking: str = ""
    abstention: Abstention | None = None
    passages_read: int = 0

    def to_dict(self, explain: bool = False) -> dict[str, Any]:
        """The values of ``odqa ask --json``: what json can write, under the keys that docs/python.md lists.

        Offsets count characters of the document, and ``passage`` is the passage's text. ``explain`` adds what answers
        were ranked by, the answers that were withheld, and the rule that withheld them.
        """
        value: dict[str, Any] = {
            "question": self.question,
            "answers": [answer.to_dict(explain) for answer in self.answers],
            "no_answer_probability": self.no_answer_probability,
            "passages_read": self.passages_read,
            "timings": dict(self.timings),
            "reason": self.reason,
        }
        if explain:
            value["ranking"] = self.ranking
            value["abstention"] = None if self.abstention is None else self.abstention._values()
            value["withheld"] = [answer.to_dict(explain) for answer in self.withheld]
        return value

    def to_json(self, explain: bool = False, indent: int | None = None) -> str:
        """The text of :meth:`to_dict` as JSON, on one line, or with ``indent`` spaces a level.

        >>> Response("Who?", (), 0.9).to_json()[:65]
        '{"question": "Who?", "answers": [], "no_answer_probability": 0.9,'
        """
        return json.dumps(self.to_dict(explain), ensure_ascii=False, indent=indent)

    def __repr__(self) -> str:
        reason = f", reason={_short(self.reason)}" if self.reason else ""
        return (
            f"Response({_short(self.question)}, answers={list(self.answers)!r}, "
            f"no_answer_probability={self.no_answer_probability:.3f}{reason})"
        )


@dataclass(frozen=True, slots=True)
class Reference:
    """A reference answer of a dataset: its text and the character where it begins in the context."""

    text: str
    start: int


@dataclass(frozen=True, slots=True)
class Example:
    """A question over one context, with its reference answers; none of them means unanswerable.

    ``plausible`` are wrong answers that look right (SQuAD v2 gives them for unanswerable questions). ``headings`` are
    those above the context, outermost first.
    """

    id: str
    question: str
    context: str
    references: tuple[Reference, ...] = ()
    title: str = ""
    plausible: tuple[Reference, ...] = ()
    headings: tuple[str, ...] = ()

    @property
    def answerable(self) -> bool:
        """Whether the context answers the question."""
        return bool(self.references)


def _moved(span: Span, text: str, copy: str) -> Span:
    """The span of ``text`` in a copy of it, in which white space may differ."""
    if text == copy:
        return span
    at = [place for place, character in enumerate(copy) if not character.isspace()]
    first = len("".join(text[: span.start].split()))
    length = len("".join(text[span.start : span.end].split()))
    return Span(at[first], at[first + length - 1] + 1, span.score)


def _short(text: str) -> str:
    """The repr of a text, or of how it begins."""
    return repr(text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…")
