"""The words of a page -> its lines in reading order: one column after the other, headings above and between them.

A page is cut along white strips that run down between the words of many rows, then each part again (the idea of the
XY cut, Nagy and Seth 1984). A strip between the columns of a table is none: tables are read row by row.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from odqa.corpus.pdf.lines import GAP, Line, Row, lines, parts, rows
from odqa.corpus.pdf.page import Box, Word

DEEPEST = 8  # Cuts within cuts.
MOST_WORDS = 20_000  # Of a part of a page: more are a drawing.
MOST_STRIPS = 24  # That are tried in a part of a page.
FEWEST_ROWS = 3  # Of a column.


@dataclass(slots=True)
class _Side:
    """What stands on one side of a strip: (the row's place, the words) for each row that has any."""

    rows: list[tuple[float, list[Word]]]

    @property
    def x0(self) -> float:
        return min(words[0].x0 for _, words in self.rows)

    @property
    def x1(self) -> float:
        return max(word.x1 for _, words in self.rows for word in words)

    @property
    def words(self) -> list[Word]:
        return [word for _, words in self.rows for word in words]

    def is_prose(self, gap: float) -> bool:
        """Whether its rows are filled, without gaps, and sentences run on from one to the next."""
        # The median: a heading above the column may be a single word.
        wordy = median(len(words) / len(parts(Row(y, words), gap)) for y, words in self.rows) >= 3
        filled = median(words[-1].x1 - self.x0 for _, words in self.rows) >= 0.6 * (self.x1 - self.x0)
        running = sum(not words[0].text[0].isupper() and words[0].text[0].isalpha() for _, words in self.rows[1:])
        return filled and wordy and running >= 0.25 * (len(self.rows) - 1)


def reading_order(words: Sequence[Word], rules: Sequence[Box] = ()) -> list[Line]:
    """The lines of a page; those of a column share their ``region``."""
    columns: list[list[Word]] = []
    _cut(list(words), rules, columns, 0)
    return [line for region, column in enumerate(columns) for line in lines(column, region, rules)]


def _cut(words: list[Word], rules: Sequence[Box], columns: list[list[Word]], depth: int) -> None:
    """Append the columns among the words, in reading order."""
    found = rows(words)
    best = _best_strip(found, rules) if depth < DEEPEST and len(words) < MOST_WORDS else None
    if best is None:
        if words:
            columns.append(words)
        return
    first, last, left, right = best
    for part in (_words(found[:first]), left.words, right.words, _words(found[last:])):
        if part:
            _cut(part, rules, columns, depth + 1)


def _words(found: Sequence[Row]) -> list[Word]:
    return [word for row in found for word in row.words]


def _best_strip(found: Sequence[Row], rules: Sequence[Box]) -> tuple[int, int, _Side, _Side] | None:
    """The strip between the largest columns: its first row, the row after its last, what is left and right of it."""
    best, most = None, 0
    for x in _places(found):
        for first, last in _bands(found, x):
            cut = _columns(found[first:last], x, rules)
            if cut and (size := (last - first) * min(len(cut[0].words), len(cut[1].words))) > most:
                best, most = (first, last, *cut), size
    return best


def _places(found: Sequence[Row]) -> list[float]:
    """Places that most rows leave free: the middles of the stretches that most gaps share."""
    ends: list[tuple[float, int]] = []
    for row in found:
        split = parts(row, GAP * row.size)
        for before, after in itertools.pairwise(split):
            ends += ((before[-1].x1, 1), (after[0].x0, -1))
        # A row of one column has its gap at its end: columns whose base lines differ have no other.
        ends += ((split[0][0].x0, -1), (split[-1][-1].x1, 1))
    ends.sort()
    depth, peaks = 0, []
    for (x, step), (following, next_step) in itertools.pairwise(ends):
        depth += step
        if step > 0 > next_step and following > x:
            peaks.append((depth, (x + following) / 2))
    peaks.sort(reverse=True)
    return [x for _, x in peaks[:MOST_STRIPS]]


def _bands(found: Sequence[Row], x: float) -> list[tuple[int, int]]:
    """The runs of rows that leave a place free, each with rows on both sides of it."""
    bands, start = [], 0
    for at in range(len(found) + 1):
        if at == len(found) or any(word.x0 < x < word.x1 for word in found[at].words) or _is_over(found[at], x):
            if at - start >= FEWEST_ROWS:
                bands.append((start, at))
            start = at + 1
    return bands


def _is_over(row: Row, x: float) -> bool:
    """Whether a row runs over a place without a gap."""
    return any(part[0].x0 < x < part[-1].x1 for part in parts(row, GAP * row.size))


def _columns(band: Sequence[Row], x: float, rules: Sequence[Box]) -> tuple[_Side, _Side] | None:
    """What is left and right of a strip, if people read the one after the other."""
    left = _Side([(row.y, some) for row in band if (some := [word for word in row.words if word.x1 <= x])])
    right = _Side([(row.y, some) for row in band if (some := [word for word in row.words if word.x0 >= x])])
    if min(len(left.rows), len(right.rows)) < FEWEST_ROWS:
        return None
    size = median(row.size for row in band)
    shared = min(left.rows[-1][0], right.rows[-1][0]) - max(left.rows[0][0], right.rows[0][0])
    shorter = min(side.rows[-1][0] - side.rows[0][0] for side in (left, right))
    if right.x0 - left.x1 < 0.8 * size or shared < 0.5 * shorter:
        return None
    if sum(rule.x0 < left.x1 and rule.x1 > right.x0 and band[0].y < rule.y0 < band[-1].y for rule in rules) >= 2:
        return None  # Ruled between its rows: a table.
    together = len(left.rows) + len(right.rows) - len(band)
    staggered = together < 0.5 * min(len(left.rows), len(right.rows))
    wordy = all(len(side.words) >= 2.5 * len(side.rows) for side in (left, right))
    if (staggered and wordy) or (left.is_prose(GAP * size) and right.is_prose(GAP * size)):
        return left, right
    return None
