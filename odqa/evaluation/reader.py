"""Questions with their own contexts and a reader go in; its report and the judgements behind it come out."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from numpy.typing import ArrayLike

from odqa.answering.deciders import ReaderRule
from odqa.answering.fit_file import reader_rule
from odqa.answering.pipeline import SPANS_PER_CONTEXT
from odqa.answering.question import tidy
from odqa.corpus.blocks import context_of_example
from odqa.evaluation.cases import Case, check_examples, in_context
from odqa.evaluation.confidence import expected_calibration_error, risk_coverage_area
from odqa.evaluation.judging import Judge, Judgement, correctness, judge_predictions, questions_of
from odqa.evaluation.languages import check_language
from odqa.evaluation.levels import counts, level
from odqa.evaluation.report import Calibration, ReaderReport, Reliability
from odqa.types import Example

if TYPE_CHECKING:
    from odqa.reader.model import Reader


@dataclass(frozen=True, slots=True)
class Evaluation:
    """A report, and the judgements behind it, one for each question."""

    report: ReaderReport
    judgements: tuple[Judgement, ...]

    @property
    def predictions(self) -> dict[str, str]:
        """The answers by question id, empty where the reader abstains."""
        return {one.id: one.prediction for one in self.judgements}


def read_cases(
    examples: Sequence[Example], reader: Reader, progress: Callable[[int], None] | None = None, batch_size: int = 32
) -> tuple[list[Case], int]:
    """Read every question in its own context; the cases, and how many windows were read.

    As many spans are kept as `odqa ask --context` ranks, so that answers and confidence are the same. ``progress`` is
    called with the number of windows read since the last call.
    """
    readings = reader.read(
        [tidy(example.question) for example in examples],
        [context_of_example(example) for example in examples],
        n_best=SPANS_PER_CONTEXT,
        batch_size=batch_size,
        progress=progress,
    )
    return in_context(examples, readings), sum(reading.windows for reading in readings)


def evaluate(
    examples: Sequence[Example],
    reader: Reader,
    progress: Callable[[int], None] | None = None,
    *,
    batch_size: int = 32,
    language: str = "en",
) -> Evaluation:
    """Read every question in its own context and score the answers by the reader's own rule.

    Raises DataError as ``check_examples`` does and UsageError for an unknown language, before anything is read.
    """
    check_examples(examples)
    check_language(language)
    began = time.perf_counter()
    cases, windows = read_cases(examples, reader, progress, batch_size)
    seconds = time.perf_counter() - began
    return evaluate_cases(cases, reader_rule(reader), language, seconds, windows / seconds)


def evaluate_cases(
    cases: Sequence[Case],
    rule: ReaderRule,
    language: str = "en",
    seconds: float | None = None,
    windows_per_second: float | None = None,
) -> Evaluation:
    """Score what was read in every question's own context, by a reader's rule."""
    judgements = tuple(Judge(rule, language).judge(cases, 1))
    plain = ReaderRule()
    confidence = [one.decision.confidence for one in judgements]
    correct = [one.given.exact_match == 1 for one in judgements]
    calibration = Calibration(
        before=_reliability(plain, *correctness(plain, questions_of(cases), language)),
        after=_reliability(rule, confidence, correct),
    )
    report = ReaderReport(counts(judgements), language, level(judgements), calibration, seconds, windows_per_second)
    return Evaluation(report, judgements)


def score_predictions(
    examples: Sequence[Example], predictions: Mapping[str, str], language: str = "en"
) -> ReaderReport:
    """Score predictions, question id -> text; a question without one counts as wrong, answerable or not.

    Raises DataError as ``check_examples`` does, UsageError for an unknown language.
    """
    check_examples(examples)
    check_language(language)
    judged = judge_predictions(examples, predictions, language)
    return ReaderReport(counts(judged), language, level(judged))


def _reliability(rule: ReaderRule, confidence: ArrayLike, correct: ArrayLike) -> Reliability:
    """What the confidence of the rule's decisions is worth, of which it is known whether they are right."""
    return Reliability(
        threshold=rule.threshold,
        temperature=rule.temperature,
        expected_calibration_error=expected_calibration_error(confidence, correct),
        risk_coverage_area=risk_coverage_area(confidence, correct),
    )
