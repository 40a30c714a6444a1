"""Hits go in, hits of distinct texts come out, each with its copies. Knows no index.

What stands in twelve copies of a file is one passage to read and no agreement of twelve. Whatever document it is in and
under whatever title and headings, the text alone decides, its white space aside.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from odqa.types import Hit

MOST = 1000  # Hits that are looked through at most for k distinct texts, unless k is larger.


def merge_copies(hits: Sequence[Hit]) -> list[Hit]:
    """The first hit of each text, best first and ranked anew, with the passages of the others as its ``copies``."""
    by_text: dict[str, list[Hit]] = {}
    for hit in hits:
        by_text.setdefault(" ".join(hit.passage.text.split()), []).append(hit)
    if len(by_text) == len(hits):
        return list(hits)
    return [
        replace(first, rank=rank, copies=tuple(other.passage for other in others))
        for rank, (first, *others) in enumerate(by_text.values(), start=1)
    ]


def search_distinct(search: Callable[[Sequence[int], int], list[list[Hit]]], questions: int, k: int) -> list[list[Hit]]:
    """The ``k`` best hits of distinct texts for each of so many questions, fewer where there are no more.

    ``search`` gives the best hits, as many as are asked for, for the questions of these numbers. It is asked again, for
    twice as many each time, for those questions alone whose hits are copies of one another.
    """
    most, depth = max(k, MOST), k
    wanted: Sequence[int] = range(questions)
    found: dict[int, list[Hit]] = {}
    while True:
        some = dict(zip(wanted, search(wanted, depth), strict=True))
        found.update((at, merge_copies(hits)[:k]) for at, hits in some.items())
        wanted = [at for at, hits in some.items() if len(found[at]) < k and len(hits) == depth < most]
        if not wanted:
            return [found[at] for at in range(questions)]
        depth = min(2 * depth, most)
