"""``odqa eval`` on a dataset of three questions, with predictions files and with the tiny reader."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from odqa.cli.eval import evaluate

CONTEXT = "Paris is the capital of France. The river in Paris is the Seine."
KEYS = [
    "dataset",
    "rouge1_f1",
    "rouge1_f1_answerable",
    "rouge1_f1_answerable_forced",
    "exact_match",
    "f1",
    "has_answer",
    "no_answer",
    "best_threshold",
    "seconds",
    "windows_per_second",
]


@pytest.fixture
def run():
    app = typer.Typer(rich_markup_mode=None)
    app.command()(evaluate)
    return lambda *arguments: CliRunner().invoke(app, [str(argument) for argument in arguments])


def question(key: str, text: str, *answers: str) -> dict[str, object]:
    found = [{"text": answer, "answer_start": CONTEXT.index(answer)} for answer in answers]
    return {"id": key, "question": text, "answers": found, "is_impossible": not answers}


def squad(*questions: dict[str, object]) -> str:
    return json.dumps({"data": [{"title": "Paris", "paragraphs": [{"context": CONTEXT, "qas": list(questions)}]}]})


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    path = tmp_path / "dev.json"
    path.write_text(
        squad(
            question("capital", "What is the capital of France?", "Paris"),
            question("river", "Which river is in Paris?", "the Seine", "Seine"),
            question("mayor", "Who is the mayor?"),
        )
    )
    return path


@pytest.fixture
def predictions(tmp_path: Path) -> Path:
    path = tmp_path / "predictions.json"
    path.write_text('{"capital": "paris", "river": "", "mayor": ""}')
    return path


def test_a_predictions_file_is_scored_as_one_json_object(run, dataset, predictions):
    result = run("--dataset", dataset, "--predictions", predictions, "--json")
    assert result.exit_code == 0
    assert result.stderr == ""
    report = json.loads(result.stdout)
    assert list(report) == KEYS
    assert report["dataset"] == {"questions": 3, "answerable": 2, "unanswerable": 1}
    assert report["exact_match"] == report["f1"] == report["rouge1_f1"] == pytest.approx(2 / 3)
    assert report["has_answer"] == {"exact_match": 0.5, "f1": 0.5}
    assert report["no_answer"] == {"accuracy": 1.0}
    assert report["rouge1_f1_answerable_forced"] is None


def test_the_same_as_a_table(run, dataset, predictions):
    result = run("--dataset", dataset, "--predictions", predictions)
    assert result.exit_code == 0
    assert result.stdout.startswith("3 questions: 2 answerable, 1 unanswerable\n")
    assert "exact match           0.667       0.500              -\n" in result.stdout


def test_the_limit_takes_the_first_questions(run, dataset, predictions):
    result = run("--dataset", dataset, "--predictions", predictions, "--limit", 1, "--json")
    assert json.loads(result.stdout)["dataset"] == {"questions": 1, "answerable": 1, "unanswerable": 0}
    assert result.stderr == ""
    assert json.loads(result.stdout)["no_answer"] == {"accuracy": None}


def test_missing_and_unknown_ids_are_counted_on_stderr(run, dataset, predictions):
    predictions.write_text('{"capital": "Paris", "stranger": "Paris"}')
    result = run("--dataset", dataset, "--predictions", predictions, "--json")
    assert result.exit_code == 0
    assert result.stderr.splitlines() == [
        f"odqa: warning: {predictions}: ignoring 1 of its 2 ids (not in the dataset): stranger",
        f"odqa: warning: {predictions}: no prediction for 2 of 3 questions (counted as wrong): river, mayor",
    ]
    assert json.loads(result.stdout)["exact_match"] == pytest.approx(1 / 3)


def test_a_reader_is_run_and_its_predictions_written_and_scored_the_same(run, dataset, tiny_reader, tmp_path):
    output = tmp_path / "out.json"
    result = run("--dataset", dataset, "--reader", tiny_reader, "--device", "cpu", "--output", output, "--json")
    assert result.exit_code == 0, result.stderr
    report = json.loads(result.stdout)
    assert list(report) == KEYS
    assert all(report[key] is not None for key in KEYS)
    assert report["seconds"] > 0
    assert report["windows_per_second"] > 0
    assert list(json.loads(output.read_text())) == ["capital", "river", "mayor"]
    again = json.loads(run("--dataset", dataset, "--predictions", output, "--json").stdout)
    for key in ("rouge1_f1", "rouge1_f1_answerable", "exact_match", "f1", "has_answer", "no_answer"):
        assert again[key] == report[key]


def test_a_full_disk_costs_neither_the_report_nor_the_old_file(run, dataset, tiny_reader, tmp_path, monkeypatch):
    output = tmp_path / "out.json"
    output.write_text("old")

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(output))

    monkeypatch.setattr(Path, "replace", full)
    result = run("--dataset", dataset, "--reader", tiny_reader, "--device", "cpu", "--output", output, "--json")
    assert result.exit_code == 1
    assert f"odqa: No space left on device ({output})" in result.stderr
    assert list(json.loads(result.stdout)) == KEYS
    assert output.read_text() == "old"


def test_ctrl_c_leaves_the_old_file(run, dataset, tiny_reader, tmp_path, monkeypatch):
    from odqa.reader.model import Reader

    output = tmp_path / "out.json"
    output.write_text("old")

    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Reader, "read", interrupted)
    result = run("--dataset", dataset, "--reader", tiny_reader, "--device", "cpu", "--output", output)
    assert result.exit_code == 130
    assert "odqa: interrupted" in result.stderr
    assert output.read_text() == "old"


@pytest.mark.parametrize("limit", [0, -1])
def test_a_limit_below_one_is_a_usage_error(run, dataset, predictions, limit):
    result = run("--dataset", dataset, "--predictions", predictions, "--limit", limit)
    assert result.exit_code == 2
    assert "'--limit'" in result.stderr
    assert "1" in result.stderr.splitlines()[-1]  # The least that is allowed, in the words of the Typer at hand.


@pytest.mark.parametrize("option", ["--reader", "--output"])
def test_a_predictions_file_and_a_reader_exclude_each_other(run, dataset, predictions, option):
    result = run("--dataset", dataset, "--predictions", predictions, option, "x")
    assert result.exit_code == 2
    assert f"odqa: {option} goes with running a reader" in result.stderr


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ('{"data": [{"paragraphs": [{"qas": []}]}]}', "data[0].paragraphs[0]: missing key 'context'"),
        (squad({"id": "a", "question": "?"}), "data[0].paragraphs[0].qas[0]: missing key 'answers'"),
        (squad(), "no questions"),
        (squad(question("a", "?"), question("a", "?")), "the question id 'a' occurs twice, at questions 1 and 2"),
        ("{", "broken JSON at line 1"),
    ],
)
def test_a_dataset_that_cannot_be_scored_is_named_with_the_place(run, dataset, predictions, content, said):
    dataset.write_text(content)
    predictions.write_text('{"a": ""}')
    result = run("--dataset", dataset, "--predictions", predictions)
    assert result.exit_code == 1
    assert result.stderr.startswith(f"odqa: {dataset}")
    assert said in result.stderr
    assert result.stdout == ""


def test_a_missing_dataset_is_a_usage_error(run, tmp_path):
    result = run("--dataset", tmp_path / "absent.json")
    assert result.exit_code == 2
    assert "absent.json" in result.stderr


def test_a_broken_predictions_file_is_named_with_the_place(run, dataset, predictions):
    predictions.write_text('{"capital": ["Paris"]}')
    result = run("--dataset", dataset, "--predictions", predictions)
    assert result.exit_code == 1
    assert f"odqa: {predictions}: the prediction of question 'capital' is a list, not a text" in result.stderr


def test_an_output_that_cannot_be_written_is_refused_before_the_run(run, dataset, tmp_path):
    result = run("--dataset", dataset, "--reader", "no-such-reader", "--output", tmp_path / "no" / "out.json")
    assert result.exit_code == 2
    assert "there is no folder" in result.stderr


def test_scoring_a_file_needs_no_torch(dataset, predictions):
    code = (
        "import sys\n"
        "from odqa.cli.eval import evaluate\n"
        f"evaluate({str(dataset)!r}, predictions=__import__('pathlib').Path({str(predictions)!r}))\n"
        "assert not {'torch', 'transformers', 'datasets'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, timeout=60)
