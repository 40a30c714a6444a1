"""A report is written and read again, and what is no report of this version is refused by name and place."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from odqa.errors import DataError, UsageError
from odqa.evaluation.report import Report, read_report
from tests.evaluation.made import report

Change = Callable[[dict[str, Any]], object]


def written(path: Path, value: object) -> Path:
    path.write_text(json.dumps(value, allow_nan=False), encoding="utf-8")
    return path


def test_a_report_is_read_again_from_its_folder_or_its_file(tmp_path: Path) -> None:
    some = report()
    file = written(tmp_path / "report.json", some.as_json())
    assert read_report(tmp_path) == read_report(file) == some


def test_what_is_read_is_frozen() -> None:
    some = Report.from_json(json.loads(json.dumps(report().as_json())), "here")
    with pytest.raises(AttributeError):
        some.levels.pipeline.f1 = 1.0  # type: ignore[misc]
    assert hash(some.scores) == hash(report().scores)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b'{"kind": "pipeline",\n', "broken JSON at line 2"),
        (b'{"kind": "\xe9"}', "not UTF-8 at byte 10"),
        (b"[]", "not the report of a pipeline"),
        (b'{"rouge1_f1": 0.5}', "not the report of a pipeline"),
    ],
)
def test_another_file_is_refused_by_name(tmp_path: Path, content: bytes, said: str) -> None:
    path = tmp_path / "report.json"
    path.write_bytes(content)
    with pytest.raises(DataError) as caught:
        read_report(tmp_path)
    assert str(caught.value).startswith(f"{path}: {said}")
    assert "--report FOLDER" in str(caught.value)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda value: value.update(format=1), "format 1, and this version reads format 2; evaluate again"),
        (lambda value: value.pop("format"), "format None, and this version reads format 2"),
        (lambda value: value.pop("language"), "language: Field required"),
        (lambda value: value.update(scores=None), "scores: "),
        (lambda value: value["scores"].pop("answerable"), "scores.answerable: Field required"),
        (lambda value: value["scores"].update(f1=["x", 1, 1, 1]), "scores.f1.0: "),
        (lambda value: value["levels"]["pipeline"].update(f1="high"), "levels.pipeline.f1: "),
        (lambda value: value["failures"]["worst"][0]["passage"].pop("end"), "failures.worst.0.passage.end: "),
        (lambda value: value["scores"].update(f1=[1.0]), "scores.f1 has 1 values for 4 questions"),
        (lambda value: value["scores"].update(id=["a", "a", "b", "c"]), "a question's id occurs twice"),
        (lambda value: value.update(scores={name: [] for name in value["scores"]}), "it holds no questions"),
    ],
)
def test_a_damaged_report_is_refused_with_the_place(tmp_path: Path, change: Change, said: str) -> None:
    value = json.loads(json.dumps(report().as_json()))
    change(value)
    path = written(tmp_path / "report.json", value)
    with pytest.raises(DataError) as caught:
        read_report(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert said in str(caught.value)


@pytest.mark.parametrize("name", ["absent", "absent.json", "."])
def test_a_missing_report_is_a_usage_error(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError, match=r"no such report: .*--report FOLDER"):
        read_report(tmp_path / name)
