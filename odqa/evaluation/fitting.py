"""Fits rankings, their calibrators and thresholds to questions whose answers are known. Reads no file and no model.

A *case* is a question with its hits and their readings, at one k, and what is right. Each ranking is fitted alike:

1. its weights, so that right places are most likely: the least mean of -log(sum over right places of exp(score) / sum
   over all places of exp(score)), over the cases in which some place is right (maximum marginal likelihood, Clark and
   Gardner 2018, section 2.2), with a little of L2 on the weights of the priors;
2. its calibrator, a multinomial logistic regression on the three outcomes, with L2;
3. its threshold on the probability that there is no answer, by the best token F1.

Weights of cases: half of the total goes to those that are answerable where they were searched, half to the others, and
of these as much to each kind. So a threshold or a probability does not depend on how many of each kind there were.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from odqa.answering.calibrator import OUTCOMES, Calibrator, features
from odqa.answering.fitted import FittedRanking, Found, ranked
from odqa.answering.ranking import WITH_PRIOR, Weights, place_scores
from odqa.errors import DataError
from odqa.evaluation.metrics import exact_match, token_f1
from odqa.types import Answer, Hit

Array = NDArray[np.float64]

ANSWERABLE = "answerable"
LOG_TEMPERATURES = (math.log(0.05), math.log(20.0))  # Between these a temperature is sought.
PRIORS = (-2.0, 2.0)  # And the priors' weights.
PENALTY = 0.01  # L2 on the priors' weights.
SHRINK = 1.0  # sklearn's C: the inverse of L2 on the calibrator's weights, in spreads.
FOLDS = 5


@dataclass(frozen=True, slots=True)
class Case:
    """A question as it was searched and read. ``kind`` is ``answerable``, or says why nothing answers it there.

    ``references`` are right answers' texts, none for an unanswerable question; ``group`` names what belongs together
    when some cases are held out (a paragraph).
    """

    question: str
    hits: tuple[Hit, ...]
    found: Found
    references: tuple[str, ...]
    kind: str
    group: str


@dataclass(frozen=True, slots=True)
class Scored:
    """What a ranking makes of a case: features (features,), and what answering with its first answer is worth."""

    features: tuple[float, ...] | None
    exact: float
    f1: float
    outcome: str


def check(cases: Sequence[Case]) -> None:
    """Raise DataError where there is nothing to fit on: no answerable question, or a right place for none."""
    if not any(case.references for case in cases):
        raise DataError(
            "no question is answerable, so there is nothing to fit a ranking on; give a dataset with answers"
        )
    if not any(_right(case).any() for case in cases):
        raise DataError(
            "the reader finds a right answer to none of these questions in the passages of the index; index the "
            "documents that they are about"
        )


def fit(name: str, cases: Sequence[Case]) -> FittedRanking:
    """Fit the ranking ``name``. Raises DataError as :func:`check` does."""
    check(cases)
    weights = fit_weights(name, cases)
    scored = [score(name, weights, case) for case in cases]
    mass = masses(cases)
    calibrator = fit_calibrator(scored, mass)
    none = probabilities(calibrator, scored)[:, 2]
    return FittedRanking(name, weights, calibrator, fit_threshold(none, scored, cases, mass))


def fit_weights(name: str, cases: Sequence[Case]) -> Weights:
    """The weights that make right places most likely; the temperature alone where the ranking has no prior."""
    from scipy.optimize import minimize

    usable = [(case.found.evidence, right) for case in cases if (right := _right(case)).any() and not right.all()]
    if not usable:
        return Weights()
    # One row a case and one column a place, so that a step is a few operations on arrays; -inf where there is no place.
    shape = (len(usable), max(len(right) for _, right in usable))
    reader, right = np.full(shape, -np.inf), np.zeros(shape, dtype=bool)
    dense, bm25 = np.zeros(shape), np.zeros(shape)
    basis = "logit" if name in ("logit", "softmax") else "null"  # What all passages share moves no likelihood.
    for row, (evidence, mask) in enumerate(usable):
        some = slice(len(mask))
        reader[row, some], right[row, some] = place_scores(basis, evidence, Weights()), mask
        dense[row, some], bm25[row, some] = evidence.dense, evidence.bm25

    def loss(free: Array) -> float:
        scores = reader * np.exp(-free[0])
        if len(free) > 1:
            scores = scores + free[1] * dense + free[2] * bm25
        weight = np.exp(scores - scores.max(axis=1, keepdims=True))
        likelihood = (weight * right).sum(axis=1) / weight.sum(axis=1)
        return float(-np.log(np.maximum(likelihood, 1e-12)).mean() + PENALTY * (free[1:] ** 2).sum())

    bounds = [LOG_TEMPERATURES, PRIORS, PRIORS] if name in WITH_PRIOR else [LOG_TEMPERATURES]
    start = np.zeros(len(bounds))
    free = np.atleast_1d(minimize(loss, start, method="Powell", bounds=bounds, options={"xtol": 1e-3}).x)
    return Weights(float(np.exp(free[0])), *map(float, free[1:]))


def score(name: str, weights: Weights, case: Case) -> Scored:
    """What the ranking makes of a case."""
    if not case.found.places:
        return Scored(None, 0.0, 0.0, "none" if case.kind != ANSWERABLE else "other")
    answers = ranked(name, weights, case.found)
    exact, f1 = worth(answers[0], case.references)
    outcome = "right" if exact else "other" if case.kind == ANSWERABLE else "none"
    return Scored(tuple(features(case.question, answers, case.hits)), exact, f1, outcome)


def worth(answer: Answer, references: Sequence[str]) -> tuple[float, float]:
    """Exact match and token F1 of an answer; 0 for a question without references, as it should not be answered."""
    if not references:
        return 0.0, 0.0
    return exact_match(answer.text, references), token_f1(answer.text, references)


def masses(cases: Sequence[Case]) -> Array:
    """The weight of every case, (cases,), summing to their number: half on the answerable, half on all other kinds."""
    kinds = Counter(case.kind for case in cases)
    others = len(kinds) - (ANSWERABLE in kinds)
    share = {kind: 0.5 if kind == ANSWERABLE else 0.5 / others for kind in kinds}
    total = math.fsum(share.values())
    return np.array([share[case.kind] / kinds[case.kind] for case in cases]) * len(cases) / total


def fit_calibrator(scored: Sequence[Scored], mass: Array) -> Calibrator:
    """The logistic regression of the outcomes on the features of the cases in which there was any answer."""
    from sklearn.linear_model import LogisticRegression

    at = [index for index, one in enumerate(scored) if one.features is not None]
    values = np.array([scored[index].features for index in at], dtype=np.float64)
    outcomes = np.array([OUTCOMES.index(scored[index].outcome) for index in at])
    mean, spread = np.zeros(values.shape[1]), np.ones(values.shape[1])
    for column, numbers in enumerate(values.T):
        known = numbers[~np.isnan(numbers)]
        if len(known) and known.std() > 1e-9:
            mean[column], spread[column] = known.mean(), known.std()
        elif len(known):
            mean[column] = known.mean()
    scaled = np.nan_to_num((values - mean) / spread, nan=0.0)
    weights, bias = np.zeros((len(OUTCOMES), values.shape[1])), np.full(len(OUTCOMES), math.log(1e-6))
    present = np.unique(outcomes)
    if len(present) == 1:
        bias[present[0]] = 0.0
    else:
        model = LogisticRegression(C=SHRINK, max_iter=2000).fit(scaled, outcomes, sample_weight=mass[at])
        if len(present) == 2:  # One row then: the log-odds of the second class.
            weights[present[1]], bias[present[0]], bias[present[1]] = model.coef_[0], 0.0, model.intercept_[0]
        else:
            weights[present], bias[present] = model.coef_, model.intercept_
    return Calibrator(
        tuple(mean.tolist()), tuple(spread.tolist()), tuple(map(tuple, weights.tolist())), tuple(bias.tolist())
    )


def probabilities(calibrator: Calibrator, scored: Sequence[Scored]) -> Array:
    """The outcomes' probabilities (cases, 3); "none" for sure where there was no answer at all."""
    at = [index for index, one in enumerate(scored) if one.features is not None]
    found = np.tile(np.array([0.0, 0.0, 1.0]), (len(scored), 1))
    if at:
        found[at] = calibrator.probabilities(np.array([scored[index].features for index in at], dtype=np.float64))
    return found


