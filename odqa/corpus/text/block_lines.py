"""A text -> its lines with their indents, in groups between blank lines; and a builder of Blocks out of such lines."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import groupby

from odqa.corpus.lines import lines
from odqa.types import Block, BlockKind

TAB = 8
NARROW = 40  # Columns: prose is not wrapped to fewer.
MOST = 1_000_000  # Blocks of a text, about 120 MB of memory: what comes after them is one more.


@dataclass(frozen=True, slots=True)
class Line:
    """``text`` is a line without the white space around it, from ``start`` on; ``indent`` columns are before it."""

    start: int
    text: str
    indent: int

    @property
    def end(self) -> int:
        """The offset just after the last character that is no white space."""
        return self.start + len(self.text)

    @property
    def width(self) -> int:
        """The column in which it ends."""
        return self.indent + len(self.text)

    def after(self, length: int) -> Line:
        """The line without its first characters, such as a mark, and the white space after them."""
        text = self.text[length:].lstrip()
        skipped = len(self.text) - len(text)
        return Line(self.start + skipped, text, self.indent + skipped)


def read_lines(text: str, start: int = 0) -> Iterator[Line]:
    r"""The lines of a text from ``start`` on; one without text is blank.

    >>> list(read_lines("a\n  b \n"))
    [Line(start=0, text='a', indent=0), Line(start=4, text='b', indent=2)]
    """
    for at, whole in lines(text, start):
        content = whole.lstrip()
        before = len(whole) - len(content)
        yield Line(at + before, content.rstrip(), len(whole[:before].expandtabs(TAB)))


def groups(found: Iterable[Line]) -> Iterator[list[Line]]:
    """The runs of lines that are not blank."""
    return (list(run) for filled, run in groupby(found, lambda line: bool(line.text)) if filled)


class Builder:
    """Collects blocks in the order of the text. One of them may be open, so that lines can be added to it."""

    def __init__(self, text: str) -> None:
        self.blocks: list[Block] = []
        self.lines = 0  # Of the open block; 0 where none is open.
        self.indent = 0  # Of the open block's first line.
        self.hangs: int | None = None
        self._text = text

    @property
    def kind(self) -> BlockKind | None:
        """The kind of the open block, None where none is open."""
        return self.blocks[-1].kind if self.lines else None

    def begin(
        self,
        line: Line,
        kind: BlockKind = BlockKind.PARAGRAPH,
        labels: tuple[str, ...] = (),
        hangs: int | None = None,
    ) -> None:
        """Open a block with a line, or what is left of it; nothing is opened by nothing.

        Lines below it belong to it where they begin to the right of the column ``hangs``, if there is one.
        """
        self.close()
        if not line.text:
            return
        if len(self.blocks) >= MOST:
            self.blocks[-1] = Block(self.blocks[-1].start, line.end)
        else:
            self.blocks.append(Block(line.start, line.end, kind, labels))
        self.lines, self.indent, self.hangs = 1, line.indent, hangs

    def extend(self, line: Line) -> None:
        """Add a line to the open block."""
        self.blocks[-1] = replace(self.blocks[-1], end=line.end)
        self.lines += 1

    def close(self) -> None:
        """Nothing more comes to the open block."""
        self.lines = 0

    def add(self, line: Line, kind: BlockKind = BlockKind.PARAGRAPH, labels: tuple[str, ...] = ()) -> None:
        """Add a block of one line, or of a part of one."""
        self.begin(line, kind, labels)
        self.close()

    def breaks_after(self, line: Line) -> bool:
        """Whether a line ends as Markdown's that must not be joined with the next: two spaces or a backslash."""
        return line.text.endswith("\\") or self._text.startswith("  ", line.end)

    def ends_after(self, *marks: str) -> bool:
        """Whether nothing but one of the marks stands on its line before the last block."""
        start = self.blocks[-1].start if self.blocks else 0
        return self._text[self._text.rfind("\n", 0, start) + 1 : start].strip() in marks

    def mark_last(self, kind: BlockKind) -> None:
        """Give the last block another kind: what follows tells what it was."""
        if self.blocks:
            self.blocks[-1] = replace(self.blocks[-1], kind=kind)

    def mark_terms(self) -> None:
        """The last block, and the options on the lines directly before it, are what the next block defines."""
        at = len(self.blocks) - 1
        self.mark_last(BlockKind.TERM)
        while at and OPTION.match(self._text, self.blocks[at].start):
            before = self.blocks[at - 1]
            between = self._text[before.end : self.blocks[at].start]
            if before.kind is not BlockKind.PARAGRAPH or between.count("\n") != 1 or between.strip():
                break
            if not OPTION.match(self._text, before.start):
                break
            at -= 1
            self.blocks[at] = replace(before, kind=BlockKind.TERM)


# No pattern here has two parts that can match the same run of characters: time grows with the length of a line.
OPTION = re.compile(r"(?:--?|\+)[A-Za-z0-9?#]|/[A-Z?]\b|--(?=[ ,]|$)")
