"""What a walk through a page meets, piece by piece -> a text, its sections and its blocks. Knows no elements."""

from __future__ import annotations

import re
from collections.abc import Iterator

from odqa.corpus.html.tables import Cell, Row, laid_out
from odqa.corpus.outline import Outline
from odqa.types import Block, BlockKind

TAIL = 24  # Characters before the next piece that are looked at.
FIELD = re.compile(r"[^\W\d_][^:.!?\n]{0,40}:(?:\s|$)")  # "Net amount: 7 EUR": a line like it stands alone.
# A line that is nothing but an option. What may stand for a value holds what may stand before one: possessive, or a
# line of them takes a time that grows with a high power of its length.
OPTION = re.compile(r"--?[A-Za-z?][\w-]*+(?:[ =,|\[<]++[^\s.]++){0,4}+")


class Writer:
    """The text so far, and the line breaks or the space to put before the next word."""

    def __init__(self) -> None:
        self.outline = Outline()
        self.kinds = [BlockKind.PARAGRAPH]  # Of the block that begins here, innermost last.
        self._parts: list[str] = []
        self._length = 0
        self._newlines = 0
        self._ends_block = True
        self._space = False
        self._before_first_line = False
        self._blocks: list[Block] = []
        self._block: tuple[int, int, BlockKind, tuple[str, ...]] | None = None  # (part, start, kind, labels), open.
        self._cell: Cell | None = None
        self._cell_parts: list[str] = []
        self._rows: list[Row] = []

    @property
    def text(self) -> str:
        """The text so far."""
        return "".join(self._parts)

    @property
    def blocks(self) -> tuple[Block, ...]:
        """The blocks so far, by start; the last one ends with it."""
        self._end_block()
        return tuple(self._blocks)

    @property
    def in_cell(self) -> bool:
        """Whether the text goes to a cell."""
        return self._cell is not None

    @property
    def before(self) -> str:
        """The last characters of the line: a line break where it begins, a space after one."""
        if self._cell is None and (self._newlines or not self._parts):
            return "\n"
        parts = self._parts if self._cell is None else self._cell_parts
        tail = "".join(part[-TAIL:] for part in parts[-4:])[-TAIL:]
        return tail + " " if self._space and tail else tail or "\n"

    def break_line(self, newlines: int) -> None:
        """End the block; two line breaks are a blank line."""
        if self._cell is not None:
            self._space = True
        else:
            self._newlines = max(self._newlines, newlines)
            self._ends_block = True

    def line_break(self) -> None:
        """A <br>: two of them begin a new paragraph."""
        if self._cell is not None:
            self._space = True
        else:
            self._newlines = max(self._newlines, min(self._newlines + 1, 2))
            self._ends_block = self._ends_block or self._newlines > 1

    def words(self, string: str) -> None:
        """Words, with a space where there is white space."""
        words = string.split()
        if not words:
            self._space = self._space or bool(string)
            return
        self._space = self._space or string[0].isspace()
        self._put(" ".join(words))
        self._space = string[-1].isspace()

    def join(self) -> None:
        """Forget white space: the next word belongs to the last one."""
        self._space = False

    def start_preformatted(self) -> None:
        """The line break after <pre> is not part of the text, nor are blank lines before the first one with text."""
        self._before_first_line = True

    def preformatted(self, string: str) -> None:
        """Text whose lines and spaces stay as they are."""
        if self._cell is not None:
            self.words(string)
            return
        for number, line in enumerate(string.split("\n")):
            if number and not self._before_first_line:
                self._newlines += 1
            if line:
                self._put(line)

    def mark(self) -> tuple[int, int]:
        """Where the text ends, for :meth:`end_heading`."""
        return len(self._parts), self._length

    def end_heading(self, level: int, mark: tuple[int, int]) -> None:
        """Make a heading of the text since the mark."""
        number, start = mark
        title = "".join(self._parts[number:])
        self.outline.heading(start + len(title) - len(title.lstrip()), level, title)

    def start_row(self, group: int, in_head: bool) -> None:
        """Begin a row of the table."""
        self._rows.append(Row(group=group, in_head=in_head))

    def start_cell(self, cell: Cell) -> None:
        """Begin a cell, whose text is on one line."""
        self._cell, self._cell_parts, self._space = cell, [], False

    def end_cell(self) -> None:
        """Add the cell to its row."""
        if self._cell is not None:
            self._cell.text = "".join(self._cell_parts)
            if not self._rows:
                self.start_row(0, in_head=False)
            self._rows[-1].cells.append(self._cell)
        self._cell, self._cell_parts, self._space = None, [], False

    def end_table(self) -> None:
        """Write the rows."""
        for line, labels in laid_out(self._rows):
            self.break_line(1)
            self._put(line, BlockKind.ROW, labels)
        self._rows = []

    def _put(self, string: str, kind: BlockKind | None = None, labels: tuple[str, ...] = ()) -> None:
        if self._cell is not None:
            self._cell_parts.append(" " + string if self._space and self._cell_parts else string)
            self._space = False
            return
        if not self._parts:
            before = ""
        elif self._newlines:
            before = "\n" * self._newlines
        else:
            before = " " if self._space else ""
        if self._ends_block:
            self._end_block()
            self._block = len(self._parts), self._length + len(before), kind or self.kinds[-1], labels
        self._newlines = 0
        self._space = self._before_first_line = self._ends_block = False
        self._parts.append(before + string)
        self._length += len(before) + len(string)

    def _end_block(self) -> None:
        if self._block is not None:
            number, start, kind, labels = self._block
            text = "".join(self._parts[number:])[-(self._length - start) :]
            if kind is BlockKind.PARAGRAPH:
                self._blocks += _blocks_of_paragraph(text, start)
            elif text.strip():
                low = len(text) - len(text.lstrip())
                self._blocks.append(Block(start + low, start + len(text.rstrip()), kind, labels))
        self._block = None


def _blocks_of_paragraph(text: str, start: int) -> Iterator[Block]:
    """One block, or one a line where each line is a field, and a term where it is an option of a command."""
    lines = text.split("\n")
    apart = len(lines) > 1 and any(map(FIELD.match, lines))
    for line in lines if apart else [text]:
        if bare := line.strip():
            low = start + len(line) - len(line.lstrip())
            kind = BlockKind.TERM if OPTION.fullmatch(bare) else BlockKind.PARAGRAPH
            yield Block(low, low + len(bare), kind)
        start += len(line) + 1
