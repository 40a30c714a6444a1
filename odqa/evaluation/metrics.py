"""Knows how one answer, and a set of them, is scored against references; knows no file, model or report.

A prediction is a text, the empty text where the reader abstains. References are a question's reference texts, none
for an unanswerable question. Scores run from 0 to 1, and a question without a prediction scores 0 in all of them.
Exact match, token F1 and the best threshold follow the official SQuAD v2 script, evaluate-v2.0.py (Rajpurkar, Jia
and Liang 2018); how answers are normalised in other languages is told in :mod:`odqa.evaluation.languages`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from typing import Any, NamedTuple

from odqa.evaluation.languages import UnicodeTokenizer, normalize
from odqa.types import Reference, Span

Metric = Callable[[str, Sequence[str]], float]


class BestThreshold(NamedTuple):
    """The highest mean F1 that any threshold on the score difference reaches, and that threshold.

    A question is answered when its score difference (null - best span) is at most ``threshold``, so a reader that
    answers when best span - null exceeds its own threshold would need ``-threshold``.
    """

    f1: float
    threshold: float


class PositionAccuracy(NamedTuple):
    """The share of questions whose predicted first, and last, character is that of a reference."""

    start: float
    end: float


def exact_match(prediction: str, references: Sequence[str], language: str = "en") -> float:
    """1 where the normalised prediction is one of the normalised references, else 0."""
    return float(normalize(prediction, language) in _gold(references, language))


def token_f1(prediction: str, references: Sequence[str], language: str = "en") -> float:
    """The best F1 of the prediction's tokens against a reference's: 2 * shared / (predicted + referred).

    Tokens are counted as often as they occur. Where either side has none, 1 if neither has, else 0.
    """
    predicted = normalize(prediction, language).split()
    return max(_f1(predicted, gold.split()) for gold in _gold(references, language))


def rouge1_f1(prediction: str, references: Sequence[str], language: str = "en") -> float:
    """The best ROUGE-1 F1 over the references (rouge-score, no stemming); unanswerable: 1 if abstaining, else 0.

    For English rouge-score's own tokenizer, which knows the letters a-z and digits alone; else ``UnicodeTokenizer``.
    """
    if not references:
        return float(not prediction.strip())
    scorer = _rouge_scorer(own_tokenizer=language == "en")
    return max(float(scorer.score(reference, prediction)["rouge1"].fmeasure) for reference in dict.fromkeys(references))


def score_each(
    metric: Metric, predictions: Mapping[str, str], references: Mapping[str, Sequence[str]]
) -> dict[str, float]:
    """Question id -> score, for every question of ``references``; 0 where ``predictions`` lacks it."""
    return {key: metric(predictions[key], texts) if key in predictions else 0.0 for key, texts in references.items()}


def mean(scores: Mapping[str, float], ids: Iterable[str] | None = None) -> float | None:
    """The mean score over ``ids`` (default: all); None over no questions."""
    values = list(scores.values()) if ids is None else [scores[key] for key in ids]
    return sum(values) / len(values) if values else None


def best_threshold(
    f1: Mapping[str, float],
    predictions: Mapping[str, str],
    references: Mapping[str, Sequence[str]],
    score_differences: Mapping[str, float],
) -> BestThreshold:
    """Find the threshold that gives the best mean F1 over ``f1``'s questions (``find_best_thresh`` of the script).

    ``predictions`` are texts before any abstention and ``f1`` their scores; ``score_differences`` are null - best
    span, larger being less answerable. Starting from abstaining everywhere, questions are answered one by one from
    the smallest difference on. A question without a difference is never answered. As in the script, the threshold
    is 0.0 where nothing is better than abstaining everywhere, and equal differences are not kept together.
    Raises ValueError without questions.
    """
    if not f1:
        raise ValueError("the best threshold needs at least one question")
    current = best = float(sum(not references[key] for key in f1))
    threshold = 0.0
    for key in sorted(score_differences, key=score_differences.__getitem__):
        if key not in f1:
            continue
        current += f1[key] if references[key] else -1.0 if predictions.get(key) else 0.0
        if current > best:
            best, threshold = current, score_differences[key]
    return BestThreshold(best / len(f1), threshold)


def position_accuracy(
    spans: Mapping[str, Span | None], references: Mapping[str, Sequence[Reference]]
) -> PositionAccuracy:
    """Compare predicted character offsets with the references', start and end each on its own.

    ``spans`` holds None where the reader abstains, which is right for both on an unanswerable question alone.
    Raises ValueError without questions.
    """
    if not references:
        raise ValueError("position accuracy needs at least one question")
    starts = ends = 0
    for key, gold in references.items():
        if key not in spans:
            continue
        span = spans[key]
        if span is None:
            starts += not gold
            ends += not gold
        else:
            starts += any(span.start == reference.start for reference in gold)
            ends += any(span.end == reference.start + len(reference.text) for reference in gold)
    return PositionAccuracy(starts / len(references), ends / len(references))


def _gold(references: Sequence[str], language: str) -> list[str]:
    """The normalised references, without those of which nothing is left; [""] where no other remains."""
    return [text for text in (normalize(reference, language) for reference in references) if text] or [""]


def _f1(predicted: Sequence[str], gold: Sequence[str]) -> float:
    if not predicted or not gold:
        return float(predicted == gold)
    shared = (Counter(predicted) & Counter(gold)).total()
    return 2 * shared / (len(predicted) + len(gold))


@cache
def _rouge_scorer(*, own_tokenizer: bool) -> Any:
    from rouge_score.rouge_scorer import RougeScorer

    return RougeScorer(["rouge1"], use_stemmer=False, tokenizer=None if own_tokenizer else UnicodeTokenizer())
