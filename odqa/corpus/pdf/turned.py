"""The lines that run another way than their page -> which of them are its running heads, or stand on many pages.

A table on its side has the head and the number of its page upright; journals stamp each page in the margin.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from odqa.corpus.pdf.furniture import NUMBER, SAME_PLACE
from odqa.corpus.pdf.lines import Line

MOST_STAMPED = 2  # Pages with the same line in the same place: more are no text of theirs.


def stamps(turned: Sequence[Sequence[Line]], heads: Sequence[Sequence[Line]]) -> set[int]:
    """Of the lines that are turned, page by page, the identities of those to leave out.

    ``heads`` are the running heads, feet and page numbers of all pages. Of what is stamped on many pages, the first
    stays.
    """
    found: set[int] = set()
    masks = {_mask(line.text) for page in heads for line in page}
    offsets = {int(line.text) - at for at, page in enumerate(heads) for line in page if _is_number(line.text)}
    stamped: dict[tuple[str, int], list[Line]] = defaultdict(list)
    for at, page in enumerate(turned):
        for line in page:
            if int(line.text) - at in offsets if _is_number(line.text) else _mask(line.text) in masks:
                found.add(id(line))
            else:
                stamped[line.text, round(line.y / SAME_PLACE)].append(line)
    for same in stamped.values():
        if len(same) > MOST_STAMPED:
            found |= {id(line) for line in same[1:]}
    return found


def _mask(text: str) -> str:
    return NUMBER.sub("#", text.casefold())


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) < 10
