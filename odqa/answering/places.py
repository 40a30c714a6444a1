"""From hits and readings to the distinct places where an answer may stand. Pure; knows no ranking and no probability.

*One place, one candidate.* Of spans that overlap in the same document only one stays, that which beats the null of its
passage by most: the same words found in two overlapping passages, or found with other boundaries, are one piece of
evidence.

*One text, one answer.* Places that say the same (``merge_key``) are mentions of one answer.
"""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterable, Iterator, Sequence

from odqa.text import normalize_answer
from odqa.types import Hit, Place, Reading

# Figures with their sign, and the signs that tell C++ from C# and 5 % from $5.
_SIGNIFICANT = re.compile(r"(?:(?<!\w)[-−])?\d+|[+#%°$€£¥]")


def find(hits: Sequence[Hit], readings: Sequence[Reading]) -> list[Place]:
    """The distinct places of all readings, largest d first. ``readings`` has one Reading for each hit, in order."""
    return distinct(_all(hits, readings))


def distinct(places: Iterable[Place]) -> list[Place]:
    """The places, largest d first, without those that overlap a better one of the same document.

    Equal d: the better retrieved passage first, then the earlier and shorter span.
    """
    order = sorted(places, key=lambda p: (-p.d, p.hit.rank, p.passage.document_id, p.start, p.end))
    kept: list[Place] = []
    by_document: dict[str, list[Place]] = {}
    for place in order:
        better = by_document.setdefault(place.passage.document_id, [])
        if not any(place.start < other.end and other.start < place.end for other in better):
            better.append(place)
            kept.append(place)
    return kept


def merge_key(text: str) -> Hashable:
    """Equal for texts that are the same answer: equal after SQuAD's normalisation, and with the same figures.

    The normalisation alone would make 3.5 and 35, -5 and 5, C++ and C# one answer.
    """
    return normalize_answer(text) or text.casefold(), tuple(_SIGNIFICANT.findall(text))


def by_text(places: Iterable[Place]) -> list[list[int]]:
    """The indices of the places that say the same, groups and their members in the order given."""
    groups: dict[Hashable, list[int]] = {}
    for index, place in enumerate(places):
        groups.setdefault(merge_key(place.text), []).append(index)
    return list(groups.values())


def _all(hits: Sequence[Hit], readings: Sequence[Reading]) -> Iterator[Place]:
    for hit, reading in zip(hits, readings, strict=True):
        for span in reading.spans:
            # What is cited must be what is written there.
            assert 0 <= span.start < span.end <= len(hit.passage.text), (span, hit.passage.id)
            yield Place(hit, span, reading.null_score)
