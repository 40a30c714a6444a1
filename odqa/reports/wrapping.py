"""A line of text goes in, lines that fit a terminal come out, all of them indented. Knows no terminal."""

from __future__ import annotations

import re
from collections.abc import Iterator

_STYLE = re.compile("\x1b\\[[0-9;]*m")
_WORD = re.compile("( *)([^ ]+)")
_LEAST = 20  # Columns: in a narrower terminal nothing can be read anyhow.


def wrapped(line: str, width: int, indent: str) -> Iterator[str]:
    """The line, broken between words to lines of at most ``width`` columns; all but the first begin with ``indent``.

    A word that is longer than a line is broken where the line ends. Styles (ANSI) take no room, and letters of East
    Asia two columns.

    >>> list(wrapped("   It was built by her.", 20, "   "))
    ['   It was built by', '   her.']
    """
    from rich.cells import cell_len

    width = max(width, _LEAST)
    now, used = "", 0
    for gap, word in _WORD.findall(line):
        columns = cell_len(_STYLE.sub("", word))
        if now.strip(" ") and used + len(gap) + columns > width:
            yield now
            now, used, gap = indent, len(indent), ""
        now, used = now + gap + word, used + len(gap) + columns
        while used > width:
            head, rest = _cut(now, width)
            yield head
            now, used = indent + rest, len(indent) + cell_len(_STYLE.sub("", rest))
    yield now


def _cut(line: str, width: int) -> tuple[str, str]:
    """What of the line fits, and what does not."""
    from rich.cells import cell_len

    used, at = 0, 0
    while at < len(line):
        style = _STYLE.match(line, at)
        if style:
            at = style.end()
            continue
        used += cell_len(line[at])
        if used > width:
            break
        at += 1
    return line[:at], line[at:]
