"""A line of text goes in, lines that fit a terminal come out, all of them indented. Knows no terminal."""

from __future__ import annotations

import re
from collections.abc import Iterator

_STYLE = re.compile("\x1b\\[[0-9;]*m")
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
    own = line[: len(line) - len(line.lstrip(" "))]
    now, used = own, len(own)
    empty = True
    for word in line.split(" "):
        if not word:
            continue
        columns = cell_len(_STYLE.sub("", word))
        if not empty and used + 1 + columns > width:
            yield now
            now, used, empty = indent, len(indent), True
        now, used = (now + word, used + columns) if empty else (f"{now} {word}", used + 1 + columns)
        empty = False
        while used > width:
            head, rest = _cut(now, width)
            yield head
            now = indent + rest
            used = len(indent) + cell_len(_STYLE.sub("", rest))
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
