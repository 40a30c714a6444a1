"""A web page -> how much text, links, headings and tables each of its elements holds, all in one walk.

Asking each element by itself takes quadratic time where elements are nested.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from odqa.corpus.base import LONGEST_TITLE
from odqa.corpus.html_names import HEADINGS, names

if TYPE_CHECKING:
    from bs4 import Tag

NOT_DATA = HEADINGS | names("table pre")  # What a table that lays out a page holds, and a table of data does not.
MOST_PIECES = 100  # Pieces of text that are kept of a heading.


@dataclass(slots=True)
class Measure:
    """What an element holds, nested elements included.

    ``size`` is the number of characters of text, without the white space around each piece, and ``links`` of those
    inside links. ``has_words`` says that a letter or digit is among them. ``heading`` is the text of the first heading
    below the element, None without one. ``is_layout`` says that headings, code or tables are below it, ``cells`` counts
    the cells below it, and ``has_wide_row`` says that a row below it has several.
    """

    size: int = 0
    links: int = 0
    has_words: bool = False
    heading: str | None = None
    is_layout: bool = False
    cells: int = 0
    has_wide_row: bool = False

    @property
    def is_mostly_links(self) -> bool:
        """Whether more than half of the text is in links."""
        return self.links * 2 > self.size

    def holds_content(self, size: int) -> bool:
        """Whether more than half of a page of ``size`` characters is in the element, and not in links."""
        return self.size * 2 > size and not self.is_mostly_links

    def add(self, tag: Tag, child: Measure) -> None:
        """Take in the measure of the child ``tag``."""
        self.size += child.size
        self.links += child.links + (child.size if tag.name == "a" else 0)
        self.has_words = self.has_words or child.has_words
        self.is_layout = self.is_layout or child.is_layout or tag.name in NOT_DATA
        self.cells += child.cells + (tag.name in ("td", "th"))
        self.has_wide_row = self.has_wide_row or child.has_wide_row or (tag.name == "tr" and child.cells > 1)


class Measures:
    """The measures of a page's elements, by element."""

    def __init__(self, root: Tag) -> None:
        self._measures: dict[int, Measure] = {}
        self._measure(root)

    def __getitem__(self, tag: Tag) -> Measure:
        return self._measures[id(tag)]

    def _measure(self, root: Tag) -> None:
        """Walk through the page once; iteratively, since pages may nest deeper than Python's call stack."""
        from bs4 import CData, NavigableString, Tag

        strings: list[str] = []
        stack = [(root, Measure(), iter(root.contents), 0)]
        while stack:
            tag, measure, children, start = stack[-1]
            child: Any = next(children, None)
            if isinstance(child, Tag):
                stack.append((child, Measure(), iter(child.contents), len(strings)))
            elif type(child) is NavigableString or type(child) is CData:
                strings.append(child)
                measure.size += len(child.strip())
                measure.has_words = measure.has_words or any(map(str.isalnum, child))
            elif child is None:
                self._measures[id(tag)] = measure
                stack.pop()
                if stack:
                    stack[-1][1].add(tag, measure)
                    if stack[-1][1].heading is None:
                        is_heading = tag.name in HEADINGS
                        pieces = strings[start : start + MOST_PIECES] if is_heading else ()
                        stack[-1][1].heading = "".join(pieces)[:LONGEST_TITLE] if is_heading else measure.heading
