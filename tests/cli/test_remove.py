"""``odqa remove`` as a user types it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from odqa.cli import app
from tests.cli.conftest import snapshot


def remove(*arguments: object) -> Any:
    return CliRunner().invoke(app, ["remove", *map(str, arguments), "--index", "index"])


def left() -> set[str]:
    """The ids of the documents that a search can find."""
    result = CliRunner().invoke(app, ["search", "the days", "-k", "9", "--index", "index", "--mode", "dense", "--json"])
    assert result.exit_code == 0, result.stderr
    return {hit["document"]["id"] for hit in json.loads(result.stdout)["hits"]}


ALL = {"docs/moon.txt", "docs/policies/leave.txt", "louvre", "spree", "seine"}


@pytest.mark.parametrize(
    ("arguments", "gone"),
    [
        (["docs/rows.jsonl"], {"louvre", "spree", "seine"}),
        (["docs/policies/", "spree"], {"docs/policies/leave.txt", "spree"}),
        (["--filter", "lang=en", "--filter", "year>=2020"], {"seine"}),
        (["docs/moon.txt", "--filter", "source~=*/policies/*"], {"docs/moon.txt", "docs/policies/leave.txt"}),
    ],
)
def test_documents_go_by_id_file_folder_or_filter(work: Path, arguments: list[str], gone: set[str]) -> None:
    result = remove(*arguments)
    assert result.exit_code == 0, result.stderr
    lines = dict(line.split(maxsplit=1) for line in result.stdout.splitlines())
    assert (lines["Changes"], lines["Documents"]) == (f"{len(gone)} removed", str(5 - len(gone)))
    assert left() == ALL - gone


def test_json_is_the_report(work: Path) -> None:
    report = json.loads(remove("louvre", "--json").stdout)
    assert (report["folder"], report["version"], report["removed"], report["documents"]) == ("index", 2, 1, 4)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], ["nothing to remove", "--filter"]),
        (["louvre", "moon"], ["'moon'"]),
        (["--filter", "lang=fr"], ["no document matches lang=fr"]),
    ],
)
def test_a_mistake_is_one_message_and_removes_nothing(work: Path, arguments: list[str], words: list[str]) -> None:
    before = snapshot(work)
    result = remove(*arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    assert all(word in result.stderr for word in words), result.stderr
    assert snapshot(work) == before


def test_there_must_be_an_index(work: Path) -> None:
    result = CliRunner().invoke(app, ["remove", "louvre", "--index", "none"])
    assert (result.exit_code, result.stdout) == (1, "")
    assert "none is not an index" in result.stderr and "`odqa index" in result.stderr
    assert not Path("none").exists()


def test_a_file_whose_name_is_not_utf_8_is_removed_by_its_name(work: Path) -> None:
    Path("docs/n\udcff.txt").write_text("The sun.")
    assert CliRunner().invoke(app, ["add", "docs/n\udcff.txt", "--index", "index"]).exit_code == 0
    result = CliRunner().invoke(app, ["remove", "docs/n\udcff.txt", "--index", "index"])
    assert result.exit_code == 0, result.stderr
    assert "1 removed" in result.stdout


def test_a_name_of_no_document_may_be_anything(work: Path) -> None:
    result = CliRunner().invoke(app, ["remove", "\udcff", "--index", "index"])
    assert (result.exit_code, result.stdout) == (2, "")
    assert "no document" in result.stderr
