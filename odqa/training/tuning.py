"""What a run's reader makes of held-out data: metrics, fitted settings, mistakes. Trains nothing."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from copy import copy
from dataclasses import dataclass, field
from functools import partial
from itertools import chain, zip_longest
from typing import Any

from odqa.evaluation.calibration import fit
from odqa.evaluation.metrics import exact_match, position_accuracy, token_f1
from odqa.evaluation.report import Calibration, Evaluation, Report, evaluate, reliability, score
from odqa.reader.decode import best_pairs
from odqa.reader.model import MAX_ANSWER_TOKENS, Reader
from odqa.training.recipe import Recipe
from odqa.types import Example

ANSWERED, ABSTAINED, WRONG = "answered_unanswerable", "abstained_wrongly", "wrong_span"
SHOWN = 5  # Mistakes that are shown.
LONGEST = 200  # Characters of a text that is shown.
PENALTIES = tuple(step / 50 for step in range(16))  # Logits for each token, 0 … 0.3.


@dataclass(frozen=True, slots=True)
class Tuned:
    """The fitted settings of a reader and, as plain values, its record on the tuning data (empty without any)."""

    threshold: float = 0.0
    temperature: float = 1.0
    length_penalty: float = 0.0
    record: dict[str, Any] = field(default_factory=dict)


def as_reader(model: Any, tokenizer: Any, recipe: Recipe, name: str) -> Reader:
    """A reader of a model in training, in the run's precision, with nothing fitted."""
    return Reader(
        model,
        tokenizer,
        name=name,
        max_length=recipe.max_length,
        stride=recipe.stride,
        dtype=recipe.precision.removeprefix("pure-"),
    )


def epoch_metrics(found: Evaluation, examples: Sequence[Example]) -> dict[str, float]:
    """EM, F1, ROUGE-1 F1, forced ROUGE-1 F1, best-threshold F1 and position accuracies, by name."""
    report = found.report
    places = position_accuracy(found.spans, {example.id: example.references for example in examples})
    return _known(
        {
            "exact_match": report["exact_match"],
            "f1": report["f1"],
            "rouge1_f1": report["rouge1_f1"],
            "rouge1_f1_answerable_forced": report["rouge1_f1_answerable_forced"],
            "best_threshold_f1": report["best_threshold"]["f1"],
            "start_accuracy": places.start,
            "end_accuracy": places.end,
        }
    )


def tune(reader: Reader, examples: Sequence[Example]) -> Tuned:
    """Fit a reader's settings on ``examples`` and record what it then does with them.

    The length penalty comes first, with it in place the no-answer threshold, with both the temperature.
    The record: counts, ``metrics`` and bootstrap ``intervals`` at the fitted threshold, ``calibration`` before and
    after, ``mistakes``. Without examples nothing is fitted and there is no record.
    """
    if not examples:
        return Tuned()
    reader = copy(reader)
    reader.length_penalty = fit_length_penalty(reader, examples)
    found = evaluate(examples, reader)
    threshold, temperature = fit(found)
    margins = {key: -difference - threshold for key, difference in found.score_differences.items()}
    predictions = {key: text if margins.get(key, -math.inf) > 0 else "" for key, text in found.forced.items()}
    report = score(examples, predictions, forced=found.forced, score_differences=found.score_differences)
    outcomes = found.outcomes.values()
    calibration = Calibration(
        before=reliability(outcomes, 0.0, 1.0), after=reliability(outcomes, threshold, temperature)
    )
    record = {
        **report["dataset"],
        "metrics": _metrics(report),
        "intervals": {name: value for name, value in report["intervals"].items() if value is not None},
        "calibration": calibration,
        "mistakes": mistakes(examples, predictions, margins),
    }
    return Tuned(threshold, temperature, reader.length_penalty, record)


def fit_length_penalty(reader: Reader, examples: Sequence[Example]) -> float:
    """The penalty, of those in ``PENALTIES``, whose best spans have the best token F1 on the answerable questions.

    The questions are read once. The smaller penalty wins a tie; 0 where no question is answerable.
    """
    asked = [example for example in examples if example.answerable]
    contexts = [example.context for example in asked]
    best_pair = partial(best_pairs, n_best=1, max_tokens=MAX_ANSWER_TOKENS)
    best = [[(-math.inf, "")] * len(PENALTIES) for _ in asked]  # By question and penalty: score and text.
    for window, start, end in reader.logits([example.question for example in asked], contexts):
        for at, penalty in enumerate(PENALTIES):
            for first, last, value in best_pair(start, end, window.answerable, length_penalty=penalty):
                if value > best[window.pair][at][0]:
                    span = slice(int(window.offsets[first, 0]), int(window.offsets[last, 1]))
                    best[window.pair][at] = (value, contexts[window.pair][span])
    totals = [0.0] * len(PENALTIES)
    for example, spans in zip(asked, best, strict=True):
        references = [reference.text for reference in example.references]
        for at, (_, text) in enumerate(spans):
            totals[at] += token_f1(text, references)
    return PENALTIES[totals.index(max(totals))]


def mistakes(
    examples: Sequence[Example], predictions: Mapping[str, str], margins: Mapping[str, float]
) -> dict[str, Any]:
    """How many predictions are no exact match, by kind, and a few of them as texts.

    ``margins`` say how far the best span stands above the threshold (below 0: abstained), so how sure the reader
    was: of each kind the surest mistakes are shown, by turns. A text is cut behind ``LONGEST`` characters.
    """
    kinds: dict[str, list[Example]] = {ANSWERED: [], ABSTAINED: [], WRONG: []}
    for example in examples:
        if not exact_match(predictions[example.id], [reference.text for reference in example.references]):
            kind = WRONG if example.answerable else ANSWERED
            kinds[kind if predictions[example.id] else ABSTAINED].append(example)
    sure = [
        sorted(((kind, one) for one in some), key=lambda pair: -abs(margins.get(pair[1].id, 0.0)))
        for kind, some in kinds.items()
    ]
    turns = [pair for pair in chain.from_iterable(zip_longest(*sure)) if pair is not None]
    return {
        "counts": {kind: len(some) for kind, some in kinds.items()},
        "examples": [
            {
                "kind": kind,
                "question": _cut(example.question),
                "predicted": _cut(predictions[example.id]),
                "expected": _cut(example.references[0].text if example.references else ""),
            }
            for kind, example in turns[:SHOWN]
        ],
    }


def _metrics(report: Report) -> dict[str, float]:
    """The scores of a report under the names of its intervals, and two that have none."""
    return _known(
        {
            "rouge1_f1": report["rouge1_f1"],
            "rouge1_f1_answerable": report["rouge1_f1_answerable"],
            "rouge1_f1_answerable_forced": report["rouge1_f1_answerable_forced"],
            "exact_match": report["exact_match"],
            "f1": report["f1"],
            "has_answer_exact_match": report["has_answer"]["exact_match"],
            "has_answer_f1": report["has_answer"]["f1"],
            "no_answer_accuracy": report["no_answer"]["accuracy"],
            "best_threshold_f1": report["best_threshold"]["f1"],
            "auroc": report["auroc"],
        }
    )


def _known(values: Mapping[str, float | None]) -> dict[str, float]:
    return {name: round(value, 6) for name, value in values.items() if value is not None}


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"
