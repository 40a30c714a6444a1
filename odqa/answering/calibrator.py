"""Ranked answers go in, probabilities come out: is the first one right, is there none? Pure; knows no text, no model.

Three things may be so of a question: its first answer is right, another one would be (among the others or not found),
or nothing that was searched answers it. Their probabilities are a softmax of linear functions of a few features
(multinomial logistic regression; Platt 1999 for two classes), each in units of its spread on the tuning data:

    P(outcome) = softmax(W ((x - mean) / spread) + c).

A feature that cannot be known (a cosine where passages were found by words alone) counts as its mean. No feature counts
passages or grows with their number: what weak passages add to it is little, so that reading 50 of them instead of 5
moves the probabilities hardly at all.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from odqa.types import Answer, Hit

Array = NDArray[np.float64]

OUTCOMES = ("right", "other", "none")
FEATURES = (
    "margin",  # span - null of the first answer's best place
    "span",  # its span score
    "gap",  # how far the ranking puts it before the second answer
    "rival",  # the margin of the second answer
    "mentions",  # the log of the number of places that say it, at most 3
    "dense",  # the cosine of its passage
    "dense_behind",  # how far that is below the best cosine
    "bm25",  # the BM25 score of its passage for each word of the question
    "bm25_behind",  # how far that is below the best one, as a share
    "words",  # the log of the question's number of words
)
HALF = 0.5  # The share of the cases with an answer that everything is fitted on, by weight.
FAR = 10.0  # The gap to the second answer where there is none.
MANY = 3  # The most mentions that count: how many there are depends on how many passages are read.
MOST = 1e12  # The largest number of a calibrator: beyond it sums are lost in rounding, or are no numbers.


class Outcome(NamedTuple):
    """The probabilities of the three outcomes; they sum to 1."""

    right: float
    other: float
    none: float

    def expecting(self, answerable: float) -> Outcome:
        """The probabilities where a share ``answerable`` (0 to 1, exclusive) of the questions has an answer, not half.

        Only how often there is an answer differs then, not what questions with or without one look like, so Bayes'
        rule gives them: each is weighted by how much more often its kind is asked (Elkan 2001, theorem 2; Saerens,
        Latinne and Decaestecker 2002, equation 2.4).

        >>> Outcome(0.3, 0.1, 0.6).expecting(0.75).right
        0.5
        """
        right, other, none = self.right * answerable, self.other * answerable, self.none * (1 - answerable)
        total = math.fsum((right, other, none))
        if answerable == HALF or not total:  # It vanishes where none is impossible, and an answer hardly expected.
            return self
        return Outcome(right / total, other / total, none / total)


@dataclass(frozen=True, slots=True)
class Calibrator:
    """The fitted numbers: ``mean`` and ``spread`` (features,), ``weights`` (3, features), ``bias`` (3,)."""

    mean: tuple[float, ...]
    spread: tuple[float, ...]
    weights: tuple[tuple[float, ...], ...]
    bias: tuple[float, ...]

    def probabilities(self, features: Array) -> Array:
        """The outcomes' probabilities (n, 3) for features (n, features); nan is what is not known."""
        scaled = np.nan_to_num((features - np.array(self.mean)) / np.array(self.spread), nan=0.0)
        logits = scaled @ np.array(self.weights).T + np.array(self.bias)
        logits -= logits.max(axis=1, keepdims=True)
        weights = np.exp(logits)
        return np.asarray(weights / weights.sum(axis=1, keepdims=True))

    def outcome(self, features: Sequence[float]) -> Outcome:
        """The outcomes' probabilities for one question."""
        return Outcome(*map(float, self.probabilities(np.array([features], dtype=np.float64))[0]))

    def as_json(self) -> dict[str, Any]:
        """Plain values; :meth:`from_json` makes the same of them again."""
        return {
            "features": list(FEATURES),
            "mean": self.mean,
            "spread": self.spread,
            "weights": self.weights,
            "bias": self.bias,
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Calibrator:
        """The calibrator of plain values. Raises ValueError, KeyError, TypeError or OverflowError for any others."""
        if list(value["features"]) != list(FEATURES):
            raise ValueError(f"it was fitted on the features {', '.join(value['features'])}")
        found = cls(
            tuple(map(float, value["mean"])),
            tuple(map(float, value["spread"])),
            tuple(tuple(map(float, row)) for row in value["weights"]),
            tuple(map(float, value["bias"])),
        )
        shapes = [len(found.mean), len(found.spread), *(len(row) for row in found.weights)]
        numbers = [*found.mean, *found.spread, *found.bias, *(number for row in found.weights for number in row)]
        if shapes != [len(FEATURES)] * 5 or len(found.bias) != 3:
            raise ValueError("its numbers are not those of ten features and three outcomes")
        if not all(map(math.isfinite, numbers)) or min(found.spread) <= 0:
            raise ValueError("its numbers must be finite, and each spread above 0")
        if max(map(abs, numbers)) > MOST or min(found.spread) < 1 / MOST:
            raise ValueError(f"its numbers must be at most {MOST:g}, and each spread at least {1 / MOST:g}")
        return found


def features(question: str, answers: Sequence[Answer], hits: Sequence[Hit]) -> list[float]:
    """The features (see ``FEATURES``) of a question whose ``answers`` are ranked, best first; at least one."""
    best = answers[0].places[0]
    words = max(1, len(question.split()))
    second = answers[1] if len(answers) > 1 else None
    dense, top_dense = _component(best.hit, "dense"), _best(hits, "dense")
    bm25, top_bm25 = _component(best.hit, "bm25"), _best(hits, "bm25")
    return [
        best.margin,
        best.span.score,
        min(FAR, answers[0].score - second.score) if second else FAR,
        second.places[0].margin if second else best.margin - FAR,
        math.log(min(MANY, len(answers[0].places))),
        dense,
        top_dense - dense,
        bm25 / words,
        (top_bm25 - bm25) / top_bm25 if top_bm25 > 0 else 0.0 if top_bm25 == bm25 else math.nan,
        math.log(words),
    ]


def shares(outcome: Outcome, scores: Sequence[float]) -> list[float]:
    """The confidence of every answer, from their scores, best first: the first one's is that of being right.

    The others stand to it as the ranking's odds have it, exp(score - best score), and together at most at the
    probability that an answer other than the first is right. So no answer is surer than a better one, and all of them
    and "no answer" sum to at most 1.
    """
    odds = [math.exp(score - scores[0]) for score in scores[1:]]
    wanted = outcome.right * math.fsum(odds)
    scale = min(1.0, outcome.other / wanted) if wanted > 0 else 0.0
    return [outcome.right, *(outcome.right * one * scale for one in odds)]


def _component(hit: Hit, name: str) -> float:
    return hit.components[name].score if name in hit.components else math.nan


def _best(hits: Sequence[Hit], name: str) -> float:
    return max((hit.components[name].score for hit in hits if name in hit.components), default=math.nan)
