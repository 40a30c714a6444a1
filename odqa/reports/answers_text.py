"""A Response, or the hits of a question, in; lines of text for a person out. Knows no command and no terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from odqa.corpus.sentences import sentences
from odqa.reports.visible import visible
from odqa.types import Abstention, Answer, Component, Hit, Passage, Place, Response

CONTEXT_CHARACTERS = 200  # Shown at most on each side of an answer, where a "sentence" is a whole table.
PASSAGE_CHARACTERS = 300  # Shown of a hit; JSON has the whole passage.
_INDENT = "   "


def as_lines(response: Response, mark: tuple[str, str] = ("**", "**"), explain: bool = False) -> Iterator[str]:
    """The Response as lines of text; ``mark`` goes before and after the answer inside its sentence.

    ``explain`` adds the rule by which there is an answer or none, and what each answer was ranked by.
    """
    if response.reason:
        yield f"No answer found: {visible(response.reason)}."
    elif not response.answers:
        yield f"No answer found; the probability that there is none is {percent(response.no_answer_probability)}."
    if explain and response.abstention:
        yield _rule(response.abstention)
        if not response.answers and response.withheld:
            yield "Withheld:"
    for number, answer in enumerate(response.answers or (response.withheld if explain else ()), start=1):
        yield f"{number}. {visible(answer.text)}  ({percent(answer.confidence)})"
        yield _INDENT + _where(answer)
        yield _INDENT + _in_its_sentence(answer, mark)
        if explain:
            yield _INDENT + f"score {answer.score:.2f} by the ranking {visible(response.ranking)}"
            yield from (_INDENT + _evidence(place) for place in answer.places)


def hits_as_lines(hits: Sequence[Hit], explain: bool = False) -> Iterator[str]:
    """The hits as lines of text: for each passage its score, where it is and how it begins."""
    if not hits:
        yield "No passage found."
    for hit in hits:
        passage = hit.passage
        yield f"{hit.rank}. {hit.score:.4f}  {_place(passage, passage.start, passage.end, passage.page_at(0))}"
        if explain:
            yield _INDENT + " · ".join(_component(name, component) for name, component in hit.components.items())
        text = visible(passage.text)
        yield _INDENT + (text if len(text) <= PASSAGE_CHARACTERS else f"{text[:PASSAGE_CHARACTERS].rstrip()} …")


def sentence_around(text: str, start: int, end: int) -> tuple[int, int]:
    """The offsets of the sentence that holds ``text[start:end]``, or of the sentences where it crosses a boundary."""
    spans = [span for span in sentences(text, 0, len(text)) if span[0] < end and start < span[1]]
    return min([start, *(span[0] for span in spans)]), max([end, *(span[1] for span in spans)])


def percent(probability: float) -> str:
    """A probability as a percentage with one decimal; never 0 or 100 for what is only close to it."""
    if 0 < probability < 0.001:
        return "<0.1%"
    if 0.999 < probability < 1:
        return ">99.9%"
    return f"{probability:.1%}"


def _rule(abstention: Abstention) -> str:
    if abstention.rule == "margin":
        return (
            f"The best span beats the null of its passage by {abstention.value:.2f}; "
            f"there is an answer above {abstention.limit:.2f}."
        )
    return (
        f"The probability that there is no answer is {percent(abstention.value)}; "
        f"none is given above {percent(abstention.limit)}."
    )


def _evidence(place: Place) -> str:
    """The scores and ranks that retriever and reader gave to a place."""
    hit = place.hit
    parts = [
        f"characters {place.start}–{place.end} of {visible(place.passage.document_id)}",
        f"span {place.span.score:.2f}",
        f"null {place.null_score:.2f}",
        f"rank {hit.rank}",
        *(_component(name, component) for name, component in hit.components.items()),
    ]
    return " · ".join(parts)


def _component(name: str, component: Component) -> str:
    return f"{name} {component.score:.4f}, " + (f"rank {component.rank}" if component.rank else "unranked")


def _where(answer: Answer) -> str:
    mentions = f" · {answer.mentions} mentions" if answer.mentions > 1 else ""
    return _place(answer.passage, answer.start, answer.end, answer.page) + mentions


def _place(passage: Passage, start: int, end: int, page: int | None) -> str:
    parts = [passage.title or passage.document_id, passage.source, f"characters {start}–{end}"]
    if page is not None:
        parts.append(f"page {page}")
    if passage.headings:
        parts.append(" › ".join(passage.headings))
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
