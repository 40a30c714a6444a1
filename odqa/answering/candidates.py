"""Hits and readings go in; the candidates for an answer come out: distinct places, which of them agree, and evidence.

*An answer says something.* A span without a letter or a figure, or of one function word, is no candidate.

*One place, one candidate.* Of spans that overlap in the same document only the one with the largest margin stays: the
same words found in two overlapping passages, or found with other boundaries, are one piece of evidence. So are they
where they overlap in a copy of either passage.

*One text, one answer.* Places that say the same (``merge_key``) are mentions of one answer.

Pure; knows no ranking and no probability of an answer.
"""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from odqa.text import normalize_answer
from odqa.types import Hit, Place, Reading

Array = NDArray[np.float64]

TEMPERATURE = {"dense": 0.05, "bm25": 1.0}  # 0.05: the scale of 20 that sentence-transformers trains with.
# Figures with their sign and what is inside of them; the signs that tell C++ from C#, 5 % from $5 and <5 from >5.
_SIGNIFICANT = re.compile(r"(?:(?<!\w)-)?\d+(?:[.,:/-]\d+)*|[+#%°$€£¥<>≤≥~/]")
_THOUSANDS = re.compile(r",(?=\d{3}(?!\d))")
_DASHES = str.maketrans("–−", "--")  # Of a range and of a negative number, where a document is well set.
# Articles, prepositions and conjunctions, which answer nothing when they stand alone. Words that do in some text ("no",
# "both", "up", French "or" for gold) are not among them.
_FUNCTION_WORDS = frozenset("a an the of in on at to into onto by for from with as than and".split())
_QUOTES = "\"'`‘’“”«»„‹›"
_AROUND = _QUOTES + "()[]{},;:!?\n\t "


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is known of a question's n places, as arrays (n,), and of its p passages.

    ``span`` and ``null`` are the reader's scores of each place and its passage, ``dense`` and ``bm25`` the log
    probabilities of its passage, 0 where the retriever gave none. ``texts`` numbers what the places say, from 0.
    ``total`` (p, spans + 1) are the scores of all spans and the null of each passage, -inf where it has fewer.
    """

    span: Array
    null: Array
    dense: Array
    bm25: Array
    texts: NDArray[np.intp]
    total: Array


@dataclass(frozen=True, slots=True)
class Candidates:
    """A question's hits and all that decides among their spans, whatever the rule.

    ``places`` are distinct, largest margin first; ``groups`` are the indices of those that say the same.
    """

    hits: tuple[Hit, ...]
    places: tuple[Place, ...]
    groups: tuple[tuple[int, ...], ...]
    evidence: Evidence

    @classmethod
    def of(cls, hits: Sequence[Hit], readings: Sequence[Reading]) -> Candidates:
        """The candidates in the readings of the first hits, one for each, in the same order.

        The hits behind them count as found and not read: the retriever's scores of all hits are known.
        """
        places = find(hits[: len(readings)], readings)
        groups = by_text(places)
        return cls(tuple(hits), tuple(places), tuple(map(tuple, groups)), gather(places, groups, hits, readings))


def says_something(text: str, start: int, end: int) -> bool:
    """Whether ``text[start:end]`` can be an answer: it has a letter or figure of any script, and more than a stop word.

    A word in quotes, which is spoken of (the keyword `in`), and a letter that is a name (vitamin A) can.

    >>> [says_something(text, 0, len(text)) for text in ("The", "...", "no", "7", "A", "in Paris", "`in`")]
    [False, False, True, True, True, True, True]
    """
    span = text[start:end]
    if not any(map(str.isalnum, span)):
        return False
    word = span.rstrip(_AROUND + ".").lstrip(_AROUND)
    if word.isupper() or word.lower() not in _FUNCTION_WORDS:
        return True
    first = text.index(word, start)
    around = text[max(0, first - 1) : first], text[first + len(word) : first + len(word) + 1]
    return all(sign != "" and sign in _QUOTES for sign in around)


def find(hits: Sequence[Hit], readings: Sequence[Reading]) -> list[Place]:
    """The distinct places of all readings, one Reading for each hit in order; largest margin first."""
    return distinct(_all(hits, readings))


def distinct(places: Iterable[Place]) -> list[Place]:
    """The places, largest margin first, without those that overlap a better one in the same document, or copies do.

    Equal margins: the better retrieved passage first, then the earlier and shorter span.
    """
    order = sorted(places, key=lambda p: (-p.margin, p.hit.rank, p.passage.document_id, p.start, p.end))
    kept: list[Place] = []
    taken: dict[str, list[Place]] = {}  # By document.
    for place in order:
        where = (place, *place.copies)
        if not any(_overlap(one, other) for one in where for other in taken.get(one.passage.document_id, ())):
            kept.append(place)
            for one in where:
                taken.setdefault(one.passage.document_id, []).append(one)
    return kept


def merge_key(text: str) -> Hashable:
    """Equal for texts that are the same answer: equal after SQuAD's normalisation, and with the same figures.

    The normalisation alone would make 3.5 and 35, -5 and 5, 1/2 and 1-2, <5 and >5, C++ and C# one answer.
    """
    text = text.translate(_DASHES)
    figures = (_THOUSANDS.sub("", figure) for figure in _SIGNIFICANT.findall(text))
    return normalize_answer(text) or text.casefold(), tuple(figures)


def by_text(places: Iterable[Place]) -> list[list[int]]:
    """The indices of the places that say the same, groups and their members in the order given."""
    groups: dict[Hashable, list[int]] = {}
    for index, place in enumerate(places):
        groups.setdefault(merge_key(place.text), []).append(index)
    return list(groups.values())


def gather(
    places: Sequence[Place], groups: Sequence[Sequence[int]], hits: Sequence[Hit], readings: Sequence[Reading]
) -> Evidence:
    """The arrays of a question's places; ``groups`` are the indices of those that say the same."""
    priors = {name: log_prior(hits, name) for name in TEMPERATURE}
    row = {hit.passage.id: at for at, hit in enumerate(hits)}
    rows = [row[place.passage.id] for place in places]
    texts = np.zeros(len(places), dtype=np.intp)
    for number, group in enumerate(groups):
        texts[list(group)] = number
    total = np.full((len(readings), 1 + max((len(one.spans) for one in readings), default=0)), -np.inf)
    for at, reading in enumerate(readings):
        total[at, 0] = reading.null_score
        total[at, 1 : 1 + len(reading.spans)] = [span.score for span in reading.spans]
    return Evidence(
        span=np.array([place.span.score for place in places], dtype=np.float64),
        null=np.array([place.null_score for place in places], dtype=np.float64),
        dense=priors["dense"][rows],
        bm25=priors["bm25"][rows],
        texts=texts,
        total=total,
    )


def log_prior(hits: Sequence[Hit], component: str) -> Array:
    """Give log p(passage | question), (hits,): the log softmax of a component's scores; zeros if some are unknown."""
    scores = [hit.components[component].score if component in hit.components else None for hit in hits]
    known = [score for score in scores if score is not None]
    if not known or len(known) < len(scores):
        return np.zeros(len(hits))
    logits = np.array(known) / TEMPERATURE[component]
    return np.asarray(logits - log_sum_exp(logits))


def log_sum_exp(values: Array) -> float:
    """log(sum(exp(values))), without overflow."""
    peak = values.max()
    return float(peak + np.log(np.exp(values - peak).sum()))


def _all(hits: Sequence[Hit], readings: Sequence[Reading]) -> Iterator[Place]:
    for hit, reading in zip(hits, readings, strict=True):
        for span in reading.spans:
            # What is cited must be what is written there.
            assert 0 <= span.start < span.end <= len(hit.passage.text), (span, hit.passage.id)
            if says_something(hit.passage.text, span.start, span.end):
                yield Place(hit, span, reading.null_score)


def _overlap(one: Place, other: Place) -> bool:
    return one.start < other.end and other.start < one.end
