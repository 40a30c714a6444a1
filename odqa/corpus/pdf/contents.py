"""The lines of all pages -> which of them are tables of contents or an index: they name answers, and give none."""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from odqa.corpus.pdf.lines import Line

CONTENTS = re.compile(
    r"(?:table of )?contents|short contents|list of (?:figures|tables|listings|examples|abbreviations)|inhalt"
    r"|inhaltsverzeichnis|table des matières|sommaire|índice(?: general)?|indice|sommario|inhoud(?:sopgave)?|innehåll",
    re.IGNORECASE,
)
INDEX = re.compile(
    r"(?:\S+ )*(?:index|register|sachregister|stichwortverzeichnis|índice alfabético|indice analitico)"
    r"(?: of (?:\S+ ){0,3}\S+)?",
    re.IGNORECASE,
)
NUMBERING = re.compile(r"(?:appendix |chapter )?(?:[A-Z]|\d+|[ivx]+)(?:[.\-]\d+)*[.:)]?\s+", re.IGNORECASE)
LEADER = re.compile(r"(?:[.·…_]\s?){4,}|…{2,}")
ENTRY = re.compile(r"(?P<title>\S.*?)(?P<leader>(?:\s*[.·…_]){3,})?\s+(?P<page>\d{1,4}|[ivxlc]{1,7})", re.IGNORECASE)
ENTRY_WITH_LEADER = re.compile(
    r"(?P<title>\S.*?)(?P<leader>(?:\s*[.·…_]){4,})\s*(?P<page>\d{1,4}|[ivxlc]{1,7})", re.IGNORECASE
)
# A line that ends in pages; "101.2" is a value.
INDEXED = re.compile(r"(?:.*(?:[\s,]|(?<!\d)\.))?\d{1,4}(?:\s?[-–]\s?\d{1,4})?(?:,\s*\d{1,4}(?:\s?[-–]\s?\d{1,4})?)*,?")
AFTER_COMMA = re.compile(r"(?:,\s+|(?<!\d),)\d{1,4}(?:\s?[-–]\s?\d{1,4})?,?$")  # "anchor, 2" and "anchor 2, 4".
LONGEST = 200  # Characters of a line that is looked at.
NEAR = 3  # Lines: how far entries of a table of contents are apart at most.
FRONT_MATTER = 100  # By how much page numbers may exceed the number of pages.


@dataclass(slots=True)
class Removed:
    """Lines by their identity, and the numbers (from 1) of the pages of which nothing is left."""

    lines: set[int] = field(default_factory=set)
    pages: list[int] = field(default_factory=list)


def contents_and_index(pages: Sequence[Sequence[Line]], titles: Sequence[tuple[int, str]] = ()) -> Removed:
    """The lines of tables of contents and of an index, in reading order; ``titles`` are (page from 0, bookmark).

    A table of contents has a heading that says so, or dotted leaders, or the document's own headings for entries; the
    page numbers ascend. An index has a heading that says so, and entries with commas or in the order of the alphabet.
    """
    removed = Removed()
    known = {_letters(line.text) for page in pages for line in page}
    headed = {page for page, title in titles if _is_heading(title, INDEX)}
    indexing = continues = False
    for number, page in enumerate(pages):
        some = _contents(page, len(pages), known, continues)
        continues = any(id(line) in some for line in page[-NEAR:])
        start = _index_start(page) if number >= len(pages) / 3 else None
        if indexing or (start is None and number in headed):
            start = 0
        indexing = start is not None and _is_index(page[start:], len(pages))
        if indexing:
            some |= {id(line) for line in page[start:]}
        removed.lines |= some
        if page and len(some) == len(page):
            removed.pages.append(number + 1)
    return removed


def _letters(text: str) -> str:
    return "".join(character for character in text[:LONGEST].casefold() if character.isalnum())


def _is_heading(text: str, kind: re.Pattern[str]) -> bool:
    text = " ".join(text.split())
    if len(text) > 60:
        return False
    numbering = NUMBERING.match(text)
    return bool(kind.fullmatch(text) or (numbering and kind.fullmatch(text[numbering.end() :])))


