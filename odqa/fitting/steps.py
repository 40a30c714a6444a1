"""A fitted rule, and questions with their first passages and with all, go in; when the first ones are enough comes out.

A decision on the first passages stands where it gives an answer of at least some confidence; this is the least
confidence at which, of every kind of question, at least 99 % are decided as on all passages: with the same answer, or
with none. Each kind by itself, since nothing changes for those that are read to the end, and these are nearly all of
those without an answer.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from odqa.answering.candidates import Candidates
from odqa.answering.deciders import Decision, Enough, FittedRule
from odqa.answering.question import Ask
from odqa.answering.steps import is_enough

FIRST = 5  # Passages: the gold one is among them for nine of ten questions, and they hold five answers to show.
SAME = 0.99  # The share of each kind of question whose decision has to stay as it is.
ANY = Ask(n=1)  # Who asks for more answers has more read.


@dataclass(frozen=True, slots=True)
class Pair:
    """A question of a kind with the candidates in its ``FIRST`` passages, and in all of them."""

    question: str
    kind: str
    first: Candidates
    whole: Candidates


@dataclass(frozen=True, slots=True)
class _Both:
    """Both decisions on a pair, and how many passages each takes."""

    kind: str
    first: Decision
    whole: Decision
    passages: int

    @property
    def same(self) -> bool:
        """Whether the same answer is given, or none by both."""
        given = [decision.answers[0].text if decision.answered else None for decision in (self.first, self.whole)]
        return given[0] == given[1]


def fit_enough(rule: FittedRule, pairs: Sequence[Pair]) -> tuple[Enough | None, dict[str, Any]]:
    """When the first passages are enough for a rule, and what comes of it for each kind of question.

    None where there are never more than these. Of each kind: ``passages``, the mean number of passages read; ``same``,
    the share of the questions whose decision stays; ``confidence_change``, the mean difference in confidence, whatever
    its sign, where the first passages are enough.
    """
    both = [
        _Both(
            one.kind,
            rule.decide(one.question, one.first),
            rule.decide(one.question, one.whole),
            len(one.whole.hits),
        )
        for one in pairs
        if len(one.whole.hits) > FIRST
    ]
    if not both:
        return None, {}
    kinds = {kind: [one for one in both if one.kind == kind] for kind in sorted({one.kind for one in both})}
    enough = Enough(FIRST, max(_least_confidence(some) for some in kinds.values()))
    return enough, {kind: _outcome(enough, some) for kind, some in kinds.items()}


def _least_confidence(both: Sequence[_Both]) -> float:
    """The least confidence at which so many decisions stay: halfway from the last that must not stop to the next."""
    stopping = [one for one in both if is_enough(Enough(FIRST, 0.0), one.first, ANY)]
    changed = sorted((one.first.confidence for one in stopping if not one.same), reverse=True)
    allowed = int((1 - SAME) * len(both))
    if len(changed) <= allowed:
        return 0.0
    last = changed[allowed]
    return (last + min((one.first.confidence for one in stopping if one.first.confidence > last), default=1.0)) / 2


def _outcome(enough: Enough, both: Sequence[_Both]) -> dict[str, float]:
    stops = [is_enough(enough, one.first, ANY) for one in both]
    changes = [
        abs(one.first.confidence - one.whole.answers[0].confidence)
        for one, stop in zip(both, stops, strict=True)
        if stop
    ]
    return {
        "passages": float(np.mean([FIRST if stop else one.passages for one, stop in zip(both, stops, strict=True)])),
        "same": float(np.mean([one.same or not stop for one, stop in zip(both, stops, strict=True)])),
        "confidence_change": float(np.mean(changes)) if changes else 0.0,
    }
