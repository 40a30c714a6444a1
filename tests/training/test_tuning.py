"""What is recorded of a reader on held-out data: mistakes counted by hand, and a tiny reader really tuned."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import pytest

from odqa.answering.deciders import ReaderRule
from odqa.evaluation.cases import Case
from odqa.evaluation.judging import Judge, Judgement
from odqa.evaluation.reader import evaluate
from odqa.fitting.reader import fit_length_penalty
from odqa.reader.model import Reader
from odqa.training.tuning import LONGEST, Tuning, mistakes, tune
from tests.evaluation.made import own_context
from tests.training.conftest import examples


def judged(cases: list[Case]) -> list[Judgement]:
    return list(Judge(ReaderRule()).judge(cases, 1))


def asked(name: str, said: str, margin: float, answer: str = "") -> Case:
    """A question on which the reader finds ``said`` with that margin."""
    return own_context(name, f"{said} and {answer}", [answer] if answer else [], {said: margin})


def test_mistakes_are_counted_by_kind_and_the_surest_shown_by_turns() -> None:
    some = [
        asked("right", "the Paris", 9.0, "Paris"),
        asked("silent", "x", -9.0),
        *(asked(f"invented{at}", f"x{at}", margin) for at, margin in enumerate((1.0, 3.0, 2.0))),
        *(asked(f"missed{at}", "Berlin", margin, "Berlin") for at, margin in enumerate((-1.0, -4.0))),
        asked("near", "Seine", 0.5, "the river Seine"),
    ]
    found = mistakes(judged(some), 0.0)
    assert found["counts"] == {"answered_unanswerable": 3, "abstained_wrongly": 2, "wrong_span": 1}
    assert [tuple(one.values()) for one in found["examples"]] == [
        ("answered_unanswerable", "invented1?", "x1", ""),
        ("abstained_wrongly", "missed1?", "", "Berlin"),
        ("wrong_span", "near?", "Seine", "the river Seine"),
        ("answered_unanswerable", "invented2?", "x2", ""),
        ("abstained_wrongly", "missed0?", "", "Berlin"),
    ]


def test_the_surest_is_the_furthest_from_the_threshold_and_without_any_span_nothing_is_sure() -> None:
    some = [own_context("nothing", "text", ["text"], {}), asked("near", "x", -1.0, "y"), asked("far", "x", -3.0, "y")]
    assert [one["question"] for one in mistakes(judged(some), 0.0)["examples"]] == ["far?", "near?", "nothing?"]
    assert [one["question"] for one in mistakes(judged(some), -3.5)["examples"]] == ["near?", "far?", "nothing?"]


def test_long_texts_are_cut() -> None:
    (shown,) = mistakes(judged([own_context("q" * 199, "b" * 201, ["b" * 201], {})]), 0.0)["examples"]
    assert shown == {
        "kind": "abstained_wrongly",
        "question": "q" * 199 + "?",
        "predicted": "",
        "expected": "b" * (LONGEST - 1) + "…",
    }


def test_without_data_nothing_is_fitted() -> None:
    assert tune(None, [], print) == Tuning(threshold=0.0, temperature=1.0, length_penalty=0.0, record={})  # type: ignore[arg-type]


def test_of_many_questions_it_is_told_how_many_are_read(tiny_reader: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[str] = []
    tune(Reader.load(tiny_reader, device="cpu", dtype="float32"), examples(), told.append)
    assert told == [], "of twelve it would be noise"
    monkeypatch.setattr("odqa.training.watch.WORTH_TELLING", 8)
    tune(Reader.load(tiny_reader, device="cpu", dtype="float32"), examples(), told.append)
    assert told[0].startswith("fitting the length penalty: ") and told[0].endswith(" of 8 questions are read")
    assert told[-1].startswith("fitting threshold and temperature: ") and "of 12 questions" in told[-1]


def test_the_record_is_what_the_reader_does_with_its_fitted_settings(tiny_reader: Path) -> None:
    some = examples()
    reader = Reader.load(tiny_reader, device="cpu", dtype="float32")
    tuned = tune(reader, some, print)
    assert reader.length_penalty == 0.0, "what was given is left alone"
    assert tuned.length_penalty == fit_length_penalty(reader, some)
    reader.no_answer_threshold, reader.temperature = tuned.threshold, tuned.temperature
    reader.length_penalty = tuned.length_penalty
    report = evaluate(some, reader).report
    record = tuned.record
    assert (record["questions"], record["answerable"], record["unanswerable"]) == (12, 8, 4)
    assert record["metrics"]["f1"] == pytest.approx(report.scores.f1, abs=1e-6)
    assert record["metrics"]["has_answer_f1"] == pytest.approx(report.scores.has_answer_f1, abs=1e-6)
    assert record["metrics"]["no_answer_accuracy"] == pytest.approx(report.scores.no_answer_accuracy, abs=1e-6)
    assert record["intervals"] == {"level": 0.95, **report.scores.intervals}
    assert report.calibration is not None
    assert record["calibration"] == asdict(report.calibration)
    assert record["calibration"]["before"]["threshold"] == 0
    low, high = record["intervals"]["f1"]
    assert low <= record["metrics"]["f1"] <= high
    counts = record["mistakes"]["counts"]
    assert sum(counts.values()) == round(12 * (1 - report.scores.exact_match))
    assert counts["answered_unanswerable"] == round(4 * (1 - report.scores.no_answer_accuracy))
