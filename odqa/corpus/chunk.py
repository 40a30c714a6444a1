"""A Document -> Passages: whole sentences up to a budget of tokens, within one section. Pure; knows no tokenizer."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice, pairwise
from typing import TypeAlias

from odqa.corpus.sentences import break_point, sentences
from odqa.errors import UsageError
from odqa.types import Document, Passage

TokenOffsets: TypeAlias = Callable[[str], Sequence[tuple[int, int]]]
"""Gives the character span of every token of a text, in order, without special tokens."""

# A passage has at most this many characters per token of its budget: white space, and words that a tokenizer
# does not know, could otherwise make it millions of characters long.
CHARACTERS_PER_TOKEN = 40
PIECE = 16_000  # Characters that are tokenized at once.


@dataclass(frozen=True, slots=True)
class ChunkOptions:
    """``max_tokens`` of a passage's own text, ``overlap_tokens`` of them repeated from the previous passage.

    ``language`` is the code of the rules by which sentences are found. Raises UsageError for a budget that cannot
    be kept.
    """

    max_tokens: int = 200
    overlap_tokens: int = 40
    language: str = "en"

    def __post_init__(self) -> None:
        if self.max_tokens < 1:
            raise UsageError(f"a passage needs at least 1 token, not {self.max_tokens}")
        if not 0 <= self.overlap_tokens < self.max_tokens:
            raise UsageError(
                f"the overlap of {self.overlap_tokens} tokens must be at least 0 and smaller than the passage "
                f"of {self.max_tokens}"
            )

    @property
    def max_characters(self) -> int:
        """The length in characters that no passage exceeds, whatever its tokens are."""
        return self.max_tokens * CHARACTERS_PER_TOKEN


@dataclass(frozen=True, slots=True)
class _Unit:
    """A piece that is not cut further: a sentence, or a part of one that is too long. No white space at its ends."""

    start: int
    end: int
    tokens: int


def split(document: Document, tokenize: TokenOffsets, options: ChunkOptions = ChunkOptions()) -> list[Passage]:
    r"""Cut a document into passages, in order.

    Passages hold whole sentences and at most ``options.max_tokens`` tokens as ``tokenize`` counts them in the
    passage's own text. The last sentences of a passage, up to ``options.overlap_tokens``, begin the next
    one. A passage never crosses from one heading to another, but it may cross from page to page. Only a sentence over
    the budget is cut: after a line, else a word, else a token; its pieces overlap as sentences do. (A single
    character of more tokens than the budget is a passage of its own.)

    Every token of the text is in a passage, except for headings with nothing between them and their first
    subheading: they are in the subheading's path. Ids are ``document.id#0``, ``#1``, and so on. Time and memory
    grow with the length of the text.

    >>> import re
    >>> def words(text):
    ...     return [match.span() for match in re.finditer(r"\S+", text)]
    >>> document = Document("a", "A", "One two three. Four five. Six seven.", "a.txt")
    >>> [(passage.id, passage.text) for passage in split(document, words, ChunkOptions(5, 2))]
    [('a#0', 'One two three. Four five.'), ('a#1', 'Four five. Six seven.')]
    """
    pages = _pages(document)
    passages: list[Passage] = []
    for start, end, headings in _stretches(document):
        units = _units(document.text, start, end, tokenize, options)
        for first, last in _pack(document.text, units, tokenize, options):
            passages.append(
                Passage(
                    id=f"{document.id}#{len(passages)}",
                    document_id=document.id,
                    title=document.title,
                    text=document.text[first:last],
                    start=first,
                    source=document.source,
                    headings=headings,
                    pages=_pages_within(pages, first, last),
                )
            )
    return passages


def _stretches(document: Document) -> Iterator[tuple[int, int, tuple[str, ...]]]:
    """(start, end, headings) of each run of text under the same headings, over all pages, without lone headings."""
    starts: list[tuple[int, tuple[str, ...]]] = [(0, ())]
    for section in document.sections:
        if section.headings != starts[-1][1]:
            starts.append((section.start, section.headings))
    starts.append((len(document.text), ()))
    for (start, headings), (end, following) in pairwise(starts):
        above = bool(headings) and following[: len(headings)] == headings
        if not (above and _is_only_heading(document.text[start:end], headings[-1])):
            yield start, end, headings


def _is_only_heading(text: str, heading: str) -> bool:
    """Whether a section's letters and digits are those of its heading: everything else is markup."""
    longest = 4 * len(heading) + 400  # No heading's line is longer: this avoids comparing long sections.
    return len(text) <= longest and _letters(text) == _letters(heading)


def _letters(text: str) -> str:
    return "".join(character for character in text if character.isalnum())


def _pages(document: Document) -> list[tuple[int, int]]:
    """(start, page) of every page that has text, by start."""
    ends = [*(section.start for section in document.sections[1:]), len(document.text)]
    return [
        (section.start, section.page)
        for section, end in zip(document.sections, ends, strict=False)
        if section.page is not None and end > section.start
    ]


