"""Web pages (.html, .htm) -> the text that a visitor reads, without navigation, with sections by h1 to h6."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from odqa.corpus.base import OpenFile, document_of, well_formed
from odqa.corpus.encoding import read_text
from odqa.corpus.html.measures import Measures
from odqa.corpus.html.walk import write
from odqa.errors import DataError
from odqa.types import Block, Document, Section

if TYPE_CHECKING:
    from bs4 import BeautifulSoup, Tag

CHARSET = re.compile(rb"""(?:<meta[^>]*?charset|<\?xml[^>]*?encoding)\s*=\s*["']?\s*([\w.:-]+)""", re.IGNORECASE)
CHARSET_WITHIN = 4096
COMMENT = re.compile(r"<!--|<[!?]|</(?![A-Za-z])")  # And what is read like one.
LONGEST_COMMENT = 10_000_000  # Bytes. Of a longer one, libxml2 takes quadratic time.
SHORT = 1000  # If the main content has fewer characters, the rest of the page is considered too.


def load(file: OpenFile) -> Iterator[Document]:
    """Read one page. Raises DataError for an empty or binary file and for a page without text."""
    declared = CHARSET.search(file.stream.read(CHARSET_WITHIN))
    file.stream.seek(0)
    markup = read_text(file, declared[1].decode("ascii") if declared else None)
    page = extract(markup)
    if not page.text:
        raise DataError("empty: no text in the page")
    yield document_of(file.path, page.text, title=page.title, sections=page.sections, blocks=page.blocks)


@dataclass(frozen=True, slots=True)
class Page:
    """What is read of a page."""

    title: str
    text: str
    sections: tuple[Section, ...]
    blocks: tuple[Block, ...]


def extract(markup: str) -> Page:
    """What a visitor reads of a page.

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
    found = write(_main_content(soup, measures) or body, measures)
    if len(found.text) < SHORT:
        whole = write(body, measures)
        if len(found.text) * 4 < len(whole.text):
            found = whole
    name = well_formed(" ".join(soup.title.get_text().split())) if soup.title else ""
    return Page(name or found.outline.title, found.text, found.outline.sections, found.blocks)


def _check_comments(markup: str) -> None:
    at = 0
    while len(markup) - at > LONGEST_COMMENT // 4 and (comment := COMMENT.search(markup, at)):
        start, at = comment.start(), markup.find("-->" if comment.group() == "<!--" else ">", comment.end())
        at = len(markup) if at < 0 else at
        if at - start > LONGEST_COMMENT // 4 and len(markup[start:at].encode("utf-8", "replace")) > LONGEST_COMMENT:
            raise DataError("a comment in it is larger than 10 MB: leave it out")


def _main_content(soup: BeautifulSoup, measures: Measures) -> list[Tag]:
    def is_main(tag: Tag) -> bool:
        return bool(tag.name == "main" or tag.attrs.get("role") == "main")

    mains = _outermost(soup, is_main)
    if mains:
        return mains
    articles = _outermost(soup, lambda tag: tag.name == "article")
    if len(articles) != 1:
        return []
    article, page = measures[articles[0]], measures[soup]
    return articles if (article.size - article.links) * 3 > page.size - page.links else []


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
