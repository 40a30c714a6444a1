"""Lines of a table with a delimiter (CSV, TSV) -> rows of cells, as RFC 4180 and spreadsheets have them.

A quote that is never closed costs its row and none after it: what was read on in search of its end is read again as
rows of their own. Streams; holds one row and the lines of such a search.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

MOST_LINES = 10_000  # Of one row: more in search of the end of a quote, and it is taken for one that is never closed.
READ_AGAIN = 10  # Lines that may be read again for each one of the file, so that the time is that of its length.
# Delimiters, as many in each line as a row has, in what seems to be one cell of many lines; five times as many where
# the row around this cell has as many cells as the table has columns.
SURELY_ROWS = 6
TOO_LONG = "too long"  # The problem of a row.
QUOTED = re.compile(' *"')
END_OF_LINE = "\r\n"


@dataclass(frozen=True, slots=True)
class Row:
    """A row: the number of its first line, counted from 1, and its cells; or, without cells, why it is broken."""

    line: int
    cells: tuple[str, ...]
    problem: str = ""


class _Broken(Exception):
    """A row that has no end, and why."""


class Rows:
    """The rows of a table, one after another; empty lines are none."""

    def __init__(self, lines: Iterable[str | None], delimiter: str, longest: int, columns: int = 0) -> None:
        """``lines`` with their ends, None for one too long to be held; a row has ``longest`` characters or less.

        A table of several ``columns`` helps to tell a quoted cell of many lines from rows that a stray quote swallows.
        """
        self.columns = columns
        self._lines = iter(lines)
        self._delimiter = delimiter
        self._closed = re.compile(f" *(?:{re.escape(delimiter)}|[\r\n]|$)")
        self._longest = longest
        self._number = 0
        self._again: deque[str | None] = deque()
        self._budget = MOST_LINES

    def __iter__(self) -> Iterator[Row]:
        while (line := self._next()) != "":
            start = self._number
            if line is None:
                yield Row(start, (), TOO_LONG)
            elif line.strip(END_OF_LINE):
                yield self._row(line, start)

    def _row(self, line: str, start: int) -> Row:
        if '"' not in line:
            return Row(start, tuple(line.rstrip(END_OF_LINE).split(self._delimiter)))
        taken: list[str | None] = []
        try:
            cells = tuple(self._cells(line, taken))
            if self._are_rows(taken, len(cells)):
                raise _Broken("a quote in it is never closed")
        except _Broken as error:
            self._again.extendleft(reversed(taken))
            self._number -= len(taken)
            self._budget -= len(taken)
            return Row(start, (), str(error))
        return Row(start, cells)

    def _next(self) -> str | None:
        """The next line; empty at the end."""
        self._number += 1
        if self._again:
            return self._again.popleft()
        self._budget += READ_AGAIN
        return next(self._lines, "")

    def _cells(self, line: str, taken: list[str | None]) -> Iterator[str]:
        """The cells of the row that begins with a line; the further lines that it needs are added to ``taken``."""
        at, size = 0, len(line)
        while True:
            if quoted := QUOTED.match(line, at):
                parts: list[str] = []
                first, begin = line, at
                at = quoted.end()
                while True:
                    quote = line.find('"', at)
                    if quote < 0:
                        parts.append(line[at:])
                        line, at = self._more(taken, size), 0
                        size += len(line)
                    elif line.startswith('""', quote):
                        parts.append(line[at : quote + 1])
                        at = quote + 2
                    else:
                        parts.append(line[at:quote])
                        break
                end = self._closed.match(line, quote + 1)
                if end:
                    yield "".join(parts)
                    at = end.end()
                    if not end.group().endswith(self._delimiter):
                        return
                    continue
                if line is not first:
                    raise _Broken("a quote in it is closed within a cell, or never")
                at = begin  # Words in quotes, and more behind them: a cell that is not quoted.
            stop = line.find(self._delimiter, at)
            if stop < 0:
                yield line[at:].rstrip(END_OF_LINE)
                return
            yield line[at:stop]
            at = stop + len(self._delimiter)

    def _more(self, taken: list[str | None], size: int) -> str:
        """One line more for a row of ``size`` characters. Raises _Broken where there is none, or it is too long."""
        if len(taken) >= min(MOST_LINES, self._budget) or size > self._longest:
            raise _Broken(f"a quote in it is not closed within {len(taken):,} lines")
        line = self._next()
        if line == "":
            self._number -= 1
            raise _Broken("a quote in it is never closed")
        taken.append(line)
        if line is None:
            raise _Broken("a quote in it is never closed")
        return line

    def _are_rows(self, taken: list[str | None], cells: int) -> bool:
        """Whether further lines of a row, too many for chance, each have as many cells as there are columns."""
        enough = SURELY_ROWS if cells != self.columns else SURELY_ROWS * 5
        if len(taken) < 2 or len(taken) * (self.columns - 1) < enough:
            return False
        return all(line is not None and line.count(self._delimiter) == self.columns - 1 for line in taken)
