"""reStructuredText files (.rst) -> the source text unchanged, with sections by its headings. Renders nothing."""

from __future__ import annotations

import re
from collections.abc import Iterator

from odqa.corpus.base import OpenFile, document_of
from odqa.corpus.encoding import read_text
from odqa.corpus.lines import lines
from odqa.corpus.outline import Outline
from odqa.corpus.text.rst_blocks import rst_blocks
from odqa.types import Document, Section

ADORNMENT = re.compile(r"([!-/:-@\[-`{-~])\1+$")
# Written so that no character can be where two attempts to match begin: time grows with the length of the title.
ROLE = re.compile(r"(?<![\w:.+-]):[\w:.+-]+:`([^`<]*)(<[^`>]*>)?`")
SHORTEST = 4  # From this length on, docutils accepts an underline that is shorter than its title.


def load(file: OpenFile) -> Iterator[Document]:
    """Read one file. Raises DataError for an empty or binary one."""
    text = read_text(file)
    title, sections = outline(text)
    yield document_of(file.path, text, title=title, sections=sections, blocks=rst_blocks(text))


def outline(text: str) -> tuple[str, tuple[Section, ...]]:
    """The title (the first outermost heading) and the sections.

    The level of a heading is the order in which its adornment, with or without an overline, first occurs
    (reStructuredText specification, "Sections").
    """
    found = Outline()
    styles: list[tuple[str, bool]] = []
    above_start, above, start, title = 0, "", 0, ""  # The two lines before this one.
    at, under = 0, ""
    taken = 1  # The last line that belongs to a heading already found.
    for number, (following, line) in enumerate(lines(text), start=2):
        above_start, above, start, title = start, title, at, under
        at, under = following, line.rstrip()
        if number - 1 <= taken or not _underlines(under, title):
            continue
        overlined = number - 2 > taken and above[:1] == under[0] and _underlines(above, title)
        if not overlined and (title[0].isspace() or (above and number - 2 > taken)):
            continue  # Inside an indented block, a paragraph or a table.
        style = (under[0], overlined)
        if style not in styles:
            styles.append(style)
        found.heading(above_start if overlined else start, styles.index(style) + 1, _plain(title))
        taken = number
    return found.title, found.sections


def _underlines(line: str, title: str) -> bool:
    return bool(
        ADORNMENT.match(line)
        and title.strip()
        and not ADORNMENT.match(title)
        and len(line) >= min(len(title), SHORTEST)
    )


def _plain(title: str) -> str:
    return ROLE.sub(_role_text, title).replace("`", "").replace("**", "").strip()


def _role_text(role: re.Match[str]) -> str:
    """The text of a role, without the target that may follow it."""
    return role[1].rstrip() if role[2] else role[1]
