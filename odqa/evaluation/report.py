"""Joins a dataset, a reader's answers and the metrics into one report; knows no metric's formula and prints nothing."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypedDict

from odqa.errors import DataError
from odqa.evaluation.metrics import best_threshold, exact_match, mean, rouge1_f1, score_each, token_f1
from odqa.types import Example, Span

if TYPE_CHECKING:
    from odqa.reader.model import Reader


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


class Report(TypedDict):
    """All scores, from 0 to 1; None where there is nothing to measure. ``seconds`` are those of reading alone."""

    dataset: Dataset
    rouge1_f1: float | None
    rouge1_f1_answerable: float | None
    rouge1_f1_answerable_forced: float | None
    exact_match: float | None
    f1: float | None
    has_answer: HasAnswer
    no_answer: NoAnswer
    best_threshold: Threshold
    seconds: float | None
    windows_per_second: float | None


@dataclass(frozen=True, slots=True)
class Evaluation:
    """A report and the texts behind it, by question id.

    ``predictions`` are empty where the reader abstains; ``forced`` are the best spans whatever the null score;
    ``score_differences`` are null score - best span's score, lacking for a question in which no span was found.
    ``spans`` are the predictions' places in their contexts, None where the reader abstains.
    """

    report: Report
    predictions: dict[str, str]
    forced: dict[str, str]
    score_differences: dict[str, float]
    spans: dict[str, Span | None]


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
) -> Report:
    """Score predictions, question id -> text; a question without one counts as wrong, answerable or not.

    ``forced`` and ``score_differences`` (see Evaluation) are known only where a model was run; without the first
    there is no forced score, without either no best threshold. Raises DataError as ``check_examples`` does.
    """
    check_examples(examples)
    references = {example.id: [reference.text for reference in example.references] for example in examples}
    answerable = [key for key, texts in references.items() if texts]
    unanswerable = [key for key, texts in references.items() if not texts]
    exact = score_each(exact_match, predictions, references)
    f1 = score_each(token_f1, predictions, references)
    rouge = score_each(rouge1_f1, predictions, references)
    rouge_forced: float | None = None
    best = Threshold(f1=None, threshold=None)
    if forced is not None:
        rouge_forced = mean(score_each(rouge1_f1, forced, {key: references[key] for key in answerable}))
        if score_differences is not None:
            forced_f1 = score_each(token_f1, forced, references)
            found = best_threshold(forced_f1, forced, references, score_differences)
            best = Threshold(f1=found.f1, threshold=found.threshold)
    return Report(
        dataset=Dataset(questions=len(references), answerable=len(answerable), unanswerable=len(unanswerable)),
        rouge1_f1=mean(rouge),
        rouge1_f1_answerable=mean(rouge, answerable),
        rouge1_f1_answerable_forced=rouge_forced,
        exact_match=mean(exact),
        f1=mean(f1),
        has_answer=HasAnswer(exact_match=mean(exact, answerable), f1=mean(f1, answerable)),
        no_answer=NoAnswer(accuracy=mean(exact, unanswerable)),
        best_threshold=best,
        seconds=None,
        windows_per_second=None,
    )


def evaluate(
    examples: Sequence[Example],
    reader: Reader,
    progress: Callable[[int], None] | None = None,
    *,
    batch_size: int = 32,
) -> Evaluation:
    """Read every question in its own context and score the answers.

    ``progress`` is called with the number of windows read since the last call. Raises DataError as
    ``check_examples`` does, before anything is read.
    """
    check_examples(examples)
    began = time.perf_counter()
    readings = reader.read(
        [example.question for example in examples],
        [example.context for example in examples],
        batch_size=batch_size,
        progress=progress,
    )
    seconds = time.perf_counter() - began
    predictions: dict[str, str] = {}
    forced: dict[str, str] = {}
    score_differences: dict[str, float] = {}
    spans: dict[str, Span | None] = {}
    for example, reading in zip(examples, readings, strict=True):
        predictions[example.id] = forced[example.id] = ""
        spans[example.id] = None
        if not reading.spans:
            continue
        best = reading.spans[0]
        forced[example.id] = example.context[best.start : best.end]
        score_differences[example.id] = reading.null_score - best.score
        if best.score - reading.null_score > reader.no_answer_threshold:
            predictions[example.id] = forced[example.id]
            spans[example.id] = best
    report = score(examples, predictions, forced=forced, score_differences=score_differences)
    report["seconds"] = seconds
    report["windows_per_second"] = sum(reading.windows for reading in readings) / seconds
    return Evaluation(report, predictions, forced, score_differences, spans)


def format_report(report: Report) -> str:
    """Lay a report out as an aligned table for a terminal; "-" stands where there is nothing to measure."""
    dataset, has_answer, best = report["dataset"], report["has_answer"], report["best_threshold"]
    columns = ("", "all", "answerable", "answer forced")
    rows = (
        (
            "ROUGE-1 F1",
            report["rouge1_f1"],
            report["rouge1_f1_answerable"],
            report["rouge1_f1_answerable_forced"],
        ),
        ("exact match", report["exact_match"], has_answer["exact_match"], None),
        ("token F1", report["f1"], has_answer["f1"], None),
    )
    threshold, seconds, rate = best["threshold"], report["seconds"], report["windows_per_second"]
    lines = [
        f"{dataset['questions']:,} questions: {dataset['answerable']:,} answerable, "
        f"{dataset['unanswerable']:,} unanswerable",
        "",
        _row(columns),
        *(_row((name, *map(_number, values))) for name, *values in rows),
        "",
        _row(("no-answer accuracy", _number(report["no_answer"]["accuracy"]))),
        _row(("best-threshold F1", _number(best["f1"])))
        + (f"   answering where null - best span <= {threshold:.3f}" if threshold is not None else ""),
    ]
    if seconds is not None and rate is not None:
        lines.append(_row(("seconds", f"{seconds:,.1f}")) + f"   {rate:,.1f} windows a second")
    return "\n".join(lines)


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def _row(cells: Sequence[str]) -> str:
    name, *values = cells
    widths = (7, 12, 15)
    return name.ljust(20) + "".join(value.rjust(width) for value, width in zip(values, widths, strict=False))
