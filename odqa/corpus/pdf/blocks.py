"""The lines of all pages -> blocks: paragraphs, items, code and tables, also where they run on over a page's end."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from statistics import median

from odqa.corpus.pdf.lines import Line, Piece, glue, leading
from odqa.corpus.pdf.page import Box
from odqa.corpus.pdf.tables import Table, table_at
from odqa.types import BlockKind

BULLET = re.compile(r"(?:[•●○▪■◦‣⁃∙·∗]\s*|[*–—-]\s+|\(?(?:\d{1,3}|[a-zA-Z]|[ivx]{2,5})[.)]\s+|\(\w{1,3}\)\s+)(?=\S)")
HYPHENS = "-\u00ad\u2010"
ENDING = re.compile(r"[.!?:;。！？…][\"'”’»)\]]*$")
CAPTION = re.compile(
    r"(?:figure|fig\.|table|listing|abbildung|tabelle|tableau)\s+[A-Z]?\d+(?:[.-]\d+)*\s*[.:–-]", re.IGNORECASE
)
LONGEST_TERM = 80  # Characters.
WORD = re.compile(r"[^\W\d_]+(?:-[^\W\d_]+)*")


@dataclass(slots=True)
class PdfBlock:
    """A block of the document. ``breaks`` are (offset in the text, page from 0) where later pages begin inside it.

    ``aside`` where its lines run another way than those of the page: no text runs on from it, nor into it.
    """

    kind: BlockKind
    text: str
    page: int
    y: float = 0.0
    size: float = 0.0
    level: int = 0
    breaks: list[tuple[int, int]] = field(default_factory=list)
    table: Table | None = None
    width: float = 0.0  # Of its widest line.
    last: float = 0.0  # The width of its last line.
    x0: float = 0.0
    bottom: float = 0.0  # Where its last line stands.
    aside: bool = False


class Words:
    """The words of a document, to tell a hyphen of a word from one that only ends a line."""

    def __init__(self, texts: Iterable[str]) -> None:
        self._counts: Counter[str] = Counter()
        self._firsts: Counter[str] = Counter()  # The first words of compounds with a hyphen.
        for text in texts:
            # The first and the last word of a line may be halves.
            inner = text.partition(" ")[2].rpartition(" ")[0]
            some = [word.casefold() for word in WORD.findall(inner)]
            self._counts.update(some)
            self._firsts.update(word.partition("-")[0] for word in some if "-" in word)

    def joined(self, left: str, right: str) -> str:
        """Two lines of a paragraph as one text, a word that was broken between them made whole."""
        if not left or left[-1] not in HYPHENS or not right or len(left) < 2 or not left[-2].isalnum():
            return f"{left}{'' if _is_cut_name(left, right) else glue(left, right)}{right}"
        if left[-1] == "\u00ad":
            return left[:-1] + right
        head, tail = left[:-1].rpartition(" ")[2], right.partition(" ")[0]
        before, after = WORD.search(head[::-1]), WORD.match(tail)
        if not before or before.start() or not after or not right[0].islower():
            return left + right  # A number, a name, code: the hyphen is its own.
        first, second = before.group()[::-1].casefold(), after.group().casefold()
        whole, compound = self._counts[first + second], self._counts[f"{first}-{second}"]
        if not whole and not compound:
            both = min(self._counts[first], self._counts[second]) > 0 and min(len(first), len(second)) > 2
            kept = both or (self._firsts[first] > 0 and self._counts[second] > 0)
        else:
            kept = compound > whole
        return left + right if kept else left[:-1] + right


def _is_cut_name(left: str, right: str) -> bool:
    """Whether a line ends inside an address of the web, or inside a name with low lines."""
    name = left.rpartition(" ")[2]
    if "://" in name or name.startswith("www."):
        return name[-1] in "/=&?_%" or (name[-1] == "." and right[:1].islower())
    return len(name) > 1 and name[-1] == "_" and right[:1].isalnum()


def blocks_of(lines: Sequence[Line], rules: Sequence[Box], page: int, words: Words, is_code: bool) -> list[PdfBlock]:
    """The blocks of a page's lines; ``is_code`` tells whether letters of one width mean code."""
    found: list[PdfBlock] = []
    parts = _parts(lines, rules, words, is_code)
    _join_code_in_prose(parts)
    prose = [part for part in parts if isinstance(part, Line)]
    usual, sides = leading(prose), _sides(prose)
    for part in _grouped(parts, usual, sides, is_code):
        if isinstance(part, Table):
            found.append(PdfBlock(BlockKind.ROW, "", page, table=part))
        else:
            found.append(_block(part, page, words, is_code))
    for term, text in pairwise(found):
        if _defines(term, text):
            term.kind = BlockKind.TERM
    return found


