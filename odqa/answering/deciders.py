"""Candidates go in, a decision comes out: all answers with their confidence, and whether to give one at all.

Every answer of the product is decided here, whether it is shown, evaluated or fitted on, by one of two rules:

*The reader's rule* needs nothing but the reader's threshold and temperature, so it decides in one text, and over an
index where no ranking was fitted. All places compete in one softmax with one no-answer candidate:

    P(place) ∝ exp(margin / T),   P(no answer) ∝ exp(threshold / T),   margin = span score - null score of its passage.

The temperature T makes probabilities bolder or more careful (Guo et al. 2017, "On Calibration of Modern Neural
Networks") and has no say in whether there is an answer. Places that say the same are one answer: their probabilities
add, the best place is shown. There are answers exactly when the largest margin exceeds the threshold: over one passage
this is the reader's own rule (Devlin et al. 2019, section 4.3). The first answer is then more probable than no answer,
since it has at least the probability of the best place. All answers, listed or not, and no answer sum to 1.

*The fitted rule* ranks by the reader's and the retriever's scores (:mod:`odqa.answering.ranking`) and takes confidence
and the probability of no answer from a calibrator (:mod:`odqa.answering.calibrator`), all fitted for an index.

Pure; knows no model, index, file or terminal.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from odqa.answering.calibrator import HALF, Calibrator, Outcome, features, shares
from odqa.answering.candidates import Candidates
from odqa.answering.ranking import Weights, rank
from odqa.types import Abstention, Answer

MARGIN, PROBABILITY = "margin", "probability"  # The rules by which no answer is given, see Abstention.
READERS_OWN = "the reader's own"  # What the reader's rule is called where rankings are named.


@dataclass(frozen=True, slots=True)
class Decision:
    """All answers, best first, how probable it is that there is none, and the rule by which none is shown."""

    answers: tuple[Answer, ...]
    no_answer_probability: float
    abstention: Abstention

    @property
    def answered(self) -> bool:
        """Whether an answer is given."""
        return bool(self.answers) and not self.abstention.abstains

    @property
    def first(self) -> Answer | None:
        """The first answer, given or withheld; None where no span was found."""
        return self.answers[0] if self.answers else None

    @property
    def confidence(self) -> float:
        """The probability of what was decided: of the first answer, or of there being none."""
        return self.answers[0].confidence if self.answered else self.no_answer_probability

    @property
    def answerability(self) -> float:
        """What the rule compares, larger for giving an answer: the largest margin, or 1 - P(no answer)."""
        return self.abstention.value if self.abstention.rule == MARGIN else 1 - self.abstention.value

    def shown(self, min_confidence: float | None, n: int) -> tuple[Answer, ...]:
        """The answers to show, at most ``n``.

        None where the rule abstains. ``min_confidence`` takes the rule's place: every answer of at least that
        confidence is shown.
        """
        if min_confidence is not None:
            return tuple(answer for answer in self.answers if answer.confidence >= min_confidence)[:n]
        return self.answers[:n] if self.answered else ()


@dataclass(frozen=True, slots=True)
class Enough:
    """When the best ``passages`` are enough: where an answer is given on them of at least this ``confidence``.

    That was fitted where half of the questions have an answer. Where a share ``answerable`` is expected to, what counts
    is what would have been decided there: an answer of that confidence, "no answer" not beyond the ``threshold``.
    """

    passages: int
    confidence: float
    threshold: float = 1.0
    answerable: float = HALF

    def holds(self, decision: Decision) -> bool:
        """Whether a decision on the best passages stands."""
        if not decision.answered:
            return False
        sure, none = decision.confidence, decision.no_answer_probability
        there = Outcome(sure, 1 - sure - none, none).expecting(1 - self.answerable)
        return there.right >= self.confidence and there.none <= self.threshold


class Decider(Protocol):
    """What decides on a question's candidates; ``name`` is what its ranking is called."""

    @property
    def name(self) -> str:
        """The name of the ranking."""

    @property
    def enough(self) -> Enough | None:
        """When the first passages are enough to decide on; None where all have to be read."""

    def decide(self, question: str, candidates: Candidates) -> Decision:
        """All answers, best first, their confidence, and whether to give one."""

    def expecting(self, answerable: float) -> Decider:
        """The same where a share ``answerable`` (0 to 1, exclusive) of the questions has an answer, instead of half."""


