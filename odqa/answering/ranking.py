"""Candidates go in, answers come out in the order of a ranking. Pure; knows no threshold and no probability.

A reader gives every span of a passage a score, start logit + end logit, and the passage a null score. A retriever gives
every passage a cosine, a BM25 score, or both. Out of these each ranking makes one score for a place, and one for an
answer, which is a text and may stand in several places (its mentions):

=========  =====================================================================  =================
name       score of a place                                                       score of an answer
=========  =====================================================================  =================
logit      span / T                                                               its best place
null       (span - null) / T                                                      its best place
softmax    span / T - log(sum over all spans and nulls of exp(score / T))         log-sum-exp
prior      (span - null) / T + a log p(passage | question) + b log p'(passage |   its best place
           question)
evidence   as prior                                                               log-sum-exp
=========  =====================================================================  =================

*logit* is what most systems sort by, though each passage's logits have a scale of their own. *null* is the log-odds of
a span against "this passage does not answer", in which that scale cancels (Devlin et al. 2019, section 4.3, for one
passage). *softmax* is the softmax shared by all passages of Clark and Gardner 2018 (section 3.1), with the nulls in it:
it is right as far as the reader was trained that way. *prior* is Bayes' rule, P(span | question) = P(passage |
question) P(span | passage, question), as in Lee, Chang and Toutanova 2019 (ORQA), with the weights a and b since both
retrievers see the same words; p is the retriever's own training objective, the softmax of its cosines over 0.05, and p'
the softmax of BM25, which is itself a sum of log-odds (Robertson and Zaragoza 2009, section 3). *evidence* adds the
probabilities of all mentions, as Wang et al. 2018 ("Evidence Aggregation") count and cover them.

T, a and b are fitted (:mod:`odqa.fitting.ranking`) on data that is not reported on.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from odqa.answering.candidates import Array, Candidates, Evidence, log_sum_exp
from odqa.arguments import meant
from odqa.errors import UsageError
from odqa.types import Answer

RANKINGS = ("logit", "null", "softmax", "prior", "evidence")
SUMMED = frozenset({"softmax", "evidence"})  # Those in which all mentions of an answer count.
WITH_PRIOR = frozenset({"prior", "evidence"})


class Weights(NamedTuple):
    """What is fitted of a ranking: the temperature T of the reader's scores, and the weights a and b of the priors."""

    temperature: float = 1.0
    dense: float = 0.0
    bm25: float = 0.0


def check_ranking(name: str | None) -> None:
    """Raise UsageError for a name that no ranking has; None is no name."""
    if name is not None and name not in RANKINGS:
        guess = meant(name, RANKINGS) if isinstance(name, str) else ""
        raise UsageError(f"no such ranking: {name!r}{f'; {guess}' if guess else '.'} There are {', '.join(RANKINGS)}")


def rank(name: str, weights: Weights, candidates: Candidates) -> list[Answer]:
    """The answers by the ranking ``name``, best first; of each its places, best first. Their confidence is nan."""
    scores = place_scores(name, candidates.evidence, weights)
    totals = answer_scores(name, scores, candidates.evidence.texts)
    answers = []
    # Stable: of equal scores the larger margin comes first, as places do.
    for number in np.argsort(-totals, kind="stable").tolist():
        group = sorted(candidates.groups[number], key=lambda at: -scores[at])
        places = tuple(candidates.places[at] for at in group)
        answers.append(Answer(places[0].text, math.nan, float(totals[number]), places))
    return answers


def place_scores(name: str, evidence: Evidence, weights: Weights) -> Array:
    """The score of every place, (n,), by the ranking ``name``; larger is better. Raises KeyError for another name."""
    if name not in RANKINGS:
        raise KeyError(name)
    if name == "logit":
        return evidence.span / weights.temperature
    if name == "softmax":
        return evidence.span / weights.temperature - log_sum_exp(evidence.total.ravel() / weights.temperature)
    scores = (evidence.span - evidence.null) / weights.temperature
    if name in WITH_PRIOR:
        scores = scores + weights.dense * evidence.dense + weights.bm25 * evidence.bm25
    return scores


def answer_scores(name: str, scores: Array, texts: NDArray[np.intp]) -> Array:
    """The score of every answer, (answers,), from those of its places: their best, or the log of their sum."""
    count = int(texts.max()) + 1 if len(texts) else 0
    best = np.full(count, -np.inf)
    np.maximum.at(best, texts, scores)
    if name not in SUMMED:
        return best
    return np.asarray(best + np.log(np.bincount(texts, np.exp(scores - best[texts]), minlength=count)))
