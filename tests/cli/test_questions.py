"""``odqa questions`` writes a file to fill in, and eval, tune and train-reader read it filled in."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from odqa.cli import app
from tests.tiny.asked import Asked


def odqa(*arguments: object):
    return CliRunner().invoke(app, list(map(str, arguments)))


def rows(path: Path) -> list[dict[str, str]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_each_passage_is_of_another_document_and_always_the_same_for_a_seed(work: Path) -> None:
    result = odqa("questions", "--index", "index", "--n", 5)
    assert result.exit_code == 0, result.stderr
    found = rows(work / "questions.jsonl")
    assert len({row["passage"] for row in found}) == 5
    assert all(row["question"] == row["answer"] == "" for row in found)
    again = odqa("questions", "--index", "index", "--n", 5, "--output", "-").stdout.splitlines()
    assert [json.loads(line) for line in again] == found
    other = odqa("questions", "--index", "index", "--n", 5, "--seed", 1, "--output", "-").stdout.splitlines()
    assert [json.loads(line) for line in other] != found


def test_fewer_passages_than_asked_for_are_said(work: Path) -> None:
    result = odqa("questions", "--index", "index", "--n", 50)
    assert result.exit_code == 0 and "no more than these 5" in result.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--output", "mine.jsonl"], "there already"),
        (["--output", "mine.json"], "suffix .jsonl"),
        (["--n", 0], "--n"),
        (["--output", "nowhere/mine.jsonl"], "no folder"),
    ],
)
def test_what_cannot_be_written_is_refused(work: Path, arguments: list[object], message: str) -> None:
    (work / "mine.jsonl").write_text("mine", encoding="utf-8")
    result = odqa("questions", "--index", "index", *arguments)
    assert result.exit_code == 2 and message in result.stderr
    assert (work / "mine.jsonl").read_text(encoding="utf-8") == "mine"


def filled(asked: Asked, path: Path) -> Path:
    """The questions of the dataset as somebody would write them, one of them misspelt and one line left empty."""
    content = json.loads(asked.dataset.read_text())
    lines: list[dict[str, object]] = [{"question": "", "answer": "", "passage": "…"}]
    for paragraph in content["data"][0]["paragraphs"]:
        lines += (
            {"question": one["question"], "answers": [answer["text"] for answer in one["answers"]]}
            for one in paragraph["qas"]
        )
    lines.append({"question": "who built it", "answer": "Gustavo"})
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    return path


def test_eval_and_tune_find_the_answers_in_the_index(asked: Asked, tmp_path: Path) -> None:
    dataset = filled(asked, tmp_path / "mine.jsonl")
    common = ["--index", asked.index, "--dataset", dataset, "--reader", asked.reader, "--cache", asked.cache]
    evaluated = odqa("eval", *common, "--device", "cpu", "-k", 3, "--json")
    assert evaluated.exit_code == 0, evaluated.stderr
    assert f"line {len(dataset.read_text().splitlines())}: 'Gustavo' is nowhere" in evaluated.stderr
    report = json.loads(evaluated.stdout)
    assert report["questions"]["questions"] == 14 and report["gold_by"] == "answer text"
    fit = tmp_path / "ranking.json"
    tuned = odqa("tune", *common, "--device", "cpu", "-k", "2", "--output", fit)
    assert tuned.exit_code == 0, tuned.stderr
    assert "14 questions are few" in tuned.stderr
    assert "interval" in tuned.stdout and "what you had (the reader's own rule)" in tuned.stdout
    assert "does not read that file" in tuned.stdout and str(fit) in tuned.stdout


def test_train_reader_finds_the_answers_in_the_index(asked: Asked, tmp_path: Path) -> None:
    dataset, output = filled(asked, tmp_path / "mine.jsonl"), tmp_path / "out"
    small = ["--max-length", 64, "--stride", 16, "--epochs", 1, "--batch-size", 8, "--precision", "float32"]
    base = tmp_path / "base"
    base.mkdir()
    for file in asked.reader.iterdir():
        (base / file.name).write_bytes(file.read_bytes())
    settings = {"no_answer_threshold": -1.5, "temperature": 2.0, "length_penalty": 0.25, "max_length": 64, "stride": 16}
    (base / "reader.json").write_text(json.dumps(settings))
    run = ["--train", dataset, "--base", base, "--output", output, "--device", "cpu", *small]
    without = odqa("train-reader", *run)
    assert without.exit_code == 2 and "--index" in without.stderr
    result = odqa("train-reader", *run, "--index", asked.index)
    assert result.exit_code == 0, result.stderr
    assert "'Gustavo' is nowhere" in result.stderr and "14 questions (11 answerable" in result.stderr
    assert "keeps what was fitted" in result.stderr and "-1.5" in result.stderr
    kept = json.loads((output / "reader.json").read_text())
    assert {name: kept[name] for name in settings} == settings


@pytest.mark.parametrize("command", ["eval", "make-negatives"])
def test_without_an_index_answers_cannot_be_found(asked: Asked, tmp_path: Path, command: str) -> None:
    dataset = filled(asked, tmp_path / "mine.jsonl")
    result = odqa(command, *([dataset] if command == "make-negatives" else ["--dataset", dataset]))
    assert result.exit_code == 2 and "line 2" in result.stderr and "--index" in result.stderr
