"""A pipeline's report, written by hand: four questions, one of them unanswerable, and texts that look like HTML."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

HOSTILE = "<script>alert(1)</script>"
PASSAGE = '<b>Paris</b> & "London" are <i>cities</i>.'

LEVEL: dict[str, Any] = {
    "rouge1_f1": 0.75,
    "rouge1_f1_answerable": 0.5,
    "rouge1_f1_answerable_forced": 0.625,
    "exact_match": 0.5,
    "f1": 0.75,
    "has_answer_exact_match": 0.25,
    "has_answer_f1": 0.5,
    "no_answer_accuracy": 1.0,
    "best_threshold_f1": 0.75,
    "auroc": 0.875,
    "intervals": {
        "level": 0.95,
        "rouge1_f1": [0.5, 1.0],
        "rouge1_f1_answerable": [0.25, 0.75],
        "rouge1_f1_answerable_forced": [0.5, 0.75],
        "exact_match": [0.25, 0.75],
        "f1": [0.5, 1.0],
        "has_answer_exact_match": [0.0, 0.5],
        "has_answer_f1": [0.25, 0.75],
        "no_answer_accuracy": [1.0, 1.0],
    },
}
CASE: dict[str, Any] = {
    "id": "b",
    "question": f"{HOSTILE} Which city is it?",
    "expected": ["Paris", "Paris, France"],
    "answer": "London",
    "given": True,
    "confidence": 0.875,
    "no_answer_probability": 0.125,
    "document": "Cities & towns",
    "passage": PASSAGE,
    "span": [PASSAGE.index("London"), PASSAGE.index("London") + len("London")],
    "gold_rank": 3,
    "gold": {"context": f"{HOSTILE} stands before Paris.", "span": [40, 45]},
}
WITHHELD = CASE | {"id": "c", "question": "And this one?", "given": False, "gold_rank": None}
NOTHING = CASE | {"id": "d", "question": "And that?", "answer": "", "given": False, "passage": "", "span": [0, 0]}

REPORT: dict[str, Any] = {
    "dataset": "cities.json",
    "sha256": "ab" * 32,
    "format": 1,
    "kind": "pipeline",
    "questions": {"questions": 4, "answerable": 3, "unanswerable": 1},
    "language": "en",
    "index": {"folder": "cities", "passages": 1234, "encoder": "tiny-encoder"},
    "mode": "hybrid",
    "k": 20,
    "odqa": "0.1.0",
    "reader": "tiny-reader",
    "reader_hash": "0123456789abcdef",
    "fitted": "12 questions of towns.json",
    "ranking": "evidence",
    "gold_by": "context",
    "levels": {
        "reader": LEVEL,
        "retrieval": {
            "recall@1": 0.25,
            "recall@5": 0.5,
            "recall@20": 0.75,
            "mrr@10": 0.375,
            "intervals": {
                "recall@1": [0.0, 0.5],
                "recall@5": [0.25, 0.75],
                "recall@20": [0.5, 1.0],
                "mrr@10": [0.25, 0.5],
            },
        },
        "pipeline": LEVEL | {"top5": {"rouge1_f1": 0.875, "exact_match": 0.75, "f1": 0.875}},
    },
    "baselines": {
        "always abstain": {"rouge1_f1": 0.25, "rouge1_f1_answerable": 0.0},
        "best sentence of the first passage": {"rouge1_f1": 0.125, "rouge1_f1_answerable": 0.25},
    },
    "trust": {
        "answers": {
            "calibration_error": 0.0625,
            "reliability": [
                {"confidence": 0.25, "right": 0.5, "count": 1},
                {"confidence": 0.75, "right": 0.625, "count": 3},
            ],
            "at_least": [
                {"confidence": 0.5, "shown": 0.75, "right": 0.625},
                {"confidence": 0.9, "shown": 0.0, "right": None},
            ],
        },
        "decisions": {
            "calibration_error": 0.03125,
            "risk_coverage_area": 0.1875,
            "risk_coverage": [[0.25, 0.0], [0.5, 0.0], [0.75, 0.25], [1.0, 0.5]],
        },
        "auroc": {"unanswerable": 0.875, "removed": 0.9375},
        "removed": {"questions": 3, "answered": 0.25, "right_elsewhere": 0.0, "calibration_error": 0.125},
    },
    "by_k": [
        {
            "k": k,
            "coverage": coverage,
            "coverage_at_0.8": 0.25,
            "rouge1_f1": 0.75,
            "rouge1_f1_answerable": 0.5,
            "rouge1_f1_answerable_forced": 0.625,
            "auroc": 0.875,
        }
        for k, coverage in ((5, 0.5), (20, 0.625))
    ],
    "slices": {
        "question word": [
            {"name": "which", "questions": 2, "rouge1_f1": 0.5, "rouge1_f1_forced": 0.75, "answered": 1.0},
            {"name": "other", "questions": 1, "rouge1_f1": 0.5, "rouge1_f1_forced": 0.5, "answered": 0.0},
        ],
        "answer type": [
            {"name": "name", "questions": 3, "rouge1_f1": 0.5, "rouge1_f1_forced": 0.625, "answered": 0.75}
        ],
    },
    "failures": {
        "counts": {
            "not retrieved": 1,
            "retrieved and outranked": 1,
            "right passage, wrong span": 0,
            "wrongly abstained": 1,
            "wrongly answered": 0,
        },
        "worst": [
            {"kind": "retrieved and outranked", **CASE},
            {"kind": "not retrieved", **WITHHELD},
            {"kind": "wrongly abstained", **NOTHING},
        ],
    },
    "audit": {
        "count": 1,
        "candidates": [CASE | {"id": "e", "question": "Is it answerable?", "expected": []}],
        "without": LEVEL | {"rouge1_f1": 0.8125},
    },
    "ablation": [
        {
            "mode": "hybrid",
            "ranking": ranking,
            "k": 20,
            "rouge1_f1": 0.75,
            "rouge1_f1_answerable": 0.5,
            "rouge1_f1_answerable_forced": 0.625,
            "auroc": 0.875,
            "coverage": 0.625,
        }
        for ranking in ("logit", "evidence")
    ],
    "scores": {
        "id": ["a", "b", "c", "d"],
        "answerable": [True, True, True, False],
        "rouge1_f1": [1.0, 0.5, 0.0, 1.0],
        "exact_match": [1, 0, 0, 1],
        "f1": [1.0, 0.5, 0.0, 1.0],
        "rouge1_f1_forced": [1.0, 0.5, 0.5, 0.0],
        "prediction": ["Paris", "London", "", ""],
        "confidence": [0.75, 0.875, 0.25, 0.125],
    },
    "seconds": 12.5,
}


def report(**changes: Any) -> dict[str, Any]:
    """A copy of the report with some of its keys changed."""
    return deepcopy(REPORT | changes)


def rescored(ids: str, **columns: list[Any]) -> dict[str, Any]:
    """A report of other scores: a question for each letter of ``ids``, all answerable unless told, all of them 0."""
    nothing: list[Any] = [0.0] * len(ids)
    names = ("rouge1_f1", "exact_match", "f1", "rouge1_f1_forced")
    return report(scores={"id": list(ids), "answerable": [True] * len(ids), **dict.fromkeys(names, nothing), **columns})
