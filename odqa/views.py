"""A text, its blocks and heading path go in; what the models read comes out, with the way back to the text's offsets.

Encoder, keywords and reader all read this view. It differs from the text where a person would not notice: ligatures and
full-width or mathematical letters are plain letters, soft hyphens and other invisible characters are gone, a word that
was hyphenated at the end of a line is whole, half of a surrogate pair is U+FFFD. In a row of a table each cell has the
head of its column before it, and a block that ends without a sign has one.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from odqa.types import Block, BlockKind, Passage

# What has a compatibility decomposition (Unicode Standard Annex 44, table 14) and says the same in plain letters.
# Others do not: without its position the 4 of 10⁴ is another number, and without its line so are ½ and ①.
SAME = ("compat", "wide", "narrow", "font", "noBreak", "square", "initial", "medial", "final", "isolated", "vertical")
# Soft hyphen, zero-width space, directional marks, word joiner, byte order mark. The joiners of Persian and of Indian
# scripts (U+200C, U+200D) tell words apart, so they stay.
INVISIBLE = re.compile("[\u00ad\u200b\u200e\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufeff]")
# A word that was cut at the end of a line, unless the next line begins with a capital: then the hyphen is its own.
LINE_END = re.compile(r"[-\u2010\u00ad](?<=[^\W\d_].)[ \t]*\r?\n[ \t]*(?=[^\W\d_])(?![A-Z])")
BAR = re.compile(r"(?<!\\)\|")  # Between cells; Markdown writes a bar inside a cell with a backslash.
BLOCK_END, LEADS_ON = ";", ":"
LEADING = (BlockKind.HEADING, BlockKind.TERM, BlockKind.CAPTION)  # They say what the next block is about.
SIGNS = ".!?:;,|…。！？：；，"  # What ends a block as well.
LAST_PLANE = 0x20000  # Beyond it are ideographs alone.


@dataclass(frozen=True, slots=True)
class Context:
    """A text to be read: ``path`` is its title and headings, outermost first; ``blocks`` are what no answer crosses."""

    text: str
    path: tuple[str, ...] = ()
    blocks: tuple[Block, ...] = ()


def context_of_passage(passage: Passage) -> Context:
    """A passage below its title and headings."""
    return Context(passage.text, (passage.title, *passage.headings), passage.blocks)


@dataclass(frozen=True, slots=True)
class View:
    """What models read of a text: its character ``i`` stands for ``original[begins[i]:ends[i]]``.

    Both arrays are (characters,). What was put in stands for nothing: it begins where it ends.
    """

    text: str
    begins: NDArray[np.int32]
    ends: NDArray[np.int32]


def view_of(context: Context) -> View:
    """The view of a context's text, without its path. Takes time and memory in proportion to the text.

    >>> row = Block(0, 8, BlockKind.ROW, ("Floor", "Room"))
    >>> view_of(Context("ﬁfth | 9", (), (row,))).text
    'Floor: fifth | Room: 9'
    """
    text = context.text
    changes = sorted((*_letters(text), *_labels(context), *_ends(context)), key=lambda change: change[:2])
    if not changes:
        offsets = np.arange(len(text) + 1, dtype=np.int32)
        return View(text, offsets[:-1], offsets[1:])
    pieces: list[str] = []
    begins: list[NDArray[np.int32]] = []
    ends: list[NDArray[np.int32]] = []
    at = 0
    for start, end, new in (*changes, (len(text), len(text), "")):
        pieces += (text[at:start], new)
        same = np.arange(at, start, dtype=np.int32)
        begins += (same, np.full(len(new), start, np.int32))
        ends += (same + 1, np.full(len(new), end, np.int32))
        at = end
    return View("".join(pieces), np.concatenate(begins), np.concatenate(ends))


def heading_path(path: Sequence[str], limit: int, token_offsets: Callable[[str], Sequence[tuple[int, int]]]) -> str:
    r"""Title and headings as models read them before a text, ``Title > Heading > Subheading. ``; empty without any.

    It has at most ``limit`` tokens: outer headings go first, then its end. ``token_offsets`` gives the character span
    of every token of a text.

    >>> heading_path(("Leave", "Leave", "Parents"), 9, lambda text: [m.span() for m in re.finditer(r"\S+", text)])
    'Leave > Parents. '
    """
    parts = [plain(part.strip()) for part in path]
    # A document's first heading is often its title once more.
    parts = [part for at, part in enumerate(parts) if part and part not in parts[:at]]
    while parts:
        found = " > ".join(parts) + ". "
        spans = token_offsets(found)
        if len(spans) <= limit:
            return found
        if len(parts) <= 2:
            # Without its end a text may have other tokens, and to some tokenizers the space is one of its own.
            shorter = (found[: spans[kept - 1][1]] + " " for kept in range(limit, 0, -1))
            return next((one for one in shorter if len(token_offsets(one)) <= limit), "")
        del parts[1]
    return ""


def plain(text: str) -> str:
    """The view of a text without blocks, for what needs no way back.

    >>> plain("ﬁfth ﬂoor")
    'fifth floor'
    """
    return view_of(Context(text)).text


def cells(text: str, row: Block) -> list[tuple[int, int]]:
    """The offsets in ``text`` of every cell of a row, empty ones among them, without the white space around them.

    Bars at both ends of a row are Markdown's frame, unless the labels say that there are empty cells.
    """
    bars = [bar.start() for bar in BAR.finditer(text, row.start, row.end)]
    edges = list(zip([row.start, *(at + 1 for at in bars)], [*bars, row.end], strict=True))
    framed = len(edges) > 2 and not any(text[low:high].strip() for low, high in (edges[0], edges[-1]))
    if framed and len(edges) != len(row.labels):
        edges = edges[1:-1]
    found = []
    for low, high in edges:
        piece = text[low:high]
        low += len(piece) - len(piece.lstrip())
        found.append((low, max(low, high - len(piece) + len(piece.rstrip()))))
    return found


def gets_sign(text: str, block: Block) -> bool:
    """Whether the view has a sign after a block of a text, where another block follows."""
    return text[block.end - 1 : block.end] not in ("", *SIGNS)


def _labels(context: Context) -> Iterator[tuple[int, int, str]]:
    """The heads of columns to put in before the cells of each row that has as many cells as labels."""
    for block in context.blocks:
        if block.kind is BlockKind.ROW and any(block.labels):
            found = cells(context.text, block)
            if len(found) == len(block.labels):
                for (start, end), label in zip(found, block.labels, strict=True):
                    if label.strip() and start < end:
                        yield start, start, f"{label.strip()}: "


def _ends(context: Context) -> Iterator[tuple[int, int, str]]:
    """A sign to put in after each block but the last: models read no line breaks, and two lines would be a sentence."""
    for block in context.blocks[:-1]:
        if gets_sign(context.text, block):
            yield block.end, block.end, LEADS_ON if block.kind in LEADING else BLOCK_END


def _letters(text: str) -> Iterator[tuple[int, int, str]]:
    """(start, end, replacement) for each place where the view has other letters, in order."""
    composed = unicodedata.is_normalized("NFC", text)
    if composed and not any(map(_is_odd, set(text))):
        if "\n" in text:
            yield from ((match.start(), match.end(), "") for match in LINE_END.finditer(text))
        return
    for match in _changing()[composed].finditer(text):
        found = match[0]
        if found[-1].isspace() and len(found) > 1:  # A hyphen and the end of its line.
            yield match.start(), match.end(), ""
        else:
            new = unicodedata.normalize("NFC", "".join(map(_same, found)))
            if new != found:
                yield match.start(), match.end(), new


@cache
def _is_odd(character: str) -> bool:
    """Whether the view writes the character otherwise, or not at all."""
    return 0x80 <= ord(character) < LAST_PLANE and _same(character) != character


@cache
def _changing() -> tuple[re.Pattern[str], re.Pattern[str]]:
    """Find what the view writes otherwise, in any text and in one whose accents are part of their letters."""
    marks = "".join(chr(code) for code in range(0x300, LAST_PLANE) if unicodedata.combining(chr(code)))
    odd = "".join(re.escape(one) for one in map(chr, range(0x80, LAST_PLANE)) if _same(one) != one)
    composed = f"{LINE_END.pattern}|[{odd}]"
    return re.compile(f"\\w[{marks}]+|{composed}"), re.compile(composed)


def _same(character: str) -> str:
    """What a character is in the view."""
    if INVISIBLE.match(character):
        return ""
    if "\ud800" <= character <= "\udfff":  # Half of a surrogate pair, which no tokenizer takes.
        return "\ufffd"
    kind = unicodedata.decomposition(character).partition("> ")[0].strip("<")
    return unicodedata.normalize("NFKC", character) if kind in SAME else character
