"""``odqa ask`` as a user types it: what is printed, where, and with which exit code."""

from __future__ import annotations

import io
import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from odqa.cli import app
from odqa.cli.ask import _print
from tests.answering.conftest import TEXTS, reader_with
from tests.reports.responses import response

KEYS = ["question", "answers", "no_answer_probability", "passages_read", "timings", "reason"]
ANSWER_KEYS = ["text", "confidence", "document", "start", "end", "passage", "passage_id", "page"]


@pytest.fixture(scope="module")
def folder(tiny_reader: Path, tiny_encoder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Holds ``eager`` and ``silent`` readers, the texts, and their index ``index``."""
    from odqa.index.build import build_index

    folder = tmp_path_factory.mktemp("ask")
    reader_with(-1000.0, tiny_reader, folder / "eager")
    reader_with(1000.0, tiny_reader, folder / "silent")
    (folder / "texts").mkdir()
    for name, text in TEXTS.items():
        (folder / "texts" / name).write_text(text, encoding="utf-8")
    build_index([folder / "texts"], folder / "index", encoder=str(tiny_encoder), device="cpu")
    return folder


def ask(*arguments: object, given: str | bytes | None = None) -> Any:
    """Run ``odqa ask`` in this process; ``given`` is standard input."""
    return CliRunner().invoke(app, ["ask", *map(str, arguments)], input=given)


def from_index(folder: Path, *arguments: object, reader: str = "eager", given: str | None = None) -> Any:
    options = ("--index", folder / "index", "--reader", folder / reader, "--device", "cpu")
    return ask(*arguments, *options, given=given)


def from_context(folder: Path, context: object, *arguments: object, given: str | bytes | None = None) -> Any:
    options = ("--context", context, "--reader", folder / "eager", "--device", "cpu")
    return ask("who built the tower", *arguments, *options, given=given)


def test_an_answer_for_a_person(folder: Path) -> None:
    result = from_index(folder, "who built the tower", "-n", 2)
    assert result.exit_code == 0, result.stderr
    lines = result.stdout.splitlines()
    assert lines[0].startswith("1. ") and "%" in lines[0]
    assert lines[1].startswith(f"   {folder / 'texts'}") and "characters" not in lines[1]
    assert "**" in lines[2]
    assert lines[3].startswith("2. ") and len(lines) == 6
    assert "\x1b" not in result.stdout  # standard output is no terminal here


def test_json(folder: Path) -> None:
    result = from_index(folder, "who built the tower", "--json", "-n", 50, "-k", 1000)
    assert result.exit_code == 0, result.stderr
    shown = json.loads(result.stdout)
    assert list(shown) == KEYS
    assert list(shown["timings"]) == ["encode", "search", "read", "rank", "total"]
    assert shown["passages_read"] >= 3
    sources = set()
    for answer in shown["answers"]:
        assert list(answer)[: len(ANSWER_KEYS)] == ANSWER_KEYS
        assert list(answer["document"]) == ["id", "title", "source"]
        assert answer["text"] in answer["passage"]
        source = Path(answer["document"]["source"])
        sources.add(source.name)
        if source.suffix == ".txt":
            assert source.read_text(encoding="utf-8")[answer["start"] : answer["end"]] == answer["text"]
    assert sources == set(TEXTS)
    total = sum(answer["confidence"] for answer in shown["answers"]) + shown["no_answer_probability"]
    assert total == pytest.approx(1)


def test_the_mode_decides_what_is_read(folder: Path) -> None:
    shown = json.loads(from_index(folder, "what orbits the earth", "--json", "--mode", "bm25").stdout)
    assert {Path(answer["document"]["source"]).name for answer in shown["answers"]} == {"moon.txt"}
    result = from_index(folder, "what orbits the earth", "--mode", "sparse")
    assert result.exit_code == 2 and "sparse" in result.stderr and "bm25" in result.stderr


def test_only_documents_that_match_are_read(folder: Path) -> None:
    shown = json.loads(from_index(folder, "who built the tower", "--json", "--filter", "title=moon").stdout)
    assert {Path(answer["document"]["source"]).name for answer in shown["answers"]} == {"moon.txt"}
    assert shown["reason"] == ""


def test_where_no_document_matches_the_reason_is_said(folder: Path) -> None:
    asked = ("--filter", "title=moon", "--filter", "id=none")
    reason = "no document matches title=moon and id=none"
    result = from_index(folder, "who built the tower", *asked)
    assert (result.exit_code, result.stdout) == (0, f"No answer found: {reason}.\n")
    shown = json.loads(from_index(folder, "who built the tower", *asked, "--json").stdout)
    assert list(shown) == KEYS
    assert (shown["answers"], shown["no_answer_probability"], shown["reason"]) == ([], 1.0, reason)
    lines = from_index(folder, "--questions", "-", *asked, given="Who?\nWhere?\n").stdout.splitlines()
    assert [json.loads(line)["reason"] for line in lines] == [reason, reason]


def test_an_unknown_field_lists_the_known_ones(folder: Path) -> None:
    result = from_index(folder, "who built the tower", "--filter", "lang=en")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "'lang'" in result.stderr and "The fields are id, source, title" in result.stderr


def test_no_answer_found_is_no_failure(folder: Path) -> None:
    result = from_index(folder, "who built the tower", reader="silent")
    assert result.exit_code == 0
    assert result.stdout.startswith("No answer found") and "100.0%" in result.stdout  # exp(-1000) is 0
    assert "`odqa search` shows the passages" in result.stderr and "--min-confidence 0 shows what" in result.stderr
    assert "--answerable 0.9 expects" in result.stderr
    told = from_index(folder, "who built the tower", "--answerable", "0.8", reader="silent")
    assert "--min-confidence 0" in told.stderr and "--answerable" not in told.stderr
    forced = from_index(folder, "who built the tower", "--min-confidence", "1", reader="silent")
    assert "`odqa search`" in forced.stderr and "--min-confidence" not in forced.stderr
    assert "--answerable" not in forced.stderr
    sure = from_index(folder, "who built the tower", "--min-confidence", "1")
    assert sure.stdout.startswith("No answer is so likely; the best one is right with ")
    assert "\nThe closest places:\n1. " in sure.stdout and "**" not in sure.stdout
    assert from_index(folder, "who built the tower", "--json", reader="silent").stderr == ""
    shown = json.loads(from_index(folder, "who built the tower", "--json", reader="silent").stdout)
    assert shown["answers"] == [] and shown["no_answer_probability"] == pytest.approx(1)


def test_many_questions_from_a_file(folder: Path, tmp_path: Path) -> None:
    file = tmp_path / "questions.txt"
    file.write_text("who built the tower\n\nwhere is the museum\n", encoding="utf-8")
    result = from_index(folder, "--questions", file, "-n", 1)
    assert result.exit_code == 0, result.stderr
    lines = [json.loads(line) for line in result.stdout.splitlines()]
    assert [(line["id"], line["question"]) for line in lines] == [
        (1, "who built the tower"),
        (3, "where is the museum"),
    ]
    assert all(list(line) == ["id", *KEYS] and len(line["answers"]) == 1 for line in lines)


def test_many_questions_from_standard_input(folder: Path) -> None:
    given = '{"id": "x", "question": "who built the tower"}\n{"id": "y", "question": "where is the museum"}\n'
    result = from_index(folder, "--questions", "-", given=given)
    assert result.exit_code == 0, result.stderr
    assert [json.loads(line)["id"] for line in result.stdout.splitlines()] == ["x", "y"]


def test_a_context_from_a_file_and_from_standard_input(folder: Path) -> None:
    file = folder / "texts" / "louvre.txt"
    by_file = from_context(folder, file, "--json")
    by_stdin = from_context(folder, "-", "--json", given=file.read_text(encoding="utf-8"))
    assert by_file.exit_code == by_stdin.exit_code == 0, by_file.stderr + by_stdin.stderr
    one, other = json.loads(by_file.stdout), json.loads(by_stdin.stdout)
    text = file.read_text(encoding="utf-8")
    for answer in (*one["answers"], *other["answers"]):
        assert text[answer["start"] : answer["end"]] == answer["text"]
    assert one["answers"][0]["document"]["source"] == str(file)
    assert other["answers"][0]["document"]["source"] == "standard input"


def test_a_document_cannot_drive_the_terminal(folder: Path) -> None:
    result = from_context(folder, "-", given="The \x1b]0;tower\x07 was \x1b[2J built by Gustave.")
    assert result.exit_code == 0, result.stderr
    assert "\x1b" not in result.stdout and "\x07" not in result.stdout


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        ([], 2, ["give one question", "--questions"]),
        (["Who?", "--questions", "q.txt"], 2, ["give one question", "--questions"]),
        (["Who?", "--context", "c.txt", "--index", "i"], 2, ["--context", "--index"]),
        (["Who?", "--context", "c.txt", "--exhaustive"], 2, ["--context", "--exhaustive"]),
        (["--questions", "q.txt", "--context", "c.txt"], 2, ["--context", "--questions"]),
        (["Who?", "--context", "c.txt", "--filter", "lang=en"], 2, ["--context", "--filter"]),
        (["Who?", "--filter", "year>"], 2, ["'year>'", "no value"]),
        ([""], 2, ["empty"]),
        (["Who?", "-k", "0"], 2, ["k must be at least 1", "not 0"]),
        (["Who?", "-n", "-1"], 2, ["n must be at least 1", "not -1"]),
        (["Who?", "--min-confidence", "80"], 2, ["from 0 to 1", "not 80"]),
        (["Who?", "--index", "nowhere"], 1, ["nowhere", "odqa index"]),
        (["Who?", "--context", "nowhere.txt"], 2, ["nowhere.txt", "does not exist"]),
        (["--questions", "nowhere.txt"], 2, ["nowhere.txt", "does not exist"]),
    ],
)
def test_bad_requests_are_refused_in_one_line(arguments: list[str], code: int, words: list[str]) -> None:
    result = ask(*arguments)
    assert result.exit_code == code
    assert result.stdout == ""
    assert all(word in result.stderr for word in words), result.stderr
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize(
    ("content", "code", "words"),
    [
        (b"Who?\n\nWh\x00o?\n", 2, ["line 3", "U+0000"]),
        (b"Who?\ncaf\xe9\n", 1, ["not UTF-8", "byte 8"]),
    ],
)
def test_a_bad_line_is_found_before_anything_is_loaded(
    tmp_path: Path, content: bytes, code: int, words: list[str]
) -> None:
    file = tmp_path / "q.txt"
    file.write_bytes(content)
    result = ask("--questions", file, "--index", tmp_path / "there is none")
    assert result.exit_code == code
    assert all(word in result.stderr for word in [str(file), *words]), result.stderr


def test_bad_models_are_refused(folder: Path, tiny_base: Path, tmp_path: Path) -> None:
    result = from_index(folder, "Who?", reader="nowhere/at/all")
    assert result.exit_code == 1 and "nowhere/at/all" in result.stderr
    result = ask("Who?", "--index", folder / "index", "--reader", tiny_base, "--device", "cpu")
    assert result.exit_code == 1 and "no question-answering head" in result.stderr


@pytest.mark.parametrize(
    ("terminal", "environment", "styled"),
    [
        (True, {}, True),
        (False, {}, False),
        (True, {"NO_COLOR": "1"}, False),
        (True, {"TERM": "dumb"}, False),
    ],
)
def test_only_a_terminal_that_may_be_styled_is(
    monkeypatch: pytest.MonkeyPatch, terminal: bool, environment: dict[str, str], styled: bool
) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    stdout = io.TextIOWrapper(io.BytesIO(), encoding="utf-8")
    monkeypatch.setattr(stdout, "isatty", lambda: terminal, raising=False)
    monkeypatch.setattr(sys, "stdout", stdout)
    _print(response(), explain=False, json_output=False)
    stdout.flush()
    shown = stdout.buffer.getvalue().decode()  # type: ignore[attr-defined]
    assert ("\x1b[1;32mGustave Eiffel\x1b[0m" in shown, "**Gustave Eiffel**" in shown) == (styled, not styled)


def test_answers_that_are_nothing_beside_the_first_are_shown_to_who_asks_for_all(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = ("who built the tower", "-n", 50, "-k", 1000)
    share = 0.95  # The tiny reader holds all of its answers for nearly as good.
    monkeypatch.setattr("odqa.reports.answers_text.LEAST_SHARE", share)
    shown = json.loads(from_index(folder, *asked, "--json").stdout)["answers"]
    worth = [one for one in shown if one["confidence"] >= shown[0]["confidence"] * share]
    for options, count in (((), len(worth)), (("--min-confidence", 0), len(shown)), (("--explain",), len(shown))):
        lines = from_index(folder, *asked, *options).stdout.splitlines()
        assert sum(line[:1].isdigit() for line in lines) == count
    assert 0 < len(worth) < len(shown)


@pytest.mark.skipif(sys.platform == "win32", reason="sends SIGINT to a child")
def test_ctrl_c_keeps_what_was_answered(folder: Path, tmp_path: Path) -> None:
    file = tmp_path / "questions.txt"
    file.write_text("who built the tower\n" * 20_000, encoding="utf-8")
    command = [sys.executable, "-m", "odqa", "ask", "--questions", file, "--index", folder / "index"]
    options = ["--reader", folder / "eager", "--device", "cpu"]
    with subprocess.Popen(
        [*command, *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # A shell starts its background jobs with SIGINT ignored, and children inherit that.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    ) as process:
        assert process.stdout is not None and process.stderr is not None
        first = process.stdout.readline()
        process.send_signal(signal.SIGINT)
        rest, complaint = process.stdout.read(), process.stderr.read()
    assert process.returncode == 130, complaint
    assert "interrupted" in complaint and "Traceback" not in complaint
    lines = [json.loads(line) for line in [first, *rest.splitlines()]]
    assert [line["id"] for line in lines] == list(range(1, len(lines) + 1))
    assert len(lines) < 20_000
