"""reStructuredText -> its Blocks: the text between the marks, most of which are in no block. Renders nothing."""

from __future__ import annotations

import re
from collections.abc import Sequence

from odqa.corpus.blocks import BULLET, NUMBER, Rules, add_code, add_group
from odqa.corpus.text.block_lines import Builder, Line, read_lines
from odqa.corpus.text.rst_tables import COLUMNS, add_list_table, add_simple_table
from odqa.types import Block, BlockKind

# No pattern here has two parts that can match the same run of characters: time grows with the length of a line.
DIRECTIVE = re.compile(r"\.\.[ \t]+(?:\|[^|]{1,80}\|[ \t]+)?([\w:.+-]{1,80}?)::(?=[ \t]|$)")
NOTE = re.compile(r"\.\.[ \t]+\[[^\]]{1,80}\][ \t]+")
EXPLICIT = re.compile(r"(?:\.\.|__)(?=[ \t]|$)")
FIELD = re.compile(r":(?![ \t:`])[^:]{1,80}:(?=[ \t]|$)")
LINE = re.compile(r"\|[ \t]+")
ADORNMENT = re.compile(r"([!-/:-@\[-`{-~])\1+$")
LITERAL = (
    "code",
    "code-block",
    "sourcecode",
    "parsed-literal",
    "literalinclude",
    "highlight",
    "math",
    "productionlist",
)


def rst_blocks(text: str) -> tuple[Block, ...]:
    """The blocks of reStructuredText, in time and memory that grow with its length."""
    builder = Builder(text)
    lines = list(read_lines(text))
    at = 0
    group: list[Line] = []
    literal: int | None = None  # Lines indented by more are code.
    while at < len(lines):
        line = lines[at]
        if literal is not None and line.text:
            end = _indented_end(lines, at, literal)
            add_code(builder, lines[at:end])
            literal = None
            if end > at:
                at = end
                continue
        directive = DIRECTIVE.match(line.text)
        if COLUMNS.match(line.text) and not group:
            at = add_simple_table(builder, lines, at)
            continue
        if directive and directive[1] == "list-table":
            _add(builder, group)
            group = []
            at = add_list_table(builder, lines, at)
            continue
        verse = LINE.match(line.text) and not group
        if line.text and not group and builder.hangs is not None and builder.lines and line.indent > builder.hangs:
            builder.extend(line)
        elif line.text and not EXPLICIT.match(line.text) and not verse:
            group.append(line)
        else:
            _add(builder, group)
            group = []
            _add_explicit(builder, line)
        if directive and directive[1] in LITERAL:
            at = _options_end(lines, at + 1, line.indent) - 1
            literal = line.indent
        elif line.text.endswith("::") and not directive:
            literal = _text_column(line)
        at += 1
    _add(builder, group)
    return tuple(builder.blocks)


def _add(builder: Builder, group: Sequence[Line]) -> None:
    """Add the lines between two blank ones, of which those of a list of fields are told by their names."""
    run: list[Line] = []
    for line in group:
        field = FIELD.match(line.text)
        if field:
            _add_run(builder, run)
            run = []
            value = line.after(field.end())
            builder.add(Line(line.start + 1, line.text[1 : field.end() - 1], line.indent), _name_kind(value))
            builder.begin(value, hangs=line.indent)
        elif builder.lines and builder.hangs is not None and not run and line.indent > builder.hangs:
            builder.extend(line)
        else:
            run.append(line)
    _add_run(builder, run)
    builder.close()


def _name_kind(value: Line) -> BlockKind:
    return BlockKind.TERM if value.text else BlockKind.PARAGRAPH


def _add_run(builder: Builder, lines: Sequence[Line]) -> None:
    """Add lines without fields. A title may have a line above it and has one below it, which are in no block."""
    if lines and len(lines) > 1 and ADORNMENT.match(lines[0].text) and not ADORNMENT.match(lines[1].text):
        lines = lines[1:]
    if lines:
        add_group(builder, lines, Rules(lambda line, following: line.indent == following.indent, indented=True))


def _add_explicit(builder: Builder, line: Line) -> None:
    """Add what a line says that begins with ``..`` or a bar; a blank line says nothing."""
    if verse := LINE.match(line.text):
        builder.add(line.after(verse.end()))
    elif note := NOTE.match(line.text):
        builder.begin(line.after(note.end()), BlockKind.NOTE, hangs=line.indent)
    elif (directive := DIRECTIVE.match(line.text)) and directive[1] not in LITERAL:
        builder.begin(line.after(directive.end()), hangs=line.indent)


def _text_column(line: Line) -> int:
    """Where the text of a line begins, in an item of a list after its mark."""
    mark = BULLET.match(line.text) or NUMBER.match(line.text)
    return line.after(mark.end()).indent if mark else line.indent


def _indented_end(lines: Sequence[Line], at: int, indent: int) -> int:
    """Where the lines that are indented by more than ``indent`` end, blank ones among them."""
    while at < len(lines) and (not lines[at].text or lines[at].indent > indent):
        at += 1
    return at


def _options_end(lines: Sequence[Line], at: int, indent: int) -> int:
    """Where the options of a directive end."""
    while at < len(lines) and lines[at].indent > indent and FIELD.match(lines[at].text):
        at += 1
    return at
