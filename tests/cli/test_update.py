"""``odqa update`` as a user types it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from odqa.cli import app
from tests.cli.conftest import ROWS, snapshot, write_rows

SUN = "The light of the sun has a speed."


def update(*arguments: object) -> Any:
    return CliRunner().invoke(app, ["update", *map(str, arguments), "--index", "index", "--device", "cpu"])


def report(*arguments: object) -> dict[str, Any]:
    """What ``--json`` prints."""
    result = update(*arguments, "--json")
    assert result.exit_code == 0, result.stderr
    return json.loads(result.stdout)


def changes(result: Any) -> str:
    """What the summary says of the documents."""
    assert result.exit_code == 0, result.stderr
    return dict(line.split(maxsplit=1) for line in result.stdout.splitlines()[:6])["Changes"]


def test_nothing_to_do_writes_nothing(work: Path) -> None:
    before = snapshot(work)
    assert changes(update("docs")) == "5 unchanged"
    assert snapshot(work) == before


def test_only_what_changed_is_encoded(work: Path) -> None:
    louvre, _, seine = ROWS
    write_rows(Path("docs/rows.jsonl"), [louvre | {"text": "The museum was built in Paris."}, seine])
    Path("docs/sun.txt").write_text(SUN)
    assert changes(update("docs")) == "1 added, 1 changed, 1 removed, 3 unchanged, 2 passages encoded"


def test_json_has_all_counts(work: Path) -> None:
    Path("docs/moon.txt").write_text(SUN)
    found = report("docs")
    counts = {name: found[name] for name in ("added", "changed", "removed", "unchanged", "skipped", "encoded")}
    assert counts == {"added": 0, "changed": 1, "removed": 0, "unchanged": 4, "skipped": 0, "encoded": 1}
    assert (found["folder"], found["version"], found["documents"], found["passages"]) == ("index", 2, 5, 5)
    assert (found["vanished"], found["unusable"]) == ([], [])


def test_files_that_are_gone_are_listed_and_kept(work: Path) -> None:
    Path("docs/moon.txt").unlink()
    result = update("docs")
    assert changes(result) == "4 unchanged"
    shown = result.stdout.splitlines()[-2:]
    assert shown[0].startswith("No longer there, but kept in the index: 1 file; --prune removes")
    assert shown[1] == "  docs/moon.txt"
    assert report("docs")["vanished"] == ["docs/moon.txt"]


def test_prune_removes_them(work: Path) -> None:
    Path("docs/moon.txt").unlink()
    result = update("docs", "--prune")
    assert changes(result) == "1 removed, 4 unchanged"
    assert "No longer there" not in result.stdout
    assert report("docs")["documents"] == 4


def test_prune_looks_at_the_given_paths_alone(work: Path) -> None:
    Path("docs/moon.txt").unlink()
    found = report("docs/policies", "--prune")
    assert (found["removed"], found["unchanged"], found["documents"]) == (0, 1, 5)


def test_another_file_with_an_id_that_is_there_is_a_duplicate(work: Path) -> None:
    write_rows(Path("docs/more.jsonl"), [{"id": "louvre", "text": SUN}])
    result = update("docs")
    assert result.exit_code == 1
    assert all(words in result.stderr for words in ("'louvre'", "docs/rows.jsonl", "docs/more.jsonl"))
    assert changes(update("docs", "--on-duplicate", "skip")) == "5 unchanged, 1 skipped"


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["none"], 2, "no such file or folder: none"),
        (["docs", "--strict"], 1, "docs/void.txt: empty (without --strict"),
        (["docs", "--index", "none"], 1, "none is not an index: it does not exist; make one with `odqa index"),
    ],
)
def test_a_mistake_is_one_message_and_changes_nothing(
    work: Path, arguments: list[str], code: int, message: str
) -> None:
    Path("docs/void.txt").touch()
    before = snapshot(work)
    result = CliRunner().invoke(app, ["update", "--index", "index", *arguments])
    assert (result.exit_code, result.stdout) == (code, "")
    assert result.stderr.startswith(f"odqa: {message}")
    assert snapshot(work) == before


def test_an_index_is_not_pruned_to_nothing(work: Path) -> None:
    for path in ("docs/moon.txt", "docs/policies/leave.txt", "docs/rows.jsonl"):
        Path(path).unlink()
    Path("docs/void.txt").touch()
    before = snapshot(work)
    result = update("docs", "--prune")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "nothing would be left of the index index" in result.stderr
    assert snapshot(work) == before
