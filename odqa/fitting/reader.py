"""A reader and questions whose answers are known go in; its fitted settings come out.

These are the length penalty, the no-answer threshold and the temperature, in that order: each is fitted with those
before it in place. What is fitted is the decision that `odqa ask --context` and `odqa eval` make.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import cache, partial
from typing import TYPE_CHECKING

import numpy as np

from odqa.answering.candidates import Candidates
from odqa.answering.deciders import ReaderRule
from odqa.answering.question import tidy
from odqa.corpus.blocks import context_of_example
from odqa.evaluation.cases import Case
from odqa.evaluation.judging import Judge, correctness, questions_of
from odqa.evaluation.levels import level
from odqa.evaluation.metrics import token_f1
from odqa.reader.decode import spans_of
from odqa.reader.model import MAX_ANSWER_WORDS
from odqa.reader.units import units_of
from odqa.types import Example

if TYPE_CHECKING:
    from odqa.reader.model import Reader

TEMPERATURES = (0.05, 20.0)  # The bounds of the search.
GRID = 25  # Temperatures tried between the bounds, at equal ratios, before the best one is refined.
REFINEMENTS = 20  # Golden sections: the best temperature is then known to about 1 in 10,000.
LEAST = 1e-12  # The least probability whose logarithm is taken: a wrong decision of confidence 1 costs 28.
PENALTIES = tuple(step / 50 for step in range(16))  # Logits for each word, 0 … 0.3.

Question = tuple[str, Candidates, Sequence[str]]  # Its words, its candidates, its reference answers' texts.


def fit_rule(cases: Sequence[Case], language: str = "en") -> ReaderRule:
    """The threshold of the best F1 on questions in their own contexts, then the temperature with it in place.

    Here and below answers are compared by the rules for the ``language``.
    """
    threshold = fit_margin_threshold(cases, language)
    return ReaderRule(threshold, fit_temperature(questions_of(cases), threshold, language))


def fit_margin_threshold(cases: Sequence[Case], language: str = "en") -> float:
    """The no-answer threshold of the best F1: halfway between the last question to answer and the next one.

    0 where nothing is better than never to answer, which no threshold fitted on such a set could improve.
    """
    judgements = list(Judge(ReaderRule(), language).judge(cases, 1))
    least = level(judgements).best_threshold_margin
    margins = np.array([one.answerability for one in judgements if one.first])
    if least is None:
        return 0.0
    following = margins[margins < least]
    # Where every question is to be answered the next real number will do: an answer must exceed the threshold.
    return float((least + following.max()) / 2 if len(following) else np.nextafter(least, -np.inf))


def fit_temperature(questions: Sequence[Question], threshold: float, language: str = "en") -> float:
    """The temperature that makes it most likely which decisions are right and which are wrong.

    Minimises the negative log likelihood, -log confidence for a right decision and -log(1 - confidence) for a wrong
    one (Guo et al. 2017, section 4.2), by a search over temperatures at equal ratios and golden sections around the
    best. 1, which changes nothing, where there is nothing to fit: all are right, all are wrong, or there are none.
    """
    _, correct = correctness(ReaderRule(threshold), questions, language)
    if correct.all() or not correct.any():
        return 1.0

    def loss(log_temperature: float) -> float:
        confidence, right = correctness(ReaderRule(threshold, float(np.exp(log_temperature))), questions, language)
        likelihood = np.where(right, confidence, 1 - confidence)
        return float(-np.log(np.maximum(likelihood, LEAST)).mean())

    grid = np.linspace(np.log(TEMPERATURES[0]), np.log(TEMPERATURES[1]), GRID)
    best = int(np.argmin([loss(float(point)) for point in grid]))
    low, high = grid[max(best - 1, 0)], grid[min(best + 1, GRID - 1)]
    # Where another answer comes first the loss leaps, and the search between may end on the wrong side of that.
    return float(np.exp(min(float(grid[best]), _golden_section(loss, float(low), float(high)), key=loss)))


def fit_length_penalty(
    reader: Reader,
    examples: Sequence[Example],
    progress: Callable[[int], None] | None = None,
    *,
    language: str = "en",
) -> float:
    """The penalty, of those in ``PENALTIES``, whose best spans have the best token F1 on the answerable questions.

    The questions are read once; ``progress`` is called with the number of windows read since the last call. The smaller
    penalty wins a tie; 0 where no question is answerable.
    """
    asked = [example for example in examples if example.answerable]
    contexts = [context_of_example(example) for example in asked]
    units = cache(units_of)
    best = [[(-math.inf, "")] * len(PENALTIES) for _ in asked]  # By question and penalty: score and text.
    questions = [tidy(example.question) for example in asked]
    for window, start, end in reader.logits(questions, contexts, progress=progress):
        pair, text = window.pair, contexts[window.pair].text
        decoded = partial(
            spans_of, window, units(contexts[pair]), text, start, end, n_best=1, max_units=MAX_ANSWER_WORDS
        )
        for at, penalty in enumerate(PENALTIES):
            for span in decoded(length_penalty=penalty):
                if span.score > best[pair][at][0]:
                    best[pair][at] = (span.score, text[span.start : span.end])
    totals = [0.0] * len(PENALTIES)
    for example, spans in zip(asked, best, strict=True):
        references = [reference.text for reference in example.references]
        for at, (_, text) in enumerate(spans):
            totals[at] += token_f1(text, references, language)
    return PENALTIES[totals.index(max(totals))]


def _golden_section(function: Callable[[float], float], low: float, high: float) -> float:
    """The best point tried between ``low`` and ``high``, near the minimum where there is a single one (Kiefer 1953)."""
    ratio = (5**0.5 - 1) / 2
    left, right = high - ratio * (high - low), low + ratio * (high - low)
    at_left, at_right = function(left), function(right)
    for _ in range(REFINEMENTS):
        if at_left <= at_right:
            high, right, at_right = right, left, at_left
            left = high - ratio * (high - low)
            at_left = function(left)
        else:
            low, left, at_left = left, right, at_right
            right = low + ratio * (high - low)
            at_right = function(right)
    return left if at_left <= at_right else right
