"""Every way to ask wrongly is refused with what was wrong, where, and what to do."""

from __future__ import annotations

import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from odqa.answering.inputs import check_question, parse_questions, read_context, read_questions, read_text
from odqa.errors import DataError, UsageError


@pytest.mark.parametrize(
    ("question", "checked"),
    [
        ("  Who built it? \n", "Who built it?"),
        ("Who\tbuilt\r\nit?", "Who built  it?"),
        ("¿Quién la construyó? 🗼", "¿Quién la construyó? 🗼"),
        ("x" * 1000, "x" * 1000),
        (" " * 2000 + "x", "x"),
    ],
)
def test_a_question_is_stripped(question: str, checked: str) -> None:
    assert check_question(question) == checked


@pytest.mark.parametrize(
    ("question", "words"),
    [
        ("", ["empty", "ask"]),
        (" \t\n\u00a0", ["empty"]),
        ("x" * 10_000, ["10,000 characters", "1,000", "shorten"]),
        ("Who\x00?", ["U+0000", "position 4", "remove"]),
        ("\x1b[31mWho?", ["U+001B", "position 1"]),
        ("\x01\x02\x03", ["U+0001", "position 1"]),
        ("Wh\x7fo", ["U+007F", "position 3"]),
        ("Wh\x9bo", ["U+009B", "position 3"]),
        ("Caf\udce9?", ["U+DCE9", "position 4"]),
    ],
)
def test_a_question_that_cannot_be_asked(question: str, words: list[str]) -> None:
    with pytest.raises(UsageError) as error:
        check_question(question)
    assert all(word in str(error.value) for word in words), error.value


@given(st.text())
def test_a_checked_question_is_clean_and_stays_so(text: str) -> None:
    try:
        question = check_question(text)
    except UsageError:
        return
    assert 0 < len(question) <= 1000
    assert not any(unicodedata.category(character) in {"Cc", "Cs"} for character in question)
    assert check_question(question) == question


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
        ('{"question": "Who?"}\n{"question": \n', DataError, ["q.txt, line 2", "not JSON"]),
        ('{"question": "Who?"}\nWhen?\n', DataError, ["q.txt, line 2", "not JSON"]),
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
