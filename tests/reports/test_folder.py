"""The three files of a report on disk."""

from __future__ import annotations

import errno
import json
import math
import os
from dataclasses import replace
from pathlib import Path

import pytest

from odqa.evaluation.report import read_report
from odqa.reports.folder import write_report
from odqa.reports.page import as_html
from tests.reports.reports import REPORT, UNMEASURED, hostile, report


def test_a_report_is_three_files_in_a_folder_that_is_made(tmp_path: Path):
    folder = tmp_path / "reports" / "cities"
    write_report(folder, REPORT)
    assert sorted(path.name for path in folder.iterdir()) == ["report.html", "report.json", "report.md"]
    assert (folder / "report.md").read_text(encoding="utf-8").startswith("# cities.json\n")
    assert (folder / "report.html").read_text(encoding="utf-8") == as_html(REPORT)


@pytest.mark.parametrize(
    "made", [REPORT, UNMEASURED, replace(hostile(REPORT), kind=REPORT.kind)], ids=["full", "unmeasured", "hostile"]
)
def test_what_was_written_comes_back_as_the_same_report(tmp_path: Path, made):
    write_report(tmp_path, made)
    assert read_report(tmp_path) == read_report(tmp_path / "report.json") == made
    assert json.loads((tmp_path / "report.json").read_text(encoding="ascii"))["dataset"] == made.dataset


@pytest.mark.parametrize("name", ["report.json", "report.md", "report.html"])
def test_where_writing_fails_all_that_was_there_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str):
    write_report(tmp_path, report(dataset="old.json"))
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    write = Path.write_text

    def full(path: Path, text: str, **options: str) -> int:
        if name in path.name:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
        return write(path, text, **options)

    monkeypatch.setattr(Path, "write_text", full)
    with pytest.raises(OSError, match="No space left"):
        write_report(tmp_path, report(dataset="new.json"))
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_a_number_that_json_does_not_know_costs_nobody_the_old_report(tmp_path: Path):
    write_report(tmp_path, REPORT)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    with pytest.raises(ValueError, match="JSON"):
        write_report(tmp_path, report(scores=replace(REPORT.scores, f1=(math.inf,) * 4)))
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_half_a_surrogate_pair_costs_nobody_the_report(tmp_path: Path):
    write_report(tmp_path, report(dataset="half \ud83d.json"))
    assert "half \\ud83d.json" in (tmp_path / "report.html").read_text(encoding="utf-8")
    assert read_report(tmp_path).dataset == "half \ud83d.json"
