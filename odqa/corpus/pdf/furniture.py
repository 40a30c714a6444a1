"""The lines of all pages -> which of them are running heads, feet and page numbers. Knows no PDF."""

from __future__ import annotations

import itertools
import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from odqa.corpus.pdf.contents import FRONT_MATTER
from odqa.corpus.pdf.headings import LARGER, body_size
from odqa.corpus.pdf.lines import Line, leading

NUMBER = re.compile(r"\d+")
ROMAN = re.compile(r"\W*[ivxlc]{1,7}\W*", re.IGNORECASE)
DIGITS = {"i": 1, "v": 5, "x": 10, "l": 50, "c": 100}
MOST_LINES = 3  # Of a head, and of a foot.
SAME_PLACE = 4.0  # Points: how far apart the same line of two pages may be.
HUGE = 2.5  # Times the size of the page's letters: a watermark, if many pages have it.


@dataclass(frozen=True, slots=True)
class _Edge:
    """A line at the upper or lower edge of a page; ``apart`` where a gap is between it and the text."""

    page: int
    line: Line
    mask: str  # Its text, with # for each number.
    numbers: tuple[int, ...]
    apart: bool
    outermost: bool


def furniture(pages: Sequence[Sequence[Line]]) -> list[list[Line]]:
    """Of each page the lines that are no part of its text.

    They stand at its edge, apart from the text, and again in the same place on other pages, the same but for a number
    that counts the pages. A page of which nothing else would be left keeps them, unless most pages have them. Headings
    ("Week 1") and the numbers of invoices count up page by page, too: they are larger, or far from the pages' numbers.
    """
    edges = [edge for number, page in enumerate(pages) for edge in _edges(number, page)]
    found: dict[int, set[int]] = defaultdict(set)  # By page: the identities of lines.
    known = _repeated([edge for edge in edges if edge.apart], len(pages), body_size(pages), found)
    _add_single_heads(edges, known, found)
    _add_watermarks(pages, found)
    removed = [[line for line in page if id(line) in found[number]] for number, page in enumerate(pages)]
    partly = sum(0 < len(some) < len(page) for page, some in zip(pages, removed, strict=True))
    wholly = sum(0 < len(some) == len(page) for page, some in zip(pages, removed, strict=True))
    blank = partly >= max(3, wholly)  # Pages with nothing but a running head are empty.
    return [some if blank or len(some) < len(page) else [] for page, some in zip(pages, removed, strict=True)]


@dataclass(slots=True)
class _Known:
    """What lines repeat: by how much their numbers exceed the places of pages, where they stand, and their masks."""

    offsets: Counter[int] = field(default_factory=Counter)
    places: Counter[int] = field(default_factory=Counter)
    masks: Counter[str] = field(default_factory=Counter)


def _repeated(edges: Sequence[_Edge], count: int, body: float, found: dict[int, set[int]]) -> _Known:
    groups: dict[str, list[_Edge]] = defaultdict(list)
    known = _Known()
    for edge in edges:
        groups[edge.mask].append(edge)
    for group in groups.values():
        for same in _in_one_place(group):
            counting = _counting(same)
            numbers = sorted({edge.page for edge in same})
            if counting is None or len(numbers) < 2 or not (counting or _is_steady(numbers, count)):
                continue
            if counting and not _counts_pages(same[0], counting, body):
                continue
            known.offsets.update(counting)
            known.places[_place(same[0].line)] += len(same)
            known.masks[same[0].mask] += len(same)
            for edge in same:
                found[edge.page].add(id(edge.line))
    return known


def _counts_pages(edge: _Edge, offsets: Sequence[int], body: float) -> bool:
    """Whether what counts up by one a page are the pages: bare numbers are, whatever their size and the first of them.

    Journals number their pages by the volume, and have names beside the numbers in small letters.
    """
    if edge.mask == "roman" or not any(map(str.isalpha, edge.mask)):
        return True
    size = edge.line.size
    near = max(map(abs, offsets)) <= FRONT_MATTER
    return size < LARGER * body if near else size < 0.95 * body