def fit_threshold(none: Array, scored: Sequence[Scored], cases: Sequence[Case], mass: Array) -> float:
    """The probability of "no answer" up to which to answer, by the best weighted token F1 over all cases.

    Halfway between the last case to answer and the next one. Abstaining is worth 1 where there are no references, and
    where they can be found in no passage that was searched.
    """
    gain = np.array([one.f1 for one in scored]) - np.array([float(case.kind != ANSWERABLE) for case in cases])
    order = np.argsort(none, kind="stable")
    values, ends = np.unique(none[order], return_index=True)
    sums = np.add.reduceat((gain * mass)[order], ends)
    total = np.concatenate([[0.0], np.cumsum(sums)])  # Answering the first 0, 1, … distinct probabilities.
    best = int(np.argmax(total))
    edges = np.concatenate([[0.0], values, [1.0]])
    return float((edges[best] + edges[best + 1]) / 2)


def crossed(name: str, cases: Sequence[Case], folds: int = FOLDS) -> tuple[list[Scored], Array, NDArray[np.bool_]]:
    """What the ranking makes of each case when fitted on the others: scores, probabilities, and whether it is answered.

    Cases of one group are held out together, so that nothing of a paragraph is fitted on. Where the others are too few
    to fit anything on, all are used.
    """
    groups = {group: number % folds for number, group in enumerate(dict.fromkeys(case.group for case in cases))}
    fold = np.array([groups[case.group] for case in cases])
    whole = None
    scored: list[Scored] = [Scored(None, 0.0, 0.0, "none")] * len(cases)
    found, answered = np.zeros((len(cases), 3)), np.zeros(len(cases), dtype=bool)
    for number in range(min(folds, len(groups))):
        inside, outside = np.flatnonzero(fold == number), np.flatnonzero(fold != number)
        others = [cases[at] for at in outside.tolist()]
        if any(_right(case).any() for case in others):
            fitted = fit(name, others)
        else:
            fitted = whole = whole or fit(name, cases)
        held = [score(name, fitted.weights, cases[at]) for at in inside.tolist()]
        sure = probabilities(fitted.calibrator, held)
        for at, one in zip(inside.tolist(), held, strict=True):
            scored[at] = one
        found[inside], answered[inside] = sure, sure[:, 2] <= fitted.threshold
    return scored, found, answered


def _right(case: Case) -> NDArray[np.bool_]:
    """Which places of a case say what a reference says, (places,)."""
    right = np.zeros(len(case.found.places), dtype=bool)
    for group in case.found.groups:
        text = case.found.places[group[0]].text
        right[list(group)] = bool(case.references) and exact_match(text, case.references) == 1
    return right
