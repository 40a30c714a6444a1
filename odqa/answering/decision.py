"""What a question's answers and the choice to give none look like. Knows no ranking and no model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from odqa.types import Abstention, Answer


@dataclass(frozen=True, slots=True)
class Decision:
    """All answers, best first, how probable it is that there is none, and the rule by which none is shown."""

    answers: tuple[Answer, ...]
    no_answer_probability: float
    abstention: Abstention

    def shown(self, min_confidence: float | None, n: int) -> tuple[Answer, ...]:
        """The answers to show, at most ``n``.

        None where the rule abstains. ``min_confidence`` takes the rule's place: what is at least so sure is shown.
        """
        if min_confidence is not None:
            return tuple(answer for answer in self.answers if answer.confidence >= min_confidence)[:n]
        return () if self.abstention.abstains else self.answers[:n]


def nothing(abstention: Abstention) -> Decision:
    """The decision where no span was found at all."""
    return Decision((), 1.0, abstention)


def ordered(answers: Sequence[Answer]) -> tuple[Answer, ...]:
    """The answers, most confident first; equal ones in the order given."""
    return tuple(sorted(answers, key=lambda answer: -answer.confidence))
