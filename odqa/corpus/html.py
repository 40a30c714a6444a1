"""Web pages (.html, .htm) -> the text that a visitor reads, without navigation, with sections by h1 to h6."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from odqa.corpus.base import OpenFile, document_of, well_formed
from odqa.corpus.encoding import read_text
from odqa.corpus.html_measures import Measures
from odqa.corpus.html_names import HEADINGS, names
from odqa.corpus.html_navigation import is_noise
from odqa.corpus.outline import Outline
from odqa.errors import DataError
from odqa.types import Document, Section

if TYPE_CHECKING:
    from bs4 import BeautifulSoup, Tag

CHARSET = re.compile(rb"""(?:<meta[^>]*?charset|<\?xml[^>]*?encoding)\s*=\s*["']?\s*([\w.:-]+)""", re.IGNORECASE)
CHARSET_WITHIN = 4096
COMMENT = re.compile(r"<!--|<[!?]|</(?![A-Za-z])")  # And what is read like one.
LONGEST_COMMENT = 10_000_000  # Bytes. Of a longer one, libxml2 takes quadratic time.
PARAGRAPHS = HEADINGS | names(
    "p ul ol dl table pre blockquote figure section article main details hr header footer fieldset"
)
LINES = names("div li dt dd tr summary caption figcaption address legend center form option td th")
INVISIBLE = {ord("\u00ad"): None, ord("\u200b"): None, ord("\ufeff"): None}  # Soft hyphen, zero-width spaces.
SHORT = 1000  # If the main content has fewer characters, the rest of the page is considered too.


def load(file: OpenFile) -> Iterator[Document]:
    """Read one page. Raises DataError for an empty or binary file and for a page without text."""
    declared = CHARSET.search(file.stream.read(CHARSET_WITHIN))
    file.stream.seek(0)
    markup = read_text(file, declared[1].decode("ascii") if declared else None)
    title, text, sections = extract(markup)
    if not text:
        raise DataError("empty: no text in the page")
    yield document_of(file.path, text, title=title, sections=sections)


def extract(markup: str) -> tuple[str, str, tuple[Section, ...]]:
    """The page's title, its text and the sections of the text.

    The text is that of the main element (or of the only article) if there is one that holds it, else of the body.
    Blocks are on lines of their own, paragraphs are separated by a blank line, the cells of a table's row are joined
    by `` | ``, and preformatted text keeps its lines. Raises DataError for a page with a comment of 10 MB.
    """
    from bs4 import BeautifulSoup

    _check_comments(markup)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # "This looks like XML / like a file name": it is what was in the file.
        soup = BeautifulSoup(markup, "lxml")
    measures = Measures(soup)
    body = [soup.body or soup]
    found = _write(_main_content(soup) or body, measures)
    if len(found.text) < SHORT:
        whole = _write(body, measures)
        if len(found.text) * 4 < len(whole.text):
            found = whole
    name = " ".join(soup.title.get_text().split()) if soup.title else ""
    return well_formed(name) or found.outline.title, found.text, found.outline.sections


def _check_comments(markup: str) -> None:
    at = 0
    while len(markup) - at > LONGEST_COMMENT // 4 and (comment := COMMENT.search(markup, at)):
        start, at = comment.start(), markup.find("-->" if comment.group() == "<!--" else ">", comment.end())
        at = len(markup) if at < 0 else at
        if at - start > LONGEST_COMMENT // 4 and len(markup[start:at].encode("utf-8", "replace")) > LONGEST_COMMENT:
            raise DataError("a comment in it is larger than 10 MB: leave it out")


def _main_content(soup: BeautifulSoup) -> list[Tag]:
    def is_main(tag: Tag) -> bool:
        return bool(tag.name == "main" or tag.attrs.get("role") == "main")

    mains = _outermost(soup, is_main)
    if mains:
        return mains
    articles = _outermost(soup, lambda tag: tag.name == "article")
    return articles if len(articles) == 1 else []


def _outermost(root: Tag, wanted: Callable[[Tag], bool]) -> list[Tag]:
    """The elements that are ``wanted`` and not inside another such one, in their order."""
    from bs4 import Tag

    found: list[Tag] = []
    stack = [root]
    while stack:
        tag = stack.pop()
        if wanted(tag):
            found.append(tag)
        else:
            stack.extend(child for child in reversed(tag.contents) if isinstance(child, Tag))
    return found


class _Writer:
    """The text so far, and the line breaks or the space to put before the next word."""

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
        """A <br>: two of them begin a new paragraph."""
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
        """The line break after <pre> is not part of the text, nor are blank lines before the first one with text."""
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


def _write(roots: list[Tag], measures: Measures) -> _Writer:
    writer = _Writer()
    size = sum(measures[root].size for root in roots)
    for root in roots:
        _Walk(writer, measures, size, in_main=root.name in ("main", "article") or root.get("role") == "main").run(root)
        writer.break_line(2)
    return writer


class _Walk:
    """One walk through an element, with the state that the elements around the current one have set.

    Iterative, since pages may nest deeper than Python's call stack.
    """

    def __init__(self, writer: _Writer, measures: Measures, size: int, *, in_main: bool) -> None:
        self.writer = writer
        self.measures = measures
        self.size = size
        self.sections = int(in_main)
        self.preformatted = 0
        self.headings: list[tuple[int, int]] = []
        self.tables: list[bool] = []  # For each open table, whether it holds data, so that a row becomes a line.

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
                within = {"in_main": self.sections > 0, "in_heading": bool(self.headings)}
                if not is_noise(child, self.measures, self.size, **within):
                    self._enter(child)
                    stack.append((child, iter(child.contents)))
            elif type(child) is NavigableString:  # Its subclasses are comments, declarations, scripts.
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
            self.tables.append(self._holds_data(tag))
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
            if not self.headings:  # A heading inside another one is part of it.
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

    def _holds_data(self, table: Tag) -> bool:
        """Whether a table holds data, not a page's layout: several columns, and no headings, code or tables inside."""
        measure = self.measures[table]
        layout = table.get("role") in ("presentation", "none") or measure.is_layout
        return measure.has_wide_row and not layout
