"""Fits all rankings for a reader over an index, on questions whose answers are known. Knows no command and no formula.

Every question is read at several k, so that what is fitted holds for all of them. Every answerable one is also asked of
the corpus without its gold passages: what no passage answers is what a corpus's abstention must be fitted on.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from odqa.answering.fitted import Fit
from odqa.answering.ranking import RANKINGS
from odqa.errors import UsageError
from odqa.evaluation.calibration import auroc, expected_calibration_error, risk_coverage_area
from odqa.evaluation.fitting import ANSWERABLE, Case, check, crossed, fit, masses
from odqa.evaluation.readings import Readings
from odqa.evaluation.search import KS, Progress, Read, read, search
from odqa.index.retriever import Retriever
from odqa.types import Example, Hit

UNANSWERABLE, ABSENT = "unanswerable", "absent"


def tune(
    examples: Sequence[Example],
    retriever: Retriever,
    readings: Readings,
    *,
    ks: Sequence[int] = KS,
    told: Mapping[str, Any] | None = None,
    progress: Progress | None = None,
) -> Fit:
    """Fit every ranking on ``examples``, at all ``ks``, and name the one with the best held-out token F1.

    Whatever is read is remembered by ``readings``, so that a killed run goes on where it was. ``told`` goes into the
    record, say where the examples came from. Raises DataError where
    nothing can be fitted and UsageError for a k below 1 or no k.
    """
    if not ks or min(ks) < 1:
        raise UsageError(f"k must be at least 1, not {min(ks, default=0)}")
    tell = progress or (lambda what, done, total: None)
    found = search(examples, retriever, max(ks), lambda done: tell("Searching", done, len(examples)))
    results = read(found.questions, max(ks), readings, lambda done, total: tell("Reading", done, total))
    cases = [case for k in ks for result in results for case in cases_of(result, k)]
    check(cases)
    rankings, held = {}, {}
    for name in RANKINGS:
        rankings[name] = fit(name, cases)
        held[name] = held_out(name, cases)
        tell("Fitting", 1, len(RANKINGS))
    best = max(RANKINGS, key=lambda name: held[name]["f1"])
    record = {
        **(told or {}),
        "encoder": retriever.index.manifest.encoder,
        "questions": len(examples),
        "cases": dict(Counter(case.kind for case in cases)),
        "mode": str(retriever.index.mode),
        "k": list(ks),
        "passages": len(retriever.index),
        "held_out": held,
    }
    return Fit(readings.reader.content_hash, best, rankings, record)


def cases_of(result: Read, k: int) -> list[Case]:
    """The cases of one question at ``k``: as it is, and, where it is answerable, without its gold passages."""
    searched = result.searched
    hits = searched.first(k)
    if not searched.example.answerable:
        return [_case(result, hits, UNANSWERABLE)]
    seen = any(hit.passage.id in searched.gold for hit in hits)
    return [
        _case(result, hits, ANSWERABLE if seen else ABSENT),
        _case(result, searched.without_gold(k), ABSENT),
    ]


def held_out(name: str, cases: Sequence[Case]) -> dict[str, Any]:
    """What a ranking reaches on cases that it was not fitted on, weighted by kind (see ``fitting.masses``).

    ``f1`` with abstention, ``forced_f1`` over the answerable cases, ``auroc`` of answerable against each other kind by
    the probability of no answer, ``calibration_error`` and ``risk_coverage_area`` of the first answers' confidence over
    all cases, ``coverage``, the share of answered cases, at each k the same threshold.
    """
    scored, sure, answered = crossed(name, cases)
    mass = masses(cases)
    kinds = np.array([case.kind for case in cases])
    answerable = kinds == ANSWERABLE
    f1 = np.array([one.f1 for one in scored])
    value = np.where(answered, f1, (~answerable).astype(float))
    right = np.array([one.outcome == "right" for one in scored])
    none = sure[:, 2]
    return {
        "f1": float((value * mass).sum() / mass.sum()),
        "forced_f1": float(f1[answerable].mean()),
        "auroc": {
            kind: _rounded(auroc(none[kinds == kind], none[answerable])) for kind in sorted(set(kinds) - {ANSWERABLE})
        },
        "calibration_error": expected_calibration_error(*_repeat(sure[:, 0], right, mass)),
        "risk_coverage_area": risk_coverage_area(sure[:, 0], right),
        "coverage": float((answered * mass).sum() / mass.sum()),
    }


def _case(result: Read, hits: Sequence[Hit], kind: str) -> Case:
    example = result.searched.example
    references = tuple(reference.text for reference in example.references)
    return Case(result.searched.question, tuple(hits), result.found(hits), references, kind, example.context)


def _repeat(
    sure: NDArray[np.float64], right: NDArray[np.bool_], mass: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Cases drawn in proportion to their mass, always the same ones, so that an unweighted measure weighs them."""
    edges = np.cumsum(mass) / mass.sum()
    at = np.searchsorted(edges, (np.arange(4 * len(mass)) + 0.5) / (4 * len(mass)))
    return sure[at], right[at]


def _rounded(value: float | None) -> float | None:
    return None if value is None or math.isnan(value) else round(value, 4)
