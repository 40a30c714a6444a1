"""Ranks the spans of all passages together, with a no-answer candidate. Pure; knows no model, index or terminal.

A reader's scores cannot be compared across passages: each passage has its own scale. What can be compared is how far
a span beats the null of its own passage,

    d = span score - null score,

the log-odds of the span against "this passage does not answer". (Clark & Gardner 2018 reach comparable scores
by training with a softmax shared by all paragraphs; the null needs no such training.) Three steps follow.

1. *One place, one candidate.* Of spans that overlap in the same document only the one with the largest d stays:
   the same words found in two overlapping passages, or found with other boundaries, are one piece of evidence, so
   the others neither appear nor take or give probability.
2. *One softmax.* All places compete with one no-answer candidate, whose logit is the reader's no-answer threshold.
   All logits are divided by the reader's temperature, which makes probabilities bolder or more careful (Guo et al.
   2017, "On Calibration of Modern Neural Networks") and has no say in whether there is an answer.
3. *One text, one answer.* Places that say the same (`merge_key`) are one answer: their probabilities add, the
   best place is shown.

There are answers exactly when the best d exceeds the threshold: over one passage this is the reader's own rule
("answer when span score - null score > threshold"). The first answer is then more probable than no answer, since it
has at least the probability of the best place. All answers, listed or not, and no answer sum to 1.
"""

from __future__ import annotations

import math
import re
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from itertools import chain

from odqa.text import normalize_answer
from odqa.types import Answer, Hit, Passage, Reading, Span

# Figures with their sign, and the signs that tell C++ from C# and 5 % from $5.
_SIGNIFICANT = re.compile(r"(?:(?<!\w)[-−])?\d+|[+#%°$€£¥]")


@dataclass(frozen=True, slots=True)
class Place:
    """A span where it stands in its document, and its log-odds ``d`` against the null of its passage."""

    passage: Passage
    span: Span
    d: float
    rank: int

    @property
    def start(self) -> int:
        """The offset in the document of the span's first character."""
        return self.passage.start + self.span.start

    @property
    def end(self) -> int:
        """The offset in the document behind the span's last character."""
        return self.passage.start + self.span.end

    @property
    def text(self) -> str:
        """The span's characters."""
        return self.passage.text[self.span.start : self.span.end]

    def overlaps(self, other: Place) -> bool:
        """Whether the two share a character of one document."""
        same = self.passage.document_id == other.passage.document_id
        return same and self.start < other.end and other.start < self.end


@dataclass(frozen=True, slots=True)
class Candidates:
    """The d of all places of a question: of those that say what the best place says, best first, and of the rest.

    All that is needed to decide again, and to say how sure, with another threshold or temperature.
    """

    best: tuple[float, ...] = ()
    others: tuple[float, ...] = ()

    def answered(self, no_answer_threshold: float) -> bool:
        """Whether there is an answer: the best d exceeds the threshold."""
        return bool(self.best) and self.best[0] > no_answer_threshold

    def confidence(self, no_answer_threshold: float, temperature: float = 1.0) -> float:
        """The probability that :func:`rank` gives to the decision: to what the best place says, or to no answer."""
        if not self.best:
            return 1.0
        weights, none = _weigh((*self.best, *self.others), no_answer_threshold, temperature)
        chosen = math.fsum(weights[: len(self.best)]) if self.answered(no_answer_threshold) else none
        return chosen / math.fsum([*weights, none])


def rank(
    hits: Sequence[Hit],
    readings: Sequence[Reading],
    *,
    no_answer_threshold: float = 0.0,
    temperature: float = 1.0,
    n: int = 5,
) -> tuple[tuple[Answer, ...], float]:
    """The ``n`` most probable answers, best first, and the probability that there is none.

    ``readings`` has one Reading for each hit, in the same order; the order of the pairs does not matter. A
    threshold of ``-math.inf`` forces an answer where there is any span. ``temperature`` is above 0.
    """
    places = distinct(_places(hits, readings))
    if not places:
        return (), 1.0
    weights, no_answer_weight = _weigh([place.d for place in places], no_answer_threshold, temperature)
    total = math.fsum([*weights, no_answer_weight])
    no_answer_probability = no_answer_weight / total
    if places[0].d <= no_answer_threshold:
        return (), no_answer_probability

    answers = [
        _answer(places[at[0]], math.fsum(weights[index] for index in at) / total, len(at)) for at in _by_text(places)
    ]
    answers.sort(key=lambda answer: -answer.confidence)  # Stable: equal confidence leaves the larger d first.
    return tuple(answers[:n]), no_answer_probability


def candidates(hits: Sequence[Hit], readings: Sequence[Reading]) -> Candidates:
    """The candidates among which :func:`rank` decides."""
    places = distinct(_places(hits, readings))
    groups = [[places[index].d for index in at] for at in _by_text(places)]
    return Candidates(tuple(groups[0]), tuple(chain.from_iterable(groups[1:]))) if groups else Candidates()


def distinct(places: Iterable[Place]) -> list[Place]:
    """The places, best first, without those that overlap a better one of the same document.

    Equal d: the better retrieved passage first, then the earlier and shorter span.
    """
    order = sorted(places, key=lambda p: (-p.d, p.rank, p.passage.document_id, p.start, p.end))
    kept: list[Place] = []
    for place in order:
        if not any(place.overlaps(better) for better in kept):
            kept.append(place)
    return kept


def merge_key(text: str) -> Hashable:
    """Equal for texts that are the same answer: equal after SQuAD's normalisation, and with the same figures.

    The normalisation alone would make 3.5 and 35, -5 and 5, C++ and C# one answer.
    """
    return normalize_answer(text) or text.casefold(), tuple(_SIGNIFICANT.findall(text))


def _places(hits: Sequence[Hit], readings: Sequence[Reading]) -> Iterable[Place]:
    for hit, reading in zip(hits, readings, strict=True):
        for span in reading.spans:
            assert 0 <= span.start < span.end <= len(hit.passage.text), (span, hit.passage.id)
            yield Place(hit.passage, span, span.score - reading.null_score, hit.rank)


def _by_text(places: Iterable[Place]) -> list[list[int]]:
    """The indices of the places that say the same, groups and their members in the order given."""
    groups: dict[Hashable, list[int]] = {}
    for index, place in enumerate(places):
        groups.setdefault(merge_key(place.text), []).append(index)
    return list(groups.values())


def _weigh(differences: Sequence[float], no_answer_threshold: float, temperature: float) -> tuple[list[float], float]:
    """What each place and no answer weigh in the softmax: exp(logit / temperature), up to a common factor."""
    peak = max([*differences, no_answer_threshold])  # Taken off before exp, so that nothing overflows.
    weights = [math.exp((d - peak) / temperature) for d in differences]
    return weights, math.exp((no_answer_threshold - peak) / temperature)


def _answer(place: Place, confidence: float, mentions: int) -> Answer:
    return Answer(place.text, confidence, place.start, place.end, place.span, place.passage, mentions)