def _is_steady(numbers: Sequence[int], count: int) -> bool:
    """Whether a line without the number of its page is on enough pages, and on neighbouring ones (or every other)."""
    near = sum(after - before <= 2 for before, after in itertools.pairwise(numbers))
    return len(numbers) >= min(3, count - 1) and (near >= 0.6 * (len(numbers) - 1) or len(numbers) >= 0.3 * count)


def _edges(number: int, page: Sequence[Line]) -> Iterator[_Edge]:
    """The lines at both edges."""
    step = max(leading(page), 1.0)
    ordered = sorted(page, key=lambda line: line.y)
    for direction in (ordered, ordered[::-1]):
        levels: list[list[Line]] = []  # Lines side by side.
        for line in direction:
            if levels and abs(line.y - levels[-1][0].y) < SAME_PLACE:
                levels[-1].append(line)
            elif len(levels) > MOST_LINES:
                break
            else:
                levels.append([line])
        if len(levels) > MOST_LINES:  # A table that goes on is no furniture, nor are its heads.
            while len(levels) > 1 and levels[-1][0].shares_sides(levels[-2][0]):
                levels.pop()
        apart = 0
        for at, (level, following) in enumerate(itertools.pairwise(levels), start=1):
            size = max(line.size for line in (*level, *following))
            if abs(following[0].y - level[0].y) > max(1.5 * size, 1.2 * step if step < 3 * size else 0):
                apart = at
        for at, level in enumerate(levels[: max(apart, 1)]):
            for line in level:
                yield _edge(number, line, at < apart, at == 0)


def _edge(page: int, line: Line, apart: bool, outermost: bool) -> _Edge:
    text = line.text.casefold()
    if ROMAN.fullmatch(text):
        return _Edge(page, line, "roman", (_value(text),), apart, outermost)
    numbers = tuple(int(number[:9]) for number in NUMBER.findall(text)[:20])
    return _Edge(page, line, NUMBER.sub("#", text), numbers, apart, outermost)


def _value(roman: str) -> int:
    digits = [DIGITS[letter] for letter in roman if letter in DIGITS]
    return sum(-one if one < following else one for one, following in zip(digits, [*digits[1:], 0], strict=True))


def _in_one_place(group: list[_Edge]) -> Iterator[list[_Edge]]:
    group.sort(key=lambda edge: edge.line.y)
    start = 0
    for at in range(1, len(group) + 1):
        if at == len(group) or group[at].line.y - group[at - 1].line.y > SAME_PLACE:
            yield group[start:at]
            start = at


def _counting(same: Sequence[_Edge]) -> list[int] | None:
    """Page number less place of the page, where a number counts the pages; None where numbers say something else."""
    found: list[int] = []
    for column in zip(*(edge.numbers for edge in same), strict=False):
        offsets = Counter(number - edge.page for number, edge in zip(column, same, strict=True))
        offset, times = offsets.most_common(1)[0]
        if len(set(column)) == 1:
            continue
        if times < 0.6 * len(column):
            return None
        found += [offset] * times
    return found


def _place(line: Line) -> int:
    return round(line.y / SAME_PLACE)


def _add_single_heads(edges: Sequence[_Edge], known: _Known, found: dict[int, set[int]]) -> None:
    """The head of a chapter of one page, or one that almost touches the text, by its place and its page's number."""
    usual = {offset for offset, times in known.offsets.items() if times >= 3}
    for edge in edges:
        place = _place(edge.line)
        there = any(known.places[near] >= 3 for near in (place - 1, place, place + 1))
        numbered = usual.intersection(number - edge.page for number in (*edge.numbers[:1], *edge.numbers[-1:]))
        if there and numbered and (edge.apart or (edge.outermost and known.masks[edge.mask] >= 3)):
            found[edge.page].add(id(edge.line))


def _add_watermarks(pages: Sequence[Sequence[Line]], found: dict[int, set[int]]) -> None:
    huge: dict[tuple[str, int], list[tuple[int, Line]]] = defaultdict(list)
    for number, page in enumerate(pages):
        sizes = sorted(line.size for line in page)
        for line in page:
            if line.size > HUGE * sizes[len(sizes) // 2]:
                huge[line.text, _place(line)].append((number, line))
    for same in huge.values():
        if len(same) >= max(3, len(pages) / 2):
            for number, line in same:
                found[number].add(id(line))
