"""Decides by the reader's own settings alone: no ranking need be fitted. Pure; knows no model, index or terminal.

This is what answers from one text, where the reader's threshold and temperature were fitted, and from an index for
which nothing was (see :mod:`odqa.answering.fitted`). All places compete in one softmax with one no-answer candidate:

    P(place) ∝ exp(d / T),   P(no answer) ∝ exp(threshold / T),   d = span score - null score of its passage.

The temperature T makes probabilities bolder or more careful (Guo et al. 2017, "On Calibration of Modern Neural
Networks") and has no say in whether there is an answer. Places that say the same are one answer: their probabilities
add, the best place is shown.

There are answers exactly when the best d exceeds the threshold: over one passage this is the reader's own rule
("answer when span score - null score > threshold"). The first answer is then more probable than no answer, since it
has at least the probability of the best place. All answers, listed or not, and no answer sum to 1.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain

from odqa.answering.decision import Decision, nothing, ordered
from odqa.answering.places import by_text, find
from odqa.types import Abstention, Answer, Hit, Reading

RULE = "margin"


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
        """The probability that :func:`decide` gives to the decision: to what the best place says, or to no answer."""
        if not self.best:
            return 1.0
        weights, none = _weigh((*self.best, *self.others), no_answer_threshold, temperature)
        chosen = math.fsum(weights[: len(self.best)]) if self.answered(no_answer_threshold) else none
        return chosen / math.fsum([*weights, none])


def decide(
    hits: Sequence[Hit],
    readings: Sequence[Reading],
    *,
    no_answer_threshold: float = 0.0,
    temperature: float = 1.0,
) -> Decision:
    """All answers, most probable first, and the probability that there is none.

    ``readings`` has one Reading for each hit, in the same order; the order of the pairs does not matter. A
    threshold of ``-math.inf`` forces an answer where there is any span. ``temperature`` is above 0.
    """
    places = find(hits, readings)
    if not places:
        return nothing(Abstention(RULE, -math.inf, no_answer_threshold))
    weights, no_answer_weight = _weigh([place.d for place in places], no_answer_threshold, temperature)
    total = math.fsum([*weights, no_answer_weight])
    answers = [
        Answer(
            places[at[0]].text,
            math.fsum(weights[index] for index in at) / total,
            places[at[0]].d,
            tuple(places[index] for index in at),
        )
        for at in by_text(places)
    ]
    # Stable: equal confidence leaves the larger d first.
    return Decision(ordered(answers), no_answer_weight / total, Abstention(RULE, places[0].d, no_answer_threshold))


def candidates(hits: Sequence[Hit], readings: Sequence[Reading]) -> Candidates:
    """The candidates among which :func:`decide` decides."""
    places = find(hits, readings)
    groups = [[places[index].d for index in at] for at in by_text(places)]
    return Candidates(tuple(groups[0]), tuple(chain.from_iterable(groups[1:]))) if groups else Candidates()


def _weigh(differences: Sequence[float], no_answer_threshold: float, temperature: float) -> tuple[list[float], float]:
    """What each place and no answer weigh in the softmax: exp(logit / temperature), up to a common factor."""
    peak = max([*differences, no_answer_threshold])  # Taken off before exp, so that nothing overflows.
    weights = [math.exp((d - peak) / temperature) for d in differences]
    return weights, math.exp((no_answer_threshold - peak) / temperature)
