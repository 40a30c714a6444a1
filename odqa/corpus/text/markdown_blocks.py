"""Markdown -> its Blocks: the text between the marks, which themselves are in no block. Renders nothing."""

from __future__ import annotations

import re
from collections.abc import Sequence

from odqa.corpus.blocks import BULLET, NUMBER, Rules, add_code, add_group
from odqa.corpus.text.block_lines import Builder, Line, read_lines
from odqa.types import Block, BlockKind

# No pattern here has two parts that can match the same run of characters: time grows with the length of a line.
ATX = re.compile(r"#{1,6}(?:[ \t]|$)")
UNDERLINE = re.compile(r"(?:=+|-+)$")
FENCE = re.compile(r"(`{3,}|~{3,})(.*)$")
QUOTE = re.compile(r"(?:>[ \t]?)+")
NOTE = re.compile(r"\[\^[^\]\s]{1,80}\]:[ \t]+")
CODE_INDENT = 4


def markdown_blocks(text: str, start: int = 0) -> tuple[Block, ...]:
    """The blocks of Markdown from ``start`` on, where the front matter ends, in time that grows with its length."""
    builder = Builder(text)
    if start:
        _add(builder, [line for line in read_lines(text[:start]) if line.text.strip("-+.")])
    reader = _Reader(builder)
    for line in read_lines(text, start):
        reader.take(line)
    reader.end()
    return tuple(builder.blocks)


class _Reader:
    """Takes the lines one by one, and holds those of which the next one decides what they are."""

    def __init__(self, builder: Builder) -> None:
        self._builder = builder
        self._waiting: list[Line] = []
        self._fence = ""
        self._code: list[Line] = []
        self._in_list = False

    def take(self, line: Line) -> None:
        fence = FENCE.match(line.text) if line.indent < CODE_INDENT or self._in_list or self._fence else None
        if self._fence:
            if fence and fence[1].startswith(self._fence) and not fence[2].strip():
                self.end()
            else:
                self._code.append(line)
            return
        if fence and not (fence[1][0] == "`" and "`" in fence[2]):
            self.end()
            self._fence = fence[1]
            return
        line = _without_quote(line)
        code = line.indent >= CODE_INDENT and not self._in_list and not self._waiting
        if code or (self._code and not line.text):
            self._code.append(line)
            return
        if self._code:
            self.end()
        if not line.text or (line.text.startswith("<!--") and line.text.endswith("-->")):
            self.end()
        elif ATX.match(line.text):
            self.end()
            self._in_list = False
            self._builder.add(_heading(line), BlockKind.HEADING)
        elif len(self._waiting) == 1 and UNDERLINE.match(line.text) and not _is_item(self._waiting[0]):
            self._builder.add(self._waiting.pop(), BlockKind.HEADING)
        elif note := NOTE.match(line.text):
            self.end()
            self._builder.begin(line.after(note.end()), BlockKind.NOTE)
        elif self._builder.kind is BlockKind.NOTE and line.text.strip("-*_ "):
            self._builder.extend(line)
        else:
            if not line.indent or _is_item(line):
                self._in_list = _is_item(line) or (self._in_list and bool(self._waiting))
            self._waiting.append(line)

    def end(self) -> None:
        """Add what waits: no line after it can change what it is."""
        add_code(self._builder, self._code)
        _add(self._builder, self._waiting)
        self._code, self._waiting, self._fence = [], [], ""


def _add(builder: Builder, lines: Sequence[Line]) -> None:
    """Add the lines between two blank ones. A line goes on in the next, unless it ends in a hard break."""
    add_group(builder, lines, Rules(lambda line, _: not builder.breaks_after(line), colons=True))


def _is_item(line: Line) -> bool:
    return (BULLET.match(line.text) or NUMBER.match(line.text)) is not None


def _without_quote(line: Line) -> Line:
    """The line without the signs of a quotation before it."""
    quote = QUOTE.match(line.text) if line.indent < CODE_INDENT else None
    return line.after(quote.end()) if quote else line


def _heading(line: Line) -> Line:
    """The text of a heading, without the number signs around it."""
    line = line.after(len(line.text) - len(line.text.lstrip("#")))
    shorter = line.text.rstrip("#")
    closed = not shorter or shorter[-1:].isspace()
    return Line(line.start, shorter.rstrip(), line.indent) if closed else line
