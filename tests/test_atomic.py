"""A file appears whole or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from odqa.atomic import whole


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_the_file_takes_its_place_at_the_end_of_the_block(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    with whole(path) as unfinished:
        unfinished.write_text("new", encoding="utf-8")
        assert unfinished.parent == tmp_path
        assert not path.exists()
    assert path.read_text(encoding="utf-8") == "new"
    assert names(tmp_path) == ["a.txt"]


def test_what_was_there_stays_until_then(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("old", encoding="utf-8")
    with whole(path) as unfinished:
        unfinished.write_text("new", encoding="utf-8")
        assert path.read_text(encoding="utf-8") == "old"
    assert path.read_text(encoding="utf-8") == "new"


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
@pytest.mark.parametrize("begun", [True, False])
def test_where_writing_fails_what_was_there_stays_and_nothing_else(
    tmp_path: Path, error: type[BaseException], begun: bool
) -> None:
    path = tmp_path / "a.txt"
    path.write_text("old", encoding="utf-8")
    with pytest.raises(error), whole(path) as unfinished:
        if begun:
            unfinished.write_text("half", encoding="utf-8")
        raise error
    assert path.read_text(encoding="utf-8") == "old"
    assert names(tmp_path) == ["a.txt"]


def test_a_first_attempt_that_fails_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="full"), whole(tmp_path / "a.txt") as unfinished:
        unfinished.write_text("half", encoding="utf-8")
        raise ValueError("the disk is full")
    assert names(tmp_path) == []


@pytest.mark.parametrize("there", [True, False])
def test_a_link_stays_one_and_its_target_is_written(tmp_path: Path, there: bool) -> None:
    target, link = tmp_path / "data" / "a.txt", tmp_path / "link.txt"
    target.parent.mkdir()
    if there:
        target.write_text("old", encoding="utf-8")
    link.symlink_to(target)
    with whole(link) as unfinished:
        unfinished.write_text("new", encoding="utf-8")
        assert unfinished.parent == target.parent
    assert link.is_symlink()
    assert target.read_text(encoding="utf-8") == "new"
    assert names(tmp_path) == ["data", "link.txt"]
    assert names(target.parent) == ["a.txt"]
