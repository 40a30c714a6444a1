"""Joins a dataset, a reader's answers and the metrics into one report; knows no metric's formula and prints nothing."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, TypedDict

from odqa.answering.pipeline import SPANS_PER_CONTEXT
from odqa.answering.unfitted import candidates
from odqa.errors import DataError
from odqa.evaluation.bootstrap import confidence_interval
from odqa.evaluation.calibration import Outcome, auroc, decide, expected_calibration_error, risk_coverage_area
from odqa.evaluation.languages import check_language
from odqa.evaluation.metrics import best_threshold, exact_match, mean, rouge1_f1, score_each, token_f1
from odqa.types import Example, Hit, Passage, Reading, Span

if TYPE_CHECKING:
    from odqa.reader.model import Reader

LEVEL = 0.95  # Of the bootstrap intervals.
Interval = tuple[float, float] | None


class Dataset(TypedDict):
    """How many questions were scored."""

    questions: int
    answerable: int
    unanswerable: int


class HasAnswer(TypedDict):
    """Scores over the answerable questions alone."""

    exact_match: float | None
    f1: float | None


class NoAnswer(TypedDict):
    """Scores over the unanswerable questions alone: exact match, which is whether the reader abstained."""

    accuracy: float | None


class Threshold(TypedDict):
    """The best mean F1 over all questions, and the score difference (null - best span) up to which to answer."""

    f1: float | None
    threshold: float | None


class Intervals(TypedDict):
    """Bootstrap intervals (low, high) of the scores of the same names; None where there is nothing to measure."""

    level: float
    rouge1_f1: Interval
    rouge1_f1_answerable: Interval
    rouge1_f1_answerable_forced: Interval
    exact_match: Interval
    f1: Interval
    has_answer_exact_match: Interval
    has_answer_f1: Interval
    no_answer_accuracy: Interval


class Reliability(TypedDict):
    """What confidence is worth at a no-answer threshold and a temperature."""

    threshold: float
    temperature: float
    expected_calibration_error: float
    risk_coverage_area: float


class Calibration(TypedDict):
    """Reliability before anything is fitted (threshold 0, temperature 1) and with the reader's own settings."""

    before: Reliability
    after: Reliability


class Report(TypedDict):
    """All scores, from 0 to 1; None where there is nothing to measure.

    ``auroc`` tells answerable questions from the others by the score difference. ``seconds`` are those of reading
    alone.
    """

    dataset: Dataset
    language: str
    rouge1_f1: float | None
    rouge1_f1_answerable: float | None
    rouge1_f1_answerable_forced: float | None
    exact_match: float | None
    f1: float | None
    has_answer: HasAnswer
    no_answer: NoAnswer
    best_threshold: Threshold
    auroc: float | None
    calibration: Calibration | None
    intervals: Intervals
    seconds: float | None
    windows_per_second: float | None


@dataclass(frozen=True, slots=True)
class Evaluation:
    """A report and the texts behind it, by question id.

    ``predictions`` are empty where the reader abstains; ``forced`` are the best spans whatever the null score;
    ``score_differences`` are null score - best span's score, lacking for a question in which no span was found.
    ``spans`` are the predictions' places in their contexts, None where the reader abstains. ``outcomes`` are what
    another threshold or temperature would change, see :func:`odqa.evaluation.calibration.fit`.
    """

    report: Report
    predictions: dict[str, str]
    forced: dict[str, str]
    score_differences: dict[str, float]
    spans: dict[str, Span | None]
    outcomes: dict[str, Outcome]


def check_examples(examples: Sequence[Example], source: str = "dataset") -> None:
    """Raise DataError, naming ``source``, where there is no question or where two questions have one id."""
    if not examples:
        raise DataError(f"{source}: no questions in it, so there is nothing to score; check that it is the right one")
    seen: dict[str, int] = {}
    for number, example in enumerate(examples, start=1):
        if example.id in seen:
            raise DataError(
                f"{source}: the question id {example.id!r} occurs twice, at questions {seen[example.id]:,} and "
                f"{number:,}; predictions are matched by id, so give every question its own"
            )
        seen[example.id] = number


