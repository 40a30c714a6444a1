from __future__ import annotations

import os
from pathlib import Path

import pytest

from odqa.corpus import find_files
from odqa.errors import UsageError


def write(folder: Path, *names: str) -> None:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("text", encoding="utf-8")


def names(folder: Path, *paths: Path) -> list[str]:
    return [path.relative_to(folder).as_posix() for path in find_files(paths or [folder])]


def test_a_folder_gives_its_files_of_a_known_kind_sorted(tmp_path):
    write(tmp_path, "b.txt", "a.md", "sub/c.HTML", "sub/deep/d.pdf", "z.csv", "picture.png", "Makefile", "x.py")
    assert names(tmp_path) == ["a.md", "b.txt", "sub/c.HTML", "sub/deep/d.pdf", "z.csv"]


def test_hidden_files_and_tool_folders_are_left_out(tmp_path):
    write(tmp_path, "a.txt", ".b.txt", ".git/c.txt", ".venv/d.txt", "node_modules/e.md", "__pycache__/f.txt")
    assert names(tmp_path) == ["a.txt"]


def test_a_hidden_path_that_is_named_is_read(tmp_path):
    write(tmp_path, ".notes/a.txt", ".b.txt")
    assert names(tmp_path, tmp_path / ".notes", tmp_path / ".b.txt") == [".notes/a.txt", ".b.txt"]


def test_paths_keep_their_order_and_a_file_comes_once(tmp_path):
    write(tmp_path, "sub/a.txt", "b.txt", "unknown.xyz")
    paths = (tmp_path / "unknown.xyz", tmp_path / "b.txt", tmp_path, tmp_path / "sub" / ".." / "b.txt")
    assert names(tmp_path, *paths) == ["unknown.xyz", "b.txt", "sub/a.txt"]


def test_paths_stay_as_they_were_given(tmp_path, monkeypatch):
    write(tmp_path, "docs/a.txt")
    monkeypatch.chdir(tmp_path)
    assert find_files([Path("docs")]) == [Path("docs/a.txt")]


def test_links_are_followed_but_never_in_a_circle(tmp_path):
    write(tmp_path, "real/a.txt", "outside/b.txt")
    corpus = tmp_path / "corpus"
    corpus.mkdir()
    (corpus / "link").symlink_to(tmp_path / "outside")
    (corpus / "self").symlink_to(corpus)
    (corpus / "loop.txt").symlink_to(corpus / "loop.txt")
    (corpus / "twice.txt").symlink_to(tmp_path / "outside" / "b.txt")
    assert names(corpus) == ["link/b.txt", "loop.txt"]


def test_a_pipe_in_a_folder_is_left_out(tmp_path):
    write(tmp_path, "a.txt")
    os.mkfifo(tmp_path / "b.txt")
    assert names(tmp_path) == ["a.txt"]


def test_a_missing_path_is_named(tmp_path):
    with pytest.raises(UsageError, match=r"no such file or folder: .*/nowhere\.txt"):
        find_files([tmp_path / "nowhere.txt"])


def test_a_folder_with_nothing_to_read_is_named_with_the_known_kinds(tmp_path):
    write(tmp_path, "picture.png", ".hidden.txt")
    with pytest.raises(UsageError, match=rf"nothing to read in the folder {tmp_path}.*\.csv, \.docm, \.docx"):
        find_files([tmp_path])


def test_no_path_at_all_is_refused():
    with pytest.raises(UsageError, match="no path given"):
        find_files([])
