from __future__ import annotations

import gzip
import json
import os
import shutil
import socket
import tempfile
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import pytest

from odqa.corpus import Unusable, read_file
from odqa.errors import UsageError
from odqa.types import Document
from tests.corpus.files import read_all


def reasons(*paths: Path) -> dict[str, str]:
    return {Path(f.source).name: f.reason for f in read_all(*paths) if isinstance(f, Unusable)}


def test_one_bad_file_never_ends_the_run(tmp_path):
    (tmp_path / "a.txt").write_bytes(b"")
    (tmp_path / "b.txt").write_bytes(b"\x00\x01\x02")
    (tmp_path / "c.pdf").write_bytes(b"no PDF")
    (tmp_path / "d.docx").write_bytes(b"no zip")
    (tmp_path / "e.jsonl").write_text("{\n")
    (tmp_path / "f.json").write_text("{}")
    (tmp_path / "g.html").write_text("<p></p>")
    (tmp_path / "h.csv").write_text("a,b\n1,2\n")
    (tmp_path / "i.txt").write_text(" \n\n")
    (tmp_path / "j.txt").symlink_to(tmp_path / "gone.txt")
    (tmp_path / "k.json").write_text("")
    (tmp_path / "l.json").write_text('{"data": [{"paragraphs": [{}]}]}')
    (tmp_path / "m.json").write_text("[" * 100_000)
    (tmp_path / "z.txt").write_text("The last one is good.")
    found = list(read_all(tmp_path))
    assert [type(f) for f in found] == [Unusable] * 13 + [Document]
    told = reasons(tmp_path)
    assert told["a.txt"] == "empty"
    assert told["b.txt"] == "binary"
    assert "broken PDF" in told["c.pdf"]
    assert "broken .docx" in told["d.docx"]
    assert "line 1, column 2" in told["e.jsonl"]
    assert "missing key 'data'" in told["f.json"]
    assert "no text in the page" in told["g.html"]
    assert "no column 'text'" in told["h.csv"]
    assert "white space" in told["i.txt"]
    assert told["j.txt"] == "No such file or directory"
    assert told["k.json"] == "empty"
    assert "data[0].paragraphs[0]: missing key 'context'" in told["l.json"]
    assert "RecursionError" in told["m.json"] or "JSON" in told["m.json"]


def test_a_named_file_of_an_unknown_kind_is_told_with_the_known_ones(tmp_path):
    (tmp_path / "a.xyz").write_text("text")
    (tmp_path / "noext").write_text("text")
    told = reasons(tmp_path / "a.xyz", tmp_path / "noext")
    known = ".csv, .docm, .docx, .dotx, .epub"
    assert "'.xyz'" in told["a.xyz"] and known in told["a.xyz"]
    assert "''" in told["noext"] and known in told["noext"]


def test_a_named_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "a.txt")
    assert reasons(tmp_path / "a.txt") == {"a.txt": "not a regular file"}


def test_a_missing_path_is_told_before_anything_is_read(tmp_path):
    with pytest.raises(UsageError, match="no such file or folder"):
        list(read_all(tmp_path / "nowhere"))


