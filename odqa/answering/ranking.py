"""Ranks the places of a question by name: from arrays to scores. Pure; knows no text, model, threshold or probability.

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

T, a and b are fitted (:mod:`odqa.evaluation.fitting`) on data that is not reported on.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from odqa.types import Hit, Place, Reading

Array = NDArray[np.float64]

RANKINGS = ("logit", "null", "softmax", "prior", "evidence")
SUMMED = frozenset({"softmax", "evidence"})  # Those in which all mentions of an answer count.
WITH_PRIOR = frozenset({"prior", "evidence"})
TEMPERATURE = {"dense": 0.05, "bm25": 1.0}  # 0.05: the scale of 20 that sentence-transformers trains with.


class Weights(NamedTuple):
    """What is fitted of a ranking: the temperature T of the reader's scores, and the weights a and b of the priors."""

    temperature: float = 1.0
    dense: float = 0.0
    bm25: float = 0.0


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is known of a question's n places, as arrays (n,), and of its p passages.

    ``span`` and ``null`` are the reader's scores of each place and its passage, ``dense`` and ``bm25`` the log
    probabilities of its passage, 0 where the retriever did not say. ``texts`` numbers what the places say, from 0.
    ``total`` (p, spans + 1) are the scores of all spans and the null of each passage, -inf where it has fewer.
    """

    span: Array
    null: Array
    dense: Array
    bm25: Array
    texts: NDArray[np.intp]
    total: Array


def gather(
    places: Sequence[Place], groups: Sequence[Sequence[int]], hits: Sequence[Hit], readings: Sequence[Reading]
) -> Evidence:
    """The arrays of a question's places (see :mod:`odqa.answering.places`); ``groups`` are those that say the same."""
    priors = {name: log_prior(hits, name) for name in TEMPERATURE}
    row = {hit.passage.id: at for at, hit in enumerate(hits)}
    rows = [row[place.passage.id] for place in places]
    texts = np.zeros(len(places), dtype=np.intp)
    for number, group in enumerate(groups):
        texts[list(group)] = number
    total = np.full((len(readings), 1 + max((len(one.spans) for one in readings), default=0)), -np.inf)
    for at, reading in enumerate(readings):
        total[at, 0] = reading.null_score
        total[at, 1 : 1 + len(reading.spans)] = [span.score for span in reading.spans]
    return Evidence(
        span=np.array([place.span.score for place in places], dtype=np.float64),
        null=np.array([place.null_score for place in places], dtype=np.float64),
        dense=priors["dense"][rows],
        bm25=priors["bm25"][rows],
        texts=texts,
        total=total,
    )


def log_prior(hits: Sequence[Hit], component: str) -> Array:
    """Give log p(passage | question), (hits,): the log softmax of a component's scores; zeros where it is not known."""
    scores = [hit.components[component].score if component in hit.components else None for hit in hits]
    known = [score for score in scores if score is not None]
    if not known or len(known) < len(scores):
        return np.zeros(len(hits))
    logits = np.array(known) / TEMPERATURE[component]
    return np.asarray(logits - _log_sum_exp(logits))


def place_scores(name: str, evidence: Evidence, weights: Weights) -> Array:
    """The score of every place, (n,), by the ranking ``name``; larger is better. Raises KeyError for another name."""
    if name not in RANKINGS:
        raise KeyError(name)
    if name == "logit":
        return evidence.span / weights.temperature
    if name == "softmax":
        return evidence.span / weights.temperature - _log_sum_exp(evidence.total.ravel() / weights.temperature)
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


def _log_sum_exp(values: Array) -> float:
    peak = values.max()
    return float(peak + np.log(np.exp(values - peak).sum()))
