"""A file that cannot be used is refused with what is wrong, where, and what to do."""

from __future__ import annotations

import io
import os
from pathlib import Path

import pytest

from odqa.cli.inputs import parse_questions, read_context, read_questions, read_text
from odqa.errors import DataError, UsageError


def test_plain_lines_are_known_by_their_number(tmp_path: Path) -> None:
    file = tmp_path / "q.txt"
    file.write_bytes("\ufeffWho built it?\r\n\n  When? \n".encode())
    assert read_questions(str(file)) == [(1, "Who built it?"), (3, "When?")]


def test_jsonl_lines_carry_their_id() -> None:
    text = '\n {"id": "a", "question": "Who?"}\n{"question": "When?", "more": 1}\n{"id": 7, "question": "Why?"}\n'
    assert parse_questions(text, "q.jsonl") == [("a", "Who?"), (3, "When?"), (7, "Why?")]


def test_a_line_separator_inside_a_question_does_not_end_it() -> None:
    assert parse_questions('{"question": "Who\u2028is it?"}', "q") == [(1, "Who\u2028is it?")]


@pytest.mark.parametrize(
    ("text", "kind", "words"),
    [
        ("\n \n", UsageError, ["q.txt", "no question"]),
        ("Who?\n\nWh\x00o?\n", UsageError, ["q.txt, line 3", "U+0000"]),
        ("Who?\n" + "x" * 1001, UsageError, ["q.txt, line 2", "1,001"]),
        ('{"question": "Who?"}\n{"question": \n', DataError, ["q.txt", "broken JSON at line 2"]),
        ('{"question": "Who?"}\nWhen?\n', DataError, ["q.txt", "broken JSON at line 2"]),
        ('{"question": "Who?"}\n' + "[" * 100_000, DataError, ["q.txt", "broken JSON at line 2", "nested"]),
        ('{"question": "Who?"}\n[1]\n', DataError, ["q.txt, line 2", '"question"']),
        ('{"query": "Who?"}', DataError, ["q.txt, line 1", '"question"']),
        ('{"question": null}', DataError, ["q.txt, line 1", '"question"']),
        ('{"question": ""}', UsageError, ["q.txt, line 1", "empty"]),
        ('{"question": "Who?", "id": [1]}', DataError, ["q.txt, line 1", '"id"', "[1]"]),
        ('{"question": "Who?", "id": true}', DataError, ["q.txt, line 1", '"id"', "true"]),
    ],
)
def test_a_bad_line_is_named(text: str, kind: type[Exception], words: list[str]) -> None:
    with pytest.raises(kind) as error:
        parse_questions(text, "q.txt")
    assert all(word in str(error.value) for word in words), error.value


def test_a_context_is_text_or_a_known_format(tmp_path: Path) -> None:
    plain = tmp_path / "notes"
    plain.write_text("\ufeffParis lies on the Seine.", encoding="utf-8")
    (document,), remarks = read_context(str(plain))
    assert (document.text, document.source, remarks) == ("Paris lies on the Seine.", str(plain), [])

    page = tmp_path / "page.html"
    page.write_text("<title>Paris</title><nav>Home</nav><p>It lies on the Seine.</p>", encoding="utf-8")
    (document,), _ = read_context(str(page))
    assert document.title == "Paris"
    assert "Seine" in document.text and "Home" not in document.text

    lines = tmp_path / "two.jsonl"
    lines.write_text('{"text": "Paris is a city."}\n{"text"\n{"text": "Berlin too."}\n', encoding="utf-8")
    documents, (remark,) = read_context(str(lines))
    assert [document.text for document in documents] == ["Paris is a city.", "Berlin too."]
    assert str(lines) in remark and "2" in remark


@pytest.mark.parametrize(
    ("name", "content", "kind", "words"),
    [
        ("missing", None, UsageError, ["missing", "does not exist"]),
        ("missing.pdf", None, UsageError, ["missing.pdf", "does not exist"]),
        ("empty", b" \n", DataError, ["empty", "empty; give"]),
        ("empty.txt", b"", DataError, ["empty.txt", "no usable text"]),
        ("latin", b"caf\xe9", DataError, ["latin", "not UTF-8", "byte 3"]),
        ("broken.pdf", b"%PDF-1.4 nothing", DataError, ["broken.pdf", "no usable text"]),
        ("broken.jsonl", b'{"text"\n', DataError, ["broken.jsonl", "no usable text"]),
    ],
)
def test_a_context_that_cannot_be_used(
    tmp_path: Path, name: str, content: bytes | None, kind: type[Exception], words: list[str]
) -> None:
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(kind) as error:
        read_context(str(path))
    assert all(word in str(error.value) for word in words), error.value


def test_a_folder_is_no_context(tmp_path: Path) -> None:
    for read in (read_context, read_text):
        with pytest.raises(UsageError, match=r"is a folder.*odqa index"):
            read(str(tmp_path))


def test_questions_and_contexts_are_regular_files(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    for read in (read_questions, read_context, read_text):
        for path in (str(pipe), os.devnull):
            with pytest.raises(UsageError, match="not a regular file; give -"):
                read(path)


def test_only_so_much_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "long"
    file.write_text("12345")
    monkeypatch.setattr("odqa.cli.inputs.MOST_BYTES", 5)
    assert read_text(str(file)) == "12345"
    monkeypatch.setattr("odqa.cli.inputs.MOST_BYTES", 4)
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"12345")))
    for path in (str(file), "-"):
        with pytest.raises(UsageError, match="more than 4 bytes; give a part"):
            read_text(path)