@pytest.fixture
def nobody() -> Iterator[Path]:
    """A folder of nobody's, and nobody's rights: the superuser may read everything."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    is_root = os.geteuid() == 0
    if is_root:
        os.chown(folder, 65534, 65534)
        os.seteuid(65534)
    yield folder
    if is_root:
        os.seteuid(0)
    for path in folder.rglob("*"):
        path.chmod(0o755)
    shutil.rmtree(folder)


def test_what_may_not_be_read_is_told(nobody):
    (nobody / "a.txt").write_text("Secret.")
    (nobody / "a.txt").chmod(0)
    (nobody / "sub").mkdir(mode=0)
    (nobody / "z.txt").write_text("Open.")
    found = list(read_all(nobody))
    assert found[:2] == [
        Unusable(f"{nobody}/a.txt", "Permission denied"),
        Unusable(f"{nobody}/sub", "Permission denied"),
    ]
    assert isinstance(found[2], Document)


def test_ids_and_sources_are_the_paths_as_given(tmp_path, monkeypatch):
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "a b.txt").write_text("One.")
    monkeypatch.chdir(tmp_path)
    (found,) = read_all(Path("docs"))
    assert found == Document("docs/a b.txt", "a b", "One.", "docs/a b.txt")


def test_a_name_that_is_no_utf8_can_be_stored(tmp_path):
    path = Path(os.fsdecode(bytes(tmp_path) + b"/caf\xe9.txt"))
    path.write_text("One.")
    (found,) = read_all(path)
    assert found.title == "caf%E9"
    assert found.source == f"{tmp_path.as_posix()}/caf%E9.txt"


def test_names_that_differ_in_a_byte_that_is_no_utf8_stay_apart(tmp_path):
    for name in (b"a\xe4.txt", b"a\xf6.txt"):
        Path(os.fsdecode(bytes(tmp_path) + b"/" + name)).write_text("One.")
    assert [Path(found.id).name for found in read_all(tmp_path)] == ["a%E4.txt", "a%F6.txt"]


def test_a_large_file_of_rows_is_never_held_whole(tmp_path):
    path = tmp_path / "large.jsonl"
    line = json.dumps({"text": "word " * 2000}) + "\n"
    path.write_text(line * 1500)  # 15 MB
    tracemalloc.start()
    count = sum(1 for found in read_file(path) if isinstance(found, Document))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert count == 1500
    assert peak < 8_000_000


def test_only_regular_files_are_opened_whatever_links_to_them(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "device.txt").symlink_to("/dev/zero")
    (tmp_path / "kernel.jsonl").symlink_to("/dev/full")
    (tmp_path / "link.md").symlink_to(tmp_path / "pipe")
    (tmp_path / "good.txt").write_text("One.")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(tmp_path / "socket.txt"))
        found = {Path(item.source).name: item for item in read_all(tmp_path)}
        assert isinstance(found.pop("good.txt"), Document)
        told = {name: getattr(item, "reason", "") for name, item in found.items()}
        # The pipe is told once, by the first of its names.
        names = ("device.txt", "kernel.jsonl", "link.md", "socket.txt")
        assert told == dict.fromkeys(names, "not a regular file")
        for name in ("device.txt", "kernel.jsonl", "link.md", "socket.txt"):
            assert reasons(tmp_path / name) == {name: "not a regular file"}


@pytest.mark.parametrize("suffix", [".txt", ".jsonl", ".html", ".json"])
def test_what_the_kernel_makes_up_as_it_is_read_ends_at_the_size_that_it_states(tmp_path, suffix):
    link = tmp_path / f"a{suffix}"
    link.symlink_to("/proc/self/maps")
    (found,) = read_all(link)
    assert isinstance(found, Unusable) and "empty" in found.reason


def test_a_file_that_grows_as_it_is_read_ends_where_it_ended(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_text('{"text": "One."}\n' * 3)
    count = 0
    for found in read_file(path):
        assert isinstance(found, Document)
        count += 1
        with path.open("a") as more:
            more.write('{"text": "More."}\n' * 10_000)
    assert count == 3


def test_names_with_line_breaks_and_escape_sequences_are_read(tmp_path):
    names = ["line\nbreak.txt", "\x1b[2Jescape.html", "\x1b]0;title\x07.jsonl", os.fsdecode(b"caf\xe9.html")]
    for name in names:
        (tmp_path / name).write_text('{"text": "One."}')
    found = list(read_all(tmp_path))
    assert len(found) == 4 and all(isinstance(document, Document) for document in found)


def test_a_page_keeps_its_path_wherever_this_process_is(tmp_path, monkeypatch):
    (tmp_path / "a.html").write_text("<p>One.")
    monkeypatch.chdir(tmp_path)
    (found,) = read_file(Path("a.html"))
    assert (found.source, found.text) == ("a.html", "One.")


def test_memory_that_is_exhausted_costs_the_file(tmp_path, monkeypatch):
    def exhausted(stream: object) -> str:
        raise MemoryError

    monkeypatch.setattr("odqa.corpus.text.plain.read_text", exhausted)
    (tmp_path / "a.txt").write_text("One.")
    (tmp_path / "b.md").write_text("Two.")
    told, found = read_all(tmp_path)
    assert "memory" in told.reason and found.text == "Two."


def test_a_path_that_no_file_can_have_is_told(tmp_path):
    (told,) = read_file(tmp_path / "nul\0.txt")
    assert isinstance(told, Unusable)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.txt", "One."),
        ("README", "One."),
        ("a.md", "# One\n\nOne."),
        ("a.csv", "text\nOne.\n"),
        ("a.ndjson", '{"text": "One."}\n'),
        ("a.html", "<p>One.</p>"),
        ("a.json", '{"data": [{"paragraphs": [{"context": "One."}]}]}'),
    ],
)
def test_a_packed_file_is_read_as_what_is_in_it(tmp_path, name, content):
    path = tmp_path / f"{name}.gz"
    path.write_bytes(gzip.compress(content.encode()))
    (found,) = read_file(path)
    assert isinstance(found, Document) and "One." in found.text
    assert found.source == str(path)
    path.write_bytes(gzip.compress(content.encode() * 1_000)[:-20])
    told = [item for item in read_file(path) if isinstance(item, Unusable)]
    assert "gzip" in told[0].reason
    path.write_bytes(content.encode())
    (told,) = read_file(path)
    assert isinstance(told, Unusable) and "gzip" in told.reason


@pytest.mark.parametrize("name", ["a.txt", "a.md", "a.rst", "a.html"])
def test_a_damaged_character_is_told_and_the_rest_is_read(tmp_path, name):
    (tmp_path / name).write_bytes("Grüße. ".encode() * 9 + b"\xff.")
    found, told = read_file(tmp_path / name)
    assert isinstance(found, Document) and "Grüße." in found.text and "\ufffd" in found.text
    assert isinstance(told, Unusable) and "1 character is damaged" in told.reason
