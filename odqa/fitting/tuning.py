"""Questions whose answers are known, an index and a reader go in; every ranking, fitted, comes out. Knows no formula.

Every question is read at several k, so that what is fitted holds for all of them. Every answerable one is also asked of
the corpus without its gold passages: what no passage answers is what a corpus's abstention must be fitted on.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from odqa.answering.deciders import Decider, Decision
from odqa.answering.fit_file import Fit, reader_rule
from odqa.answering.ranking import RANKINGS
from odqa.errors import UsageError
from odqa.evaluation.cases import KS, Case, Dataset, read, search
from odqa.evaluation.confidence import auroc, expected_calibration_error, risk_coverage_area
from odqa.evaluation.readings import Readings
from odqa.fitting.gain import gain
from odqa.fitting.ranking import ANSWERABLE, FOLDS, Trial, check, crossed, f1_of, fit_ranking, masses, outcome_of
from odqa.fitting.steps import FIRST, Pair, fit_enough
from odqa.index.retriever import Retriever
from odqa.types import Example, Hit, Progress

UNANSWERABLE, ABSENT = "unanswerable", "absent"
CONTEXT, QUESTION = "context", "question"  # What is held out together.


def tune(
    dataset: Dataset,
    retriever: Retriever,
    readings: Readings,
    *,
    ks: Sequence[int] = KS,
    language: str = "en",
    before: Decider | None = None,
    progress: Progress | None = None,
) -> Fit:
    """Fit every ranking on a dataset, at all ``ks``, and name the one with the best held-out token F1.

    Answers are right by the rules for the ``language``. All passages are read for it; when the first of them would have
    been enough is fitted last, at the largest k. The record says what is gained over ``before``, what decides until now
    (None: the reader's own rule).

    Whatever is read is remembered by ``readings``, so that a killed run continues where it was. Raises DataError
    where nothing can be fitted and UsageError for a k below 1 or no k.
    """
    if not ks or min(ks) < 1:
        raise UsageError(f"k must be at least 1, not {min(ks, default=0)}")
    examples = dataset.examples
    tell = progress or (lambda what, done, total: None)
    found = search(examples, retriever, max(ks), lambda done: tell("Searching", done, len(examples)), dataset.sources)
    cases = read(found.queries, max(ks), readings, lambda done, total: tell("Reading", done, total))
    by = held_out_by(examples)
    tried = {
        k: [(case, grouped(case, trial, by)) for case in cases for trial in trials_of(case, k, language)] for k in ks
    }
    trials = [trial for some in tried.values() for _, trial in some]
    check(trials)
    # What is still to be read may change the most where the most is.
    pairs = [pair_of(case, trial) for case, trial in tried[max(ks)]]
    rankings, decisions, held, reading = {}, {}, {}, {}
    for name in RANKINGS:
        rule = fit_ranking(name, trials)
        enough, reading[name] = fit_enough(rule, pairs)
        rankings[name] = replace(rule, enough=enough)
        decisions[name] = crossed(name, trials)
        held[name] = held_out(decisions[name], trials)
        tell("Fitting", 1, len(RANKINGS))
    best = max(RANKINGS, key=lambda name: held[name]["f1"])
    record = {
        "dataset": dataset.name,
        "sha256": dataset.sha256 or None,
        "language": language,
        "encoder": retriever.index.manifest.encoder,
        "questions": len(examples),
        "cases": dict(Counter(trial.kind for trial in trials)),
        "mode": str(retriever.index.mode),
        "k": list(ks),
        "passages": len(retriever.index),
        "held_out": held,
        "held_out_by": by,
        "reading": reading,
        "gain": gain(before or reader_rule(readings.reader), decisions[best], trials),
    }
    return Fit(readings.reader.content_hash, best, rankings, record)


def held_out_by(examples: Sequence[Example]) -> str:
    """What is held out together: all of a ``context``, or of a ``question`` where a few contexts have most of them.

    One that has more than half of the questions would be judged by what was fitted on the few others, or on itself.
    """
    sizes = Counter(example.context for example in examples)
    return CONTEXT if len(sizes) >= FOLDS and max(sizes.values()) <= len(examples) / 2 else QUESTION


def grouped(case: Case, trial: Trial, by: str) -> Trial:
    """A trial of a case, in the group with which it is held out; see :func:`held_out_by`."""
    return replace(trial, group=case.query.example.id) if by == QUESTION else trial


def trials_of(case: Case, k: int, language: str = "en") -> list[Trial]:
    """The trials of one question at ``k``: as it is, and, where it is answerable, without its gold passages."""

    def trial(hits: Sequence[Hit], kind: str) -> Trial:
        example = case.query.example
        return Trial(
            case.query.question, case.candidates(hits), tuple(case.references), kind, example.context, language
        )

    query = case.query
    hits = query.first(k)
    if not query.example.answerable:
        return [trial(hits, UNANSWERABLE)]
    found = any(hit.passage.id in query.gold for hit in hits)
    return [trial(hits, ANSWERABLE if found else ABSENT), trial(query.without_gold(k), ABSENT)]


def pair_of(case: Case, trial: Trial) -> Pair:
    """A trial with what it is where only the first passages are read."""
    return Pair(trial.question, trial.kind, case.candidates(trial.candidates.hits, FIRST), trial.candidates)


def held_out(decisions: Sequence[Decision], trials: Sequence[Trial]) -> dict[str, Any]:
    """What decisions on trials that nothing was fitted on reach, weighted by kind (see ``ranking.masses``).

    ``f1`` with abstention, ``forced_f1`` over the answerable trials, ``auroc`` of answerable against each other kind by
    the probability of no answer, ``calibration_error`` and ``risk_coverage_area`` of the first answers' confidence over
    all trials, ``coverage``, the share of answered trials, at each k the same threshold.
    """
    mass = masses(trials)
    kinds = np.array([trial.kind for trial in trials])
    answerable = kinds == ANSWERABLE
    answered = np.array([decision.answered for decision in decisions])
    pairs = list(zip(decisions, trials, strict=True))
    f1 = np.array([f1_of(decision.first, trial) for decision, trial in pairs])
    value = np.where(answered, f1, (~answerable).astype(float))
    right = np.array([outcome_of(decision.first, trial) == "right" for decision, trial in pairs])
    sure = np.array([decision.first.confidence if decision.first else 0.0 for decision in decisions])
    none = np.array([decision.no_answer_probability for decision in decisions])
    return {
        "f1": float((value * mass).sum() / mass.sum()),
        "forced_f1": float(f1[answerable].mean()),
        "auroc": {
            kind: _rounded(auroc(none[kinds == kind], none[answerable])) for kind in sorted(set(kinds) - {ANSWERABLE})
        },
        "calibration_error": expected_calibration_error(*_repeat(sure, right, mass)),
        "risk_coverage_area": risk_coverage_area(sure, right),
        "coverage": float((answered * mass).sum() / mass.sum()),
    }


def _repeat(
    sure: NDArray[np.float64], right: NDArray[np.bool_], mass: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Trials drawn in proportion to their mass, always the same ones, so that an unweighted measure weighs them."""
    edges = np.cumsum(mass) / mass.sum()
    at = np.searchsorted(edges, (np.arange(4 * len(mass)) + 0.5) / (4 * len(mass)))
    return sure[at], right[at]


def _rounded(value: float | None) -> float | None:
    return None if value is None or math.isnan(value) else round(value, 4)
