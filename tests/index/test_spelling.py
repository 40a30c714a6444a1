"""A file is the same under a relative and an absolute path; ids and sources stay as they were."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from odqa.corpus.base import source_of
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


def test_a_file_whose_name_is_not_utf_8_is_removed_by_it(here: Path) -> None:
    name = os.fsdecode(b"docs/caf\xe9.txt")
    Path(name).write_text("The cafe opens at nine.")
    build_index("docs", "index", encoder=WordEncoder())
    assert remove("index", name).removed == 1


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


def test_what_was_read_by_a_path_that_leads_out_of_a_folder_is_not_under_it(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (here / "shared").mkdir()
    for name in ("s", "t"):
        (here / "shared" / f"{name}.txt").write_text(f"The ferry of {name} is free.")
    monkeypatch.chdir(here / "docs")
    build_index([".", "../shared"], "../index", encoder=WordEncoder())
    sources = ["../shared/s.txt", "a.txt", "../docs/b.txt", "more/../../shared/s.txt"]
    assert under(sources, ["."]) == under(sources, [str(here / "docs")]) == ["a.txt", "../docs/b.txt"]
    assert under(sources, ["more/../../shared"]) == ["../shared/s.txt", "more/../../shared/s.txt"]
    (here / "shared" / "s.txt").unlink()
    report = update(".", "../index", prune=True, encoder=WordEncoder())
    assert (report.removed, report.unchanged, report.documents) == (0, 3, 5)
    assert update("../shared", "../index", prune=True, encoder=WordEncoder()).removed == 1
    report = remove("../index", here / "docs")
    assert (report.removed, report.documents) == (3, 1)


def test_dots_after_a_link_lead_where_the_system_goes(here: Path) -> None:
    (here / "elsewhere" / "deep").mkdir(parents=True)
    (here / "elsewhere" / "e.txt").touch()
    (here / "link").symlink_to(here / "elsewhere" / "deep")
    assert under(["link/../e.txt"], ["elsewhere"]) == ["link/../e.txt"]
    assert under(["link/../e.txt"], ["link"]) == []


NO_UTF8 = os.fsdecode(b"caf\xe9")


@pytest.fixture
def latin(here: Path) -> Path:
    """A file whose name is not UTF-8, in such a folder."""
    try:
        (here / "docs" / NO_UTF8).mkdir()
    except OSError:
        pytest.skip("the names of files are UTF-8 here")
    file = here / "docs" / NO_UTF8 / f"{NO_UTF8}.txt"
    file.write_text("The coffee costs 3 kroner.")
    return file


def test_a_file_whose_name_is_not_utf8_is_there_by_any_path(here: Path, latin: Path) -> None:
    source = "docs/caf%E9/caf%E9.txt"
    build_index("docs", "index", encoder=WordEncoder())
    for path in [*spellings(here), latin, latin.parent]:
        report = update(path, "index", prune=True, encoder=WordEncoder())
        assert (report.added, report.removed, report.documents, report.unusable) == (0, 0, 4, ()), path
    assert [source_of(file) for file in as_known([latin], [source])] == [source]
    latin.write_text("The coffee costs 4 kroner.")
    report = update(here / "docs", "index", encoder=WordEncoder())
    assert (report.changed, report.added, report.unchanged) == (1, 0, 3)


def test_a_file_whose_name_is_not_utf8_is_pruned_when_it_is_gone_and_not_when_it_is_left_out(
    here: Path, latin: Path
) -> None:
    build_index("docs", "index", encoder=WordEncoder())
    report = update("docs", "index", exclude="*.txt", prune=True, encoder=WordEncoder())
    assert (report.removed, report.documents, report.vanished) == (0, 4, ())
    latin.unlink()
    assert update("docs", "index", encoder=WordEncoder()).vanished == ("docs/caf%E9/caf%E9.txt",)
    assert update("docs", "index", prune=True, encoder=WordEncoder()).removed == 1
    latin.parent.rmdir()
    assert update("docs", "index", encoder=WordEncoder()).unchanged == 3
