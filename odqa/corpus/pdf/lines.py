"""Words with their places -> lines of a page, each in the pieces that wide gaps leave. Knows no PDF."""

from __future__ import annotations

import re
from bisect import bisect
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import groupby, pairwise
from statistics import median

from odqa.corpus.pdf.page import Box, Word

GAP = 0.9  # Of the size of the letters: a wider gap may stand between columns. Spaces of justified lines are narrower.
SAME_LINE = 0.25  # Of the size of the letters: how far the base lines of one line's words may be apart.
THICKEST = 2.0  # Points between the two sides of one rule.
MOST_BESIDE = 8  # Words above or below the base line of a row, that are looked at.
RIGHT_TO_LEFT = re.compile("[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufeff]")
WITHOUT_SPACES = re.compile("[\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\u3000-\u303f\uff01-\uff60]")


@dataclass(slots=True)
class Piece:
    """The words of a line between two wide gaps, as one text."""

    text: str
    x0: float
    x1: float
    bold: bool = False


@dataclass(slots=True)
class Line:
    """A line of a page. ``apart`` where it is a block of its own, such as a field of a form with its value.

    ``sides`` are the places of the rules between its cells and beside them, where each of its pieces is a cell.
    """

    pieces: list[Piece]
    y: float
    size: float
    mono: bool = False
    apart: bool = False
    level: int = 0  # As a heading; 0 for none.
    region: int = 0  # Lines of a column have the same one.
    sides: tuple[float, ...] = ()

    @property
    def x0(self) -> float:
        """Where it begins."""
        return self.pieces[0].x0

    @property
    def x1(self) -> float:
        """Where it ends."""
        return self.pieces[-1].x1

    @property
    def bold(self) -> bool:
        """Whether all of it is bold."""
        return all(piece.bold for piece in self.pieces)

    @property
    def text(self) -> str:
        """Its pieces, with spaces between them."""
        return " ".join(piece.text for piece in self.pieces)

    def shares_sides(self, other: Line) -> bool:
        """Whether both are between the same rules on the left and on the right, as the rows of a ruled table are."""
        if not (self.sides and other.sides):
            return False
        return all(abs(self.sides[at] - other.sides[at]) <= THICKEST for at in (0, -1))


@dataclass(slots=True)
class Row:
    """Words on one base line, by where they begin."""

    y: float
    words: list[Word] = field(default_factory=list)

    @property
    def size(self) -> float:
        """The size of most of its letters."""
        return usual_size(self.words)


def usual_size(words: Iterable[Word]) -> float:
    """The size that most letters have; 1 without words."""
    counts: dict[float, int] = {}
    for word in words:
        size = round(word.size, 1)
        counts[size] = counts.get(size, 0) + len(word.text)
    return max(counts, key=lambda size: counts[size]) if counts else 1.0


def rows(words: Sequence[Word]) -> list[Row]:
    """Rows from top to bottom. Raised and lowered small letters are in the row that they stand beside."""
    found: list[Row] = []
    for word in sorted(words, key=lambda word: (word.y, word.x0)):
        if not found or word.y - found[-1].y > SAME_LINE * word.size:
            found.append(Row(word.y))
        found[-1].words.append(word)
    joined: list[Row] = []
    for row in found:
        row.words.sort(key=lambda word: word.x0)
        if joined and (_beside(joined[-1], row) or _beside(row, joined[-1])):
            main = max(joined[-1], row, key=lambda row: sum(len(word.text) * word.size for word in row.words))
            joined[-1] = Row(main.y, sorted([*joined[-1].words, *row.words], key=lambda word: word.x0))
        else:
            joined.append(row)
    return joined


def _beside(few: Row, row: Row) -> bool:
    """Whether the words of ``few`` touch those of ``row``, above or below its base line: exponents, logos, accents."""
    size = max(word.size for word in row.words)
    above = few.y - row.y
    small = max(word.size for word in few.words) < 0.85 * size and -0.65 * size < above < 0.45 * size
    if len(few.words) > MOST_BESIDE or not (small or abs(above) < 0.45 * size):
        return False
    near = 0.6 * size
    return all(
        any(-near < word.x0 - other.x1 < near or -near < other.x0 - word.x1 < near for other in row.words)
        for word in few.words
    )


