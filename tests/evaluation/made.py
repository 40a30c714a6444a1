"""Made by hand: cases, of a question with its own context or asked of an index, and small reports."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from odqa.evaluation.cases import Case, Query, in_context
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
from odqa.types import Component, Example, Hit, Passage, Reading, Reference, Span

Spans = Mapping[str, float]  # What the reader finds in a text, and how far it beats the null; the first place counts.


def reading(text: str, spans: Spans) -> Reading:
    found = (Span(text.index(said), text.index(said) + len(said), margin) for said, margin in spans.items())
    return Reading(tuple(found), 0.0)


def example(key: str, context: str, answers: Sequence[str] = (), question: str = "") -> Example:
    references = tuple(Reference(answer, max(context.find(answer), 0)) for answer in answers)
    return Example(key, question or f"{key}?", context, references)


def own_context(key: str, context: str, answers: Sequence[str], spans: Spans) -> Case:
    """A question with its own context, in which the reader finds these spans."""
    return in_context([example(key, context, answers)], [reading(context, spans)])[0]


def over_index(
    asked: Example,
    passages: Sequence[tuple[str, Spans]],
    *,
    gold: Sequence[int] = (),
    own: Sequence[int] = (),
    cosines: Sequence[float] = (),
) -> Case:
    """A question asked of an index: its hits, each a document of its own, with what the reader finds in them.

    ``gold`` and ``own`` are ranks, counted from 1; the ids of the passages are p1, p2, …
    """
    hits = [
        Hit(
            Passage(f"p{rank}", f"d{rank}", f"Title {rank}", text, 0),
            1 / rank,
            rank,
            {"dense": Component(cosines[rank - 1], rank)} if cosines else {},
        )
        for rank, (text, _) in enumerate(passages, start=1)
    ]
    query = Query(
        asked,
        asked.question,
        tuple(hits),
        frozenset(f"p{rank}" for rank in (*own, *gold)),
        frozenset(f"p{rank}" for rank in gold),
    )
    return Case(query, {hit.passage.id: reading(*found) for hit, found in zip(hits, passages, strict=True)})


LEVEL = Level(
    rouge1_f1=0.75,
    rouge1_f1_answerable=0.5,
    rouge1_f1_answerable_forced=None,
    exact_match=0.5,
    f1=0.75,
    has_answer_exact_match=0.25,
    has_answer_f1=0.5,
    no_answer_accuracy=1.0,
    best_threshold_f1=0.75,
    best_threshold_margin=-1.5,
    auroc=None,
    intervals={"rouge1_f1": (0.5, 1.0), "rouge1_f1_answerable_forced": None},
    interval_level=0.95,
)


def report(ids: str = "abcd", **changes: Any) -> Report:
    """A small report with a question for each letter: all answerable and all scores 0 unless ``changes`` say else.

    ``changes`` are fields of the report or columns of its scores.
    """
    nothing = (0.0,) * len(ids)
    columns: dict[str, Any] = {
        "id": tuple(ids),
        "answerable": (True,) * len(ids),
        **dict.fromkeys(("rouge1_f1", "exact_match", "f1", "rouge1_f1_forced", "confidence"), nothing),
        "prediction": ("",) * len(ids),
    }
    columns |= {name: tuple(changes.pop(name)) for name in list(changes) if name in columns}
    specimen = Specimen(
        "b", "Which?", ("Paris",), "Rome", True, 0.75, 0.25, "", Excerpt("In Rome.", 3, 7), 3, Excerpt("", 0, 0)
    )
    values: dict[str, Any] = {
        "format": FORMAT,
        "kind": KIND,
        "odqa": "0.1.0",
        "dataset": "cities.json",
        "sha256": "ab" * 32,
        "language": "en",
        "questions": Counts(len(ids), sum(columns["answerable"]), len(ids) - sum(columns["answerable"])),
        "index": IndexFacts("cities", 1234, "tiny-encoder"),
        "mode": "hybrid",
        "k": 20,
        "reader": "tiny-reader",
        "reader_hash": "0123456789abcdef",
        "ranking": "evidence",
        "fitted": "",
        "gold_by": "context",
        "levels": Levels(
            LEVEL,
            RetrievalScores({1: 0.25, 20: 0.75}, {1: None, 20: (0.5, 1.0)}, 0.5, (0.25, 0.5), 10),
            LEVEL,
            TopScores(0.5, 0.25, None),
        ),
        "baselines": (Baseline("always abstain", 0.25, None),),
        "trust": Trust(
            0.125, (Bin(0.25, 0.5, 1),), (AtLeast(0.9, 0.0, None),), 0.25, 0.5, ((0.25, 0.0), (1.0, 0.5)), *[None] * 2,
            0, *[None] * 3,
        ),
        "by_k": (Depth("hybrid", "evidence", 20, 0.5, 0.25, 0.75, 0.5, 0.625, None),),
        "slices": {"answer type": (Slice("name", 3, 0.5, 0.625, 0.75),)},
        "failures": Failures({"not retrieved": 1}, (specimen,)),
        "audit": Audit(1, (specimen,), None),
        "ablation": (),
        "scores": QuestionScores(**columns),
        "seconds": 12.5,
    }  # fmt: skip
    assert changes.keys() <= values.keys()
    return Report(**values | changes)
