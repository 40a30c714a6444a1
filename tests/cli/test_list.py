"""``odqa list``: a line an index, and what is no index left out."""

from __future__ import annotations

import json
import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner

from odqa.cli import app
from odqa.cli.list import age

RUN = CliRunner()


@pytest.fixture
def indexes(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name in ("b", "a"):
        shutil.copytree(made / "index", tmp_path / "indexes" / name)
    (tmp_path / "indexes" / "notes").mkdir()
    (tmp_path / "indexes" / "README.md").write_text("no index")
    return tmp_path / "indexes"


def test_each_index_has_a_line_with_what_it_holds(indexes: Path, tiny_encoder: Path) -> None:
    head, *lines = RUN.invoke(app, ["list"]).stdout.splitlines()
    assert head.split() == ["index", "encoder", "documents", "passages", "size", "changed"]
    assert [line.split()[:4] for line in lines] == [
        [f"indexes/{name}", str(tiny_encoder), "5", "5"] for name in ("a", "b")
    ]


def test_json(indexes: Path) -> None:
    found = json.loads(RUN.invoke(app, ["list", str(indexes), "--json"]).stdout)["indexes"]
    assert [Path(one["index"]).name for one in found] == ["a", "b"]
    assert all(one["documents"] == one["passages"] == 5 and one["bytes"] > 0 for one in found)


def test_a_damaged_index_is_told_and_the_others_are_shown(indexes: Path) -> None:
    (indexes / "a" / "manifest.json").write_text("{}")
    result = RUN.invoke(app, ["list"])
    assert result.exit_code == 1 and "indexes/a/manifest.json" in result.stderr
    assert [line.split()[0] for line in result.stdout.splitlines()[1:]] == ["indexes/b"]
    quiet = RUN.invoke(app, ["list", "--json", "--quiet"])
    found = json.loads(quiet.stdout)
    assert [one["index"] for one in found["indexes"] + found["broken"]] == ["indexes/b", "indexes/a"]
    assert quiet.exit_code == 1 and found["broken"][0]["reason"] in quiet.stderr


def test_no_index_is_no_failure_and_says_how_to_make_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    result = RUN.invoke(app, ["list"])
    assert result.exit_code == 0 and "odqa index PATH" in result.stdout
    Path("file").write_text("")
    assert RUN.invoke(app, ["list", "file"]).exit_code == 2


@pytest.mark.parametrize(
    ("then", "said"),
    [
        ("2026-01-10T11:59:30+00:00", "just now"),
        ("2026-01-10T11:59:00+00:00", "1 minute ago"),
        ("2026-01-10T09:00:00+00:00", "3 hours ago"),
        ("2026-01-08T12:00:00", "2 days ago"),
        ("2025-11-01T12:00:00+00:00", "2 months ago"),
        ("2023-01-01T12:00:00+00:00", "3 years ago"),
        ("2027-01-01T12:00:00+00:00", "just now"),
        ("some day", "some day"),
    ],
)
def test_an_age_is_told_in_its_largest_unit(then: str, said: str) -> None:
    assert age(then, datetime(2026, 1, 10, 12, tzinfo=UTC)) == said
