"""Judgements go in; the scores of one way of answering come out, with their intervals."""

from __future__ import annotations

from collections.abc import Sequence

from odqa.evaluation.bootstrap import confidence_interval
from odqa.evaluation.confidence import auroc
from odqa.evaluation.judging import Judgement, Prediction
from odqa.evaluation.metrics import best_threshold, mean
from odqa.evaluation.report import Counts, Interval, Level, TopScores

INTERVAL = 0.95  # The level of the bootstrap intervals.


def counts(judgements: Sequence[Judgement] | Sequence[Prediction]) -> Counts:
    """How many questions there are."""
    answerable = sum(one.answerable for one in judgements)
    return Counts(len(judgements), answerable, len(judgements) - answerable)


def level(judgements: Sequence[Judgement] | Sequence[Prediction]) -> Level:
    """All scores of the decisions; of predictions, without a forced answer and what is derived from one."""
    given = [one.given for one in judgements]
    answerable = [one.given for one in judgements if one.answerable]
    decided = [one for one in judgements if isinstance(one, Judgement)]
    forced = [one.forced.rouge1_f1 for one in decided if one.answerable]
    means = {
        "rouge1_f1": [one.rouge1_f1 for one in given],
        "rouge1_f1_answerable": [one.rouge1_f1 for one in answerable],
        "rouge1_f1_answerable_forced": forced,
        "exact_match": [one.exact_match for one in given],
        "f1": [one.f1 for one in given],
        "has_answer_exact_match": [one.exact_match for one in answerable],
        "has_answer_f1": [one.f1 for one in answerable],
        "no_answer_accuracy": [one.given.exact_match for one in judgements if not one.answerable],
    }
    best = (
        best_threshold(
            [one.forced.f1 for one in decided],
            [one.answerable for one in decided],
            [one.answerability if one.first else float("-inf") for one in decided],
        )
        if decided
        else None
    )
    separation = auroc(*([one.answerability for one in decided if one.answerable is which] for which in (True, False)))
    return Level(
        **{name: mean(values) for name, values in means.items()},
        best_threshold_f1=best.f1 if best else None,
        best_threshold_margin=best.margin if best else None,
        auroc=separation,
        intervals={name: interval(values) for name, values in means.items()},
        interval_level=INTERVAL,
    )


def top_scores(judgements: Sequence[Judgement]) -> TopScores:
    """The best of the first five answers over the answerable questions, whatever was abstained from."""
    some = [one.top5 for one in judgements if one.answerable]
    return TopScores(
        mean([one.rouge1_f1 for one in some]), mean([one.exact_match for one in some]), mean([one.f1 for one in some])
    )


def interval(values: Sequence[float]) -> Interval:
    """The bootstrap interval of a mean; None of nothing."""
    return confidence_interval(values, level=INTERVAL) if values else None