def score(
    examples: Sequence[Example],
    predictions: Mapping[str, str],
    *,
    forced: Mapping[str, str] | None = None,
    score_differences: Mapping[str, float] | None = None,
    language: str = "en",
) -> Report:
    """Score predictions, question id -> text; a question without one counts as wrong, answerable or not.

    ``forced`` and ``score_differences`` (see Evaluation) are known only where a model was run; without the first
    there is no forced score, without either no best threshold and no AUROC. Raises DataError as ``check_examples``
    does, UsageError for a language that is not known.
    """
    check_examples(examples)
    in_language = {"language": check_language(language)}
    references = {example.id: [reference.text for reference in example.references] for example in examples}
    answerable = [key for key, texts in references.items() if texts]
    unanswerable = [key for key, texts in references.items() if not texts]
    exact = score_each(partial(exact_match, **in_language), predictions, references)
    f1 = score_each(partial(token_f1, **in_language), predictions, references)
    rouge = score_each(partial(rouge1_f1, **in_language), predictions, references)
    rouge_forced: dict[str, float] = {}
    best, separation = Threshold(f1=None, threshold=None), None
    if forced is not None:
        answers = {key: references[key] for key in answerable}
        rouge_forced = score_each(partial(rouge1_f1, **in_language), forced, answers)
        if score_differences is not None:
            forced_f1 = score_each(partial(token_f1, **in_language), forced, references)
            found = best_threshold(forced_f1, forced, references, score_differences)
            best = Threshold(f1=found.f1, threshold=found.threshold)
            separation = auroc(*(_differences(score_differences, keys) for keys in (unanswerable, answerable)))
    return Report(
        dataset=Dataset(questions=len(references), answerable=len(answerable), unanswerable=len(unanswerable)),
        language=language,
        rouge1_f1=mean(rouge),
        rouge1_f1_answerable=mean(rouge, answerable),
        rouge1_f1_answerable_forced=mean(rouge_forced),
        exact_match=mean(exact),
        f1=mean(f1),
        has_answer=HasAnswer(exact_match=mean(exact, answerable), f1=mean(f1, answerable)),
        no_answer=NoAnswer(accuracy=mean(exact, unanswerable)),
        best_threshold=best,
        auroc=separation,
        calibration=None,
        intervals=Intervals(
            level=LEVEL,
            rouge1_f1=_interval(rouge, references),
            rouge1_f1_answerable=_interval(rouge, answerable),
            rouge1_f1_answerable_forced=_interval(rouge_forced, rouge_forced),
            exact_match=_interval(exact, references),
            f1=_interval(f1, references),
            has_answer_exact_match=_interval(exact, answerable),
            has_answer_f1=_interval(f1, answerable),
            no_answer_accuracy=_interval(exact, unanswerable),
        ),
        seconds=None,
        windows_per_second=None,
    )


def evaluate(
    examples: Sequence[Example],
    reader: Reader,
    progress: Callable[[int], None] | None = None,
    *,
    batch_size: int = 32,
    language: str = "en",
) -> Evaluation:
    """Read every question in its own context and score the answers.

    ``progress`` is called with the number of windows read since the last call. Raises DataError as
    ``check_examples`` does and UsageError for a language that is not known, before anything is read.
    """
    check_examples(examples)
    check_language(language)
    began = time.perf_counter()
    readings = reader.read(
        [example.question for example in examples],
        [example.context for example in examples],
        n_best=SPANS_PER_CONTEXT,  # As many as are ranked where a context is given, so that confidence is the same.
        batch_size=batch_size,
        progress=progress,
    )
    seconds = time.perf_counter() - began
    found = judge(
        examples, readings, threshold=reader.no_answer_threshold, temperature=reader.temperature, language=language
    )
    found.report["seconds"] = seconds
    found.report["windows_per_second"] = sum(reading.windows for reading in readings) / seconds
    return found


def judge(
    examples: Sequence[Example],
    readings: Sequence[Reading],
    *,
    threshold: float,
    temperature: float,
    language: str = "en",
) -> Evaluation:
    """Score what was read in every question's own context, by a reader's threshold and temperature."""
    predictions: dict[str, str] = {}
    forced: dict[str, str] = {}
    score_differences: dict[str, float] = {}
    spans: dict[str, Span | None] = {}
    outcomes: dict[str, Outcome] = {}
    for example, reading in zip(examples, readings, strict=True):
        predictions[example.id] = forced[example.id] = ""
        spans[example.id] = None
        if reading.spans:
            best = reading.spans[0]
            forced[example.id] = example.context[best.start : best.end]
            score_differences[example.id] = reading.null_score - best.score
            if best.score - reading.null_score > threshold:
                predictions[example.id] = forced[example.id]
                spans[example.id] = best
        outcomes[example.id] = _outcome(example, reading, forced[example.id], language)
    report = score(examples, predictions, forced=forced, score_differences=score_differences, language=language)
    report["calibration"] = Calibration(
        before=reliability(outcomes.values(), 0.0, 1.0),
        after=reliability(outcomes.values(), threshold, temperature),
    )
    return Evaluation(report, predictions, forced, score_differences, spans, outcomes)


def reliability(outcomes: Iterable[Outcome], threshold: float, temperature: float) -> Reliability:
    """What the confidence of the decisions is worth at a threshold and a temperature."""
    confidence, correct = decide(outcomes, threshold, temperature)
    return Reliability(
        threshold=threshold,
        temperature=temperature,
        expected_calibration_error=expected_calibration_error(confidence, correct),
        risk_coverage_area=risk_coverage_area(confidence, correct),
    )


def _differences(score_differences: Mapping[str, float], keys: Iterable[str]) -> list[float]:
    """The score differences; infinite, as of a question never answered, where no span was found."""
    return [score_differences.get(key, math.inf) for key in keys]


def _interval(scores: Mapping[str, float], keys: Iterable[str]) -> Interval:
    values = [scores[key] for key in keys]
    return confidence_interval(values, level=LEVEL) if values else None


def _outcome(example: Example, reading: Reading, answer: str, language: str) -> Outcome:
    references = [reference.text for reference in example.references]
    hit = Hit(Passage(example.id, example.id, "", example.context, 0), 0.0, 1)
    answered, abstained = (exact_match(text, references, language) == 1 for text in (answer, ""))
    return Outcome(candidates([hit], [reading]), answered, abstained)
