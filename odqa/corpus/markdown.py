"""Markdown files (.md) -> the source text unchanged, with sections by its headings. Renders nothing."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from odqa.corpus.base import ReadOptions, document_of
from odqa.corpus.encoding import read_text
from odqa.corpus.outline import Outline
from odqa.types import Document, Section

FRONT_MATTER = re.compile(r"(---|\+\+\+)[ \t]*\r?\n(.*?\r?\n)??(?:\1|\.\.\.)[ \t]*(?:\r?\n|\Z)", re.DOTALL)
FRONT_TITLE = re.compile(r"""^title[ \t]*[:=][ \t]*(["']?)(.*?)\1[ \t]*\r?$""", re.MULTILINE)
ATX = re.compile(r" {0,3}(#{1,6})(?:[ \t]+(.*?))?(?:[ \t]+#+)?[ \t]*$")
SETEXT = re.compile(r" {0,3}(=+|-+)[ \t]*$")
FENCE = re.compile(r" {0,3}(`{3,}|~{3,})(.*)$")
# A line that "---" below does not make a heading: indented code, list item, quote, table row, HTML.
NOT_A_TITLE = re.compile(r"( {4}|\t| {0,3}([-+*][ \t]|\d{1,9}[.)][ \t]|>|<|\||[-*_=][-*_= \t]*$))")
LINK = re.compile(r"!?\[([^\]]*)\](?:\([^)]*\)|\[[^\]]*\])")
ATTRIBUTES = re.compile(r"[ \t]*\{[#.:][^}]*\}$")


def load(path: Path, options: ReadOptions) -> Iterator[Document]:
    """Read one file. Raises DataError for an empty or binary one."""
    text = read_text(path)
    title, sections = outline(text)
    yield document_of(path, text, title=title, sections=sections)


def outline(text: str) -> tuple[str, tuple[Section, ...]]:
    """The title (from the front matter, else the first outermost heading) and the sections.

    Headings are ATX (``## Title``) and one-line setext (underlined) headings outside fenced code, as in CommonMark
    0.31.
    """
    found = Outline()
    front = FRONT_MATTER.match(text)
    at = front.end() if front else 0
    front_title = FRONT_TITLE.search(front.group()) if front else None
    fence = ""
    above = (at, "")  # The start of the line above, and its text if it can be the title of a setext heading.
    blank = True
    for line in text[at:].splitlines(keepends=True):
        start, line, at = at, line.rstrip("\r\n"), at + len(line)
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
            found.heading(start, len(atx[1]), _plain(atx[2] or ""))
            blank = True
        elif title_above[1] and (setext := SETEXT.match(line)):
            found.heading(title_above[0], 1 if setext[1][0] == "=" else 2, _plain(title_above[1]))
            blank = True
        elif blank_above and not blank and not NOT_A_TITLE.match(line):
            above = (start, line)
    return (front_title[2].strip() if front_title else "") or found.title, found.sections


def _plain(title: str) -> str:
    """A heading without the markup of links, code and emphasis (underscores stay: many names contain them)."""
    return ATTRIBUTES.sub("", LINK.sub(r"\1", title)).replace("`", "").replace("*", "").strip()