@dataclass(frozen=True, slots=True)
class ReaderRule:
    """Decides by a reader's no-answer threshold, a margin in logits, and its temperature, above 0.

    A threshold of ``-math.inf`` forces an answer where there is any span.
    """

    threshold: float = 0.0
    temperature: float = 1.0

    @property
    def name(self) -> str:
        """What it is called where rankings are named."""
        return READERS_OWN

    @property
    def enough(self) -> None:
        """All passages have to be read: nothing says how its decisions change with more of them."""

    def decide(self, question: str, candidates: Candidates) -> Decision:
        """All answers, most probable first; see the module's formulas. The question's words play no part."""
        places = candidates.places
        if not places:
            return Decision((), 1.0, Abstention(MARGIN, -math.inf, self.threshold))
        weights, none = self._weigh([place.margin for place in places])
        total = math.fsum([*weights, none])
        answers = [
            Answer(
                places[group[0]].text,
                math.fsum(weights[at] for at in group) / total,
                places[group[0]].margin,
                tuple(places[at] for at in group),
            )
            for group in candidates.groups
        ]
        # Stable: equal confidence leaves the larger margin first.
        answers.sort(key=lambda answer: -answer.confidence)
        return Decision(tuple(answers), none / total, Abstention(MARGIN, places[0].margin, self.threshold))

    def expecting(self, answerable: float) -> ReaderRule:
        """As :meth:`Decider.expecting`: no answer weighs by the odds of having none, and so the threshold moves."""
        return replace(self, threshold=self.threshold - self.temperature * math.log(answerable / (1 - answerable)))

    def _weigh(self, margins: Sequence[float]) -> tuple[list[float], float]:
        """What each place and no answer weigh in the softmax: exp(logit / temperature), up to a common factor."""
        peak = max([*margins, self.threshold])  # Subtracted before exp, so that nothing overflows.
        weights = [math.exp((margin - peak) / self.temperature) for margin in margins]
        return weights, math.exp((self.threshold - peak) / self.temperature)


@dataclass(frozen=True, slots=True)
class FittedRule:
    """A ranking's name, its weights, its calibrator, and the probability of "no answer" beyond which none is given.

    ``enough`` says when the first passages are enough to decide on; None where that was not fitted. ``answerable`` is
    the share of the questions that is expected to have an answer.
    """

    name: str
    weights: Weights
    calibrator: Calibrator
    threshold: float
    enough: Enough | None = None
    answerable: float = HALF

    def decide(self, question: str, candidates: Candidates) -> Decision:
        """All answers in the order of the ranking; confidence and P(no answer) are the calibrator's."""
        if not candidates.places:
            return Decision((), 1.0, Abstention(PROBABILITY, 1.0, self.threshold))
        answers = rank(self.name, self.weights, candidates)
        outcome = self.calibrator.outcome(features(question, answers, candidates.hits)).expecting(self.answerable)
        confidences = shares(outcome, [answer.score for answer in answers])
        return Decision(
            tuple(replace(answer, confidence=sure) for answer, sure in zip(answers, confidences, strict=True)),
            outcome.none,
            Abstention(PROBABILITY, outcome.none, self.threshold),
        )

    def expecting(self, answerable: float) -> FittedRule:
        """As :meth:`Decider.expecting`; the first passages are enough for the same questions."""
        enough = self.enough and replace(self.enough, threshold=self.threshold, answerable=answerable)
        return replace(self, enough=enough, answerable=answerable)
