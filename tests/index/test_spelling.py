"""A file is the same under a relative and an absolute path; ids and sources stay as they were."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from odqa.index.build import add, build_index, update
from odqa.index.removal import remove
from odqa.index.spelling import as_known, under
from tests.index.word_encoder import WordEncoder


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder ``docs`` with three files in two folders, in the working directory."""
    (tmp_path / "docs" / "more").mkdir(parents=True)
    for name in ("docs/a.txt", "docs/b.txt", "docs/more/a.txt"):
        (tmp_path / name).write_text(f"The ferry of {name} costs 12 kroner.")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def spellings(here: Path) -> list[str]:
    return ["docs", "./docs", "docs/", "docs/../docs", f"{here}/docs", f"../{here.name}/docs", str(here), "."]


def test_an_update_finds_the_same_files_however_their_path_is_written(here: Path) -> None:
    build_index("docs", "index", encoder=WordEncoder())
    (here / "link").symlink_to(here / "docs")
    for path in [*spellings(here), "link"]:
        report = update(path, "index", encoder=WordEncoder())
        assert (report.unchanged, report.added, report.documents, report.vanished) == (3, 0, 3, ()), path


def test_what_changed_keeps_its_id_and_what_is_gone_is_pruned(here: Path) -> None:
    build_index("docs", "index", encoder=WordEncoder())
    Path("docs/a.txt").write_text("The ferry costs 14 kroner.")
    Path("docs/b.txt").unlink()
    report = update(here / "docs", "index", encoder=WordEncoder())
    assert (report.changed, report.unchanged, report.vanished) == (1, 1, ("docs/b.txt",))
    report = update(here / "docs", "index", prune=True, encoder=WordEncoder())
    assert (report.removed, report.documents) == (1, 2)
    assert remove("index", "docs/a.txt").documents == 1


def test_a_file_that_is_there_by_another_path_is_not_added_again(here: Path) -> None:
    build_index(here / "docs", "index", encoder=WordEncoder())
    assert add("docs", "index", on_duplicate="skip", encoder=WordEncoder()).skipped == 3


@pytest.mark.parametrize(("name", "left"), [("docs/more", 2), ("docs/a.txt", 2), ("./docs/../docs/b.txt", 2)])
def test_a_file_or_a_folder_is_removed_by_any_path(here: Path, name: str, left: int) -> None:
    build_index("docs", "index", encoder=WordEncoder())
    assert remove("index", here / name).documents == left


def test_files_of_the_same_name_elsewhere_are_others(here: Path) -> None:
    files = [Path("docs/a.txt"), Path("docs/more/a.txt"), Path("c.txt")]
    assert as_known(files, [f"{here}/docs/more/a.txt", f"{here}/other/a.txt"]) == [
        Path("docs/a.txt"),
        here / "docs/more/a.txt",
        Path("c.txt"),
    ]
    assert as_known([here / "docs/a.txt"], ["docs/a.txt", f"{here}/docs/a.txt"]) == [here / "docs/a.txt"], "its own"


def test_what_lies_in_a_linked_folder_is_under_it(here: Path) -> None:
    (here / "link").symlink_to(here / "docs" / "more")
    sources = ["link/a.txt", "docs/more/a.txt", "docs/b.txt", "docs.txt"]
    assert under(sources, ["link"]) == ["link/a.txt", "docs/more/a.txt"]
    assert under(sources, [os.path.relpath(here)]) == sources
    assert under(sources, ["docs/b.txt"]) == ["docs/b.txt"]
