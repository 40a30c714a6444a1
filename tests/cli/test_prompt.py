"""``odqa ask`` at a terminal without a question: what is typed, and what comes back."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from odqa.answering.question import Ask
from odqa.cli import app
from odqa.cli.prompt import HELP, Prompt, history
from odqa.cli.surroundings import Terminated
from odqa.errors import DataError, UsageError
from odqa.index.filters import Filter
from odqa.types import Mode, Response


class Typed:
    """Lines that a user types; what is no text is raised. After the last one comes Ctrl-D."""

    def __init__(self, *lines: str | BaseException) -> None:
        self.lines = list(lines)

    def __call__(self, prompt: str) -> str:
        line = self.lines.pop(0) if self.lines else EOFError()
        if isinstance(line, BaseException):
            raise line
        return line


class Asked:
    """A prompt that notes what is asked of it, how, and what it shows."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, Ask, Mode]] = []
        self.shown: list[tuple[str, bool]] = []
        self.prompt = Prompt(self.respond, self.show, Ask(n=3), Mode.HYBRID)

    def respond(self, questions: Iterable[str], how: Ask, mode: Mode) -> Iterator[Response]:
        for question in questions:
            if question == "fail":
                raise DataError("it is damaged; mend it")
            if question == "interrupt":
                raise KeyboardInterrupt
            self.asked.append((question, how, mode))
            yield Response(question, (), 1.0)

    def show(self, response: Response, why: bool) -> None:
        self.shown.append((response.question, why))

    def type(self, *lines: str | BaseException) -> None:
        self.prompt.run(Typed(*lines))


@pytest.fixture
def asked() -> Asked:
    return Asked()


def test_question_after_question(asked: Asked) -> None:
    asked.type("who built it", "", "  where is it ", ":why")
    assert [question for question, _, _ in asked.asked] == ["who built it", "where is it"]
    assert asked.shown == [("who built it", False), ("where is it", False), ("where is it", True)]


def test_a_filter_that_fits_no_document_is_told_at_once_and_not_kept(
    asked: Asked, capsys: pytest.CaptureFixture[str]
) -> None:
    def check(filters: Sequence[Filter]) -> None:
        if any(one.field == "lnag" for one in filters):
            raise UsageError("no document has the field")

    asked.prompt.check = check
    asked.type(":filter lang=en", ":filter lnag=en", "a", ":filter", "a")
    assert [str(one) for one in asked.asked[0][1].filters] == ["lang=en"]
    assert asked.asked[1][1].filters == ()
    assert "no document has the field" in capsys.readouterr().err


@pytest.mark.parametrize("word", ["quit", "exit", ":exit"])
def test_words_that_end_other_prompts_end_this_one(asked: Asked, word: str) -> None:
    asked.type("a", "help", word, "b")
    assert [question for question, _, _ in asked.asked] == ["a"]


def test_what_is_set_holds_for_the_questions_after_it(asked: Asked, capsys: pytest.CaptureFixture[str]) -> None:
    asked.type("a", ":k 50", ":n  7", ":filter year>=2020", ":filter lang = en", ":mode bm25", "b", ":filter", "c")
    (_, first, mode), (_, second, other), (_, third, _) = asked.asked
    assert (first, mode) == (Ask(n=3), Mode.HYBRID)
    assert (second.k, second.n, [str(one) for one in second.filters]) == (50, 7, ["year>=2020", "lang=en"])
    assert (other, third.k, third.filters) == (Mode.BM25, 50, ())
    assert "50 passages of year>=2020 and lang=en, found by bm25; at most 7 answers" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (":", ["there is no :", ":help"]),
        (":wy", ["no :wy", "did you mean :why"]),
        (":why", ["no answer to explain"]),
        (":k", [":k 5"]),
        (":k many", [":k 5"]),
        (":k 0", ["at least 1"]),
        (":n -1", [":n 5"]),
        (":k " + "9" * 5000, [":k 5"]),
        (":filter year", ["no operator"]),
        (":mode sparse", ["'sparse'", ":mode bm25"]),
        ("fail", ["it is damaged"]),
        ("a\x00b", ["U+0000"]),
        ("x" * 2000, ["2,000 characters"]),
    ],
)
def test_what_fails_is_told_and_the_next_line_is_read(
    asked: Asked, capsys: pytest.CaptureFixture[str], line: str, words: list[str]
) -> None:
    asked.type(line, "who")
    told = capsys.readouterr().err
    assert all(word in told for word in words), told
    assert asked.shown == [("who", False)]
    assert (asked.prompt.how, asked.prompt.mode) == (Ask(n=3), Mode.HYBRID)


def test_help_and_the_end(asked: Asked, capsys: pytest.CaptureFixture[str]) -> None:
    asked.type(":help", ":quit", "never")
    shown = capsys.readouterr().out
    assert all(line in shown for line in HELP)
    assert asked.shown == []


def test_ctrl_c_drops_a_line_or_a_question_and_sigterm_ends(asked: Asked) -> None:
    asked.type(KeyboardInterrupt(), "interrupt", "who")
    assert asked.shown == [("who", False)]
    with pytest.raises(Terminated):
        asked.type(Terminated(), "never")


def test_a_history_is_kept_for_the_user_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    readline = pytest.importorskip("readline")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    for line in ("who built it", "where is it"):
        with history():
            readline.add_history(line)
    file = tmp_path / "state" / "odqa" / "history"
    assert file.read_text(encoding="utf-8").splitlines()[-2:] == ["who built it", "where is it"]
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    with history():
        assert readline.get_history_item(1) == "who built it"


def test_where_no_history_can_be_kept_it_is_done_without(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "file"))
    with history():
        pass


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., Any]:
    """Runs ``odqa ask`` as at a terminal at which lines are typed."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    monkeypatch.setattr("odqa.cli.ask._at_terminal", lambda: True)

    def run(lines: list[str], *arguments: object) -> Any:
        monkeypatch.setattr(Prompt.run, "__defaults__", (Typed(*lines),))
        return CliRunner().invoke(app, ["ask", *map(str, arguments)])

    return run


def test_at_a_terminal_the_models_stay_loaded(work: Path, tiny_reader: Path, terminal: Callable[..., Any]) -> None:
    options = (
        "--index",
        "index",
        "--reader",
        tiny_reader,
        "--device",
        "cpu",
        "--min-confidence",
        "0",
        "--mode",
        "bm25",
    )
    result = terminal(["which river", ":filter lang=de", "which river", ":mode dense", "which river"], *options)
    assert result.exit_code == 0, result.stderr
    assert result.stdout.count("1. ") == 3 and "found by dense" in result.stdout
    parts = result.stdout.split("passages of lang=de")
    assert "rows.jsonl" in parts[0] and "Spree" in parts[1]


@pytest.mark.skipif(sys.platform == "win32", reason="opens a terminal of Unix")
def test_without_a_terminal_a_question_is_wanted() -> None:
    result = CliRunner().invoke(app, ["ask"], input="who built it\n")
    assert result.exit_code == 2 and "give one question" in result.stderr
    assert os.environ.get("NO_COLOR")
