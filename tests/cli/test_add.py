"""``odqa add`` as a user types it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from odqa.cli import app
from odqa.index.manifest import read_manifest
from tests.cli.conftest import snapshot, write_rows

SUN = "The light of the sun has a speed."


def add(*arguments: object) -> Any:
    return CliRunner().invoke(app, ["add", *map(str, arguments), "--index", "index", "--device", "cpu"])


def found(question: str) -> list[str]:
    result = CliRunner().invoke(app, ["search", question, "--index", "index", "--mode", "bm25", "--json"])
    return [hit["passage_id"] for hit in json.loads(result.stdout)["hits"]]


def test_the_summary_says_what_came_in_and_what_is_there(work: Path) -> None:
    Path("sun.txt").write_text(SUN)
    result = add("sun.txt")
    assert result.exit_code == 0, result.stderr
    lines = dict(line.split(maxsplit=1) for line in result.stdout.splitlines())
    assert list(lines) == ["Index", "Changes", "Documents", "Passages", "Time", "Size"]
    assert (lines["Index"], lines["Changes"]) == ("index", "1 added, 1 passage encoded")
    assert (lines["Documents"], lines["Passages"]) == ("6", "6 of at most 46 tokens")
    assert found("speed of light") == ["sun.txt#0"]


def test_json_has_all_counts(work: Path) -> None:
    write_rows(Path("more.jsonl"), [{"id": "louvre", "text": SUN}, {"id": "sun", "text": SUN}])
    Path("void.txt").touch()
    result = add("more.jsonl", "void.txt", "--on-duplicate", "skip", "--json")
    report = json.loads(result.stdout)
    assert (report["folder"], report["version"], report["documents"]) == ("index", 2, 6)
    assert (report["added"], report["changed"], report["skipped"], report["encoded"]) == (1, 0, 1, 1)
    assert report["unusable"] == [{"source": "void.txt", "reason": "empty"}]


def test_an_id_that_is_there_already_is_an_error_that_names_both_sources(work: Path) -> None:
    write_rows(Path("more.jsonl"), [{"id": "louvre", "text": SUN}])
    before = snapshot(work)
    result = add("more.jsonl")
    assert (result.exit_code, result.stdout) == (1, "")
    for words in ("'louvre'", "docs/rows.jsonl", "more.jsonl", "--on-duplicate replace", "--on-duplicate skip"):
        assert words in result.stderr
    assert snapshot(work) == before


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["none.txt"], 2, ["none.txt"]),
        (["sun.txt", "void.txt", "--strict"], 1, ["void.txt", "empty", "--strict"]),
        (["sun.txt", "--index", "none"], 1, ["none is not an index", "`odqa index"]),
        (["docs/moon.txt"], 1, ["docs/moon.txt", "`odqa update`"]),
    ],
)
def test_a_mistake_is_one_message_and_changes_nothing(
    work: Path, arguments: list[str], code: int, words: list[str]
) -> None:
    Path("sun.txt").write_text(SUN)
    Path("void.txt").touch()
    before = snapshot(work)
    result = CliRunner().invoke(app, ["add", "--index", "index", *arguments])
    assert (result.exit_code, result.stdout) == (code, "")
    assert result.stderr.startswith("odqa: ")
    assert all(word in result.stderr for word in words), result.stderr
    assert snapshot(work) == before


def test_a_second_writer_is_refused(work: Path) -> None:
    from odqa.index.change import changing

    Path("sun.txt").write_text(SUN)
    before = snapshot(work)
    with changing(Path("index")):
        result = add("sun.txt")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "another process" in result.stderr
    assert snapshot(work) == before


def test_ctrl_c_ends_with_130_and_leaves_the_index(work: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from odqa.retrieval.encoder import Encoder

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Encoder, "encode_passages", interrupt)
    Path("sun.txt").write_text(SUN)
    before = snapshot(work)
    result = add("sun.txt")
    assert result.exit_code == 130
    assert result.stderr.startswith("odqa: interrupted")
    assert snapshot(work) == before
    assert read_manifest("index").version == 1
