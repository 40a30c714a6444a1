"""``odqa compare`` over reports written by hand."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from odqa.cli import app
from odqa.reports.folder import write_report
from tests.reports.reports import report, rescored


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    before, after = tmp_path / "before", tmp_path / "after"
    write_report(before, rescored("abcd"))
    write_report(after, rescored("abcd", rouge1_f1=[1.0, 1.0, 0.0, 0.0], exact_match=[1, 0, 0, 0]))
    return before, after


def run(*arguments: object):
    return CliRunner().invoke(app, ["compare", *map(str, arguments)])


def test_it_shows_what_is_better_and_how_sure_that_is(folders) -> None:
    before, after = folders
    result = run(before, after / "report.json")
    assert result.exit_code == 0, result.stderr
    assert f"A  {before}: reader tiny-reader" in result.stdout
    assert f"B  {after / 'report.json'}: reader tiny-reader" in result.stdout
    assert "ROUGE-1 F1          all         0.000  0.500  +0.500" in result.stdout
    assert "0 by both, 0 by A alone, 1 by B alone, 3 by neither" in result.stdout


def test_the_same_as_one_json_object(folders) -> None:
    result = run(*folders, "--json")
    assert result.exit_code == 0, result.stderr
    found = json.loads(result.stdout)
    assert found["scores"][0]["difference"] == 0.5
    assert found["exact"]["b_alone"] == 1
    assert found["a"]["report"] == str(folders[0])


def test_reports_of_other_questions_are_refused(folders, tmp_path: Path) -> None:
    write_report(tmp_path / "other", report())
    write_report(tmp_path / "less", rescored("ab"))
    result = run(folders[0], tmp_path / "less")
    assert (result.exit_code, result.stdout) == (1, "")
    assert all(str(folder) in result.stderr for folder in (folders[0], tmp_path / "less"))
    assert "different questions" in result.stderr
    assert run(tmp_path / "other", folders[0]).exit_code == 1  # The last question is unanswerable in one alone.


def test_a_missing_report_and_a_broken_one(folders, tmp_path: Path) -> None:
    result = run(folders[0], tmp_path / "absent")
    assert result.exit_code == 2
    assert str(tmp_path / "absent") in result.stderr
    (tmp_path / "broken.json").write_text("{")
    result = run(tmp_path / "broken.json", folders[0])
    assert result.exit_code == 1
    assert str(tmp_path / "broken.json") in result.stderr and "broken JSON" in result.stderr


def test_both_reports_are_asked_for() -> None:
    result = run("before")
    assert result.exit_code == 2
    assert "missing argument 'B'" in result.stderr


def test_comparing_needs_no_torch(folders) -> None:
    code = (
        "import sys; from odqa.cli import app; sys.argv = ['odqa', 'compare', *sys.argv[1:]]\n"
        "try: app()\n"
        "except SystemExit as end: assert not end.code\n"
        "print({'torch', 'transformers', 'faiss', 'sentence_transformers', 'datasets'} & set(sys.modules))"
    )
    run = subprocess.run([sys.executable, "-c", code, *map(str, folders)], capture_output=True, text=True, check=True)
    assert run.stdout.splitlines()[-1] == "set()"
