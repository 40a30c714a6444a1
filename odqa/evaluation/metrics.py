"""An answer and its references go in, a score comes out; so do the ranks of relevant passages. Pure functions.

A prediction is a text, the empty text where the reader abstains. References are a question's reference texts, none
for an unanswerable question. Scores run from 0 to 1, and a question without a prediction scores 0 in all of them.
Exact match, token F1 and the best threshold follow the official SQuAD v2 script, evaluate-v2.0.py (Rajpurkar, Jia
and Liang 2018); other languages have rules of their own (:mod:`odqa.evaluation.languages`).
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, NamedTuple

from odqa.corpus.sentences import sentences
from odqa.evaluation.languages import UnicodeTokenizer, normalize
from odqa.retrieval.words import Analyzer
from odqa.types import Hit, Reference, Span


class BestThreshold(NamedTuple):
    """The highest mean F1 that any threshold on the margin reaches, and the least margin answered for it.

    The margin is None where nothing is better than abstaining everywhere.
    """

    f1: float
    margin: float | None


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


def best_threshold(f1: Sequence[float], answerable: Sequence[bool], margins: Sequence[float]) -> BestThreshold:
    """Find the least margin at which to answer for the best mean F1 (``find_best_thresh`` of the script).

    For each question, ``f1`` is the token F1 of its first answer whatever the rule says, and ``margins`` how far that
    answer beats "no answer" (the script has it with the other sign, null - best span); -inf, where no span was found,
    is never answered. Starting from abstaining everywhere, questions are answered one by one from the largest margin
    down. As in the script, equal margins are not kept together; where nothing is better than abstaining everywhere, the
    margin is None (0.0 in the script, which is the margin of another rule). Raises ValueError without questions.
    """
    if not f1:
        raise ValueError("the best threshold needs at least one question")
    current = best = float(len(answerable) - sum(answerable))
    margin: float | None = None
    for at in sorted(range(len(f1)), key=lambda at: -margins[at]):
        if margins[at] == -math.inf:
            break
        current += f1[at] if answerable[at] else -1.0
        if current > best:
            best, margin = current, margins[at]
    return BestThreshold(best / len(f1), margin)


def mean(values: Sequence[float]) -> float | None:
    """The mean; None of nothing."""
    return sum(values) / len(values) if values else None


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


def recall(ranks: Sequence[int], relevant: int, k: int) -> float:
    """The share of a question's ``relevant`` passages, found at ``ranks`` counted from 1, among the first ``k``."""
    return sum(rank <= k for rank in ranks) / relevant


def reciprocal_rank(ranks: Sequence[int], k: int) -> float:
    """1 / the place of the first relevant passage, 0 where none is among the first ``k``; its mean is MRR@k."""
    first = min(ranks, default=k + 1)
    return 1 / first if first <= k else 0.0


def ndcg(ranks: Sequence[int], relevant: int, k: int) -> float:
    """The discounted gain of the first ``k`` over that of the best order (Järvelin and Kekäläinen 2002), log base 2."""
    ideal = math.fsum(1 / math.log2(place + 1) for place in range(1, min(relevant, k) + 1))
    return math.fsum(1 / math.log2(rank + 1) for rank in ranks if rank <= k) / ideal


def best_sentence(question: str, hits: Sequence[Hit], stems: Analyzer) -> str:
    """The sentence of the first passage that shares the most stems with the question; the earliest of equal ones."""
    if not hits:
        return ""
    text = hits[0].passage.text
    asked = set(stems(question))
    found = [text[start:end] for start, end in sentences(text, 0, len(text))]
    return max(found, key=lambda sentence: len(asked & set(stems(sentence))), default="")


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
