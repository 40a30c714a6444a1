"""Headings, in reading order -> the sections that they open. Knows no format."""

from __future__ import annotations

from odqa.corpus.base import shortened
from odqa.types import Section


class Outline:
    """Collects headings in reading order; each opens a section whose path holds the headings above it.

    >>> outline = Outline()
    >>> outline.heading(0, 1, "Leave")
    >>> outline.heading(40, 2, "Parents")
    >>> [(section.start, section.headings) for section in outline.sections]
    [(0, ('Leave',)), (40, ('Leave', 'Parents'))]
    """

    def __init__(self) -> None:
        self._path: list[tuple[int, str]] = []
        self._titles: list[tuple[int, str]] = []
        self._sections: list[Section] = []

    def heading(self, start: int, level: int, title: str) -> None:
        """Open a section at ``start``; level 1 is the outermost. A heading without text opens none."""
        title = shortened(" ".join(title.split()))
        if not title:
            return
        while self._path and self._path[-1][0] >= level:
            self._path.pop()
        self._path.append((level, title))
        self._titles.append((level, title))
        self._sections.append(Section(start, tuple(name for _, name in self._path)))

    @property
    def title(self) -> str:
        """The first heading of the outermost level that occurs; empty without headings."""
        return min(self._titles, key=lambda entry: entry[0])[1] if self._titles else ""

    @property
    def sections(self) -> tuple[Section, ...]:
        """The sections so far, by start."""
        return tuple(self._sections)
