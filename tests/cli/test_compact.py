"""``odqa compact`` as a user types it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from odqa.cli import app
from odqa.index.manifest import read_manifest
from tests.cli.conftest import snapshot


def run(verb: str, *arguments: object) -> Any:
    return CliRunner().invoke(app, [verb, *map(str, arguments), "--index", "index"])


def test_what_was_removed_leaves_the_disk(work: Path) -> None:
    assert run("remove", "louvre").exit_code == 0
    result = run("compact")
    assert result.exit_code == 0, result.stderr
    lines = dict(line.split(maxsplit=1) for line in result.stdout.splitlines())
    assert list(lines) == ["Index", "Documents", "Passages", "Time", "Size", "Before"]
    assert (lines["Documents"], lines["Passages"]) == ("4", "4")
    assert lines["Before"].startswith("1 segment, ") and lines["Before"].endswith(" MB, 1 deleted passage")
    manifest = read_manifest("index")
    assert (len(manifest.segments), manifest.deleted_passages, manifest.version) == (1, 0, 3)


def test_several_segments_become_one(work: Path) -> None:
    Path("sun.txt").write_text("The light of the sun has a speed.")
    assert run("add", "sun.txt", "--device", "cpu").exit_code == 0
    assert len(read_manifest("index").segments) == 2
    report = json.loads(run("compact", "--json").stdout)
    assert (report["documents"], report["passages"], report["encoded"]) == (6, 6, 0)
    assert len(read_manifest("index").segments) == 1


def test_one_segment_is_left_alone(work: Path) -> None:
    before = snapshot(work)
    result = run("compact")
    assert result.exit_code == 0
    assert "1 segment, " in result.stdout and "deleted" not in result.stdout
    assert snapshot(work) == before


@pytest.mark.parametrize(
    ("arguments", "words"),
    [(["--tune-recall", "1.5"], ["1.5", "at most 1"]), (["--factory", "Abacus7"], ["Abacus7", "Flat"])],
)
def test_a_mistake_is_one_message_and_changes_nothing(work: Path, arguments: list[str], words: list[str]) -> None:
    before = snapshot(work)
    result = run("compact", *arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    assert all(word in result.stderr for word in words), result.stderr
    assert snapshot(work) == before


def test_how_vectors_are_stored_is_remembered(work: Path) -> None:
    assert run("compact", "--factory", "Flat").exit_code == 0
    assert read_manifest("index").storage == {"factory": "Flat", "recall": 0.95}
    assert run("compact", "--tune-recall", "0.9").exit_code == 0
    assert read_manifest("index").storage == {"factory": "Flat", "recall": 0.9}
    assert run("compact", "--factory", "auto").exit_code == 0
    assert read_manifest("index").storage == {"factory": "", "recall": 0.9}


def test_another_factory_is_shown_with_the_recall_that_was_measured(work: Path) -> None:
    result = run("compact", "--factory", "HNSW8")
    assert result.exit_code == 0, result.stderr
    lines = dict(line.split(maxsplit=1) for line in result.stdout.splitlines())
    assert lines["Vectors"].startswith("HNSW8, efSearch ") and lines["Vectors"].endswith(", recall@20 1.000")
    assert result.stderr == ""
    shown = CliRunner().invoke(app, ["info", "index"]).stdout
    assert f"5 documents, 5 passages, {lines['Vectors']}, " in shown


def test_there_must_be_an_index(work: Path) -> None:
    result = CliRunner().invoke(app, ["compact", "--index", "none"])
    assert (result.exit_code, result.stdout) == (1, "")
    assert "none is not an index" in result.stderr
    assert not Path("none").exists()
