"""A text -> its lines and where they start, one at a time: a list of them may take many times the text's memory."""

from __future__ import annotations

import re
from collections.abc import Iterator

# What str.splitlines ends a line at.
LINE = re.compile("[^\n\r\v\f\x1c-\x1e\x85\u2028\u2029]*(?:\r\n|[\n\r\v\f\x1c-\x1e\x85\u2028\u2029])?")


def lines(text: str, start: int = 0) -> Iterator[tuple[int, str]]:
    r"""(start, line with its end) of each line from ``start`` on.

    >>> list(lines("a\r\n\nb"))
    [(0, 'a\r\n'), (3, '\n'), (4, 'b')]
    """
    for match in LINE.finditer(text, start):
        if match.end() > match.start():  # There is an empty match at the end.
            yield match.start(), match.group()
