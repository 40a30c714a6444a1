"""When is an answer right? To the word, by half of its words, or as judges say who have read it in its place.

The last is ``judged/documentation.jsonl``: two judges, both of them a language model, said of each answer, without
knowing what had given it nor what the other says, whether who asked has what was asked for ("r"), a part of it ("p"),
or not ("w"), with the question, the references and the text around both before them. An answer is right where both say
so, or where it matches a reference to the word. Two runs of one model err alike, so that their agreement says only
that the question put to them is clear; ten or twenty lines of the file, read by yourself, say more.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from sklearn.metrics import cohen_kappa_score

from odqa.evaluation.judging import KEPT, Judgement, Scores
from odqa.types import Answer

VERDICTS = Path(__file__).parent / "judged" / "documentation.jsonl"
RIGHT = "r"
HALF = 0.5  # Token F1 or ROUGE-1 F1.


def strict(scores: Scores) -> bool:
    """Whether an answer is right to the word."""
    return scores.exact_match == 1


def lenient(scores: Scores) -> bool:
    """Whether an answer has half of what was asked for."""
    return max(scores.f1, scores.rouge1_f1) >= HALF


class Criterion(Protocol):
    """Says when an answer is right."""

    @property
    def name(self) -> str:
        """The head of its column."""

    def first(self, one: Judgement) -> bool:
        """Whether the first answer is right."""

    def five(self, one: Judgement) -> bool:
        """Whether one of the first five is."""


@dataclass(frozen=True, slots=True)
class ByScores:
    """By what an answer is worth against the references."""

    name: str
    right: Callable[[Scores], bool]

    def first(self, one: Judgement) -> bool:
        """Whether the first answer is right."""
        return self.right(one.forced)

    def five(self, one: Judgement) -> bool:
        """Whether one of the first five is."""
        return self.right(one.top5)


@dataclass(frozen=True, slots=True)
class ByJudges:
    """By the verdicts of judges, (question's id, answer) -> a letter of each; an answer without any is wrong."""

    verdicts: Mapping[tuple[str, str], str]
    name: str = "judged"

    @classmethod
    def load(cls, path: Path = VERDICTS) -> ByJudges:
        """Read a file of verdicts: in each line a question's id, an answer, and what each said of it."""
        rows = map(json.loads, path.read_text(encoding="utf-8").splitlines())
        return cls({(row["id"], row["answer"]): row["verdicts"] for row in rows})

    def first(self, one: Judgement) -> bool:
        """Whether the first answer is right."""
        return strict(one.forced) or any(self._right(one, answer) for answer in one.decision.answers[:1])

    def five(self, one: Judgement) -> bool:
        """Whether one of the first five is."""
        return strict(one.top5) or any(self._right(one, answer) for answer in one.decision.answers[:KEPT])

    def unknown(self, of_five: Sequence[Judgement], of_first: Sequence[Judgement]) -> int:
        """How many answers have no verdict though one would count, where five are asked for and where the first is."""
        wanted: set[tuple[str, str]] = set()
        for some, at_most in ((of_five, KEPT), (of_first, 1)):
            for one in some:
                count = 0 if strict(one.forced) else 1 if strict(one.top5) else at_most
                wanted.update((one.id, answer.text) for answer in one.decision.answers[:count])
        return len(wanted - self.verdicts.keys())

    def agreement(self) -> float:
        """Cohen's kappa of the two on right against not right."""
        return float(
            cohen_kappa_score(*zip(*(map(RIGHT.__eq__, said) for said in self.verdicts.values()), strict=True))
        )

    def _right(self, one: Judgement, answer: Answer) -> bool:
        said = self.verdicts.get((one.id, answer.text), "")
        return bool(said) and set(said) == {RIGHT}


STRICT, LENIENT = ByScores("strict", strict), ByScores("lenient", lenient)
