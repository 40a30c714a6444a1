"""Web pages (.html, .htm) -> the text a reader of the page reads, without its navigation; sections by h1 to h6."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from odqa.corpus.base import ReadOptions, document_of, well_formed
from odqa.corpus.encoding import read_text
from odqa.corpus.html_navigation import HEADINGS, is_noise, names, text_size
from odqa.corpus.outline import Outline
from odqa.errors import DataError
from odqa.types import Document, Section

if TYPE_CHECKING:
    from bs4 import BeautifulSoup, Tag

CHARSET = re.compile(rb"""(?:<meta[^>]*?charset|<\?xml[^>]*?encoding)\s*=\s*["']?\s*([\w.:-]+)""", re.IGNORECASE)
CHARSET_WITHIN = 4096
PARAGRAPHS = HEADINGS | names(
    "p ul ol dl table pre blockquote figure section article main details hr header footer fieldset"
)
LINES = names("div li dt dd tr summary caption figcaption address legend center form option td th")
INVISIBLE = {ord("\u00ad"): None, ord("\u200b"): None, ord("\ufeff"): None}  # Soft hyphen, zero-width spaces.
SHORT = 1000  # Characters of main content below which the rest of the page is looked at as well.


def load(path: Path, options: ReadOptions) -> Iterator[Document]:
    """Read one page. Raises DataError for an empty or binary file and for a page without text."""
    with path.open("rb") as stream:
        declared = CHARSET.search(stream.read(CHARSET_WITHIN))
    markup = read_text(path, declared[1].decode("ascii") if declared else None)
    title, text, sections = extract(markup)
    if not text:
        raise DataError("empty: no text in the page")
    yield document_of(path, text, title=title, sections=sections)


def extract(markup: str) -> tuple[str, str, tuple[Section, ...]]:
    """The page's title, its text and the sections of the text.

    The text is that of the main element (or the one article) where there is one that holds it, else of the body.
    Blocks are on lines of their own, paragraphs are a blank line apart, the cells of a table's row are joined
    by `` | ``, preformatted text keeps its lines.
    """
    from bs4 import BeautifulSoup

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # "This looks like XML / like a file name": it is what the file holds.
        soup = BeautifulSoup(markup, "lxml")
    body = [soup.body or soup]
    found = _write(_main_content(soup) or body)
    if len(found.text) < SHORT:
        whole = _write(body)
        if len(found.text) * 4 < len(whole.text):
            found = whole
    name = " ".join(soup.title.get_text().split()) if soup.title else ""
    return well_formed(name) or found.outline.title, found.text, found.outline.sections


def _main_content(soup: BeautifulSoup) -> list[Tag]:
    def is_main(tag: Tag) -> bool:
        return bool(tag.name == "main" or tag.attrs.get("role") == "main")

    mains = [tag for tag in soup.find_all(is_main) if tag.find_parent(is_main) is None]
    if mains:
        return mains
    articles = [tag for tag in soup.find_all("article") if tag.find_parent("article") is None]
    return articles if len(articles) == 1 else []


class _Writer:
    """The text so far, and the break or space that the next word will be set off with."""

    def __init__(self) -> None:
        self.outline = Outline()
        self._parts: list[str] = []
        self._length = 0
        self._newlines = 0
        self._separators = 0
        self._space = False
        self._before_first_line = False
        self.in_cell = 0

    @property
    def text(self) -> str:
        return "".join(self._parts)

    def break_line(self, newlines: int) -> None:
        if self.in_cell:
            self._space = True
        else:
            self._newlines = max(self._newlines, newlines)

    def line_break(self) -> None:
        """A <br>: two of them set a paragraph off."""
        self.break_line(min(self._newlines + 1, 2))

    def start_row(self) -> None:
        self._separators = -1

    def start_cell(self) -> None:
        self._separators += 1
        self.in_cell += 1

    def end_row(self) -> None:
        self._separators = 0

    def words(self, string: str) -> None:
        words = string.split()
        if not words:
            self._space = self._space or bool(string)
            return
        self._space = self._space or string[0].isspace()
        self._put(" ".join(words))
        self._space = string[-1].isspace()

    def start_preformatted(self) -> None:
        """The line break after <pre> is not part of the text, nor are blank lines before the first with text."""
        self._before_first_line = True

    def preformatted(self, string: str) -> None:
        for number, line in enumerate(string.split("\n")):
            if number and not self._before_first_line:
                self._newlines += 1
            if line:
                self._put(line)

    def mark(self) -> tuple[int, int]:
        return len(self._parts), self._length

    def end_heading(self, level: int, mark: tuple[int, int]) -> None:
        number, start = mark
        title = "".join(self._parts[number:])
        self.outline.heading(start + len(title) - len(title.lstrip()), level, title)

    def _put(self, string: str) -> None:
        if not self._parts:
            before = ""
        elif self._newlines:
            before = "\n" * self._newlines
        elif self._separators > 0:
            before = " | " * self._separators
        else:
            before = " " if self._space else ""
        self._newlines = self._separators = 0
        self._space = self._before_first_line = False
        self._parts.append(before + string)
        self._length += len(before) + len(string)


