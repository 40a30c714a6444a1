"""Questions with their hits go in; decisions come out, for which no more is read than it takes. Knows no model.

The best passages of all questions are read first, together, and the rest only for those questions whose first passages
are not enough. They are enough where an answer is given that is so sure that the rest would hardly change it; how sure
that is was fitted (:mod:`odqa.fitting.steps`). That no answer was found says nothing of the passages not yet read.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from odqa.answering.candidates import Candidates
from odqa.answering.deciders import Decider, Decision, Enough
from odqa.answering.question import Ask
from odqa.types import Hit, Reading

# Questions, and some of the hits of each, go in; the readings of these hits come out, in the same order.
Read: TypeAlias = Callable[[Sequence[str], Sequence[Sequence[Hit]]], Sequence[Sequence[Reading]]]


@dataclass(frozen=True, slots=True)
class Decided:
    """A decision, and the number of passages that were read for it."""

    decision: Decision
    passages: int


def decide(
    decider: Decider, questions: Sequence[str], found: Sequence[Sequence[Hit]], read: Read, ask: Ask
) -> list[Decided]:
    """What is decided on every question by its hits, which are best first, read in at most two steps."""
    enough = None if ask.exhaustive else decider.enough
    readings: list[list[Reading]] = [[] for _ in questions]
    decisions: dict[int, Decision] = {}
    waiting = list(range(len(questions)))
    for depth in (enough.passages, None) if enough else (None,):
        if not waiting:
            break
        new = read([questions[at] for at in waiting], [found[at][len(readings[at]) : depth] for at in waiting])
        for at, some in zip(waiting, new, strict=True):
            readings[at] += some
            decisions[at] = decider.decide(questions[at], Candidates.of(found[at], readings[at]))
        unread = [at for at in waiting if len(readings[at]) < len(found[at])]
        waiting = [at for at in unread if enough and not is_enough(enough, decisions[at], ask)]
    return [Decided(decisions[at], len(readings[at])) for at in range(len(questions))]


def is_enough(enough: Enough, decision: Decision, ask: Ask) -> bool:
    """Whether a decision on the first passages stands: its answer is sure enough, and there are as many as are wanted.

    Where the user says how sure an answer has to be, the first one must be that as well.
    """
    sure = enough.holds(decision) and decision.confidence >= (ask.min_confidence or 0.0)
    return sure and len(decision.answers) >= ask.n
