"""A score of a report goes in by its name, the cell of a table with its interval comes out."""

from __future__ import annotations

from typing import Literal

from odqa.evaluation.report import Level, RetrievalScores
from odqa.reports.tables import Cell

Name = Literal[
    "rouge1_f1",
    "rouge1_f1_answerable",
    "rouge1_f1_answerable_forced",
    "exact_match",
    "f1",
    "has_answer_exact_match",
    "has_answer_f1",
    "no_answer_accuracy",
]


def score(level: Level, name: Name) -> Cell:
    """The score of this name and the interval of the same name."""
    return Cell(getattr(level, name), level.intervals.get(name))


def recall(retrieval: RetrievalScores, depth: int) -> Cell:
    """Recall of the gold passage at a depth that was measured."""
    return Cell(retrieval.recall[depth], retrieval.recall_intervals.get(depth))
