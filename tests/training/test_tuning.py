"""What is recorded of a reader on held-out data: mistakes counted by hand, and a tiny reader really tuned."""

from __future__ import annotations

import pytest

from odqa.evaluation.metrics import token_f1
from odqa.evaluation.report import evaluate
from odqa.reader.model import Reader
from odqa.training.tuning import LONGEST, PENALTIES, Tuning, fit_length_penalty, mistakes, tune
from odqa.types import Example, Reference
from tests.training.conftest import examples


def asked(name: str, answer: str | None = None, question: str = "Q?") -> Example:
    return Example(name, question, "text", () if answer is None else (Reference(answer, 0),))


def test_mistakes_are_counted_by_kind_and_the_surest_shown_by_turns():
    some = [
        asked("right", "Paris"),
        asked("silent"),
        *(asked(f"invented{at}") for at in range(3)),
        *(asked(f"missed{at}", "Berlin") for at in range(2)),
        asked("near", "the river Seine"),
    ]
    predictions = {"right": "the Paris", "silent": "", "near": "Seine"}
    predictions |= {f"invented{at}": f"x{at}" for at in range(3)} | {f"missed{at}": "" for at in range(2)}
    margins = {"right": 9.0, "silent": -9.0, "near": 0.5}
    margins |= {"invented0": 1.0, "invented1": 3.0, "invented2": 2.0, "missed0": -1.0, "missed1": -4.0}
    found = mistakes(some, predictions, margins)
    assert found["counts"] == {"answered_unanswerable": 3, "abstained_wrongly": 2, "wrong_span": 1}
    assert [(one["kind"], one["predicted"], one["expected"]) for one in found["examples"]] == [
        ("answered_unanswerable", "x1", ""),
        ("abstained_wrongly", "", "Berlin"),
        ("wrong_span", "Seine", "the river Seine"),
        ("answered_unanswerable", "x2", ""),
        ("abstained_wrongly", "", "Berlin"),
    ]


def test_long_texts_are_cut_and_a_question_without_any_span_is_an_abstention():
    (shown,) = mistakes([asked("a", "b" * 201, "q" * 200)], {"a": ""}, {})["examples"]
    assert shown == {
        "kind": "abstained_wrongly",
        "question": "q" * LONGEST,
        "predicted": "",
        "expected": "b" * (LONGEST - 1) + "…",
    }


def test_a_reader_without_mistakes_has_none_to_show():
    found = mistakes([asked("a", "Paris")], {"a": "Paris"}, {"a": 1.0})
    assert found == {
        "counts": {"answered_unanswerable": 0, "abstained_wrongly": 0, "wrong_span": 0},
        "examples": [],
    }


def test_without_data_nothing_is_fitted():
    assert tune(None, []) == Tuning(threshold=0.0, temperature=1.0, length_penalty=0.0, record={})


def test_the_fitted_length_penalty_is_the_first_whose_reader_has_the_best_f1(tiny_reader):
    some = [example for example in examples() if example.answerable]
    reader = Reader.load(tiny_reader, device="cpu", dtype="float32")
    scores = []
    for reader.length_penalty in PENALTIES:
        forced = evaluate(some, reader).forced
        scores.append(sum(token_f1(forced[one.id], [answer.text for answer in one.references]) for one in some))
    assert len(set(scores)) > 2, "the penalty makes a difference to this reader"
    assert fit_length_penalty(reader, examples()) == PENALTIES[scores.index(max(scores))]


def test_without_answers_there_is_no_length_to_fit(tiny_reader):
    unanswerable = [example for example in examples() if not example.answerable]
    assert fit_length_penalty(Reader.load(tiny_reader, device="cpu"), unanswerable) == 0.0


def test_the_record_is_what_the_reader_does_with_its_fitted_settings(tiny_reader):
    some = examples()
    reader = Reader.load(tiny_reader, device="cpu", dtype="float32")
    tuned = tune(reader, some)
    assert reader.length_penalty == 0.0, "what was given is left alone"
    reader.no_answer_threshold, reader.temperature = tuned.threshold, tuned.temperature
    reader.length_penalty = tuned.length_penalty
    report = evaluate(some, reader).report
    record = tuned.record
    assert (record["questions"], record["answerable"], record["unanswerable"]) == (12, 8, 4)
    assert record["metrics"]["f1"] == pytest.approx(report["f1"], abs=1e-6)
    assert record["metrics"]["has_answer_f1"] == pytest.approx(report["has_answer"]["f1"], abs=1e-6)
    assert record["metrics"]["no_answer_accuracy"] == pytest.approx(report["no_answer"]["accuracy"], abs=1e-6)
    assert record["intervals"] == {name: value for name, value in report["intervals"].items() if value is not None}
    assert record["calibration"] == report["calibration"]
    assert record["calibration"]["before"]["threshold"] == 0
    low, high = record["intervals"]["f1"]
    assert low <= record["metrics"]["f1"] <= high
    counts = record["mistakes"]["counts"]
    assert sum(counts.values()) == round(12 * (1 - report["exact_match"]))
    assert counts["answered_unanswerable"] == round(4 * (1 - report["no_answer"]["accuracy"]))
