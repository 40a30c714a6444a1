"""A Document -> Passages: whole blocks and sentences up to a budget of tokens, within one section.

Pure; knows no tokenizer.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import pairwise
from typing import TypeAlias

from odqa.corpus.blocks import blocks_of
from odqa.corpus.segments import LONGEST_LABEL, Segment, clipped, segments
from odqa.corpus.sentences import break_point, sentences
from odqa.errors import UsageError
from odqa.types import Block, Document, Passage

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
    """A piece that is not cut further: a sentence, a row, or a part of one that is too long; without space around it.

    ``labels`` are the tokens that are read with it beside its own, and ``sign`` counts the one, if any, between it and
    what follows; ``block`` numbers the block that it is of. Where it ``binds``, what follows belongs to it, as the
    description of a term does.
    """

    start: int
    end: int
    tokens: int
    labels: int
    sign: int
    block: int
    binds: bool
    whole: bool

    @property
    def cost(self) -> int:
        return self.tokens + self.labels


@dataclass(frozen=True, slots=True)
class _Span:
    """``text[start:end]``, a sentence or all of a segment, which is the one of this ``number``."""

    start: int
    end: int
    number: int
    segment: Segment


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
    blocks = blocks_of(document)
    passages: list[Passage] = []
    for start, end, headings in _stretches(document):
        spans = _spans(document.text, start, end, blocks, options)
        units = _units(document.text, spans, tokenize, options)
        for first, last in _pack(document.text, _Ahead(units), tokenize, options):
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
                    blocks=clipped(blocks, first, last),
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


def _spans(text: str, start: int, end: int, blocks: Sequence[Block], options: ChunkOptions) -> Iterator[_Span]:
    """The sentences of each segment, and what is not of sentences whole; they cover the text without a gap."""
    ends = (high for _, high in sentences(text, start, end, options.language))
    next_end = next(ends, end)
    for number, segment in enumerate(segments(text, start, end, blocks)):
        low = segment.start
        while next_end < segment.end:
            if not segment.whole and next_end > low:
                yield _Span(low, next_end, number, segment)
                low = next_end
            next_end = next(ends, end)
        if low < segment.end:
            yield _Span(low, segment.end, number, segment)


def _units(text: str, spans: Iterable[_Span], tokenize: TokenOffsets, options: ChunkOptions) -> Iterator[_Unit]:
    labels = lru_cache(maxsize=64)(lambda labels: _label_tokens(labels, tokenize))
    waiting: list[_Span] = []
    for span in spans:
        if waiting and span.end - waiting[0].start > PIECE:
            yield from _count(text, waiting, tokenize, labels, options)
            waiting = []
        waiting.append(span)
    yield from _count(text, waiting, tokenize, labels, options)


def _label_tokens(labels: tuple[str, ...], tokenize: TokenOffsets) -> int:
    """The tokens of the labels of a row, each with a sign that parts it from its cell."""
    return len(tokenize(" : ".join(label[:LONGEST_LABEL] for label in labels))) + 1 if labels else 0


def _count(
    text: str,
    spans: Sequence[_Span],
    tokenize: TokenOffsets,
    labels: Callable[[tuple[str, ...]], int],
    options: ChunkOptions,
) -> Iterator[_Unit]:
    """The units of neighbouring spans, tokenized as one text: a token belongs to the unit in which it ends."""
    if not spans:
        return
    begin = spans[0].start
    ends = sorted(begin + token_end for _, token_end in tokenize(text[begin : spans[-1].end]))
    for span in spans:
        low, high = _trim(text, span.start, span.end)
        tokens = bisect_right(ends, high) - bisect_right(ends, low)
        ends_block = span.end == span.segment.end
        whole = _Unit(
            start=low,
            end=high,
            tokens=max(tokens, 1),
            labels=labels(span.segment.labels),
            sign=int(ends_block and span.segment.signed),
            block=span.number,
            binds=False,
            whole=span.segment.whole,
        )
        if tokens > options.max_tokens or high - low > options.max_characters:
            yield from _cut(text, whole, ends, options)
        elif low < high:
            yield replace(whole, binds=span.segment.binds and ends_block)


def _cut(text: str, unit: _Unit, ends: Sequence[int], options: ChunkOptions) -> Iterator[_Unit]:
    """Pieces of an overlong unit, each small enough to be carried over as overlap."""
    budget = options.overlap_tokens or options.max_tokens
    low, high = unit.start, unit.end
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
            tokens = max(bisect_right(ends, end) - bisect_right(ends, start), 1)
            sign = unit.sign if end == unit.end else 0
            yield replace(unit, start=start, end=end, tokens=tokens, sign=sign, whole=False)
        low = stop


class _Ahead:
    """The units that are to come, of which some can be looked at and put back."""

    def __init__(self, units: Iterator[_Unit]) -> None:
        self._units = units
        self._waiting: deque[_Unit] = deque()

    def at(self, number: int) -> _Unit | None:
        """The unit after ``number`` others; None where there are not so many."""
        while len(self._waiting) <= number:
            unit = next(self._units, None)
            if unit is None:
                return None
            self._waiting.append(unit)
        return self._waiting[number]

    def run(self, most: int) -> list[_Unit]:
        """The next unit, with what it binds, and so on, while those that bind cost ``most`` at most."""
        found: list[_Unit] = []
        cost = 0
        while unit := self.at(len(found)):
            found.append(unit)
            cost += unit.cost
            if not unit.binds or cost > most:
                break
        return found

    def rest(self, number: int, most: int) -> int:
        """What the units after ``number`` others cost that are of the same block as the last of these.

        It is no more than the first sum above ``most``.
        """
        last = self.at(number - 1)
        cost = 0
        while cost <= most and last and (unit := self.at(number)) and unit.block == last.block:
            cost += unit.cost
            number += 1
        return cost

    def skip(self, number: int) -> None:
        """Go on after ``number`` units that were looked at."""
        for _ in range(number):
            self._waiting.popleft()

    def put_back(self, units: Sequence[_Unit]) -> None:
        """Let these be the next ones."""
        self._waiting.extendleft(reversed(units))


def _pack(text: str, ahead: _Ahead, tokenize: TokenOffsets, options: ChunkOptions) -> Iterator[tuple[int, int]]:
    """(start, end) of the passages that the units fill, each counted again: a slice may tokenize differently."""
    chosen: list[_Unit] = []
    while run := ahead.run(options.max_tokens // 2):
        chosen = _overlap(chosen, run, options)
        runs: list[int] = []  # How many units there are in each run that is new.
        cost = _cost(chosen)
        while run and (not runs or _is_next(cost, chosen, run, ahead, options)):
            ahead.skip(len(run))
            chosen += run
            cost += _cost(run)
            runs.append(len(run))
            run = ahead.run(options.max_tokens // 2)
        while (count := len(tokenize(text[chosen[0].start : chosen[-1].end]))) and _is_over(count, chosen, options):
            if len(runs) > 1:
                last = len(chosen) - runs.pop()
                ahead.put_back(chosen[last:])
                del chosen[last:]
            elif len(chosen) > runs[0]:
                del chosen[0]
            elif len(chosen) > 1 and chosen[-1].whole:
                ahead.put_back([chosen.pop()])
                runs[0] -= 1
            elif len(halves := _halves(text, chosen[-1], tokenize)) > 1:
                ahead.put_back(halves[1:])
                chosen[-1] = halves[0]
            elif len(chosen) > 1:
                ahead.put_back([chosen.pop()])
                runs[0] -= 1
            else:
                break
        if count:
            yield chosen[0].start, chosen[-1].end


def _is_next(filled: int, chosen: Sequence[_Unit], run: Sequence[_Unit], ahead: _Ahead, options: ChunkOptions) -> bool:
    """Whether a passage that is begun, and ``filled`` with so many tokens, takes a run of units too.

    It must fit. In the second half of a passage, a block is not begun that would be whole in the next one.
    """
    added = _cost(run) - run[-1].sign
    if not _fits(filled + added, chosen[0], run[-1], options):
        return False
    if 2 * filled < options.max_tokens or run[0].block == chosen[-1].block:
        return True
    rest = ahead.rest(len(run), options.max_tokens)
    return filled + added + rest <= options.max_tokens or added + rest > options.max_tokens


def _is_over(count: int, chosen: Sequence[_Unit], options: ChunkOptions) -> bool:
    """Whether a passage of ``count`` tokens is too long. A row alone may be so with its labels."""
    beside = sum(unit.labels + unit.sign for unit in chosen) - chosen[-1].sign if len(chosen) > 1 else 0
    return count + beside > options.max_tokens


def _cost(units: Sequence[_Unit]) -> int:
    """What units cost with the signs after them. That after the last one is read only where more follows."""
    return sum(unit.cost + unit.sign for unit in units)


def _overlap(units: Sequence[_Unit], run: Sequence[_Unit], options: ChunkOptions) -> list[_Unit]:
    """The last units of a passage that begin the next one: never all of them, and the next new ones must fit.

    None of them is bound to one that is left out.
    """
    following = _cost(run) - run[-1].sign
    first, best, tokens = len(units), len(units), 0
    while first > 1:
        tokens += _cost(units[first - 1 : first])
        fits = _fits(tokens + following, units[first - 1], run[-1], options)
        if tokens > options.overlap_tokens or not fits:
            break
        first -= 1
        if not units[first - 1].binds:
            best = first
    return list(units[best:])


def _fits(tokens: int, first: _Unit, last: _Unit, options: ChunkOptions) -> bool:
    return tokens <= options.max_tokens and last.end - first.start <= options.max_characters


def _halves(text: str, unit: _Unit, tokenize: TokenOffsets) -> list[_Unit]:
    middle = break_point(text, unit.start, (unit.start + unit.end) // 2)
    spans = [_trim(text, unit.start, middle), _trim(text, middle, unit.end)]
    return [
        replace(
            unit,
            start=low,
            end=high,
            tokens=len(tokenize(text[low:high])),
            sign=unit.sign if high == unit.end else 0,
            whole=False,
        )
        for low, high in spans
        if low < high
    ]


def _trim(text: str, low: int, high: int) -> tuple[int, int]:
    """The span without the white space at its ends."""
    part = text[low:high]
    high -= len(part) - len(part.rstrip())
    return (low + len(part) - len(part.lstrip()), high) if part.strip() else (high, high)
