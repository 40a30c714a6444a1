"""Trials, the decisions on them and what decided until now go in; what is gained, with its interval, comes out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from odqa.answering.deciders import Decider, Decision
from odqa.evaluation.bootstrap import confidence_interval
from odqa.fitting.ranking import ANSWERABLE, Trial, f1_of, masses


def gain(before: Decider, decisions: Sequence[Decision], trials: Sequence[Trial]) -> dict[str, Any]:
    """Token F1 of ``decisions``, which were made by what was fitted on other trials, against that of ``before``.

    As plain values: ``over``, the name of what was before, ``questions``, ``before`` and ``after``, weighted by kind
    (see ``ranking.masses``), their ``difference``, and its 95 % bootstrap ``interval`` over the questions, each of
    which is in several trials. Raises ValueError without trials.
    """
    until_now = [before.decide(trial.question, trial.candidates) for trial in trials]
    old, new = (_values(some, trials) for some in (until_now, decisions))
    mass = masses(trials)
    numbers = {key: at for at, key in enumerate(dict.fromkeys((one.question, one.group) for one in trials))}
    question = np.array([numbers[one.question, one.group] for one in trials])
    # So that the mean over the questions is the difference of the weighted means over the trials.
    of_question = np.bincount(question, (new - old) * mass) * len(numbers) / mass.sum()
    return {
        "over": before.name,
        "questions": len(numbers),
        "before": float((old * mass).sum() / mass.sum()),
        "after": float((new * mass).sum() / mass.sum()),
        "difference": float(of_question.mean()),
        "interval": list(confidence_interval(of_question)),
    }


def _values(decisions: Sequence[Decision], trials: Sequence[Trial]) -> NDArray[np.float64]:
    """What each decision is worth: its token F1, or 1 where none was given and there is none."""
    return np.array(
        [
            f1_of(one.first, trial) if one.answered else float(trial.kind != ANSWERABLE)
            for one, trial in zip(decisions, trials, strict=True)
        ]
    )
