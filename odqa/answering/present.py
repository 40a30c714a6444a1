"""How a Response looks: as a JSON object, and as lines for a person. Knows no command and no terminal."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from typing import Any

from odqa.corpus.sentences import sentences
from odqa.types import Answer, Response

CONTEXT_CHARACTERS = 200  # Shown at most on each side of an answer, where a "sentence" is a whole table.
_INDENT = "   "
_BIDI_CONTROLS = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def as_json(response: Response) -> dict[str, Any]:
    """The Response as a JSON object; offsets count characters of the document, ``passage`` is its text."""
    return {
        "question": response.question,
        "answers": [_answer_json(answer) for answer in response.answers],
        "no_answer_probability": response.no_answer_probability,
        "timings": dict(response.timings),
    }


def as_lines(response: Response, mark: tuple[str, str] = ("**", "**")) -> Iterator[str]:
    """The Response as lines of text; ``mark`` goes before and after the answer inside its sentence."""
    if not response.answers:
        yield f"No answer found; the probability that there is none is {percent(response.no_answer_probability)}."
    for number, answer in enumerate(response.answers, start=1):
        yield f"{number}. {visible(answer.text)}  ({percent(answer.confidence)})"
        yield _INDENT + _where(answer)
        yield _INDENT + _in_its_sentence(answer, mark)


def sentence_around(text: str, start: int, end: int) -> tuple[int, int]:
    """The offsets of the sentence that holds ``text[start:end]``, or of the sentences where it crosses a boundary."""
    spans = [span for span in sentences(text, 0, len(text)) if span[0] < end and start < span[1]]
    return min([start, *(span[0] for span in spans)]), max([end, *(span[1] for span in spans)])


def percent(probability: float) -> str:
    """With one decimal; never 0 or 100 for what is only close to it."""
    if 0 < probability < 0.001:
        return "<0.1%"
    if 0.999 < probability < 1:
        return ">99.9%"
    return f"{probability:.1%}"


def visible(text: str) -> str:
    """One line that cannot drive a terminal: white space becomes one space, control characters become escapes.

    Escaped are control characters, surrogates, and the bidirectional overrides that make text read otherwise than
    it is.
    """
    return "".join(
        ascii(character)[1:-1]
        if unicodedata.category(character) in {"Cc", "Cs"} or character in _BIDI_CONTROLS
        else character
        for character in " ".join(text.split())
    )


def _answer_json(answer: Answer) -> dict[str, Any]:
    passage = answer.passage
    return {
        "text": answer.text,
        "confidence": answer.confidence,
        "document": {"id": passage.document_id, "title": passage.title, "source": passage.source},
        "start": answer.start,
        "end": answer.end,
        "passage": passage.text,
        "passage_id": passage.id,
        "page": answer.page,
        "headings": list(passage.headings),
        "mentions": answer.mentions,
    }


def _where(answer: Answer) -> str:
    passage = answer.passage
    parts = [passage.title or passage.document_id, passage.source, f"characters {answer.start}–{answer.end}"]
    if answer.page is not None:
        parts.append(f"page {answer.page}")
    if passage.headings:
        parts.append(" › ".join(passage.headings))
    if answer.mentions > 1:
        parts.append(f"{answer.mentions} mentions")
    return " · ".join(visible(part) for part in dict.fromkeys(parts) if part)


def _in_its_sentence(answer: Answer, mark: tuple[str, str]) -> str:
    text, start, end = answer.passage.text, answer.span.start, answer.span.end
    first, last = sentence_around(text, start, end)
    left = max(first, start - CONTEXT_CHARACTERS)
    right = min(last, end + CONTEXT_CHARACTERS)
    before = ("… " if left > first else "") + _keep_edges(text[left:start])
    after = _keep_edges(text[end:right]) + (" …" if right < last else "")
    return f"{before.lstrip()}{mark[0]}{visible(text[start:end])}{mark[1]}{after.rstrip()}"


def _keep_edges(text: str) -> str:
    """``visible``, with a space kept where the text begins or ends with white space."""
    return visible(f"|{text}|")[1:-1]