def _join_code_in_prose(parts: Sequence[Line | Table]) -> None:
    """The last line of a paragraph is no code, even if all of it is in letters of one width."""
    for above, line in pairwise(parts):
        if (
            isinstance(above, Line)
            and isinstance(line, Line)
            and line.mono
            and not above.mono
            and above.region == line.region
            and abs(line.x0 - above.x0) < 0.5 * line.size
            and 0 < line.y - above.y < 1.35 * line.size
            and not ENDING.search(above.text)
        ):
            line.mono = False


def _defines(term: PdfBlock, text: PdfBlock) -> bool:
    """Whether a short line and the paragraph below it, which is indented, are a term and what it means."""
    short = len(term.text) <= LONGEST_TERM and "\n" not in term.text and term.y == term.bottom
    kinds = term.kind in (BlockKind.CODE, BlockKind.PARAGRAPH) and text.kind is BlockKind.PARAGRAPH
    below = 0 < text.y - term.bottom < 1.8 * text.size and text.x0 > term.x0 + 0.8 * text.size
    return short and kinds and below and not ENDING.search(term.text)


def _parts(lines: Sequence[Line], rules: Sequence[Box], words: Words, is_code: bool) -> list[Line | Table]:
    """The tables among the lines, and the other lines in one piece each, unless they are code."""
    found: list[Line | Table] = []
    at = 0
    before: Table | None = None
    while at < len(lines):
        line = lines[at]
        table = None if line.mono and is_code else table_at(lines, at, rules, words.joined, before)
        if table:
            before = table[0]
            found.append(before)
            at += table[1]
            continue
        found.append(line if line.mono and is_code and not line.level else _in_one_piece(line))
        at += 1
    return found


def _in_one_piece(line: Line) -> Line:
    if len(line.pieces) == 1:
        return line
    return replace(line, pieces=[Piece(line.text, line.x0, line.x1, line.bold)])


def _grouped(
    parts: Sequence[Line | Table], usual: float, sides: dict[int, tuple[float, float]], is_code: bool
) -> Iterator[Table | list[Line]]:
    group: list[Line] = []
    for part in parts:
        if isinstance(part, Line) and group and _goes_on(group, part, usual, sides, is_code):
            group.append(part)
            continue
        if group:
            yield group
        group = [part] if isinstance(part, Line) else []
        if isinstance(part, Table):
            yield part
    if group:
        yield group


def _sides(lines: Sequence[Line]) -> dict[int, tuple[float, float]]:
    """Where the text of each column begins and ends."""
    columns: dict[int, list[Line]] = {}
    for line in lines:
        columns.setdefault(line.region, []).append(line)
    return {region: (min(x.x0 for x in column), max(x.x1 for x in column)) for region, column in columns.items()}


def _goes_on(
    group: Sequence[Line], line: Line, usual: float, sides: dict[int, tuple[float, float]], is_code: bool
) -> bool:
    """Whether a line belongs to the block of the lines above it."""
    first, above = group[0], group[-1]
    code, em, step = line.mono and is_code, line.size, line.y - above.y
    if line.apart or above.apart or line.region != first.region or line.level != first.level:
        return False
    if code != (first.mono and is_code) or abs(em - above.size) > 0.1 * em:
        return False
    normal = usual if em < usual < 2.5 * em else 1.2 * em
    if step <= 0 or step > (2.3 if code else 1.25) * normal + 0.5:
        return False
    if code or line.level:
        return True
    if line.bold != above.bold and (line.bold or all(one.bold for one in group)):
        return False
    if BULLET.match(line.text):
        return False
    left, right = sides[line.region]
    full = above.x1 >= right - 0.12 * (right - left)
    if BULLET.match(first.text) and len(group) == 1:
        return line.x0 > first.x0 - em and (line.x0 > first.x0 + 0.3 * em or full)
    body = group[1].x0 if len(group) > 1 else first.x0
    if len(group) > 1 and body > first.x0 + 0.8 * em and line.x0 < body - 0.8 * em:
        return False  # Back at the margin after lines that hang: the next term or item.
    ended = ENDING.search(above.text) is not None
    if line.x0 > above.x0 + 0.8 * em and (ended or (len(group) > 1 and line.x1 > line.x0 + 4 * em)):
        return False  # Indented: a new paragraph.
    return full or not ended or line.text[0].islower()


