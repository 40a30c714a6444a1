"""A run's reader and held-out data go in; metrics, fitted settings and mistakes come out. Trains nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from copy import copy
from dataclasses import asdict, dataclass, field
from itertools import chain, zip_longest
from typing import Any

from odqa.device import pick_dtype
from odqa.evaluation.judging import Judgement
from odqa.evaluation.metrics import position_accuracy
from odqa.evaluation.reader import Evaluation, evaluate_cases, read_cases
from odqa.evaluation.report import Level
from odqa.fitting.reader import fit_length_penalty, fit_rule
from odqa.models import ResolvedModel
from odqa.reader.model import Reader, read_settings
from odqa.reader.weights import LOGITS
from odqa.runtime.torch_network import TorchNetwork
from odqa.training.recipe import Recipe
from odqa.training.watch import reading
from odqa.types import Example

ANSWERED, ABSTAINED, WRONG = "answered_unanswerable", "abstained_wrongly", "wrong_span"
SHOWN = 5  # Mistakes that are shown.
LONGEST = 200  # Characters of a text that is shown.


@dataclass(frozen=True, slots=True)
class Tuning:
    """The fitted settings of a reader and, as plain values, its record on the tuning data (empty without any)."""

    threshold: float = 0.0
    temperature: float = 1.0
    length_penalty: float = 0.0
    record: dict[str, Any] = field(default_factory=dict)


def as_reader(model: Any, tokenizer: Any, recipe: Recipe, name: str) -> Reader:
    """A reader of a model in training, in the run's precision, with nothing fitted."""
    dtype = pick_dtype(recipe.precision.removeprefix("pure-"), model.device.type)
    network = TorchNetwork(model, LOGITS, dtype)
    return Reader(network, tokenizer, name=name, max_length=recipe.max_length, stride=recipe.stride)


def epoch_metrics(found: Evaluation) -> dict[str, float]:
    """EM, F1, ROUGE-1 F1, forced ROUGE-1 F1, best-threshold F1 and position accuracies, by name."""
    scores = found.report.scores
    places = position_accuracy(
        {one.id: one.first.span if one.first and one.answered else None for one in found.judgements},
        {one.id: one.query.example.references for one in found.judgements},
    )
    return _known(
        {
            "exact_match": scores.exact_match,
            "f1": scores.f1,
            "rouge1_f1": scores.rouge1_f1,
            "rouge1_f1_answerable_forced": scores.rouge1_f1_answerable_forced,
            "best_threshold_f1": scores.best_threshold_f1,
            "start_accuracy": places.start,
            "end_accuracy": places.end,
        }
    )


def tune(reader: Reader, examples: Sequence[Example], note: Callable[[str], None], language: str = "en") -> Tuning:
    """Fit a reader's settings on ``examples`` and record what it then does with them.

    The length penalty comes first, with it in place the no-answer threshold, with both the temperature.
    The record: counts, ``metrics`` and bootstrap ``intervals`` at the fitted threshold, ``calibration`` before and
    after, ``mistakes``; all by the rules for the ``language``. Without examples nothing is fitted and there is no
    record. ``note`` is told how many are read.
    """
    if not examples:
        return Tuning()
    reader = copy(reader)
    answerable = sum(example.answerable for example in examples)
    reader.length_penalty = fit_length_penalty(
        reader, examples, reading(note, answerable, "fitting the length penalty"), language=language
    )
    cases, _ = read_cases(examples, reader, reading(note, len(examples), "fitting threshold and temperature"))
    rule = fit_rule(cases, language)
    found = evaluate_cases(cases, rule, language)
    scores = found.report.scores
    record = {
        **asdict(found.report.questions),
        "metrics": _metrics(scores),
        "intervals": {"level": scores.interval_level}
        | {name: value for name, value in scores.intervals.items() if value is not None},
        "calibration": asdict(found.report.calibration) if found.report.calibration else None,
        "mistakes": mistakes(found.judgements, rule.threshold),
    }
    return Tuning(rule.threshold, rule.temperature, reader.length_penalty, record)


def kept(base: ResolvedModel) -> Tuning:
    """What was fitted for the reader that a run starts from, for a run that fits nothing; nothing where it is none.

    Raises ModelError where the base's settings are broken.
    """
    found = read_settings(base.folder)
    if not found:
        return Tuning()
    return Tuning(found["no_answer_threshold"], found["temperature"], found["length_penalty"])


def mistakes(judgements: Sequence[Judgement], threshold: float) -> dict[str, Any]:
    """How many decisions by a no-answer ``threshold`` match no reference exactly, by kind, and a few of them as texts.

    The further the margin is from the threshold, the more confident the reader was: of each kind the most confident
    mistakes are shown, by turns. A text is cut after ``LONGEST`` characters.
    """
    kinds: dict[str, list[Judgement]] = {ANSWERED: [], ABSTAINED: [], WRONG: []}
    for one in judgements:
        if not one.given.exact_match:
            kind = WRONG if one.answerable else ANSWERED
            kinds[kind if one.answered else ABSTAINED].append(one)
    queues = [
        [(kind, one) for one in sorted(some, key=lambda one: _distance(one, threshold), reverse=True)]
        for kind, some in kinds.items()
    ]
    turns = [pair for pair in chain.from_iterable(zip_longest(*queues)) if pair is not None]
    return {
        "counts": {kind: len(some) for kind, some in kinds.items()},
        "examples": [
            {
                "kind": kind,
                "question": _cut(one.query.example.question),
                "predicted": _cut(one.prediction),
                "expected": _cut(one.query.example.references[0].text if one.answerable else ""),
            }
            for kind, one in turns[:SHOWN]
        ],
    }


def _distance(one: Judgement, threshold: float) -> float:
    """How far the largest margin is from the threshold; 0 where no span was found."""
    return abs(one.answerability - threshold) if one.first else 0.0


def _metrics(scores: Level) -> dict[str, float]:
    """The scores under the names of their intervals, and two that have none."""
    return _known({name: getattr(scores, name) for name in (*scores.intervals, "best_threshold_f1", "auroc")})


def _known(values: Mapping[str, float | None]) -> dict[str, float]:
    return {name: round(value, 6) for name, value in values.items() if value is not None}


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"
