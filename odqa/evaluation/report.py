"""The report of an evaluation as frozen data, of a reader alone or of a whole pipeline over an index; as JSON and back.

Scores run from 0 to 1; None stands where there is nothing to measure. Knows how a report is kept, not how one is made.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from odqa.checked import checked
from odqa.errors import DataError, UsageError
from odqa.files import read_json

FORMAT = 2
KIND = "pipeline"
FILE = "report.json"
NEEDED = "give a folder that `odqa eval --index ... --report FOLDER` wrote, or its report.json"

_ROUNDING = 1e-9  # Of a mean that is 1.

Score = float | None
Interval = tuple[float, float] | None


@dataclass(frozen=True, slots=True)
class Counts:
    """How many questions were scored."""

    questions: int
    answerable: int
    unanswerable: int


@dataclass(frozen=True, slots=True)
class Level:
    """What one way of answering scores over a dataset.

    ``rouge1_f1``, ``exact_match`` and ``f1`` (of tokens) are means over all questions, ``..._answerable`` and
    ``has_answer_...`` over the answerable ones, ``..._forced`` with the first answer given whatever the rule says.
    ``no_answer_accuracy`` is the share of unanswerable questions that get no answer. ``best_threshold_f1`` is the best
    mean F1 that any threshold reaches, ``best_threshold_margin`` the least margin (of a fitted ranking the least
    1 - P(no answer)) at which to answer for it, None where it is best never to answer. ``auroc`` tells answerable
    questions from the others by the same.
    ``intervals`` are the bootstrap intervals, of the level ``interval_level``, of the scores of the same names.
    """

    rouge1_f1: Score
    rouge1_f1_answerable: Score
    rouge1_f1_answerable_forced: Score
    exact_match: Score
    f1: Score
    has_answer_exact_match: Score
    has_answer_f1: Score
    no_answer_accuracy: Score
    best_threshold_f1: Score
    best_threshold_margin: float | None
    auroc: Score
    intervals: Mapping[str, Interval]
    interval_level: float


@dataclass(frozen=True, slots=True)
class Reliability:
    """What the confidence of decisions is worth at a no-answer threshold and a temperature."""

    threshold: float
    temperature: float
    expected_calibration_error: float
    risk_coverage_area: float


@dataclass(frozen=True, slots=True)
class Calibration:
    """Reliability before anything is fitted (threshold 0, temperature 1) and with the reader's own settings."""

    before: Reliability
    after: Reliability


@dataclass(frozen=True, slots=True)
class ReaderReport:
    """A reader, or a file of predictions, on questions with their own contexts.

    ``calibration`` and the two speeds are None where no reader was run. ``seconds`` are those of reading alone.
    """

    questions: Counts
    language: str
    scores: Level
    calibration: Calibration | None = None
    seconds: float | None = None
    windows_per_second: float | None = None

    def as_json(self) -> dict[str, Any]:
        """Plain values, in the layout of ``odqa eval --json``."""
        scores = self.scores
        means = ("rouge1_f1", "rouge1_f1_answerable", "rouge1_f1_answerable_forced", "exact_match", "f1")
        return {
            "dataset": asdict(self.questions),
            "language": self.language,
            **{name: getattr(scores, name) for name in means},
            "has_answer": {"exact_match": scores.has_answer_exact_match, "f1": scores.has_answer_f1},
            "no_answer": {"accuracy": scores.no_answer_accuracy},
            "best_threshold": {"f1": scores.best_threshold_f1, "margin": scores.best_threshold_margin},
            "auroc": scores.auroc,
            "calibration": asdict(self.calibration) if self.calibration else None,
            "intervals": {"level": scores.interval_level, **scores.intervals},
            "seconds": self.seconds,
            "windows_per_second": self.windows_per_second,
        }


@dataclass(frozen=True, slots=True)
class IndexFacts:
    """The index that was asked: its folder's name, its number of passages, its encoder's name."""

    folder: str
    passages: int
    encoder: str


@dataclass(frozen=True, slots=True)
class RetrievalScores:
    """Recall of the gold passage at each depth, and MRR at ``mrr_depth``, with their bootstrap intervals."""

    recall: Mapping[int, Score]
    recall_intervals: Mapping[int, Interval]
    mrr: Score
    mrr_interval: Interval
    mrr_depth: int


@dataclass(frozen=True, slots=True)
class TopScores:
    """The best of the first five answers over the answerable questions, whatever the rule says."""

    rouge1_f1: Score
    exact_match: Score
    f1: Score


@dataclass(frozen=True, slots=True)
class Levels:
    """The reader on the gold context, retrieval of the gold passage, and the whole pipeline."""

    reader: Level
    retrieval: RetrievalScores
    pipeline: Level
    top5: TopScores


@dataclass(frozen=True, slots=True)
class Baseline:
    """ROUGE-1 F1 of answers that take no reader."""

    name: str
    rouge1_f1: Score
    rouge1_f1_answerable: Score


@dataclass(frozen=True, slots=True)
class Bin:
    """A bin of the reliability diagram: its mean confidence, the share that is right, how many there are."""

    confidence: float
    right: float
    count: int


@dataclass(frozen=True, slots=True)
class AtLeast:
    """The share of questions with an answer of at least this confidence, and the right ones among them."""

    confidence: float
    shown: float
    right: Score


