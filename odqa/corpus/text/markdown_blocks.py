"""Markdown -> its Blocks: the text between the marks, which themselves are in no block. Renders nothing."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import partial
from itertools import takewhile

from odqa.corpus.blocks import BULLET, NUMBER, Rules, add_code, add_group
from odqa.corpus.text.block_lines import Builder, Line, read_lines
from odqa.corpus.text.markdown_verbatim import CODE_INDENT, Verbatim
from odqa.types import Block, BlockKind

# No pattern here has two parts that can match the same run of characters: time grows with the length of a line.
ATX = re.compile(r"#{1,6}(?:[ \t]|$)")
UNDERLINE = re.compile(r"(?:=+|-+)$")
HTML_HEADING = re.compile(r"<h([1-6])(?:[ \t][^>]*)?>(.*)</h\1>$", re.IGNORECASE)
QUOTE = re.compile(r"(?:>[ \t]?)+")
NOTE = re.compile(r"\[\^[^\]\s]{1,80}\]:[ \t]+")
# What begins text that is indented below it: an admonition or tab of MkDocs, a note, a definition.
CONTAINER = re.compile(r"""!!![ \t]|\?\?\?\+?[ \t]|===[!+]?[ \t]+["']|\[\^[^\]\s]{1,80}\]:|[:~][ \t]""")


def markdown_blocks(text: str, start: int = 0, ends: Iterable[int] = ()) -> tuple[Block, ...]:
    """The blocks of Markdown from ``start`` on, where the front matter ends, in time that grows with its length.

    Each of the parts that end at ``ends`` is read by itself.
    """
    builder = Builder(text)
    if start:
        _add(builder, [line for line in read_lines(text[:start]) if line.text.strip("-+.")])
    for end in (*ends, len(text)):
        reader = _Reader(builder, Verbatim(text.rfind("-->", start, end)))
        for line in takewhile(partial(_is_before, end), read_lines(text, start)):
            reader.take(line)
        reader.end()
        start = end
    return tuple(builder.blocks)


class _Reader:
    """Takes the lines one by one, and holds those of which the next one decides what they are."""

    def __init__(self, builder: Builder, verbatim: Verbatim) -> None:
        self._builder = builder
        self._verbatim = verbatim
        self._waiting: list[Line] = []
        self._code: list[Line] = []
        self._in_list = False
        self._in_container = False

    def take(self, line: Line) -> None:
        was_open = self._verbatim.is_open
        left, code = self._verbatim.take(line, self._in_list or self._in_container)
        if was_open or left is None or code is not None:
            self._take_verbatim(line, code, was_open)
        if left is not None:
            self._take_markdown(_without_quote(left))

    def _take_verbatim(self, line: Line, code: Line | None, was_open: bool) -> None:
        if not was_open:
            self.end()
            self._in_list = self._in_list or _is_item(line)
            self._in_container = self._in_container and line.indent > 0
        if code is not None:
            self._code.append(code)
        if not self._verbatim.is_open:
            self.end()

    def _take_markdown(self, line: Line) -> None:
        nested = self._in_list or self._in_container or self._builder.kind is BlockKind.NOTE
        code = line.indent >= CODE_INDENT and not nested and not self._waiting
        if code or (self._code and not line.text):
            self._code.append(line)
            return
        if self._code:
            self.end()
        html = HTML_HEADING.match(line.text)
        if not line.text:
            self.end()
        elif html or ATX.match(line.text):
            self.end()
            self._in_list = False
            self._in_container = self._in_container and line.indent > 0
            self._builder.add(_html_heading(line, html) if html else _heading(line), BlockKind.HEADING)
        elif len(self._waiting) == 1 and UNDERLINE.match(line.text) and not _is_item(self._waiting[0]):
            self._builder.add(self._waiting.pop(), BlockKind.HEADING)
        elif note := NOTE.match(line.text):
            self.end()
            self._in_container = True
            self._builder.begin(line.after(note.end()), BlockKind.NOTE)
        elif self._builder.kind is BlockKind.NOTE and line.text.strip("-*_ "):
            self._builder.extend(line)
        else:
            self._enter(line)
            self._waiting.append(line)

    def _enter(self, line: Line) -> None:
        """Keep in mind whether lines below this one are indented for being within it."""
        if not line.indent or _is_item(line):
            self._in_list = _is_item(line) or (self._in_list and bool(self._waiting))
        container = CONTAINER.match(line.text) is not None
        if not line.indent or container:
            self._in_container = container

    def end(self) -> None:
        """Add what waits: no line after it can change what it is."""
        add_code(self._builder, self._code)
        _add(self._builder, self._waiting)
        self._code, self._waiting = [], []


def _is_before(end: int, line: Line) -> bool:
    return line.start < end


def _add(builder: Builder, lines: Sequence[Line]) -> None:
    """Add the lines between two blank ones. A line goes on in the next, unless it ends in a hard break."""
    add_group(builder, lines, Rules(lambda line, _: not builder.breaks_after(line), colons=True))


def _is_item(line: Line) -> bool:
    return (BULLET.match(line.text) or NUMBER.match(line.text)) is not None


def _without_quote(line: Line) -> Line:
    """The line without the signs of a quotation before it."""
    quote = QUOTE.match(line.text) if line.indent < CODE_INDENT else None
    return line.after(quote.end()) if quote else line


def _html_heading(line: Line, html: re.Match[str]) -> Line:
    """The text of a heading without the tags around it."""
    return Line(line.start, line.text[: html.end(2)].rstrip(), line.indent).after(html.start(2))


def _heading(line: Line) -> Line:
    """The text of a heading, without the number signs around it."""
    line = line.after(len(line.text) - len(line.text.lstrip("#")))
    shorter = line.text.rstrip("#")
    closed = not shorter or shorter[-1:].isspace()
    return Line(line.start, shorter.rstrip(), line.indent) if closed else line