def _number(text: str) -> int | None:
    return int(text) if text.isdigit() else None


def _contents(page: Sequence[Line], count: int, known: set[str], continues: bool) -> set[int]:
    """The lines of the tables of contents on a page, with their headings; ``continues`` if one may run on here."""
    found: set[int] = set()
    entries = [_entry(line) for line in page]
    at = 0
    while at < len(page):
        if entries[at] is None:
            at += 1
            continue
        run = [at]
        for following in range(at + 1, len(page)):
            if following - run[-1] > NEAR:
                break
            if entries[following] is not None:
                run.append(following)
        headings = [i for i in range(max(0, at - 4), at) if _is_heading(page[i].text, CONTENTS)]
        some = [entry for i in run if (entry := entries[i])]
        if _is_contents(some, bool(headings), continues and at < NEAR, count, known):
            found |= {id(line) for line in page[headings[0] if headings else at : run[-1] + 1]}
            # A title of two lines, the first of which is above the first number.
            if not headings and at and page[at].y - page[at - 1].y < 1.5 * page[at].size and len(run) > 8:
                found.add(id(page[at - 1]))
        at = run[-1] + 1
    return found


def _entry(line: Line) -> re.Match[str] | None:
    text = line.text
    if len(text) > LONGEST:
        return None
    return ENTRY_WITH_LEADER.fullmatch(text) or ENTRY.fullmatch(text)


def _is_contents(entries: Sequence[re.Match[str]], headed: bool, continues: bool, count: int, known: set[str]) -> bool:
    numbers = [number for entry in entries if (number := _number(entry["page"])) is not None]
    if any(number > count + FRONT_MATTER for number in numbers):
        return False
    falls = sum(after < before for before, after in itertools.pairwise(numbers))
    if falls > 0.1 * len(numbers):
        return False
    led = sum(bool(entry["leader"] and LEADER.search(entry["leader"])) for entry in entries)
    if headed:
        return len(entries) >= 3 or led >= 2
    titled = sum(_letters(entry["title"]) in known for entry in entries) >= 0.5 * len(entries)
    if led >= 0.5 * len(entries) and len(entries) >= 5:
        # Prices and credits have leaders, too: they repeat, or are more than there are pages.
        paged = len(set(numbers)) >= 0.7 * len(numbers) and max(numbers, default=0) <= count
        return titled or continues or paged
    return titled and len(entries) >= 6


def _index_start(page: Sequence[Line]) -> int | None:
    return next((at for at, line in enumerate(page) if _is_heading(line.text, INDEX)), None)


def _is_index(lines: Sequence[Line], count: int) -> bool:
    """Whether most lines end in numbers of pages, as entries of an index do and rows of a table of values do not."""
    entries = [line for line in lines if len(line.text) > 1]
    ending = [line for line in entries if len(line.text) <= LONGEST and INDEXED.fullmatch(line.text)]
    last = [int(re.findall(r"\d+", line.text)[-1]) for line in ending]
    high = sum(number > count + FRONT_MATTER for number in last)
    if len(entries) < 3 or len(ending) - high < 0.4 * len(entries):
        return False
    if sum(AFTER_COMMA.search(line.text) is not None for line in ending) > 0.5 * len(ending):
        return True
    led = sum(LEADER.search(line.text) is not None for line in ending) > 0.5 * len(ending)
    paged = sum(number > count for number in last) <= 0.1 * len(ending)
    return (led or paged) and _is_alphabetical(ending)


def _is_alphabetical(lines: Sequence[Line]) -> bool:
    """Whether the first letters ascend, down the left column and the right one, but where entries below others do."""
    middle = (min(line.x0 for line in lines) + max(line.x1 for line in lines)) / 2
    pieces = sorted((piece for line in lines for piece in line.pieces), key=lambda piece: piece.x0 >= middle)
    firsts = [letters[0] for piece in pieces if (letters := _letters(piece.text)) and not letters.isdecimal()]
    falls = sum(after < before for before, after in itertools.pairwise(firsts))
    return len(firsts) > 3 and falls <= 0.2 * len(firsts)
