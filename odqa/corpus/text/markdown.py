"""Markdown files (.md) -> the source text unchanged, with sections by its headings. Renders nothing."""

from __future__ import annotations

import re
from collections.abc import Iterator

from odqa.corpus.base import OpenFile, document_of
from odqa.corpus.encoding import read_text
from odqa.corpus.lines import lines
from odqa.corpus.outline import Outline
from odqa.corpus.text.markdown_blocks import markdown_blocks
from odqa.types import Document, Section

# No pattern here has two parts that can match the same run of characters: time grows with the length of a line.
FRONT_TITLE = re.compile(r"title[ \t]*[:=](.*)")
ATX = re.compile(r" {0,3}(#{1,6})(?![^ \t])(.*)")
SETEXT = re.compile(r" {0,3}(=+|-+)[ \t]*$")
FENCE = re.compile(r" {0,3}(`{3,}|~{3,})(.*)$")
# A line that "---" below does not make a heading: indented code, list item, quote, table row, HTML.
NOT_A_TITLE = re.compile(r"( {4}|\t| {0,3}([-+*][ \t]|\d{1,9}[.)][ \t]|>|<|\||[-*_=][-*_= \t]*$))")
LINK = re.compile(r"!?\[([^\[\]]*)\](?:\((?:[^()]++|\([^()]*\))*+\)|\[[^\[\]]*\])")
BLANK = " \t"


def load(file: OpenFile) -> Iterator[Document]:
    """Read one file. Raises DataError for an empty or binary one."""
    text = read_text(file)
    title, sections = outline(text)
    blocks = markdown_blocks(text, _front_matter(text)[1])
    yield document_of(file.path, text, title=title, sections=sections, blocks=blocks)


def outline(text: str) -> tuple[str, tuple[Section, ...]]:
    """The title (from the front matter, else the first outermost heading) and the sections.

    Headings are ATX (``## Title``) and one-line setext (underlined) headings outside fenced code, as in CommonMark
    0.31.
    """
    found = Outline()
    front_title, body = _front_matter(text)
    fence = ""
    above = (body, "")  # The start of the line above, and its text if it can be the title of a setext heading.
    blank = True
    for start, line in lines(text, body):
        line = line.rstrip("\r\n")
        title_above, above, blank_above, blank = above, (start, ""), blank, not line.strip()
        if opened := FENCE.match(line):
            mark, info = opened.groups()
            if fence and mark.startswith(fence) and not info.strip():
                fence = ""
            elif not fence and not (mark[0] == "`" and "`" in info):
                fence = mark
        elif fence:
            continue
        elif atx := ATX.match(line):
            found.heading(start, len(atx[1]), _plain(_without_closing(atx[2])))
            blank = True
        elif title_above[1] and (setext := SETEXT.match(line)):
            found.heading(title_above[0], 1 if setext[1][0] == "=" else 2, _plain(title_above[1]))
            blank = True
        elif blank_above and not blank and not NOT_A_TITLE.match(line):
            above = (start, line)
    return front_title or found.title, found.sections


def _front_matter(text: str) -> tuple[str, int]:
    """The title in the front matter (YAML or TOML, between lines of --- or +++), and where the front matter ends."""
    title, mark = "", ""
    for start, whole in lines(text):
        line = whole.rstrip("\r\n")
        if not mark:
            mark = line.rstrip(BLANK)
            if mark not in ("---", "+++"):
                break
        elif line.rstrip(BLANK) in (mark, "..."):
            return title, start + len(whole)
        elif not title and (found := FRONT_TITLE.match(line)):
            title = _unquoted(found[1].strip())
    return "", 0


def _unquoted(value: str) -> str:
    quoted = len(value) > 1 and value[0] in "\"'" and value[0] == value[-1]
    return value[1:-1].strip() if quoted else value


def _without_closing(title: str) -> str:
    """The text of an ATX heading without the number signs after it, which a space precedes."""
    title = title.strip(BLANK)
    shorter = title.rstrip("#")
    return shorter.rstrip(BLANK) if not shorter or shorter[-1] in BLANK else title


def _plain(title: str) -> str:
    """A heading without the markup of links, code and emphasis (underscores stay: many names contain them)."""
    title = LINK.sub(r"\1", LINK.sub(r"\1", title))  # An image may be the text of a link.
    opening = title.rfind("{")
    if opening >= 0 and title.endswith("}") and title[opening + 1] in "#.:":
        title = title[:opening]
    return title.replace("`", "").replace("*", "").strip()
