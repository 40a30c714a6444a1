"""What the whole pipeline answers to a dataset's questions, and what that is worth. Reads and prints nothing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial

from odqa.answering.decision import Decision
from odqa.answering.fitted import FittedRanking
from odqa.answering.pipeline import by_reader
from odqa.evaluation.metrics import exact_match, rouge1_f1, token_f1
from odqa.evaluation.search import Read, Searched
from odqa.reader.model import Reader
from odqa.types import Answer, Hit

KEPT = 5  # Answers of a question that are kept: top-5 scores ask for no more.


@dataclass(frozen=True, slots=True)
class Scores:
    """One text against the references, each from 0 to 1."""

    rouge1_f1: float
    exact_match: float
    f1: float


@dataclass(frozen=True, slots=True)
class Judged:
    """A question, the decision on it, and what the given answer (or none), the first, and the best of five are worth.

    ``forced`` and ``top5`` are 0 for an unanswerable question.
    """

    searched: Searched
    decision: Decision
    given: Scores
    forced: Scores
    top5: Scores

    @property
    def id(self) -> str:
        """The question's id."""
        return self.searched.example.id

    @property
    def answerable(self) -> bool:
        """Whether the dataset gives it an answer."""
        return self.searched.example.answerable

    @property
    def answered(self) -> bool:
        """Whether an answer is given."""
        return not self.decision.abstention.abstains

    @property
    def first(self) -> Answer | None:
        """The first answer, given or withheld; None where no span was found."""
        return self.decision.answers[0] if self.decision.answers else None

    @property
    def confidence(self) -> float:
        """The probability that the first answer is right; 0 without one."""
        return self.first.confidence if self.first else 0.0

    @property
    def prediction(self) -> str:
        """The answer's text, empty where none is given."""
        return self.first.text if self.first and self.answered else ""


class Judge:
    """A reader's ranking, or its own settings where none was fitted, and the language of the answers."""

    def __init__(self, reader: Reader, ranking: FittedRanking | None, language: str = "en") -> None:
        self._reader = reader
        self._ranking = ranking
        self._metrics = tuple(partial(metric, language=language) for metric in (rouge1_f1, exact_match, token_f1))

    def judge(self, results: Sequence[Read], k: int) -> Iterator[Judged]:
        """Decide on every question by its ``k`` best hits, in order."""
        return (self._judge(result, result.searched.first(k)) for result in results)

    def judge_removed(self, results: Sequence[Read], k: int) -> Iterator[Judged]:
        """Decide on every answerable question by its ``k`` best hits in the corpus without its gold passages."""
        return (
            self._judge(result, result.searched.without_gold(k))
            for result in results
            if result.searched.example.answerable
        )

    def scores(self, text: str, references: Sequence[str]) -> Scores:
        """What a text is worth."""
        return Scores(*(metric(text, references) for metric in self._metrics))

    def _judge(self, result: Read, hits: Sequence[Hit]) -> Judged:
        if self._ranking is None:
            decision = by_reader(self._reader, hits, [result.readings[hit.passage.id] for hit in hits])
        else:
            decision = self._ranking.decide(result.searched.question, hits, result.found(hits))
        decision = replace(decision, answers=decision.answers[:KEPT])
        references = [reference.text for reference in result.searched.example.references]
        texts = [answer.text for answer in decision.answers]
        worth = [self.scores(text, references) for text in texts] if references else []
        first = worth[0] if worth else Scores(0.0, 0.0, 0.0)
        best = (
            Scores(
                max(one.rouge1_f1 for one in worth),
                max(one.exact_match for one in worth),
                max(one.f1 for one in worth),
            )
            if worth
            else first
        )
        shown = bool(texts) and not decision.abstention.abstains
        given = first if shown and references else self.scores(texts[0] if shown else "", references)
        return Judged(result.searched, decision, given, first, best)