def _write(roots: list[Tag]) -> _Writer:
    writer = _Writer()
    size = sum(text_size(root) for root in roots)
    for root in roots:
        _Walk(writer, size, in_main=root.name in ("main", "article") or root.get("role") == "main").run(root)
        writer.break_line(2)
    return writer


class _Walk:
    """One walk through an element. Holds what the elements around the current one have switched on.

    Iterative: pages nest deeper than Python's call stack.
    """

    def __init__(self, writer: _Writer, size: int, *, in_main: bool) -> None:
        self.writer = writer
        self.size = size
        self.sections = int(in_main)
        self.preformatted = 0
        self.headings: list[tuple[int, int]] = []
        self.tables: list[bool] = []  # For each open table whether it holds data: a row becomes a line.

    def run(self, root: Tag) -> None:
        from bs4 import NavigableString, Tag

        stack = [(root, iter(root.contents))]
        while stack:
            tag, children = stack[-1]
            child = next(children, None)
            if child is None:
                stack.pop()
                if stack:
                    self._leave(tag)
            elif isinstance(child, Tag):
                if not is_noise(child, self.size, in_main=self.sections > 0, in_heading=bool(self.headings)):
                    self._enter(child)
                    stack.append((child, iter(child.contents)))
            elif type(child) is NavigableString:  # Its children are comments, declarations, scripts.
                string = well_formed(child.translate(INVISIBLE))
                if self.preformatted:
                    self.writer.preformatted(string)
                else:
                    self.writer.words(string)

    def _enter(self, tag: Tag) -> None:
        name, writer = tag.name, self.writer
        if name in ("td", "th") and self.tables and self.tables[-1]:
            writer.start_cell()
            return
        self._break(tag)
        if name == "br":
            writer.line_break()
        elif name == "tr":
            writer.start_row()
        elif name == "table":
            self.tables.append(_holds_data(tag))
        elif name == "pre":
            self.preformatted += 1
            writer.start_preformatted()
        elif name in HEADINGS:
            self.headings.append(writer.mark())
        elif name in ("main", "article", "section"):
            self.sections += 1

    def _leave(self, tag: Tag) -> None:
        name, writer = tag.name, self.writer
        if name in ("td", "th") and self.tables and self.tables[-1]:
            writer.in_cell -= 1
            return
        if name == "tr":
            writer.end_row()
        elif name == "table":
            self.tables.pop()
        elif name == "pre":
            self.preformatted -= 1
        elif name in HEADINGS:
            mark = self.headings.pop()
            if not self.headings:  # A heading inside of another is a part of it.
                writer.end_heading(int(name[1]), mark)
        elif name in ("main", "article", "section"):
            self.sections -= 1
        self._break(tag)

    def _break(self, tag: Tag) -> None:
        name = tag.name
        inner_list = name in ("ul", "ol") and tag.parent is not None and tag.parent.name == "li"
        if name in PARAGRAPHS and not inner_list:
            self.writer.break_line(2)
        elif name in LINES or inner_list:
            self.writer.break_line(1)


def _holds_data(table: Tag) -> bool:
    """Whether a table is one, and not the layout of a page: several columns, no headings, code or tables inside."""
    if table.get("role") in ("presentation", "none") or table.find(["table", "pre", *sorted(HEADINGS)]) is not None:
        return False
    return any(len(row.find_all(["td", "th"], limit=2)) > 1 for row in table.find_all("tr"))
