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
    return [path.relative_to(folder).as_posix() for path in find_files(paths or [folder]).files]


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
    assert find_files([Path("docs")]).files == (Path("docs/a.txt"),)


def test_links_are_followed_but_never_in_a_circle(tmp_path):
    write(tmp_path, "real/a.txt", "outside/b.txt")
    corpus = tmp_path / "corpus"
    corpus.mkdir()
    (corpus / "link").symlink_to(tmp_path / "outside")
    (corpus / "self").symlink_to(corpus)
    (corpus / "loop.txt").symlink_to(corpus / "loop.txt")
    (corpus / "twice.txt").symlink_to(tmp_path / "outside" / "b.txt")
    assert names(corpus) == ["link/b.txt", "loop.txt"]


@pytest.mark.parametrize("link", ["README", "z.txt"])
def test_of_a_link_and_its_target_the_target_is_read(tmp_path, link):
    write(tmp_path, "README.md")
    (tmp_path / link).symlink_to(tmp_path / "README.md")
    assert names(tmp_path) == ["README.md"]
    assert names(tmp_path, tmp_path / link) == [link]


def test_what_is_not_read_is_named_with_its_reason(tmp_path):
    write(tmp_path, "a.txt", "b.xyz", "sub/c.xyz", "sub/d.gz", "e.tar.gz", "Makefile", "f.md.gz.gz")
    os.mkfifo(tmp_path / "pipe.txt")
    (tmp_path / "link.xyz").symlink_to(tmp_path / "b.xyz")
    (tmp_path / "device.txt").symlink_to("/dev/zero")
    found = find_files([tmp_path])
    assert found.files == (tmp_path / "a.txt",)
    assert {Path(item.source).name: item.reason for item in found.unusable} == {
        "b.xyz": "unknown kind of file '.xyz'",
        "c.xyz": "unknown kind of file '.xyz'",
        "d.gz": "unknown kind of file '.gz'",
        "e.tar.gz": "unknown kind of file '.tar.gz'",
        "f.md.gz.gz": "unknown kind of file '.gz.gz'",
        "Makefile": "unknown kind of file ''",
        "pipe.txt": "not a regular file",
        "device.txt": "not a regular file",
    }


def test_files_of_prose_without_a_suffix_and_packed_ones_are_read(tmp_path):
    known = ["CHANGELOG", "LICENSE-MIT", "README", "a.csv.gz", "b.HTML.GZ", "c.markdown", "d.mdx", "e.text", "f.log"]
    write(tmp_path, *known, "g.ndjson", "readme.gz")
    assert names(tmp_path) == [*known, "g.ndjson", "readme.gz"]


def test_what_is_passed_over_by_rule_is_counted(tmp_path):
    write(tmp_path, "a.txt", ".b.txt", ".git/c.txt", ".git/d.txt", "node_modules/e.md", "index/f.txt")
    found = find_files([tmp_path], passed_over=lambda folder: folder.name == "index")
    assert (names(tmp_path)[0], found.files, found.unusable, found.hidden) == ("a.txt", (tmp_path / "a.txt",), (), 4)


@pytest.mark.parametrize(
    ("include", "exclude", "expected"),
    [
        (["*.md"], [], ["b.md", "docs/b.md", "docs/drafts/c.md"]),
        (["*.md"], ["drafts/"], ["b.md", "docs/b.md"]),
        (["docs/*.md"], [], ["docs/b.md"]),
        (["docs/"], [], ["docs/a.txt", "docs/b.md", "docs/drafts/c.md"]),
        (["/b.md", "drafts"], [], ["b.md", "docs/drafts/c.md"]),
        (["docs/**/c.*"], [], ["docs/drafts/c.md"]),
        ([], ["a.txt", "docs/*/"], ["b.md", "docs/b.md"]),
        ([], ["[bc].md"], ["a.txt", "docs/a.txt"]),
    ],
)
def test_globs_choose_by_name_anywhere_or_by_path_from_the_folder(tmp_path, include, exclude, expected):
    write(tmp_path, "a.txt", "b.md", "docs/a.txt", "docs/b.md", "docs/drafts/c.md")
    found = find_files([tmp_path], include, exclude)
    assert [path.relative_to(tmp_path).as_posix() for path in found.files] == expected
    assert found.unusable == () and found.excluded > 0
    assert (found.include, found.exclude) == (tuple(include), tuple(exclude))


def test_globs_hold_for_a_file_that_is_named(tmp_path):
    write(tmp_path, "a.txt", "b.md")
    found = find_files([tmp_path / "a.txt", tmp_path / "b.md"], exclude=["*.md"])
    assert (found.files, found.excluded) == ((tmp_path / "a.txt",), 1)


@pytest.mark.parametrize("glob", ["", "!", "#a", " ", "["])
def test_what_is_no_glob_is_refused(tmp_path, glob):
    with pytest.raises(UsageError, match="no glob"):
        find_files([tmp_path], [glob])


def test_a_missing_path_is_named(tmp_path):
    with pytest.raises(UsageError, match=r"no such file or folder: .*/nowhere\.txt"):
        find_files([tmp_path / "nowhere.txt"])


def test_a_folder_with_nothing_to_read_is_named_and_costs_no_other(tmp_path):
    write(tmp_path, "empty/.hidden.txt", "pictures/a.png", "texts/a.txt", "texts/sub/b.txt")
    found = find_files([tmp_path / name for name in ("empty", "pictures", "texts", "texts/sub")])
    assert [path.name for path in found.files] == ["a.txt", "b.txt"]
    empty, picture = found.unusable
    assert Path(empty.source).name == "empty" and ".csv, .docm, .docx" in empty.reason
    assert Path(picture.source).name == "a.png"


def test_no_path_at_all_is_refused():
    with pytest.raises(UsageError, match="no path given"):
        find_files([])
