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

from odqa.cli import app
from odqa.cli.eval import evaluate
from tests.tiny.asked import Asked

CONTEXT = "Paris is the capital of France. The river in Paris is the Seine."
KEYS = [
    "dataset",
    "language",
    "rouge1_f1",
    "rouge1_f1_answerable",
    "rouge1_f1_answerable_forced",
    "exact_match",
    "f1",
    "has_answer",
    "no_answer",
    "best_threshold",
    "auroc",
    "calibration",
    "intervals",
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
    (line,) = [line for line in result.stdout.splitlines() if line.startswith("exact match")]
    assert line.split() == ["exact", "match", "0.667", "±", "0.500", "0.500", "±", "0.500", "-"]


def test_the_limit_takes_the_first_questions(run, dataset, predictions):
    result = run("--dataset", dataset, "--predictions", predictions, "--limit", 1, "--json")
    assert json.loads(result.stdout)["dataset"] == {"questions": 1, "answerable": 1, "unanswerable": 0}
    assert result.stderr == ""
    assert json.loads(result.stdout)["no_answer"] == {"accuracy": None}


def test_missing_and_unknown_ids_are_counted_on_stderr(run, dataset, predictions):
    predictions.write_text('{"capital": "Paris", "stranger": "Paris"}')
    result = run("--dataset", dataset, "--predictions", predictions, "--json")
    assert result.exit_code == 0
    unknown, missing = result.stderr.splitlines()
    assert all(line.startswith(f"odqa: warning: {predictions}: ") for line in (unknown, missing))
    assert "stranger" in unknown and "2 of 3 questions" in missing and "river, mayor" in missing
    assert json.loads(result.stdout)["exact_match"] == pytest.approx(1 / 3)


def test_a_reader_is_run_and_its_predictions_written_and_scored_the_same(run, dataset, tiny_reader, tmp_path):
    output = tmp_path / "out.json"
    result = run("--dataset", dataset, "--reader", tiny_reader, "--device", "cpu", "--output", output, "--json")
    assert result.exit_code == 0, result.stderr
    report = json.loads(result.stdout)
    assert list(report) == KEYS
    assert all(report[key] is not None for key in KEYS)
    assert set(report["calibration"]["after"]) == {
        "threshold",
        "temperature",
        "expected_calibration_error",
        "risk_coverage_area",
    }
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


# As XQuAD's files are: version 1.1, without is_impossible. Language: context, reference, prediction, EM, F1, ROUGE-1.
XQUAD = {
    "vi": ("Con sông ở Hà Nội là sông Hồng.", "sông Hồng", "của sông Hồng", 1, 1, 4 / 5),
    "zh": ("埃菲尔铁塔于1889年在Paris建成。", "1889年", "于1889年在Paris", 0, 4 / 7, 4 / 7),
}


@pytest.fixture
def xquad(tmp_path: Path):
    def write(language: str) -> tuple[Path, Path]:
        context, reference, prediction, *_ = XQUAD[language]
        asked = {"id": "q", "question": "?", "answers": [{"text": reference, "answer_start": context.index(reference)}]}
        content = {"version": "1.1", "data": [{"title": "t", "paragraphs": [{"context": context, "qas": [asked]}]}]}
        dataset, predictions = tmp_path / f"xquad.{language}.json", tmp_path / "predictions.json"
        dataset.write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")
        predictions.write_text(json.dumps({"q": prediction}))
        return dataset, predictions

    return write


@pytest.mark.parametrize("language", ["vi", "zh"])
def test_a_file_like_xquad_is_scored_in_its_language(run, xquad, language):
    dataset, predictions = xquad(language)
    result = run("--dataset", dataset, "--predictions", predictions, "--language", language, "--json")
    assert result.exit_code == 0
    assert result.stderr == ""
    report = json.loads(result.stdout)
    assert report["language"] == language
    expected = XQUAD[language][3:]
    assert (report["exact_match"], report["f1"], report["rouge1_f1"]) == pytest.approx(expected)


def test_a_foreign_dataset_without_a_language_gives_a_hint_once(run, xquad):
    dataset, predictions = xquad("vi")
    result = run("--dataset", dataset, "--predictions", predictions, "--json")
    assert result.exit_code == 0
    assert json.loads(result.stdout)["language"] == "en"
    assert result.stderr.count("odqa: hint: ") == 1 and "--language" in result.stderr
    assert run("--dataset", dataset, "--predictions", predictions, "--language", "en").stderr == ""


def test_a_reader_s_answers_are_scored_in_the_language(run, xquad, tiny_reader):
    dataset, _ = xquad("zh")
    result = run("--dataset", dataset, "--reader", tiny_reader, "--device", "cpu", "--language", "zh", "--json")
    assert result.exit_code == 0, result.stderr
    report = json.loads(result.stdout)
    assert report["language"] == "zh"
    assert report["calibration"]["after"]["temperature"] == 1.0


def test_an_unknown_language_is_refused_before_anything_is_read(run):
    result = run("--dataset", "absent.json", "--language", "klingon")
    assert result.exit_code == 2
    assert "'klingon'" in result.stderr and "vi" in result.stderr


def test_a_limit_below_one_is_a_usage_error(run, dataset, predictions):
    result = run("--dataset", dataset, "--predictions", predictions, "--limit", 0)
    assert result.exit_code == 2
    assert "'--limit'" in result.stderr
    assert "1" in result.stderr.splitlines()[-1]  # The least that is allowed, in the words of the Typer at hand.


@pytest.mark.parametrize("option", ["--reader", "--output"])
def test_a_predictions_file_and_a_reader_exclude_each_other(run, dataset, predictions, option):
    result = run("--dataset", dataset, "--predictions", predictions, option, "x")
    assert result.exit_code == 2
    assert option in result.stderr and "--predictions" in result.stderr


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (squad({"id": "a", "question": "?"}), "data[0].paragraphs[0].qas[0]: missing key 'answers'"),
        (squad(), "no questions"),
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
    assert str(predictions) in result.stderr and "'capital'" in result.stderr


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


def test_a_report_that_cannot_be_made_is_told_before_the_work(asked: Asked, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "dangling").symlink_to(tmp_path / "no" / "where")
    for name in ("file", "file/below", "dangling", "dangling/below"):
        arguments = ["--dataset", str(asked.dataset), "--index", "no/such/index", "--report", str(tmp_path / name)]
        result = CliRunner().invoke(app, ["eval", *arguments])
        assert (result.exit_code, result.stdout) == (2, "")
        assert f"--report {tmp_path / name}" in result.stderr


def test_a_disk_that_is_full_when_the_report_is_written_costs_no_scores(asked: Asked, tmp_path: Path, monkeypatch):
    def full(folder: Path, _: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(folder))

    monkeypatch.setattr("odqa.reports.folder.write_report", full)
    report, own = tmp_path / "report", ["--reader", str(asked.reader), "--device", "cpu", "--cache", str(tmp_path)]
    arguments = ["--dataset", str(asked.dataset), "--index", str(asked.index), "--report", str(report), *own]
    result = CliRunner().invoke(app, ["eval", *arguments])
    assert result.exit_code == 1 and f"No space left on device ({report})" in result.stderr
    assert "ROUGE-1 F1" in result.stdout and "The report is in" not in result.stdout
