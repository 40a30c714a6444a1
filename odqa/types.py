"""The nouns that travel through the system. Standard library only; knows no file, model or index.

Offsets are half-open and count characters (Unicode code points), never bytes or tokens.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


@dataclass(frozen=True, slots=True)
class Section:
    """A stretch of a document that begins at ``start`` and ends where the next section begins.

    ``headings`` is the heading path, outermost first; ``page`` counts from 1, None where a format has no pages.
    """

    start: int
    headings: tuple[str, ...] = ()
    page: int | None = None


@dataclass(frozen=True, slots=True)
class Document:
    """A text and where it came from. ``sections`` are sorted by start; empty means one unnamed section."""

    id: str
    title: str
    text: str
    source: str
    metadata: Mapping[str, Any] = field(default_factory=dict)
    sections: tuple[Section, ...] = ()


@dataclass(frozen=True, slots=True)
class Passage:
    """A slice of a document: ``document.text[start:start + len(text)] == text``.

    ``pages`` holds (offset inside the passage, page number) for the page the passage begins on and each one that
    begins inside it; empty where the format has no pages.
    """

    id: str
    document_id: str
    title: str
    text: str
    start: int
    source: str = ""
    headings: tuple[str, ...] = ()
    pages: tuple[tuple[int, int], ...] = ()

    @property
    def end(self) -> int:
        """The offset in the document behind the passage's last character."""
        return self.start + len(self.text)

    def page_at(self, offset: int) -> int | None:
        """The page on which the character at ``offset`` (inside the passage) stands; None without pages."""
        at = bisect_right(self.pages, offset, key=lambda page: page[0]) - 1
        return self.pages[at][1] if at >= 0 else None


class Mode(StrEnum):
    """How passages are found: by their vectors, by the words they share with the question, or by both."""

    DENSE = "dense"
    BM25 = "bm25"
    HYBRID = "hybrid"


@dataclass(frozen=True, slots=True)
class Component:
    """What one of several retrievers says of a passage. ``rank`` counts from 1, None beyond those it was asked for."""

    score: float
    rank: int | None


@dataclass(frozen=True, slots=True)
class Hit:
    """A retrieved passage. ``rank`` counts from 1; ``score`` is the retriever's own (larger is better).

    ``components`` are what the score was made of, by the name of the retriever: ``dense``, ``bm25``.
    """

    passage: Passage
    score: float
    rank: int
    components: Mapping[str, Component] = field(default_factory=dict)


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
class Answer:
    """A ranked answer. ``start`` and ``end`` are offsets in the *document*; ``span`` is inside the passage.

    ``confidence`` is a probability between 0 and 1. ``mentions`` counts the distinct places that gave this text.
    """

    text: str
    confidence: float
    start: int
    end: int
    span: Span
    passage: Passage
    mentions: int = 1

    @property
    def page(self) -> int | None:
        """The page the answer begins on, None where the format has no pages."""
        return self.passage.page_at(self.span.start)


@dataclass(frozen=True, slots=True)
class Response:
    """All that was found for a question. No answers is a proper result: nothing beat the no-answer candidate.

    ``timings`` are seconds by stage. ``reason`` says why nothing was read, where that is so.
    """

    question: str
    answers: tuple[Answer, ...]
    no_answer_probability: float
    timings: Mapping[str, float] = field(default_factory=dict)
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Reference:
    """A reference answer of a dataset: its text and the character where it begins in the context."""

    text: str
    start: int


@dataclass(frozen=True, slots=True)
class Example:
    """A question over one context, with its reference answers; none of them means unanswerable.

    ``plausible`` are wrong answers that look right (SQuAD v2 gives them for unanswerable questions).
    """

    id: str
    question: str
    context: str
    references: tuple[Reference, ...] = ()
    title: str = ""
    plausible: tuple[Reference, ...] = ()

    @property
    def answerable(self) -> bool:
        """Whether the context answers the question."""
        return bool(self.references)
