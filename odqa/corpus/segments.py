"""Blocks -> the segments of a text, which cover it without a gap: a block and the marks around it. Knows no tokens."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice, pairwise

from odqa.types import Block, BlockKind
from odqa.views import gets_sign

BREAK = re.compile("[\n\r\v\f\x1c-\x1e\x85\u2028\u2029]")
BLANK = re.compile("\n[ \t\r]*\n")
MOST_BREAKS = 100  # Between two blocks that are looked at.
WHOLE = (BlockKind.HEADING, BlockKind.ROW, BlockKind.TERM, BlockKind.CODE, BlockKind.CAPTION)
LONGEST_LABEL = 100  # Characters. A label is repeated with every row.


@dataclass(frozen=True, slots=True)
class Segment:
    """``text[start:end]``; ``labels`` are read with it, and ``binds`` says that it must not be left without the next.

    A ``whole`` one is not of sentences; where models read a sign between it and the next, it is ``signed``.
    """

    start: int
    end: int
    labels: tuple[str, ...]
    whole: bool
    binds: bool
    signed: bool = False


def segments(text: str, start: int, end: int, blocks: Sequence[Block]) -> Iterator[Segment]:
    """The segments of ``text[start:end]``, one for each block that is at least in part in it."""
    inside = within(blocks, start, end)
    if not inside:
        yield Segment(start, end, (), False, False)
        return
    low = start
    for block, following in pairwise([*inside, None]):
        assert block is not None
        high = end if following is None else _parting(text, block, following)
        binds = following is not None and _binds(text, block, following)
        signed = following is not None and gets_sign(text, block)
        yield Segment(low, high, block.labels, block.kind in WHOLE, binds, signed)
        low = high


def within(blocks: Sequence[Block], start: int, end: int) -> list[Block]:
    """The blocks in ``text[start:end]``, cut off where they go on outside of it. ``blocks`` are all of the text's."""
    at = max(bisect_right(blocks, start, key=lambda block: block.start) - 1, 0)
    found = []
    while at < len(blocks) and blocks[at].start < end:
        block = blocks[at]
        if block.end > start:
            low, high = max(block.start, start), min(block.end, end)
            found.append(block if (low, high) == (block.start, block.end) else replace(block, start=low, end=high))
        at += 1
    return found


def clipped(blocks: Sequence[Block], start: int, end: int) -> tuple[Block, ...]:
    """The blocks in ``text[start:end]``, with offsets inside it. Labels keep LONGEST_LABEL characters."""
    return tuple(
        Block(
            block.start - start, block.end - start, block.kind, tuple(label[:LONGEST_LABEL] for label in block.labels)
        )
        for block in within(blocks, start, end)
    )


def _parting(text: str, block: Block, following: Block) -> int:
    """Where the marks after a block end, such as a fence, and those before the next begin, such as a bullet."""
    breaks = [found.start() for found in islice(BREAK.finditer(text, block.end, following.start), MOST_BREAKS)]
    if not breaks:
        return following.start
    blank = BLANK.search(text, block.end, following.start)
    return blank.start() if blank else breaks[0 if following.kind is BlockKind.CODE else -1]


def _binds(text: str, block: Block, following: Block) -> bool:
    """Whether a block says little without the next: a term, a heading, the head of a table, ``as follows:``."""
    return (
        block.kind in (BlockKind.TERM, BlockKind.HEADING, BlockKind.CAPTION)
        or (block.kind is BlockKind.ROW and not block.labels and bool(following.labels))
        or text.startswith((":", "\uff1a"), block.end - 1)
        or not BREAK.search(text, block.end, following.start)
    )
