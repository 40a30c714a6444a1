"""A web page -> how much text, links, headings and tables each of its elements holds, all in one walk.

Asking each element by itself takes quadratic time where elements are nested.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from odqa.corpus.base import LONGEST_TITLE
from odqa.corpus.html.names import heading_level, names, words_of

if TYPE_CHECKING:
    from bs4 import Tag

CONTROLS = names("button input select textarea")
FREE_TEXT = names("text date email number tel time url month week datetime-local")  # Inputs that are filled in.
MOST_PIECES = 100  # Pieces of text that are kept of a heading.


@dataclass(slots=True)
class Measure:
    """What an element holds, nested elements included.

    ``size`` is the number of characters of text, without the white space around each piece, and ``links`` of those
    inside links; ``longest`` is the longest piece outside them. ``has_links`` says that there are links, of pictures
    too, ``has_words`` that a letter or digit is in the text, ``has_letters`` that a letter is. ``heading`` is the text
    of the first heading below the element, None without one. ``has_tables`` says that tables or code are below it,
    ``has_controls`` that controls of a form are, and ``is_filled`` that one of them holds a value. Of the table that an
    element belongs to, ``cells`` counts the cells below it, ``heads`` those that are heads, and ``has_wide_row`` says
    that a row below it has several.
    """

    size: int = 0
    links: int = 0
    longest: int = 0
    has_links: bool = False
    has_words: bool = False
    has_letters: bool = False
    heading: str | None = None
    has_tables: bool = False
    has_controls: bool = False
    is_filled: bool = False
    cells: int = 0
    heads: int = 0
    has_wide_row: bool = False

    @property
    def is_mostly_links(self) -> bool:
        """Whether more than half of the text is in links."""
        return self.links * 2 > self.size

    def piece(self, string: str) -> None:
        """Take in a piece of text."""
        size = len(string.strip())
        self.size += size
        self.longest = max(self.longest, size)
        self.has_words = self.has_words or any(map(str.isalnum, string))
        self.has_letters = self.has_letters or any(map(str.isalpha, string))

    def add(self, tag: Tag, child: Measure) -> None:
        """Take in the measure of the child ``tag``."""
        name = tag.name
        self.size += child.size
        self.links += child.links + (child.size if name == "a" else 0)
        self.longest = max(self.longest, 0 if name == "a" else child.longest)
        self.has_links = self.has_links or child.has_links or name == "a"
        self.has_words = self.has_words or child.has_words
        self.has_letters = self.has_letters or child.has_letters
        self.has_tables = self.has_tables or child.has_tables or name in ("table", "pre")
        self.has_controls = self.has_controls or child.has_controls or name in CONTROLS
        self.is_filled = self.is_filled or child.is_filled or bool(filled_in(tag))
        if name != "table":
            self.cells += child.cells + (name in ("td", "th"))
            self.heads += child.heads + (name == "th")
            self.has_wide_row = self.has_wide_row or child.has_wide_row or (name == "tr" and child.cells > 1)


def filled_in(tag: Tag) -> str:
    """The value that a text field shows; empty for other elements."""
    attributes = tag.attrs
    if tag.name != "input" or "value" not in attributes or str(attributes.get("type", "text")).lower() not in FREE_TEXT:
        return ""
    named = (words_of(attributes.get(name)) for name in ("id", "name", "class"))
    return "" if any("search" in words for words in named) else str(attributes["value"])


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
                measure.piece(child)
            elif child is None:
                self._measures[id(tag)] = measure
                stack.pop()
                if stack:
                    stack[-1][1].add(tag, measure)
                    if stack[-1][1].heading is None:
                        is_heading = heading_level(tag) > 0
                        pieces = strings[start : start + MOST_PIECES] if is_heading else ()
                        stack[-1][1].heading = "".join(pieces)[:LONGEST_TITLE] if is_heading else measure.heading
