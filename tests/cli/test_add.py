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
    assert (lines["Documents"], lines["Passages"]) == ("6", "6 of at most 44 tokens")
    assert found("speed of light") == ["sun.txt#0"]


def test_json_has_all_counts(work: Path) -> None:
    write_rows(Path("more.jsonl"), [{"id": "louvre", "text": SUN}, {"id": "sun", "text": SUN}])
    Path("void.txt").touch()
    result = add("more.jsonl", "void.txt", "--on-duplicate", "skip", "--json")
    report = json.loads(result.stdout)
    assert (report["folder"], report["version"], report["documents"]) == ("index", 2, 6)
    assert (report["added"], report["changed"], report["skipped"], report["encoded"]) == (1, 0, 1, 1)
    assert report["unusable"] == [{"source": "void.txt", "reason": "empty"}]


def test_files_that_cannot_be_used_are_listed(work: Path) -> None:
    Path("sun.txt").write_text(SUN)
    Path("void.txt").touch()
    result = add("sun.txt", "void.txt")
    assert result.exit_code == 0
    assert "Could not be used: 1" in result.stdout and "void.txt" in result.stdout


def test_a_later_document_may_replace_an_earlier_one(work: Path) -> None:
    write_rows(Path("more.jsonl"), [{"id": "louvre", "text": SUN}])
    result = add("more.jsonl", "--on-duplicate", "replace")
    assert "1 changed, 1 passage encoded" in result.stdout
    assert (found("speed of light"), found("painting")) == (["louvre#0"], [])


def test_an_id_that_is_there_already_is_an_error_that_names_both_sources(work: Path) -> None:
    write_rows(Path("more.jsonl"), [{"id": "louvre", "text": SUN}])
    before = snapshot(work)
    result = add("more.jsonl")
    assert (result.exit_code, result.stdout) == (1, "")
    for words in ("'louvre'", "docs/rows.jsonl", "more.jsonl", "--on-duplicate replace", "--on-duplicate skip"):
        assert words in result.stderr
    assert snapshot(work) == before


def test_a_file_that_is_there_already_is_a_matter_of_update(work: Path) -> None:
    result = add("docs/moon.txt")
    assert result.exit_code == 1
    assert "docs/moon.txt" in result.stderr and "`odqa update`" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["none.txt"], 2, "no such file or folder: none.txt"),
        (["void.txt"], 1, "nothing could be"),
        (["sun.txt", "void.txt", "--strict"], 1, "void.txt: empty (without --strict"),
        (["sun.txt", "--device", "abacus"], 2, "no such device: 'abacus'"),
        (["sun.txt", "--index", "none"], 1, "none is not an index: it does not exist; make one with `odqa index"),
        (["sun.txt", "--index", "docs"], 1, "docs is not an index: it has no manifest.json; make one"),
    ],
)
def test_a_mistake_is_one_message_and_changes_nothing(
    work: Path, arguments: list[str], code: int, message: str
) -> None:
    Path("sun.txt").write_text(SUN)
    Path("void.txt").touch()
    before = snapshot(work)
    result = CliRunner().invoke(app, ["add", "--index", "index", *arguments])
    assert (result.exit_code, result.stdout) == (code, "")
    assert result.stderr.startswith(f"odqa: {message}")
    assert snapshot(work) == before


def test_a_choice_that_there_is_not_lists_those_that_there_are(work: Path) -> None:
    result = add("docs", "--on-duplicate", "merge")
    assert result.exit_code == 2
    assert all(word in result.stderr for word in ("merge", "error", "replace", "skip"))


def test_a_second_writer_is_refused(work: Path) -> None:
    from odqa.index.change import changing

    Path("sun.txt").write_text(SUN)
    before = snapshot(work)
    with changing(Path("index")):
        result = add("sun.txt")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "index is being changed by another process" in result.stderr
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
    assert result.stderr == "odqa: interrupted; nothing that was on disk before has changed\n"
    assert snapshot(work) == before
    assert read_manifest("index").version == 1
