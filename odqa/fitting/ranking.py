"""Trials, questions over an index whose answers are known, go in; the fitted rule of a ranking comes out.

A *trial* is a question with its candidates at one k, and what is right. Each ranking is fitted alike:

1. its weights, so that right places are most likely: the least mean of -log(sum over right places of exp(score) / sum
   over all places of exp(score)), over the trials in which some place is right (maximum marginal likelihood, Clark and
   Gardner 2018, section 2.2), with a little of L2 on the weights of the priors;
2. its calibrator, a multinomial logistic regression on the three outcomes, with L2;
3. its threshold on the probability that there is no answer, by the best token F1, as many answers as that allows.

Weights of trials: half of the total goes to those that are answerable where they were searched, half to the others, and
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
from odqa.answering.candidates import Candidates, Evidence
from odqa.answering.deciders import Decision, FittedRule
from odqa.answering.ranking import WITH_PRIOR, Weights, place_scores, rank
from odqa.errors import DataError
from odqa.evaluation.metrics import exact_match, token_f1
from odqa.types import Answer

Array = NDArray[np.float64]

ANSWERABLE = "answerable"
LOG_TEMPERATURES = (math.log(0.05), math.log(20.0))  # Between these a temperature is sought.
PRIORS = (-2.0, 2.0)  # And the priors' weights.
PENALTY = 0.01  # L2 on the priors' weights.
SHRINK = 1.0  # sklearn's C: the inverse of L2 on the calibrator's weights, in spreads.
SLACK = 0.005  # Of token F1, half of what a thousand questions can tell apart.
FOLDS = 5


@dataclass(frozen=True, slots=True)
class Trial:
    """A question with its candidates. ``kind`` is ``answerable``, or says why nothing answers it there.

    ``references`` are right answers' texts, none for an unanswerable question; ``group`` names what belongs together
    when some trials are held out (a paragraph), ``language`` the rules by which answers are compared.
    """

    question: str
    candidates: Candidates
    references: tuple[str, ...]
    kind: str
    group: str
    language: str = "en"


@dataclass(frozen=True, slots=True)
class Observation:
    """What a ranking makes of a trial, for the calibrator: features (features,), token F1 of the first answer, outcome.

    ``features`` is None where there is no answer at all.
    """

    features: tuple[float, ...] | None
    f1: float
    outcome: str


def check(trials: Sequence[Trial]) -> None:
    """Raise DataError where there is nothing to fit on: no answerable question, or a right place for none."""
    if not any(trial.references for trial in trials):
        raise DataError(
            "no question is answerable, so there is nothing to fit a ranking on; give a dataset with answers"
        )
    if not _has_right(trials):
        raise DataError(
            "the reader finds a right answer to none of these questions in the passages of the index; index the "
            "documents that they are about"
        )


def fit_ranking(name: str, trials: Sequence[Trial]) -> FittedRule:
    """Fit the ranking ``name``. Raises DataError as :func:`check` does."""
    check(trials)
    weights = fit_weights(name, trials)
    observations = [observe(name, weights, trial) for trial in trials]
    mass = masses(trials)
    calibrator = fit_calibrator(observations, mass)
    none = probabilities(calibrator, observations)[:, 2]
    return FittedRule(name, weights, calibrator, fit_probability_threshold(none, observations, trials, mass))


def fit_weights(name: str, trials: Sequence[Trial]) -> Weights:
    """The weights that make right places most likely; the temperature alone where the ranking has no prior."""
    from scipy.optimize import minimize

    masks = [(trial.candidates.evidence, _right(trial)) for trial in trials]
    usable = [(evidence, right) for evidence, right in masks if right.any() and not right.all()]
    if not usable:
        return Weights()
    # One row a trial and one column a place, so that a step is a few array operations; -inf where there is no place.
    shape = (len(usable), max(len(right) for _, right in usable))
    right = np.zeros(shape, dtype=bool)
    null, dense, bm25 = np.zeros(shape), np.zeros(shape), np.zeros(shape)
    all_of = Evidence(np.full(shape, -np.inf), null, dense, bm25, np.zeros(0, dtype=np.intp), np.zeros((0, 1)))
    for row, (evidence, mask) in enumerate(usable):
        some = slice(len(mask))
        right[row, some] = mask
        for column in ("span", "null", "dense", "bm25"):
            getattr(all_of, column)[row, some] = getattr(evidence, column)
    # What all passages share, as the denominator of softmax is, moves no likelihood.
    formula = "logit" if name == "softmax" else name

    def loss(free: Array) -> float:
        scores = place_scores(formula, all_of, Weights(float(np.exp(free[0])), *map(float, free[1:])))
        weight = np.exp(scores - scores.max(axis=1, keepdims=True))
        likelihood = (weight * right).sum(axis=1) / weight.sum(axis=1)
        return float(-np.log(np.maximum(likelihood, 1e-12)).mean() + PENALTY * (free[1:] ** 2).sum())

    bounds = [LOG_TEMPERATURES, PRIORS, PRIORS] if name in WITH_PRIOR else [LOG_TEMPERATURES]
    start = np.zeros(len(bounds))
    free = np.atleast_1d(minimize(loss, start, method="Powell", bounds=bounds, options={"xtol": 1e-3}).x)
    return Weights(float(np.exp(free[0])), *map(float, free[1:]))


def observe(name: str, weights: Weights, trial: Trial) -> Observation:
    """What the ranking makes of a trial."""
    if not trial.candidates.places:
        return Observation(None, 0.0, "other" if trial.kind == ANSWERABLE else "none")
    answers = rank(name, weights, trial.candidates)
    return Observation(
        tuple(features(trial.question, answers, trial.candidates.hits)),
        f1_of(answers[0], trial),
        outcome_of(answers[0], trial),
    )


def f1_of(answer: Answer | None, trial: Trial) -> float:
    """The token F1 of an answer; 0 without one, and for a question without references, which should get none."""
    return token_f1(answer.text, trial.references, trial.language) if answer and trial.references else 0.0


def outcome_of(answer: Answer | None, trial: Trial) -> str:
    """Which of the calibrator's outcomes a first answer is; None is that no span was found."""
    if answer and trial.references and exact_match(answer.text, trial.references, trial.language):
        return "right"
    return "other" if trial.kind == ANSWERABLE else "none"