def lines(words: Sequence[Word], region: int = 0, rules: Sequence[Box] = ()) -> list[Line]:
    """The lines of one column, from top to bottom. Where rules stand between cells, each cell's words are a piece."""
    found = []
    upright = [rule for rule in rules if rule.y1 - rule.y0 > rule.x1 - rule.x0]
    for row in rows(words):
        size = row.size
        letters = "".join(word.text for word in row.words)
        sides = _sides(row, upright)
        pieces = [_piece(part, row.y) for part in (_cells(row, sides) if sides else parts(row, GAP * size))]
        if len(RIGHT_TO_LEFT.findall(letters)) > len(letters) / 2:
            pieces = [_piece(_from_the_right(row.words, GAP * size), row.y)]
        mono = sum(len(word.text) for word in row.words if word.mono) >= 0.9 * len(letters)
        found.append(Line(pieces, row.y, size, mono, region=region, sides=sides))
    return found


def _from_the_right(words: Sequence[Word], gap: float) -> list[Word]:
    """The words of a line that is read from the right, in reading order: phrases in other letters run to the right."""
    found: list[Word] = []
    run: list[Word] = []  # Words without letters from right to left.
    for word in reversed(words):
        turned = RIGHT_TO_LEFT.search(word.text)
        if run and (turned or run[-1].x0 - word.x1 > gap):
            found += _phrase(run)
            run = []
        if turned:
            found.append(word)
        else:
            run.append(word)
    return found + _phrase(run)


def _phrase(run: list[Word]) -> list[Word]:
    """The words turned round, but the signs at both ends, which belong to the text around them.

    Numbers alone stand from right to left, as the cells of a row do.
    """
    if not any(map(str.isalpha, "".join(word.text for word in run))):
        return run
    said = [at for at, word in enumerate(run) if any(map(str.isalnum, word.text))]
    return [*run[: said[0]], *run[said[0] : said[-1] + 1][::-1], *run[said[-1] + 1 :]]


def _sides(row: Row, upright: Sequence[Box]) -> tuple[float, ...]:
    """The places of the rules beside and between the words of a row; none unless they are on both sides of all."""
    level = row.y - 0.3 * row.size
    sides = sorted(rule.x0 for rule in upright if rule.y0 <= level <= rule.y1)
    sides = [side for at, side in enumerate(sides) if not at or side - sides[at - 1] > THICKEST]
    end = max(word.x1 for word in row.words)
    if len(sides) < 3 or row.words[0].x0 < sides[0] - THICKEST or end > sides[-1] + THICKEST:
        return ()
    return tuple(sides)


def _cells(row: Row, sides: Sequence[float]) -> list[list[Word]]:
    """The words of a row between one side and the next."""
    found: dict[int, list[Word]] = {}
    for word in row.words:
        found.setdefault(bisect(sides, (word.x0 + word.x1) / 2), []).append(word)
    return list(found.values())


def parts(row: Row, gap: float) -> list[list[Word]]:
    """The words of a row between gaps wider than ``gap``."""
    found: list[list[Word]] = []
    end = 0.0
    for word in row.words:
        if not found or word.x0 - end > gap:
            found.append([])
        found[-1].append(word)
        end = max(end, word.x1) if len(found[-1]) > 1 else word.x1
    return found


def _piece(words: Sequence[Word], y: float) -> Piece:
    text = words[0].text
    for before, word in pairwise(words):
        text += _between(before, word) + word.text
    return Piece(text, min(word.x0 for word in words), max(word.x1 for word in words), all(word.bold for word in words))


def _between(before: Word, word: Word) -> str:
    """What stands between two words: a space, nothing, or ^ before an exponent."""
    size = max(before.size, word.size)
    raised = word.size < 0.85 * before.size and before.y - word.y > 0.15 * before.size
    if raised and before.text[-1:].isdigit() and word.text[0].isdecimal():
        # "1998" and the number of a footnote must not become 19981, nor 10 to the power of 4 become 104.
        return "^" if before.text.endswith("10") or "×" in before.text else " "
    if raised and word.text[0].isdecimal() and len(before.text) > 2 and before.text[-1].isalpha():
        return " "  # The number of a footnote. Units are shorter: m2, km2.
    touching = max(word.x0 - before.x1, before.x0 - word.x1) < 0.17 * size
    return "" if touching and (before.y != word.y or before.size != word.size) else " "


def glue(left: str, right: str) -> str:
    """What stands between the end of a line and the next one of its paragraph."""
    return "" if left and right and WITHOUT_SPACES.match(left[-1]) and WITHOUT_SPACES.match(right[0]) else " "


def leading(found: Sequence[Line]) -> float:
    """The usual distance of neighbouring lines of a column; 0 where there are no neighbours."""
    steps = [
        below.y - above.y
        for _, column in groupby(found, key=lambda line: line.region)
        for above, below in _pairs(list(column))
        if 0 < below.y - above.y < 4 * above.size
    ]
    return median(steps) if steps else 0.0


def _pairs(column: list[Line]) -> Iterable[tuple[Line, Line]]:
    return pairwise(column)