@dataclass(frozen=True, slots=True)
class Trust:
    """What confidence and abstention are worth.

    ``answers_...`` are of every first answer, given or not, since its confidence is what is shown; ``decisions_...`` of
    the decisions. ``risk_coverage`` are points (coverage, share of wrong decisions). ``auroc_unanswerable`` tells
    answerable questions from the dataset's unanswerable ones by the probability of no answer, ``auroc_removed`` from
    themselves with their gold passages removed; ``removed_...`` is what becomes of these, and
    ``removed_calibration_error`` the calibration error over them and the answerable questions together.
    """

    answers_calibration_error: float
    reliability: tuple[Bin, ...]
    at_least: tuple[AtLeast, ...]
    decisions_calibration_error: float
    risk_coverage_area: float
    risk_coverage: tuple[tuple[float, float], ...]
    auroc_unanswerable: Score
    auroc_removed: Score
    removed_questions: int
    removed_answered: Score
    removed_right_elsewhere: Score
    removed_calibration_error: Score


@dataclass(frozen=True, slots=True)
class Depth:
    """What the decisions score where k passages are read.

    ``answered`` is the share of questions with an answer, ``confident`` of those whose first answer has a confidence
    of at least 0.8.
    """

    mode: str
    ranking: str
    k: int
    answered: Score
    confident: Score
    rouge1_f1: Score
    rouge1_f1_answerable: Score
    rouge1_f1_answerable_forced: Score
    auroc: Score


@dataclass(frozen=True, slots=True)
class Slice:
    """The scores of the answerable questions of one kind."""

    name: str
    questions: int
    rouge1_f1: Score
    rouge1_f1_forced: Score
    answered: Score


@dataclass(frozen=True, slots=True)
class Excerpt:
    """A text and the characters [start, end) of it that are the answer; start = end where there is none."""

    text: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Specimen:
    """One question of the report in full: what was expected, what was answered, and where.

    ``kind`` says what went wrong, empty in the audit. ``passage`` holds the first answer, ``given`` or withheld, and
    ``gold`` is the dataset's own context; ``gold_rank`` is None where no gold passage was found.
    """

    id: str
    question: str
    expected: tuple[str, ...]
    answer: str
    given: bool
    confidence: float
    no_answer_probability: float
    document: str
    passage: Excerpt
    gold_rank: int | None
    gold: Excerpt
    kind: str = ""


@dataclass(frozen=True, slots=True)
class Failures:
    """How many decisions went wrong, by kind, and some of the most confident ones."""

    counts: Mapping[str, int]
    worst: tuple[Specimen, ...]


@dataclass(frozen=True, slots=True)
class Audit:
    """Unanswerable questions that the corpus may answer after all: how many, some, and the scores without them."""

    count: int
    candidates: tuple[Specimen, ...]
    without: Level | None


@dataclass(frozen=True, slots=True)
class QuestionScores:
    """What a comparison needs of every question, a column each; all are of the same length."""

    id: tuple[str, ...]
    answerable: tuple[bool, ...]
    rouge1_f1: tuple[float, ...]
    exact_match: tuple[float, ...]
    f1: tuple[float, ...]
    rouge1_f1_forced: tuple[float, ...]
    prediction: tuple[str, ...]
    confidence: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Report:
    """A whole pipeline over an index, in parts.

    ``dataset`` is the name of the questions' file and ``sha256`` its hash, empty where it is no file. ``fitted`` says
    in words what the ranking was fitted on, empty where nothing was. ``gold_by`` is how gold passages were recognised.
    ``slices`` are by what the questions were sorted by; ``ablation`` is empty unless it was asked for.
    ``passages_read`` is how many of the k passages a decision needed, in the mean; None in a report that does not say.
    ``answerable`` is the share of the questions that was expected to have an answer; None where nothing was, for half.
    """

    format: int
    kind: str
    odqa: str
    dataset: str
    sha256: str
    language: str
    questions: Counts
    index: IndexFacts
    mode: str
    k: int
    reader: str
    reader_hash: str
    ranking: str
    fitted: str
    gold_by: str
    levels: Levels
    baselines: tuple[Baseline, ...]
    trust: Trust
    by_k: tuple[Depth, ...]
    slices: Mapping[str, tuple[Slice, ...]]
    failures: Failures
    audit: Audit
    ablation: tuple[Depth, ...]
    scores: QuestionScores
    seconds: float
    passages_read: float | None = None
    answerable: float | None = None

    def as_json(self) -> dict[str, Any]:
        """Plain values; :func:`read_report` makes the same report of them."""
        return asdict(self)

    @classmethod
    def from_json(cls, value: object, where: str) -> Report:
        """The report of plain values. Raises DataError, which begins with ``where`` they stand, for anything else."""
        if not isinstance(value, dict) or value.get("kind") != KIND:
            raise DataError(f"{where}: not the report of a pipeline; {NEEDED}")
        if value.get("format") != FORMAT:
            raise DataError(
                f"{where}: a report of format {value.get('format')!r}, and this version reads format {FORMAT}; "
                "evaluate again with this version"
            )
        report: Report = checked(cls, value, where, NEEDED)
        if problem := _problem(report.scores):
            raise DataError(f"{where}: {problem}; {NEEDED}")
        return report


def read_report(path: Path) -> Report:
    """Read a report.json, or the one in a folder.

    Raises UsageError where there is none, DataError naming the file where it is something else or was cut short.
    """
    file = path / FILE if path.is_dir() else path
    if not file.is_file():
        raise UsageError(f"no such report: {file}; {NEEDED}")
    return Report.from_json(read_json(file, NEEDED), str(file))


def _problem(scores: QuestionScores) -> str:
    """What a comparison lacks in the questions' scores."""
    if not scores.id:
        return "it holds no questions"
    if len(set(scores.id)) < len(scores.id):
        return "a question's id occurs twice in scores.id"
    for name, column in asdict(scores).items():
        if len(column) != len(scores.id):
            return f"scores.{name} has {len(column):,} values for {len(scores.id):,} questions"
        if name not in ("id", "prediction") and not all(-_ROUNDING <= one <= 1 + _ROUNDING for one in column):
            return f"scores.{name} holds a number outside of 0 to 1"
    return ""
