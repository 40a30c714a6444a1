"""A Response, or the hits of a question, in; lines of text for a person out. Knows no command and no terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import PurePath

from odqa.reports.quotation import Mark, excerpt, quote
from odqa.reports.visible import brief, visible
from odqa.retrieval.words import Analyzer
from odqa.types import Abstention, Answer, Component, Hit, Passage, Place, Response

INDENT = "   "
LEAST_SHARE = 0.1  # Of the first answer's confidence: what others must have to be listed beside it.
# From here on there is nothing near: of 187 answerable questions over documentation that got no answer one lay above,
# of 637 whose passages had been taken out 14 %.
HOPELESS = 0.98
LISTED = 3  # Of the other documents that say the same; JSON names them all.
ASTERISKS = ("**", "**")
UNMARKED = ("", "")
_NAME = 80  # Characters of a title or a heading.


def as_lines(
    response: Response, mark: Mark = ASTERISKS, *, explain: bool = False, everything: bool = False
) -> Iterator[str]:
    """The Response as lines of text; ``mark`` goes before and after the answer inside its quotation.

    An answer with less than a tenth of the first one's confidence is left out, unless ``everything`` is to be shown.
    Where none is given, the sentences that came nearest to one are shown, in which nothing is marked: they are where to
    look. ``explain`` leaves out nothing, and adds the rule by which there is an answer or none, and what each answer
    was ranked by. ``everything`` says, too, that the user has named the least confidence.
    """
    if response.reason:
        yield f"No answer found: {visible(response.reason)}."
    elif not response.answers:
        if everything and response.withheld:
            yield f"No answer is so likely; the best one is right with {percent(response.withheld[0].confidence)}."
        else:
            yield f"No answer found; the probability that there is none is {percent(response.no_answer_probability)}."
        if not explain and response.no_answer_probability <= HOPELESS:
            yield from _nearest(response.withheld)
    if explain and response.abstention:
        yield f"Passages read: {response.passages_read:,}."
        yield _rule(response.abstention)
        if not response.answers and response.withheld:
            yield "Withheld:"
    answers = response.answers or (response.withheld if explain else ())
    for number, answer in enumerate(answers if explain or everything else likely(answers), start=1):
        yield f"{number}. {visible(answer.text)}  ({percent(answer.confidence)})"
        yield INDENT + _where(answer)
        yield INDENT + quote(answer.passage, (answer.span.start, answer.span.end), mark)
        also = _also(answer.passage, [place.passage for place in (*answer.places[1:], *answer.copies)])
        if also:
            yield INDENT + also
        if explain:
            yield INDENT + f"score {answer.score:.2f} by the ranking {visible(response.ranking)}"
            yield from (INDENT + _evidence(place) for place in answer.places)


def hits_as_lines(
    hits: Sequence[Hit], question: str, analyzer: Analyzer, mark: Mark = UNMARKED, *, explain: bool = False
) -> Iterator[str]:
    """The hits as lines of text: for each passage its score, where it is, and the part that matches best.

    ``mark`` goes before and after each word of which the question has the term, as BM25 sees it.
    """
    if not hits:
        yield "No passage found."
    terms = set(analyzer(question))
    for hit in hits:
        passage = hit.passage
        matches = [match for match in analyzer.located(passage.text) if match[2] in terms]
        start, quotation = excerpt(passage, matches, mark)
        yield f"{hit.rank}. {hit.score:.4f}  {_place(passage, passage.page_at(start))}"
        yield INDENT + quotation
        also = _also(passage, hit.copies)
        if also:
            yield INDENT + also
        if explain:
            parts = [_component(name, component) for name, component in hit.components.items()]
            yield INDENT + " · ".join([_characters(passage.start, passage.end, passage), *parts])


def likely(answers: Sequence[Answer]) -> list[Answer]:
    """Those that are not far less likely than the first one."""
    return [one for one in answers if one.confidence >= LEAST_SHARE * answers[0].confidence]


def _nearest(withheld: Sequence[Answer]) -> Iterator[str]:
    """Where the likeliest answers stand that were not given, and the sentences around them, each once."""
    sentences = {
        (_place(one.passage, one.page), quote(one.passage, (one.span.start, one.span.end), UNMARKED)): None
        for one in likely(withheld)
    }
    if sentences:
        yield "The closest places:"
    for number, (where, sentence) in enumerate(sentences, start=1):
        yield f"{number}. {where}"
        yield INDENT + sentence


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
        _characters(place.start, place.end, place.passage),
        f"span {place.span.score:.2f}",
        f"null {place.null_score:.2f}",
        f"rank {hit.rank}",
        *(_component(name, component) for name, component in hit.components.items()),
    ]
    return " · ".join(parts)


def _component(name: str, component: Component) -> str:
    return f"{name} {component.score:.4f}, " + (f"rank {component.rank}" if component.rank else "unranked")


def _characters(start: int, end: int, passage: Passage) -> str:
    return f"characters {start}–{end} of {visible(passage.document_id)}"


def _where(answer: Answer) -> str:
    mentions = f" · {answer.mentions} mentions" if answer.mentions > 1 else ""
    return _place(answer.passage, answer.page) + mentions


def _place(passage: Passage, page: int | None) -> str:
    """The document, the page and the heading path; what is said already, as a title in a path, is said once."""
    headings = passage.headings[1:] if passage.headings[:1] == (passage.title,) else passage.headings
    parts = [*_document(passage), *([f"page {page}"] if page is not None else [])]
    if headings:
        parts.append(" › ".join(brief(heading, _NAME) for heading in headings))
    return " · ".join(parts)


def _document(passage: Passage) -> list[str]:
    """The title and the file of a passage's document, or the file alone where the title is but its name."""
    title, file = passage.title or passage.document_id, PurePath(passage.source)
    names = [title] if title not in (passage.source, file.name, file.stem) else []
    return [*(brief(name, _NAME) for name in names), *([visible(passage.source)] if passage.source else [])]


def _also(own: Passage, others: Sequence[Passage]) -> str:
    """The other documents that say the same, by file or title; empty where there is none."""
    documents = {one.document_id: one.source or one.title or one.document_id for one in others}
    documents.pop(own.document_id, None)
    names = list(dict.fromkeys(name for name in documents.values() if name != own.source))
    if not names:
        return ""
    more = f" and {len(names) - LISTED:,} more" if len(names) > LISTED else ""
    return "also in " + ", ".join(map(visible, names[:LISTED])) + more
