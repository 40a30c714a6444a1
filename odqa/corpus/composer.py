"""Blocks as a loader meets them -> the text of a Document, its sections and its blocks. Knows no format."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import zip_longest

from odqa.corpus.base import well_formed
from odqa.corpus.outline import Outline
from odqa.types import Block, BlockKind, Section

CELL_BREAK = " | "


class Composer:
    r"""Collects blocks in reading order: a blank line after each, one line a row of a table.

    >>> composer = Composer()
    >>> composer.heading(1, "Fares")
    >>> composer.table([["Zone", "Price"], ["A", "2.40"]], heads=1)
    >>> composer.text
    'Fares\n\nZone | Price\nA | 2.40\n\n'
    >>> composer.blocks[-1]
    Block(start=20, end=28, kind=<BlockKind.ROW: 'row'>, labels=('Zone', 'Price'))

    ``check`` is told the length after each block, and raises where that is too much.
    """

    def __init__(self, check: Callable[[int], None] = lambda length: None) -> None:
        self.length = 0
        self._check = check
        self._parts: list[str] = []
        self._blocks: list[Block] = []
        self._pages: list[tuple[int, int]] = []
        self._outline = Outline()

    def page(self, number: int, ahead: int = 0) -> None:
        """Begin a page, with the next block or ``ahead`` characters into it; pages come in order."""
        self._pages.append((self.length + ahead, number))

    def heading(self, level: int, text: str) -> None:
        """Add a heading, and open its section; level 1 is the outermost."""
        self._outline.heading(self.length, level, text)
        self.block(text, BlockKind.HEADING)

    def block(self, text: str, kind: BlockKind = BlockKind.PARAGRAPH) -> None:
        """Add a block; one without text is none."""
        self._add(text.strip(), kind, (), "\n\n")

    def table(self, rows: Sequence[Sequence[str]], heads: int = 0, skipped: int = 0) -> None:
        """Add a table of cells without line breaks; the first ``heads`` rows, from above, label the rows below them.

        The first ``skipped`` rows are not written: the heads that a table repeats on its next page.
        """
        labels = _labels(rows[:heads])
        filled = [(number, row) for number, row in enumerate(rows) if any(row) and number >= skipped]
        for at, (number, row) in enumerate(filled, start=1):
            of_row = labels if number >= heads and len(labels) == len(row) else ()
            self._add(CELL_BREAK.join(row), BlockKind.ROW, of_row, "\n\n" if at == len(filled) else "\n")

    @property
    def text(self) -> str:
        """The text so far."""
        return "".join(self._parts)

    @property
    def title(self) -> str:
        """The first heading of the outermost level that occurs; empty without headings."""
        return self._outline.title

    @property
    def sections(self) -> tuple[Section, ...]:
        """The sections so far, by start: one for each heading, and one for each page."""
        return _with_pages(self._outline.sections, self._pages) if self._pages else self._outline.sections

    @property
    def blocks(self) -> tuple[Block, ...]:
        """The blocks so far, by start."""
        return tuple(self._blocks)

    def _add(self, text: str, kind: BlockKind, labels: tuple[str, ...], after: str) -> None:
        text = well_formed(text)
        if not text.strip():
            return
        self._blocks.append(Block(self.length, self.length + len(text), kind, labels))
        self._parts += (text, after)
        self.length += len(text) + len(after)
        self._check(self.length)


def _with_pages(headed: Sequence[Section], pages: Sequence[tuple[int, int]]) -> tuple[Section, ...]:
    """The sections that headings open, cut also where pages begin; a page has one of its own even if it is empty."""
    starts = [section.start for section in headed]
    ends = [start for start, _ in pages[1:]]
    found: list[Section] = []
    for (start, number), end in zip_longest(pages, ends):
        at = bisect_right(starts, start)
        found.append(Section(start, headed[at - 1].headings if at else (), number))
        inside = headed[at : len(headed) if end is None else bisect_left(starts, end)]
        found += (replace(section, page=number) for section in inside)
    return tuple(found)


def _labels(heads: Sequence[Sequence[str]]) -> tuple[str, ...]:
    """What stands above each column, once where merged heads repeat it."""
    width = max(map(len, heads), default=0)
    columns = ([row[column] for row in heads if column < len(row)] for column in range(width))
    return tuple(" ".join(filter(None, dict.fromkeys(column))) for column in columns)