def masses(trials: Sequence[Trial]) -> Array:
    """The weight of every trial, (trials,), summing to their number: half on the answerable, half on all others."""
    kinds = Counter(trial.kind for trial in trials)
    others = len(kinds) - (ANSWERABLE in kinds)
    share = {kind: 0.5 if kind == ANSWERABLE else 0.5 / others for kind in kinds}
    total = math.fsum(share.values())
    return np.array([share[trial.kind] / kinds[trial.kind] for trial in trials]) * len(trials) / total


def fit_calibrator(observations: Sequence[Observation], mass: Array) -> Calibrator:
    """The logistic regression of the outcomes on the features of the trials in which there was any answer."""
    from sklearn.linear_model import LogisticRegression

    at = [index for index, one in enumerate(observations) if one.features is not None]
    values = np.array([observations[index].features for index in at], dtype=np.float64)
    outcomes = np.array([OUTCOMES.index(observations[index].outcome) for index in at])
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


def probabilities(calibrator: Calibrator, observations: Sequence[Observation]) -> Array:
    """The outcomes' probabilities (trials, 3); "none" for sure where there was no answer at all."""
    at = [index for index, one in enumerate(observations) if one.features is not None]
    found = np.tile(np.array([0.0, 0.0, 1.0]), (len(observations), 1))
    if at:
        found[at] = calibrator.probabilities(np.array([observations[index].features for index in at], dtype=np.float64))
    return found


def fit_probability_threshold(
    none: Array, observations: Sequence[Observation], trials: Sequence[Trial], mass: Array
) -> float:
    """The probability of "no answer" up to which to answer, by the best weighted token F1 over all trials.

    Of thresholds that are as good up to ``SLACK`` it is the one that answers most: F1 hardly changes around its best,
    and who asks mostly asks what the documents answer. Halfway between the last trial to answer and the next one.
    Abstaining is worth 1 where there are no references, and where they can be found in no passage that was searched.
    """
    gain = np.array([one.f1 for one in observations]) - np.array([float(trial.kind != ANSWERABLE) for trial in trials])
    order = np.argsort(none, kind="stable")
    values, ends = np.unique(none[order], return_index=True)
    sums = np.add.reduceat((gain * mass)[order], ends)
    total = np.concatenate([[0.0], np.cumsum(sums)])  # Answering the first 0, 1, … distinct probabilities.
    best = int(np.flatnonzero(total >= total.max() - SLACK * mass.sum())[-1])
    edges = np.concatenate([[0.0], values, [1.0]])
    return float((edges[best] + edges[best + 1]) / 2)


def crossed(name: str, trials: Sequence[Trial], folds: int = FOLDS) -> list[Decision]:
    """The decision on each trial by the ranking as it was fitted on the others.

    Trials of one group are held out together, so that nothing of a paragraph is fitted on. Where the others are too few
    to fit anything on, all are used.
    """
    groups = {group: number % folds for number, group in enumerate(dict.fromkeys(trial.group for trial in trials))}
    fold = np.array([groups[trial.group] for trial in trials])
    whole = None
    decisions: dict[int, Decision] = {}
    for number in range(min(folds, len(groups))):
        others = [trials[at] for at in np.flatnonzero(fold != number).tolist()]
        if _has_right(others):
            rule = fit_ranking(name, others)
        else:
            rule = whole = whole or fit_ranking(name, trials)
        for at in np.flatnonzero(fold == number).tolist():
            decisions[at] = rule.decide(trials[at].question, trials[at].candidates)
    return [decisions[at] for at in range(len(trials))]


def _has_right(trials: Sequence[Trial]) -> bool:
    """Whether there is enough to fit a ranking on: an answerable question, and a right place of any."""
    return any(one.kind == ANSWERABLE for one in trials) and any(_right(one).any() for one in trials)


def _right(trial: Trial) -> NDArray[np.bool_]:
    """Which places of a trial say what a reference says, (places,)."""
    right = np.zeros(len(trial.candidates.places), dtype=bool)
    for group in trial.candidates.groups:
        text = trial.candidates.places[group[0]].text
        right[list(group)] = bool(trial.references) and exact_match(text, trial.references, trial.language) == 1
    return right