def _block(lines: Sequence[Line], page: int, words: Words, is_code: bool) -> PdfBlock:
    first = lines[0]
    size = median(line.size for line in lines)
    if first.mono and is_code and not first.level:
        text = _code(lines)
        kind = BlockKind.CODE
    else:
        text = _running(lines, words)
        kind = BlockKind.PARAGRAPH
        if first.level:
            kind = BlockKind.HEADING
        elif BULLET.match(text):
            kind = BlockKind.ITEM
        elif CAPTION.match(text):
            kind = BlockKind.CAPTION
    widths = [line.x1 - line.x0 for line in lines]
    return PdfBlock(
        kind,
        text,
        page,
        first.y,
        size,
        first.level,
        width=max(widths),
        last=widths[-1],
        x0=first.x0,
        bottom=lines[-1].y,
    )


def _running(lines: Sequence[Line], words: Words) -> str:
    """The lines of a paragraph as one text. Only the last line is joined with the next: time grows with the length."""
    parts, last = [], lines[0].text
    for line in lines[1:]:
        both = words.joined(last, line.text)
        parts.append(both[: len(both) - len(line.text)])
        last = line.text
    return "".join([*parts, last])


def _code(lines: Sequence[Line]) -> str:
    """Lines of code with their indents, and what is between their pieces, in letters of one width."""
    left = min(line.x0 for line in lines)
    found = []
    for line in lines:
        text, width = "", max(0.3 * line.size, min(line.size, _letter(line)))
        for piece in line.pieces:
            spaces = round((piece.x0 - left) / width) - len(text)
            text += " " * min(max(spaces, 1 if text else 0), 200) + piece.text
        found.append(text)
    return "\n".join(found)


def _letter(line: Line) -> float:
    """The width of a letter."""
    return (line.pieces[0].x1 - line.pieces[0].x0) / max(len(line.pieces[0].text), 1)


def join_pages(blocks: Sequence[PdfBlock], words: Words) -> list[PdfBlock]:
    """The blocks of all pages, those that run on in the next column or on the next page made one."""
    found: list[PdfBlock] = []
    last = -1  # Of those found, the one that may run on: no note or caption, below which a paragraph goes on.
    for block in blocks:
        if block.aside:
            found.append(block)
            continue
        before = found[last] if last >= 0 else None
        if before and before.table and block.table and block.page > before.page and block.table.continues(before.table):
            _continue_table(before.table, block.table)
        elif before and _runs_on(before, block):
            text = words.joined(before.text, block.text)
            if block.page != (before.breaks[-1][1] if before.breaks else before.page):
                before.breaks.append((len(text) - len(block.text), block.page))
                # What else is on the page that it began on comes before the next page does.
                above = [other for other in found[last + 1 :] if other.page <= before.page]
                found[last:] = [*above, before, *found[last + 1 + len(above) :]]
                last += len(above)
            before.text, before.last, before.width = text, block.last, max(before.width, block.width)
            before.y = block.y
            continue
        found.append(block)
        if block.kind not in (BlockKind.NOTE, BlockKind.CAPTION):
            last = len(found) - 1
    return found


def _continue_table(before: Table, table: Table) -> None:
    """Drop the heads that are repeated, and keep their names for the rows."""
    if before.heads and table.rows[: before.heads] == before.rows[: before.heads]:
        table.heads = before.heads
        table.repeated = table.heads
    elif before.heads and not table.heads:
        table.rows[:0] = before.rows[: before.heads]
        table.heads = table.repeated = before.heads


def _runs_on(before: PdfBlock, block: PdfBlock) -> bool:
    """Whether a paragraph continues another one, in the next column or on the next page."""
    prose = (BlockKind.PARAGRAPH, BlockKind.ITEM)
    if before.kind not in prose or block.kind is not BlockKind.PARAGRAPH or not before.text or not block.text:
        return False
    at = before.breaks[-1][1] if before.breaks else before.page
    further = block.page > at or (block.page == at and block.y < before.y)
    if not further or abs(block.size - before.size) > 0.1 * before.size or ENDING.search(before.text):
        return False
    if before.text[-1] in HYPHENS or block.text[0].islower():
        return True
    full = before.last >= 0.5 * max(before.width, block.width)
    sentence = min(len(before.text.split()), len(block.text.split())) >= 4 and ENDING.search(block.text) is not None
    return full and sentence
