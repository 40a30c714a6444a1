"""``odqa feedback`` over a file as a server writes it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from odqa.cli import app
from odqa.serve.feedback import Verdict, append, feedback
from odqa.types import Passage

PASSAGE = Passage("tea#0", "tea", "Tea", "Green tea is brewed at 80 degrees.", 0)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "feedback.jsonl"
    for question, verdict, place in [
        ("How hot is tea?", "right", (23, 33)),
        ("how hot is tea", "wrong", (0, 9)),
        ("Who drinks it?", "right", (0, 0)),
        ("Which tea?", "missing", (0, 9)),
        ("Why\x1b[31m?", "missing", None),
    ]:
        text = PASSAGE.text[slice(*place)] if place else ""
        append(path, feedback(question, Verdict(verdict), passages=[PASSAGE], place=place, text=text))
    return path


def run(*arguments: object):
    return CliRunner().invoke(app, ["feedback", *map(str, arguments)])


def test_it_shows_what_was_asked_and_what_was_right(file) -> None:
    result = run(file)
    assert result.exit_code == 0, result.stderr
    assert "questions: 4 · judgements: 5, of them 2 right, 1 wrong, 2 missing" in result.stdout
    assert "marked by hand: 1 · rightly no answer: 1 · usable as questions of a dataset: 3" in result.stdout
    rows = {line.split("  ")[1].strip(): line for line in result.stdout.splitlines()[3:]}
    assert "80 degrees" in rows["how hot is tea"]
    assert "(none)" in rows["Who drinks it?"]
    assert "\x1b" not in result.stdout
    assert max(map(len, result.stdout.splitlines())) <= 120


def test_the_last_ones_alone(file) -> None:
    result = run(file, "-n", 1)
    assert "3 more; -n 4" in result.stdout


def test_the_same_as_one_json_object(file) -> None:
    found = json.loads(run(file, "--json").stdout)
    assert {key: found[key] for key in ("records", "questions", "right", "wrong", "missing", "marked", "none")} == {
        "records": 5, "questions": 4, "right": 2, "wrong": 1, "missing": 2, "marked": 1, "none": 1,
    }  # fmt: skip
    assert len(found["asked"]) == 4 and found["labelled"] == 3


def test_nothing_said_and_no_file(tmp_path: Path) -> None:
    (tmp_path / "empty.jsonl").touch()
    assert "Nobody" in run(tmp_path / "empty.jsonl").stdout
    result = run(tmp_path / "absent.jsonl")
    assert result.exit_code == 2 and "absent.jsonl" in result.stderr


def test_another_file_is_named_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "rows.jsonl").write_text('{"text": "a"}\n')
    result = run(tmp_path / "rows.jsonl")
    assert result.exit_code == 1 and "line 1" in result.stderr
