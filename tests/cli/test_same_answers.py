"""What ``odqa eval`` scores is what ``odqa ask`` says: the same answers, as confident, from a context or an index."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from odqa.cli import app
from odqa.evaluation.confidence import expected_calibration_error
from odqa.evaluation.metrics import exact_match
from odqa.reader.model import Reader
from odqa.squad import load_examples
from odqa.types import Example, Reading, Span
from tests.answering.conftest import reader_with
from tests.tiny.asked import Asked

ALL = 100  # More answers than there are.
CPU = ("--device", "cpu")


@pytest.fixture(autouse=True)
def exact(monkeypatch: pytest.MonkeyPatch) -> None:
    """In bfloat16 what is read would depend a little on what is read with it."""

    monkeypatch.setattr("odqa.runtime.openvino_library.has_bfloat16", lambda: False)


def run(*arguments: object) -> str:
    result = CliRunner().invoke(app, list(map(str, arguments)))
    assert result.exit_code == 0, result.stderr
    return result.stdout


def evaluated(dataset: Path, reader: Path, folder: Path) -> tuple[dict[str, Any], dict[str, str]]:
    """The report of a reader and its predictions."""
    output = folder / "predictions.json"
    report = run("eval", "--dataset", dataset, "--reader", reader, "--output", output, "--json", *CPU)
    return json.loads(report), json.loads(output.read_text(encoding="utf-8"))


def asked_in_context(examples: Sequence[Example], reader: Path, folder: Path) -> list[dict[str, Any]]:
    """What is answered to each question from its context alone."""
    file, found = folder / "Tiny.txt", []  # Its name is its title, as that of the dataset is.
    for one in examples:
        file.write_text(one.context, encoding="utf-8")
        found.append(run("ask", one.question, "--context", file, "--reader", reader, "-n", ALL, "--json", *CPU))
    return list(map(json.loads, found))


def text_of(response: dict[str, Any]) -> str:
    return response["answers"][0]["text"] if response["answers"] else ""


@pytest.mark.parametrize("threshold", [-1000.0, 1.0, 1000.0])
def test_a_question_with_its_context(asked: Asked, tmp_path: Path, threshold: float) -> None:
    reader = reader_with(threshold, asked.reader, tmp_path / "reader")
    examples = load_examples(asked.dataset)
    report, predictions = evaluated(asked.dataset, reader, tmp_path)
    responses = asked_in_context(examples, reader, tmp_path)
    assert predictions == {one.id: text_of(response) for one, response in zip(examples, responses, strict=True)}
    if threshold == 1.0:
        assert 0 < sum(map(bool, predictions.values())) < len(predictions)  # Some are answered, and some are not.
    # The confidence that is evaluated is the one that is shown: the calibration error follows from what was said.
    sure = [one["answers"][0]["confidence"] if one["answers"] else one["no_answer_probability"] for one in responses]
    right = [
        exact_match(text_of(response), [reference.text for reference in one.references])
        for one, response in zip(examples, responses, strict=True)
    ]
    assert report["exact_match"] == pytest.approx(sum(right) / len(right))
    error = expected_calibration_error(sure, right)
    assert report["calibration"]["after"]["expected_calibration_error"] == pytest.approx(error, abs=1e-4)


def test_mentions_that_add_up_are_the_answer_in_both(
    asked: Asked, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Anna has the best place, but Bert's two have more probability together.
    context = "Anna met Bert. Bert laughed."
    reading = Reading((Span(0, 4, 3.0), Span(9, 13, 2.9), Span(15, 19, 2.8)), 0.0)
    monkeypatch.setattr(Reader, "read", lambda self, questions, contexts, **_: [reading for _ in questions])
    asked_of = [{"id": "q", "question": "who laughed?", "answers": [{"text": "Bert", "answer_start": 15}]}]
    dataset = tmp_path / "dev.json"
    dataset.write_text(json.dumps({"data": [{"title": "t", "paragraphs": [{"context": context, "qas": asked_of}]}]}))
    report, predictions = evaluated(dataset, asked.reader, tmp_path)
    (response,) = asked_in_context(load_examples(dataset), asked.reader, tmp_path)
    assert predictions == {"q": text_of(response)} == {"q": "Bert"}
    assert report["exact_match"] == 1.0
    # One right decision: the calibration error is what its confidence lacks.
    error = report["calibration"]["after"]["expected_calibration_error"]
    assert error == pytest.approx(1 - response["answers"][0]["confidence"])


@pytest.fixture(scope="module")
def indexes(asked: Asked, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The index as it is, and a copy with rankings that were fitted on it."""
    folder = shutil.copytree(asked.index, tmp_path_factory.mktemp("tuned") / "index")
    run("tune", "--dataset", asked.dataset, "--cache", asked.cache, "-k", "2,4", *named(folder, asked))
    return {"plain": asked.index, "tuned": folder}


def named(index: Path, asked: Asked) -> tuple[object, ...]:
    return "--index", index, "--reader", asked.reader, *CPU


@pytest.mark.parametrize(
    ("index", "ranking"),
    [
        *((name, options) for name in ("plain", "tuned") for options in ([], ["--answerable", "0.9"])),
        *(("tuned", ["--ranking", name]) for name in ("logit", "softmax", "evidence")),
    ],
)
def test_questions_of_an_index(
    asked: Asked, indexes: dict[str, Path], tmp_path: Path, index: str, ranking: list[str]
) -> None:
    options = ("-k", 3, *ranking, *named(indexes[index], asked))
    run("eval", "--dataset", asked.dataset, "--report", tmp_path, "--cache", asked.cache, *options)
    report = json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))
    scores = report["scores"]

    questions = tmp_path / "questions.jsonl"
    lines = [json.dumps({"id": one.id, "question": one.question}) + "\n" for one in load_examples(asked.dataset)]
    questions.write_text("".join(lines), encoding="utf-8")
    shown = run("ask", "--questions", questions, "-n", ALL, "--explain", *options).splitlines()
    responses = list(map(json.loads, shown))

    assert [one["id"] for one in responses] == scores["id"]
    assert [text_of(one) for one in responses] == scores["prediction"]
    assert {one["ranking"] for one in responses} == {report["ranking"]}
    first = [[*one["answers"], *one["withheld"]][:1] for one in responses]
    confidence = [some[0]["confidence"] if some else 0.0 for some in first]
    assert scores["confidence"] == pytest.approx(confidence, abs=1e-5)