def _pages_within(pages: Sequence[tuple[int, int]], start: int, end: int) -> tuple[tuple[int, int], ...]:
    first = max(0, bisect_left(pages, (start + 1,)) - 1)
    within = pages[first : bisect_left(pages, (end,))]
    return tuple((max(at - start, 0), page) for at, page in within)


def _units(text: str, start: int, end: int, tokenize: TokenOffsets, options: ChunkOptions) -> Iterator[_Unit]:
    waiting: list[tuple[int, int]] = []
    for span in sentences(text, start, end, options.language):
        if waiting and span[1] - waiting[0][0] > PIECE:
            yield from _count(text, waiting, tokenize, options)
            waiting = []
        waiting.append(span)
    yield from _count(text, waiting, tokenize, options)


def _count(
    text: str, spans: Sequence[tuple[int, int]], tokenize: TokenOffsets, options: ChunkOptions
) -> Iterator[_Unit]:
    """The units of neighbouring sentences, tokenized as one text: a token belongs to the unit in which it ends."""
    if not spans:
        return
    begin = spans[0][0]
    ends = sorted(begin + token_end for _, token_end in tokenize(text[begin : spans[-1][1]]))
    for low, high in spans:
        low, high = _trim(text, low, high)
        tokens = bisect_right(ends, high) - bisect_right(ends, low)
        if tokens > options.max_tokens or high - low > options.max_characters:
            yield from _cut(text, low, high, ends, options)
        elif low < high:
            yield _Unit(low, high, max(tokens, 1))


def _cut(text: str, low: int, high: int, ends: Sequence[int], options: ChunkOptions) -> Iterator[_Unit]:
    """Pieces of an overlong sentence, each small enough to be carried over as overlap."""
    budget = options.overlap_tokens or options.max_tokens
    while low < high:
        first, last = bisect_right(ends, low), bisect_right(ends, high)
        stop = high
        if last - first > budget:
            # Tokens that share a character (the bytes of an emoji) end together: cut before or after all of them.
            together = bisect_left(ends, ends[first + budget])
            stop = ends[together - 1] if together > first else ends[first + budget]
        stop = min(stop, low + budget * CHARACTERS_PER_TOKEN)
        if stop < high:
            stop = break_point(text, low, stop, ends[first : first + budget])
        start, end = _trim(text, low, stop)
        if start < end:
            yield _Unit(start, end, max(bisect_right(ends, end) - bisect_right(ends, start), 1))
        low = stop


def _pack(
    text: str, units: Iterator[_Unit], tokenize: TokenOffsets, options: ChunkOptions
) -> Iterator[tuple[int, int]]:
    """(start, end) of the passages that the units fill, each counted again: a slice may tokenize differently."""
    waiting: list[_Unit] = []  # The next unit is the last: what was put back, else one that is new.
    chosen: list[_Unit] = []

    def is_more() -> bool:
        if not waiting:
            waiting.extend(islice(units, 1))
        return bool(waiting)

    while is_more():
        chosen = _overlap(chosen, waiting[-1], options)
        tokens, new = sum(unit.tokens for unit in chosen), 0
        while is_more() and (not new or _fits(tokens + waiting[-1].tokens, chosen[0], waiting[-1], options)):
            chosen.append(waiting.pop())
            tokens += chosen[-1].tokens
            new += 1
        while (count := len(tokenize(text[chosen[0].start : chosen[-1].end]))) > options.max_tokens:
            if new > 1:
                waiting.append(chosen.pop())
                new -= 1
            elif len(chosen) > 1:
                del chosen[0]
            elif len(halves := _halves(text, chosen[0], tokenize)) > 1:
                waiting.append(halves[1])
                chosen = halves[:1]
            else:
                break
        if count:
            yield chosen[0].start, chosen[-1].end


def _overlap(units: Sequence[_Unit], following: _Unit, options: ChunkOptions) -> list[_Unit]:
    """The last units of a passage that begin the next one: never all of them, and the next new unit must fit."""
    first, tokens = len(units), 0
    while first > 1:
        tokens += units[first - 1].tokens
        fits = _fits(tokens + following.tokens, units[first - 1], following, options)
        if tokens > options.overlap_tokens or not fits:
            break
        first -= 1
    return list(units[first:])


def _fits(tokens: int, first: _Unit, last: _Unit, options: ChunkOptions) -> bool:
    return tokens <= options.max_tokens and last.end - first.start <= options.max_characters


def _halves(text: str, unit: _Unit, tokenize: TokenOffsets) -> list[_Unit]:
    middle = break_point(text, unit.start, (unit.start + unit.end) // 2)
    spans = [_trim(text, unit.start, middle), _trim(text, middle, unit.end)]
    return [_Unit(low, high, len(tokenize(text[low:high]))) for low, high in spans if low < high]


def _trim(text: str, low: int, high: int) -> tuple[int, int]:
    """The span without the white space at its ends."""
    part = text[low:high]
    high -= len(part) - len(part.rstrip())
    return (low + len(part) - len(part.lstrip()), high) if part.strip() else (high, high)
