"""Cases go in, judgements come out: what the decider makes of each question, and what that is worth.

The decider is the one that `odqa ask` has; here its decisions are only scored. Reads and prints nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from odqa.answering.candidates import Candidates
from odqa.answering.deciders import Decider, Decision
from odqa.answering.question import Ask
from odqa.answering.steps import decide
from odqa.evaluation.cases import Case, Query
from odqa.evaluation.metrics import exact_match, rouge1_f1, token_f1
from odqa.types import Answer, Example, Hit

KEPT = 5  # Answers of a question that are kept: top-5 scores ask for no more.


@dataclass(frozen=True, slots=True)
class Scores:
    """One text against the references, each from 0 to 1."""

    rouge1_f1: float
    exact_match: float
    f1: float


NOTHING = Scores(0.0, 0.0, 0.0)


@dataclass(frozen=True, slots=True)
class Judgement:
    """A question, the decision on it, and what the given answer (or none), the first, and the best of five are worth.

    ``forced`` and ``top5`` are 0 for an unanswerable question. ``passages`` is how many the decision needed to be read.
    """

    query: Query
    decision: Decision
    given: Scores
    forced: Scores
    top5: Scores
    passages: int

    @property
    def id(self) -> str:
        """The question's id."""
        return self.query.example.id

    @property
    def answerable(self) -> bool:
        """Whether the dataset gives it an answer."""
        return self.query.example.answerable

    @property
    def answered(self) -> bool:
        """Whether an answer is given."""
        return self.decision.answered

    @property
    def answerability(self) -> float:
        """What the decider's rule compares, larger for giving an answer."""
        return self.decision.answerability

    @property
    def first(self) -> Answer | None:
        """The first answer, given or withheld; None where no span was found."""
        return self.decision.first

    @property
    def confidence(self) -> float:
        """The probability that the first answer is right; 0 without one."""
        return self.first.confidence if self.first else 0.0

    @property
    def prediction(self) -> str:
        """The answer's text, empty where none is given."""
        return self.first.text if self.first and self.answered else ""


@dataclass(frozen=True, slots=True)
class Prediction:
    """A question whose answer came from elsewhere, and what it is worth: nothing is known but the text, if any."""

    id: str
    answerable: bool
    given: Scores


class Judge:
    """A decider, and the language of the answers; ``exhaustive`` lets it decide on no fewer than all passages."""

    def __init__(self, decider: Decider, language: str = "en", *, exhaustive: bool = False) -> None:
        self._decider = decider
        self._language = language
        self._ask = Ask(n=KEPT, exhaustive=exhaustive)

    def judge(self, cases: Sequence[Case], k: int) -> Iterator[Judgement]:
        """Decide on every question by its ``k`` best hits, in order."""
        return (self._judge(case, case.query.first(k)) for case in cases)

    def judge_removed(self, cases: Sequence[Case], k: int) -> Iterator[Judgement]:
        """Decide on every answerable question by its ``k`` best hits in the corpus without its gold passages."""
        return (self._judge(case, case.query.without_gold(k)) for case in cases if case.query.example.answerable)

    def _judge(self, case: Case, hits: Sequence[Hit]) -> Judgement:
        (decided,) = decide(
            self._decider,
            [case.query.question],
            [hits],
            lambda _, found: [[case.readings[hit.passage.id] for hit in some] for some in found],
            self._ask,
        )
        decision = replace(decided.decision, answers=decided.decision.answers[:KEPT])
        references = case.references
        texts = [answer.text for answer in decision.answers]
        worth = [scores(text, references, self._language) for text in texts] if references else []
        first = worth[0] if worth else NOTHING
        best = Scores(
            max((one.rouge1_f1 for one in worth), default=0.0),
            max((one.exact_match for one in worth), default=0.0),
            max((one.f1 for one in worth), default=0.0),
        )
        given = decision.answers[0].text if decision.answered else ""
        return Judgement(
            case.query,
            decision,
            first if worth and decision.answered else scores(given, references, self._language),
            first,
            best,
            decided.passages,
        )


def scores(text: str, references: Sequence[str], language: str = "en") -> Scores:
    """What a text is worth; the empty text is no answer."""
    return Scores(*(metric(text, references, language) for metric in (rouge1_f1, exact_match, token_f1)))


def judge_predictions(
    examples: Sequence[Example], predictions: Mapping[str, str], language: str = "en"
) -> list[Prediction]:
    """What predictions, question id -> text, are worth; a question without one is wrong, answerable or not."""
    return [
        Prediction(
            example.id,
            example.answerable,
            scores(predictions[example.id], [reference.text for reference in example.references], language)
            if example.id in predictions
            else NOTHING,
        )
        for example in examples
    ]


def questions_of(cases: Sequence[Case]) -> list[tuple[str, Candidates, Sequence[str]]]:
    """The (question, candidates, references) of cases with all their hits, to be decided on again and again."""
    return [(case.query.question, case.candidates(case.query.hits), case.references) for case in cases]


def correctness(
    decider: Decider, questions: Sequence[tuple[str, Candidates, Sequence[str]]], language: str = "en"
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """The confidence of each decision and whether it is right, both (n,), for (question, candidates, references).

    A decision is right where the answer given matches a reference exactly, or none is given to an unanswerable
    question.
    """
    decisions = [decider.decide(question, candidates) for question, candidates, _ in questions]
    given = [decision.answers[0].text if decision.answered else "" for decision in decisions]
    right = [
        exact_match(text, references, language) == 1 for text, (_, _, references) in zip(given, questions, strict=True)
    ]
    return np.array([decision.confidence for decision in decisions]), np.array(right, dtype=np.bool_)
