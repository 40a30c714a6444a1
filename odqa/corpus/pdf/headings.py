"""The lines of all pages and the bookmarks -> which lines are headings, and of what level; the title. Knows no PDF."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from odqa.corpus.pdf.lines import Line

PROGRAM = re.compile(
    r"\W*$|\W*(?:untitled|anonymous|unspecified|no title|title|document|presentation|powerpoint presentation|slide)"
    r"\W*\d*\W*$|microsoft \w+ - ",
    re.IGNORECASE,
)
FILE_NAME = re.compile(r"\.(?:docx?|pdf|dvi|tex|texi|indd|qxd|rtf|odt|pptx?|xlsx?|html?|ps|fm|md|txt)$", re.IGNORECASE)
MOST_LINES = 3  # Of a heading.
LONGEST = 150  # Characters of a heading.
LARGER = 1.12  # Times the size of the text: a heading.
MOST_LEVELS = 4
MOST_ON_PAGE = 500  # Bookmarks that are looked for on one page.


@dataclass(frozen=True, slots=True)
class Bookmark:
    """An entry of a PDF's outline; ``page`` counts from 0, ``level`` from 1."""

    title: str
    level: int
    page: int


def mark_headings(pages: Sequence[Sequence[Line]], bookmarks: Sequence[Bookmark]) -> None:
    """Set the level of the lines that are headings: by the bookmarks, or by their type where these tell too little."""
    by_page: dict[int, list[Bookmark]] = defaultdict(list)
    for bookmark in bookmarks:
        if len(by_page[bookmark.page]) < MOST_ON_PAGE:
            by_page[bookmark.page].append(bookmark)
    met = sum(_mark(page, by_page[number]) for number, page in enumerate(pages) if number in by_page)
    if met < max(1, 0.4 * len(bookmarks)):
        _mark_by_type(pages)


def body_size(pages: Sequence[Sequence[Line]]) -> float:
    """The size that most letters have."""
    counts: Counter[float] = Counter()
    for page in pages:
        for line in page:
            counts[round(line.size, 1)] += len(line.text)
    return counts.most_common(1)[0][0] if counts else 1.0


def title_of(given: str, first: Sequence[Line], body: float) -> str:
    """The title that the file gives, if an author gave it; else the largest text of the first page; else nothing."""
    given = " ".join(given.split())
    if not is_no_title(given):
        return given
    largest = max((line.size for line in first), default=0.0)
    if largest < 1.2 * body:
        return ""
    lines: list[Line] = []
    for line in first:
        if line.size > 0.95 * largest and (not lines or line.y - lines[-1].y < 2.2 * largest):
            lines.append(line)
        elif lines:
            break
    title = " ".join(line.text for line in lines)
    return title if len(title) <= LONGEST and sum(letter.isalpha() for letter in title) > 2 else ""


def is_no_title(title: str) -> bool:
    """Whether a program made a title up: a file's name, or the like."""
    one_word = " " not in title and (title == title.lower() or "_" in title or "/" in title)
    return bool(not title or one_word or PROGRAM.match(title) or FILE_NAME.search(title))


def _letters(text: str) -> str:
    return "".join(letter for letter in text[: 2 * LONGEST].casefold() if letter.isalnum())


def _mark(page: Sequence[Line], bookmarks: Sequence[Bookmark]) -> int:
    """Mark a page's lines by its bookmarks; how many were found."""
    letters = [_letters(line.text) for line in page]
    met = start = 0
    for bookmark in bookmarks:
        title = _letters(bookmark.title)
        at, count = _find(letters, title, start) if title else (0, 0)
        if not count and start:
            at, count = _find(letters, title, 0)
        for line in page[at : at + count]:
            if not line.level:
                line.level = bookmark.level
        if count:
            start, met = at + count, met + 1
    return met


def _find(letters: Sequence[str], title: str, start: int) -> tuple[int, int]:
    """The first line of a title, perhaps after a number, and how many lines it takes; (0, 0) if it is not there."""
    for at in range(start, len(letters)):
        text = ""
        for count, line in enumerate(letters[at : at + MOST_LINES], start=1):
            text += line
            if len(text) > len(title) + 16:
                break
            if text.endswith(title) and _is_numbering(text[: len(text) - len(title)]):
                return at, count
            if title.endswith(text) and len(text) > 3 and _is_numbering(title[: len(title) - len(text)]):
                return at, count
    return 0, 0


def _is_numbering(text: str) -> bool:
    return not text or bool(re.fullmatch(r"(?:chapter|appendix|section|part|kapitel|annex)?[\divxlc]*|[a-z]\d*", text))


def _mark_by_type(pages: Sequence[Sequence[Line]]) -> None:
    """Short lines in larger letters are headings; so are bold ones that stand alone, on the lowest level."""
    body = body_size(pages)
    sizes: Counter[float] = Counter()
    runs: list[tuple[list[Line], bool]] = []
    total = 0
    for page in pages:
        total += len(page)
        for run in _runs(page):
            large = run[0].size >= LARGER * body
            text = " ".join(line.text for line in run)
            if len(run) > MOST_LINES or len(text) > LONGEST or sum(letter.isalpha() for letter in text) < 2:
                continue
            if large or (run[0].bold and len(run) == 1 and _stands_alone(run[0], page) and text[-1] not in ".,;"):
                runs.append((run, large))
                sizes[round(run[0].size, 1) if large else 0.0] += 1
    if sum(len(run) for run, _ in runs) > 0.4 * total and total > 5:
        return  # So many headings are none: a poster, a slide, a form.
    order = sorted((size for size in sizes if size), reverse=True)
    for run, large in runs:
        level = min(order.index(round(run[0].size, 1)) + 1, MOST_LEVELS) if large else min(len(order), MOST_LEVELS) + 1
        for line in run:
            line.level = level


def _runs(page: Sequence[Line]) -> list[list[Line]]:
    """Neighbouring lines of one column, size and weight."""
    runs: list[list[Line]] = []
    for line in page:
        before = runs[-1][-1] if runs else None
        if (
            before
            and before.region == line.region
            and abs(before.size - line.size) < 0.05 * line.size
            and before.bold == line.bold
            and 0 < line.y - before.y < 1.7 * line.size
        ):
            runs[-1].append(line)
        else:
            runs.append([line])
    return runs


def _stands_alone(line: Line, page: Sequence[Line]) -> bool:
    """Whether text in plain letters is below a bold line."""
    below = [other for other in page if 0 < other.y - line.y < 3 * line.size and other.region == line.region]
    return len(line.pieces) == 1 and not line.mono and bool(below) and not below[0].bold
