"""``odqa update`` as a user types it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from odqa.cli import app
from tests import tiny
from tests.cli.conftest import snapshot, write_rows

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


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["none"], 2, ["none"]),
        (["docs", "--strict"], 1, ["docs/void.txt", "empty", "--strict"]),
        (["docs", "--index", "none"], 1, ["none is not an index", "`odqa index"]),
        (["more.jsonl"], 1, ["'louvre'", "docs/rows.jsonl", "more.jsonl", "--on-duplicate"]),
    ],
)
def test_a_mistake_is_one_message_and_changes_nothing(
    work: Path, arguments: list[str], code: int, words: list[str]
) -> None:
    Path("docs/void.txt").touch()
    write_rows(Path("more.jsonl"), [{"id": "louvre", "text": SUN}])
    before = snapshot(work)
    result = CliRunner().invoke(app, ["update", "--index", "index", *arguments])
    assert (result.exit_code, result.stdout) == (code, "")
    assert result.stderr.startswith("odqa: ")
    assert all(word in result.stderr for word in words), result.stderr
    assert snapshot(work) == before


def test_an_index_is_not_pruned_to_nothing(work: Path) -> None:
    for path in ("docs/moon.txt", "docs/policies/leave.txt", "docs/rows.jsonl"):
        Path(path).unlink()
    Path("docs/void.txt").touch()
    before = snapshot(work)
    result = update("docs", "--prune")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "nothing would be left" in result.stderr
    assert snapshot(work) == before


def test_another_encoder_encodes_everything_anew(work: Path, tmp_path: Path) -> None:
    other = tiny.make_encoder(tmp_path / "other", seed=1)
    found = report("--encoder", other)
    assert (found["encoded"], found["unchanged"], found["version"]) == (5, 5, 2)
    assert report("docs")["encoded"] == 0  # By the new encoder, which the index now names.
    search = CliRunner().invoke(app, ["search", "what orbits the earth", "--index", "index", "--device", "cpu"])
    assert search.exit_code == 0, search.stderr
    assert changes(update("--encoder", other)) == "5 unchanged"


def test_another_encoder_and_files_at_once(work: Path, tmp_path: Path) -> None:
    Path("docs/sun.txt").write_text(SUN)
    found = report("docs", "--encoder", tiny.make_encoder(tmp_path / "other", seed=1))
    assert (found["added"], found["encoded"], found["version"]) == (1, 1, 3)


@pytest.mark.parametrize(
    "option",
    [
        ("--ray", "local"),
        ("--prune",),
        ("--strict",),
        ("--include", "*.md"),
        ("--on-duplicate", "skip"),
        ("--max-file-size", "3"),
        ("--max-file-seconds", "3"),
    ],
)
def test_what_is_for_files_goes_with_files(work: Path, option: tuple[str, ...]) -> None:
    result = update("--encoder", "another", *option)
    assert result.exit_code == 2 and f"{option[0]} is for reading files" in result.stderr


def test_a_setting_for_files_is_no_option_that_was_given(work: Path, tiny_encoder: Path) -> None:
    Path("odqa.toml").write_text('on_duplicate = "skip"\nmax_file_size = 3\nmax_file_seconds = 3\n')
    assert changes(update("--encoder", tiny_encoder)) == "5 unchanged"


def test_a_ranking_that_was_fitted_with_another_encoder_is_told(work: Path, tmp_path: Path) -> None:
    first, second = (tiny.make_encoder(tmp_path / str(seed), seed=seed) for seed in (1, 2))
    assert "ranking" not in update("--encoder", first).stderr
    Path("index/rankings").mkdir()
    Path("index/rankings/0123456789abcdef.json").write_text("{}")
    assert "ranking" not in update("--encoder", first).stderr, "it is the index's encoder"
    told = update("--encoder", second, "--json")
    assert told.exit_code == 0 and json.loads(told.stdout)["encoded"] == 5
    assert "fitted on index was fitted with the encoder before" in told.stderr
    assert "`odqa tune --index index --dataset FILE`" in told.stderr
    assert Path("index/rankings/0123456789abcdef.json").is_file()


def test_no_encoder_is_put_into_an_index_for_files_that_are_not_there(work: Path, tmp_path: Path) -> None:
    before = snapshot(work)
    result = update("nowhere", "--encoder", tiny.make_encoder(tmp_path / "other", seed=1))
    assert result.exit_code == 2 and "no such file or folder: nowhere" in result.stderr
    assert snapshot(work) == before


def test_a_folder_that_is_gone_may_be_named_when_the_encoder_is_exchanged(work: Path, tmp_path: Path) -> None:
    Path("more").mkdir()
    Path("more/new.txt").write_text(SUN)
    assert changes(update("more")).startswith("1 added")
    shutil.rmtree("more")
    found = report("docs", "more", "--prune", "--encoder", tiny.make_encoder(tmp_path / "other", seed=1))
    assert (found["version"], found["documents"], found["removed"]) == (4, 5, 1)


def test_neither_files_nor_an_encoder(work: Path) -> None:
    before = snapshot(work)
    result = update()
    assert result.exit_code == 2
    assert "nothing to update: name the files" in result.stderr
    assert update("--encoder", "./gone").exit_code == 1
    assert snapshot(work) == before
