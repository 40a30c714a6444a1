"""A file appears whole or not at all."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from odqa.errors import DataError, UsageError
from odqa.files import check_writable, open_regular, read_json, read_text, sha256, whole, write_json


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


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ('{"a": 1,\n "b" 2}', "line 2, column 6"),
        ("[" * 100_000, "nested too deeply"),
        ("9" * 5_000, "digits"),
        ("", "line 1, column 1"),
    ],
)
def test_broken_json_is_named_with_its_place(tmp_path: Path, text: str, place: str) -> None:
    path = tmp_path / "a.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(DataError, match=place) as caught:
        read_json(path, "write it again")
    assert str(caught.value).startswith(str(path))
    assert str(caught.value).endswith("write it again")


def test_json_may_begin_with_a_byte_order_mark_and_must_be_utf8(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_bytes(b'\xef\xbb\xbf{"a": "\xc3\xa9"}')
    assert read_json(path, "") == {"a": "é"}
    path.write_bytes(b'{"a": "\xe9"}')
    with pytest.raises(DataError, match="byte 7"):
        read_json(path, "save it in that encoding")


def test_json_comes_back_as_it_was_written(tmp_path: Path) -> None:
    path, value = tmp_path / "a.json", {"ä": [1, 2.5, None, "\ud83d"]}
    write_json(path, value)
    assert read_json(path, "") == value
    with pytest.raises(ValueError, match="JSON"):
        write_json(path, float("nan"))
    assert read_json(path, "") == value


def test_a_place_where_no_file_can_be_written_is_refused(tmp_path: Path) -> None:
    check_writable(tmp_path / "new.json", "the fit")
    for path in (tmp_path, tmp_path / "absent" / "a.json"):
        with pytest.raises(UsageError, match="the fit"):
            check_writable(path, "the fit")


def test_what_is_read_is_not_written_over(tmp_path: Path) -> None:
    (tmp_path / "mine.json").write_text("mine")
    (tmp_path / "link.json").symlink_to("mine.json")
    check_writable(tmp_path / "mine.json", "the fit", None, tmp_path / "other.json", "owner/questions")
    for path in ("mine.json", "link.json"):
        with pytest.raises(UsageError, match=r"mine\.json is what is read; choose another name"):
            check_writable(tmp_path / path, "the fit", str(tmp_path / "mine.json"))


def test_the_hash_is_that_of_the_bytes(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("abc", encoding="utf-8")
    assert sha256(tmp_path / "a.txt") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


@pytest.mark.parametrize(
    "read", [open_regular, sha256, lambda path: read_text(path, ""), lambda path: read_json(path, "")]
)
def test_only_a_regular_file_is_read(tmp_path: Path, read: object) -> None:
    pipe, link = tmp_path / "pipe", tmp_path / "zeros"
    os.mkfifo(pipe)
    link.symlink_to("/dev/zero")
    for path in (pipe, link, tmp_path):
        with pytest.raises(UsageError, match="not a regular file"):
            read(path)  # type: ignore[operator]
    with pytest.raises(FileNotFoundError):
        read(tmp_path / "absent")  # type: ignore[operator]


def test_a_file_that_grows_while_it_is_read_ends_where_it_ended(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(b"one\ntwo\n")
    lines = []
    with open_regular(path) as stream, path.open("ab") as more:
        for line in stream:
            lines.append(line)
            more.write(line * 10_000)
            more.flush()
    assert lines == [b"one\n", b"two\n"]


def test_a_file_can_be_sought_in_and_read_whole(tmp_path: Path) -> None:
    path, content = tmp_path / "a.bin", bytes(range(256)) * 1_000
    path.write_bytes(content)
    with open_regular(path) as stream:
        assert stream.read() == content
        assert stream.read(1) == b""
        assert stream.seek(-3, os.SEEK_END) == len(content) - 3
        assert stream.read() == content[-3:]
        assert stream.seek(10) == stream.tell() == 10
        assert stream.read(5) == content[10:15]
    (tmp_path / "link").symlink_to(path)
    with open_regular(tmp_path / "link") as stream:
        assert stream.read() == content


def test_text_that_does_not_fit_into_memory_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.json"
    path.write_text("{}", encoding="utf-8")

    def too_much(path: Path) -> None:
        raise MemoryError

    monkeypatch.setattr("odqa.files.open_regular", too_much)
    with pytest.raises(DataError, match="too large"):
        read_json(path, "")


def test_without_following_a_link_is_replaced_and_what_it_leads_to_is_kept(tmp_path):
    (tmp_path / "target.json").write_text("mine")
    link = tmp_path / "link.json"
    link.symlink_to("target.json")
    write_json(link, 3, follow=False)
    assert not link.is_symlink()
    assert link.read_text() == "3\n"
    assert (tmp_path / "target.json").read_text() == "mine"


def test_a_link_with_the_temporary_name_is_not_written_through(tmp_path):
    (tmp_path / "thesis.txt").write_text("mine")
    (tmp_path / f".a.json.{os.getpid()}.tmp").symlink_to("thesis.txt")
    write_json(tmp_path / "a.json", 3)
    assert (tmp_path / "a.json").read_text() == "3\n"
    assert (tmp_path / "thesis.txt").read_text() == "mine"
    assert len(list(tmp_path.iterdir())) == 2
