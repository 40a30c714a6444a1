"""Two reports of the same questions go in; how far they differ comes out, question by question. Knows no metric.

The questions are the same, so what differs is measured on each of them: an interval of the differences is narrower
than what the intervals of two means let one guess.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from odqa.errors import DataError
from odqa.evaluation.bootstrap import confidence_interval
from odqa.evaluation.report import Report

LEVEL = 0.95
SAMPLES = 10_000
FLIPS_AT_A_TIME = 1_000_000  # 8 MB of 64-bit counts, however many questions there are.
SCORES = ("rouge1_f1", "exact_match", "f1")
FORCED = "rouge1_f1_forced"
ALL, ANSWERABLE = "all", "answerable"

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two reports of a comparison: what it is called, and what it is of."""

    report: str
    index: str
    reader: str
    mode: str
    k: int
    ranking: str
    answerable: float | None = None


@dataclass(frozen=True, slots=True)
class Difference:
    """One score of both reports over ``all`` or the ``answerable`` questions, and whether B - A may be chance.

    ``interval`` is the bootstrap interval of the mean paired difference, ``p`` the two-sided p-value of a paired
    randomisation test; all are None where there are no such questions.
    """

    score: str  # rouge1_f1, exact_match, f1, rouge1_f1_forced
    over: str  # all, answerable
    a: float | None
    b: float | None
    difference: float | None
    interval: tuple[float, float] | None
    p: float | None


@dataclass(frozen=True, slots=True)
class ExactCounts:
    """How many questions were decided exactly right by both reports, by one alone, by neither."""

    both: int
    a_alone: int
    b_alone: int
    neither: int


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two reports of the same questions, compared question by question."""

    a: Side
    b: Side
    dataset: str
    language: str
    questions: int
    answerable: int
    level: float
    samples: int
    scores: tuple[Difference, ...]
    exact: ExactCounts


def compare(a: Report, b: Report, names: tuple[str, str] = ("A", "B")) -> Comparison:
    """What B scores more than A, over all questions and over the answerable ones, and whether chance may do as much.

    ``names`` are what the reports are called. Raises DataError where the reports are not of the same questions in the
    same language.
    """
    _check_same(a, b, names)
    ids = a.scores.id
    answerable = np.array(a.scores.answerable, dtype=np.bool_)
    wanted = [(name, over) for over in (ALL, ANSWERABLE) for name in SCORES] + [(FORCED, ANSWERABLE)]
    rows = []
    for name, over in wanted:
        chosen = answerable if over == ANSWERABLE else np.ones(len(ids), dtype=np.bool_)
        mine, other = (_column(report, name, ids)[chosen] for report in (a, b))
        rows.append(_difference(name, over, mine, other))
    mine, other = (_column(report, "exact_match", ids) == 1 for report in (a, b))
    return Comparison(
        a=_side(a, names[0]),
        b=_side(b, names[1]),
        dataset=a.dataset,
        language=a.language,
        questions=len(ids),
        answerable=int(answerable.sum()),
        level=LEVEL,
        samples=SAMPLES,
        scores=tuple(rows),
        exact=ExactCounts(
            both=int((mine & other).sum()),
            a_alone=int((mine & ~other).sum()),
            b_alone=int((other & ~mine).sum()),
            neither=int((~mine & ~other).sum()),
        ),
    )


def randomisation_p(differences: ArrayLike, samples: int = SAMPLES, seed: int = 0) -> float:
    """The two-sided p-value of a paired randomisation test of the mean of ``differences`` (n,) being 0.

    Were the two systems alike, each difference might as well have the other sign. So signs are flipped at random,
    ``samples`` times; p is (c + 1) / (samples + 1), c being how often the mean is then as far from 0 as it is
    (Noreen 1989, "Computer-Intensive Methods for Testing Hypotheses", chapter 2). As in ``confidence_interval``, only
    how many of the equal differences are flipped matters, so that is drawn, from a binomial distribution.
    """
    rounded = np.round(np.asarray(differences, dtype=np.float64), 9)
    sizes, times = np.unique(np.abs(rounded[rounded != 0]), return_counts=True)
    generator = np.random.default_rng(seed)
    observed = abs(rounded.sum()) - 1e-7  # Sums of the same numbers in another order are not always equal.
    block = max(1, FLIPS_AT_A_TIME // max(1, len(sizes)))
    as_far = 0
    for done in range(0, samples, block):
        plus = generator.binomial(times, 0.5, size=(min(block, samples - done), len(sizes)))
        as_far += int((np.abs((2 * plus - times) @ sizes) >= observed).sum())
    return (as_far + 1) / (samples + 1)


def _difference(name: str, over: str, a: Array, b: Array) -> Difference:
    if not len(a):
        return Difference(name, over, None, None, None, None, None)
    differences = np.round(b - a, 9)
    return Difference(
        score=name,
        over=over,
        a=float(a.mean()),
        b=float(b.mean()),
        difference=float(differences.mean()),
        interval=confidence_interval(differences, level=LEVEL),
        p=randomisation_p(differences),
    )


def _column(report: Report, name: str, ids: Sequence[str]) -> Array:
    """A score of every question, in the order of ``ids``."""
    values = dict(zip(report.scores.id, getattr(report.scores, name), strict=True))
    return np.array([values[key] for key in ids], dtype=np.float64)


def _side(report: Report, name: str) -> Side:
    return Side(name, report.index.folder, report.reader, report.mode, report.k, report.ranking, report.answerable)


def _check_same(a: Report, b: Report, names: tuple[str, str]) -> None:
    """Raise DataError where two reports are not of the same questions, or scored by another language's rules."""
    what = f"cannot compare {names[0]} with {names[1]}"
    remedy = "compare reports of the same questions"
    if a.sha256 and b.sha256 and a.sha256 != b.sha256:
        raise DataError(
            f"{what}: they are of different files, {a.dataset} and {b.dataset} (their SHA-256 begin "
            f"with {a.sha256[:12]} and {b.sha256[:12]}); {remedy}"
        )
    asked = [dict(zip(report.scores.id, report.scores.answerable, strict=True)) for report in (a, b)]
    alone = [len(asked[0].keys() - asked[1].keys()), len(asked[1].keys() - asked[0].keys())]
    if any(alone):
        raise DataError(
            f"{what}: they are of different questions, {alone[0]:,} are only in the first and {alone[1]:,} only in the "
            f"second; {remedy}, with the same --limit or --sample"
        )
    if changed := sum(asked[1][key] != answerable for key, answerable in asked[0].items()):
        raise DataError(
            f"{what}: {changed:,} of the questions are answerable in one of them and not in the other; {remedy}"
        )
    if a.language != b.language:
        raise DataError(
            f"{what}: the first was scored by the rules of the language {a.language}, the second by those of "
            f"{b.language}; evaluate both with the same --language"
        )
