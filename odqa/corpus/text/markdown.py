"""Markdown files (.md) -> the source text unchanged, with sections by its headings. Renders nothing."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from odqa.corpus.base import OpenFile, document_of
from odqa.corpus.encoding import read_text
from odqa.corpus.lines import lines
from odqa.corpus.outline import Outline
from odqa.corpus.text.block_lines import read_lines
from odqa.corpus.text.front_matter import front_matter
from odqa.corpus.text.markdown_blocks import HTML_HEADING, markdown_blocks
from odqa.corpus.text.markdown_titles import plain_title
from odqa.corpus.text.markdown_verbatim import CODE_INDENT, Verbatim
from odqa.types import Document

# No pattern here has two parts that can match the same run of characters: time grows with the length of a line.
ATX = re.compile(r"(#{1,6})(?![^ \t])(.*)")
SETEXT = re.compile(r"(=+|-+)$")
# A line that "---" below does not make a heading: list item, quote, table row, HTML.
NOT_A_TITLE = re.compile(r"([-+*](?:[ \t]|$)|\d{1,9}[.)](?:[ \t]|$)|>|<|\||[-*_=][-*_= \t]*$)")
BLANK = " \t"


def load(file: OpenFile) -> Iterator[Document]:
    """Read one file. Raises DataError for an empty or binary one."""
    text = read_text(file)
    title, start = front_matter(text)
    found = outline(text, start)
    blocks = markdown_blocks(text, start)
    yield document_of(file.path, text, title=title or found.title, sections=found.sections, blocks=blocks)


def outline(text: str, start: int = 0, ends: Iterable[int] = ()) -> Outline:
    """The headings from ``start`` on, where the front matter ends.

    Headings are ATX (``## Title``), one-line setext (underlined) and one-line HTML headings outside code and comments,
    as in CommonMark 0.31. Each of the parts that end at ``ends`` is read by itself.
    """
    found = Outline()
    for end in (*ends, len(text)):
        _add_headings(found, text, start, end)
        start = end
    return found


def _add_headings(found: Outline, text: str, part: int, end: int) -> None:
    verbatim = Verbatim(text.rfind("-->", part, end))
    above = (part, "")  # The start of the line above, and its text if it can be the title of a setext heading.
    blank = True
    for (start, _), line in zip(lines(text, part), read_lines(text, part), strict=True):
        if start >= end:
            break
        title_above, above, blank_above, blank = above, (start, ""), blank, not line.text
        left, _code = verbatim.take(line)
        if left is not line or line.indent >= CODE_INDENT:
            continue
        if atx := ATX.match(line.text):
            found.heading(start, len(atx[1]), plain_title(_without_closing(atx[2])))
            blank = True
        elif html := HTML_HEADING.match(line.text):
            found.heading(start, int(html[1]), plain_title(html[2]))
            blank = True
        elif title_above[1] and (setext := SETEXT.match(line.text)):
            found.heading(title_above[0], 1 if setext[1][0] == "=" else 2, plain_title(title_above[1]))
            blank = True
        elif blank_above and not blank and not NOT_A_TITLE.match(line.text):
            above = (start, line.text)


def _without_closing(title: str) -> str:
    """The text of an ATX heading without the number signs after it, which a space precedes."""
    title = title.strip(BLANK)
    shorter = title.rstrip("#")
    return shorter.rstrip(BLANK) if not shorter or shorter[-1] in BLANK else title
