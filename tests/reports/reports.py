"""A pipeline's report, written by hand: four questions, one of them unanswerable, and texts that look like HTML."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass, replace
from typing import Any

from odqa.evaluation.failures import ABSTAINED, ANSWERED, NOT_RETRIEVED, OUTRANKED, WRONG_SPAN
from odqa.evaluation.report import (
    FORMAT,
    KIND,
    AtLeast,
    Audit,
    Baseline,
    Bin,
    Counts,
    Depth,
    Excerpt,
    Failures,
    IndexFacts,
    Level,
    Levels,
    QuestionScores,
    Report,
    RetrievalScores,
    Slice,
    Specimen,
    TopScores,
    Trust,
)

HOSTILE = "<script>alert(1)</script>"
PASSAGE = '<b>Paris</b> & "London" are <i>cities</i>.'
KINDS = (NOT_RETRIEVED, OUTRANKED, WRONG_SPAN, ABSTAINED, ANSWERED)

LEVEL = Level(
    rouge1_f1=0.75,
    rouge1_f1_answerable=0.5,
    rouge1_f1_answerable_forced=0.625,
    exact_match=0.5,
    f1=0.75,
    has_answer_exact_match=0.25,
    has_answer_f1=0.5,
    no_answer_accuracy=1.0,
    best_threshold_f1=0.75,
    best_threshold_margin=0.5,
    auroc=0.875,
    intervals={
        "rouge1_f1": (0.5, 1.0),
        "rouge1_f1_answerable": (0.25, 0.75),
        "rouge1_f1_answerable_forced": (0.5, 0.75),
        "exact_match": (0.25, 0.75),
        "f1": (0.5, 1.0),
        "has_answer_exact_match": (0.0, 0.5),
        "has_answer_f1": (0.25, 0.75),
        "no_answer_accuracy": (1.0, 1.0),
    },
    interval_level=0.95,
)
SPECIMEN = Specimen(
    id="b",
    question=f"{HOSTILE} Which city is it?",
    expected=("Paris", "Paris, France"),
    answer="London",
    given=True,
    confidence=0.875,
    no_answer_probability=0.125,
    document="Cities & towns",
    passage=Excerpt(PASSAGE, PASSAGE.index("London"), PASSAGE.index("London") + len("London")),
    gold_rank=3,
    gold=Excerpt(f"{HOSTILE} stands before Paris.", 40, 45),
    kind=OUTRANKED,
)
WITHHELD = replace(SPECIMEN, id="c", question="And this one?", given=False, gold_rank=None, kind=NOT_RETRIEVED)
NOTHING = replace(
    SPECIMEN, id="d", question="And that?", answer="", given=False, passage=Excerpt("", 0, 0), kind=ABSTAINED
)
SCORES = QuestionScores(
    id=("a", "b", "c", "d"),
    answerable=(True, True, True, False),
    rouge1_f1=(1.0, 0.5, 0.0, 1.0),
    exact_match=(1.0, 0.0, 0.0, 1.0),
    f1=(1.0, 0.5, 0.0, 1.0),
    rouge1_f1_forced=(1.0, 0.5, 0.5, 0.0),
    prediction=("Paris", "London", "", ""),
    confidence=(0.75, 0.875, 0.25, 0.125),
)


def depth(ranking: str, k: int, answered: float) -> Depth:
    return Depth(
        mode="hybrid",
        ranking=ranking,
        k=k,
        answered=answered,
        confident=0.25,
        rouge1_f1=0.75,
        rouge1_f1_answerable=0.5,
        rouge1_f1_answerable_forced=0.625,
        auroc=0.875,
    )


REPORT = Report(
    format=FORMAT,
    kind=KIND,
    odqa="0.1.0",
    dataset="cities.json",
    sha256="ab" * 32,
    language="en",
    questions=Counts(4, 3, 1),
    index=IndexFacts("cities", 1234, "tiny-encoder"),
    mode="hybrid",
    k=20,
    reader="tiny-reader",
    reader_hash="0123456789abcdef",
    ranking="evidence",
    fitted="12 questions of towns.json",
    gold_by="context",
    levels=Levels(
        reader=LEVEL,
        retrieval=RetrievalScores(
            recall={1: 0.25, 5: 0.5, 20: 0.75},
            recall_intervals={1: (0.0, 0.5), 5: (0.25, 0.75), 20: (0.5, 1.0)},
            mrr=0.375,
            mrr_interval=(0.25, 0.5),
            mrr_depth=10,
        ),
        pipeline=LEVEL,
        top5=TopScores(0.875, 0.75, 0.875),
    ),
    baselines=(Baseline("always abstain", 0.25, 0.0), Baseline("first passage's best sentence", 0.125, 0.25)),
    trust=Trust(
        answers_calibration_error=0.0625,
        reliability=(Bin(0.25, 0.5, 1), Bin(0.75, 0.625, 3)),
        at_least=(AtLeast(0.5, 0.75, 0.625), AtLeast(0.9, 0.0, None)),
        decisions_calibration_error=0.03125,
        risk_coverage_area=0.1875,
        risk_coverage=((0.25, 0.0), (0.5, 0.0), (0.75, 0.25), (1.0, 0.5)),
        auroc_unanswerable=0.875,
        auroc_removed=0.9375,
        removed_questions=3,
        removed_answered=0.25,
        removed_right_elsewhere=0.0,
        removed_calibration_error=0.125,
    ),
    by_k=(depth("evidence", 5, 0.5), depth("evidence", 20, 0.625)),
    slices={
        "question word": (Slice("which", 2, 0.5, 0.75, 1.0), Slice("other", 1, 0.5, 0.5, 0.0)),
        "answer type": (Slice("name", 3, 0.5, 0.625, 0.75),),
    },
    failures=Failures(dict(zip(KINDS, (1, 1, 0, 1, 0), strict=True)), (SPECIMEN, WITHHELD, NOTHING)),
    audit=Audit(
        count=1,
        candidates=(replace(SPECIMEN, id="e", question="Is it answerable?", expected=(), kind=""),),
        without=replace(LEVEL, rouge1_f1=0.8125),
    ),
    ablation=(depth("logit", 20, 0.625), depth("evidence", 20, 0.625)),
    scores=SCORES,
    seconds=12.5,
)
# A report of one unanswerable question: nothing can be measured over answerable ones.
_NO_LEVEL = Level(*[None] * 11, intervals=dict.fromkeys(LEVEL.intervals), interval_level=0.95)
UNMEASURED = replace(
    REPORT,
    questions=Counts(1, 0, 1),
    levels=Levels(
        reader=_NO_LEVEL,
        retrieval=RetrievalScores(dict.fromkeys((1, 5, 20)), dict.fromkeys((1, 5, 20)), None, None, 10),
        pipeline=_NO_LEVEL,
        top5=TopScores(None, None, None),
    ),
    slices={"question word": (), "answer type": ()},
    failures=Failures(dict.fromkeys(KINDS, 0), ()),
    audit=Audit(0, (), None),
    ablation=(),
)


def report(**changes: Any) -> Report:
    """The report with some of its parts changed."""
    return replace(REPORT, **changes)


def rescored(ids: str, **columns: Any) -> Report:
    """A report of other scores: a question for each letter of ``ids``, all answerable unless given, all of them 0."""
    zeros = (0.0,) * len(ids)
    names = ("rouge1_f1", "exact_match", "f1", "rouge1_f1_forced", "confidence")
    filled = {"answerable": (True,) * len(ids), "prediction": ("",) * len(ids), **dict.fromkeys(names, zeros)}
    return report(scores=QuestionScores(id=tuple(ids), **(filled | columns)))


def hostile(value: Any) -> Any:
    """The same report with text that looks like an element and an attribute at the end of every text."""
    if isinstance(value, str):
        return f"""{value}{HOSTILE}<img onerror='x'>"' onclick="x" | [a](b) """
    if isinstance(value, Mapping):
        return {hostile(name): hostile(one) for name, one in value.items()}
    if isinstance(value, tuple):
        return tuple(map(hostile, value))
    if is_dataclass(value) and not isinstance(value, type):
        return replace(value, **{field.name: hostile(getattr(value, field.name)) for field in fields(value)})
    return value
