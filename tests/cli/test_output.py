"""All that is printed goes through one place, whoever prints it; and what cannot be printed is told."""

from __future__ import annotations

import ast
import errno
import io
import logging
import sys
import warnings
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

import odqa.cli
from odqa.cli.common import Program, command
from odqa.cli.output import (
    Loudness,
    OutputError,
    Screen,
    detail,
    landed,
    loudness,
    note,
    print_json,
    print_lines,
    print_styled,
    screens,
    tell,
)
from odqa.cli.progress import progress_bar, status, track
from odqa.errors import OdqaError

WILD = "a\x1b[2J\x07\rb"


class Terminal(io.StringIO):
    """A stream that says that it is a terminal."""

    def isatty(self) -> bool:
        return True


class Full(io.StringIO):
    """A stream on a full disk."""

    def write(self, text: str) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")


def test_what_libraries_print_warn_and_log_is_text_too() -> None:
    program = typer.Typer(cls=Program)

    @program.command()
    @command
    def talk() -> None:
        print(WILD)
        print(WILD, file=sys.stderr)
        logger = logging.getLogger("tests.talk")
        logger.addHandler(logging.StreamHandler())
        logger.warning(WILD)
        with warnings.catch_warnings():
            warnings.simplefilter("always")
            warnings.showwarning = lambda message, *_: sys.stderr.write(f"{message}\n")
            warnings.warn(WILD, stacklevel=1)

    program.callback()(lambda: None)
    result = CliRunner().invoke(program, ["talk"])
    assert result.exit_code == 0, result.stderr
    shown = "a\\x1b[2J\\x07\\rb\n"
    assert result.stdout == shown
    assert result.stderr == 3 * shown


def test_ends_of_lines_stay_and_tabs_become_spaces() -> None:
    inner = io.StringIO()
    Screen(inner).write("a\n\tb\r\n")
    assert inner.getvalue() == "a\n    b\\r\n"


def test_the_bar_of_a_download_moves_on_a_terminal_and_nothing_else_does() -> None:
    terminal, file = Terminal(), io.StringIO()
    for inner in (terminal, file):
        Screen(inner, forgiving=True).write("\r50% \x1b[2J")
    assert terminal.getvalue() == "\r50% \\x1b[2J"
    assert file.getvalue() == "\\r50% \\x1b[2J"


def test_a_note_is_one_line_of_bounded_length(capsys: pytest.CaptureFixture[str]) -> None:
    note("a\nb" + "x" * 10_000)
    shown = capsys.readouterr().err
    assert shown.startswith("odqa: a bxxx") and shown.endswith("x …\n") and len(shown) < 2100


def test_only_our_own_styles_reach_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    with screens():
        print_styled(["\x1b[1mbold\x1b[0m"])
        print_lines(["\x1b[1mbold\x1b[0m"])
    assert capsys.readouterr().out == "\x1b[1mbold\x1b[0m\n\\x1b[1mbold\\x1b[0m\n"


def test_a_description_of_progress_is_text(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setenv("TERM", "xterm")
    with screens(), progress_bar() as display:
        display.add_task("[red]reading[/red] :moon:")
        print("a\x1b]0;title\x07", file=sys.stderr)
    assert "[red]reading[/red] :moon:" in terminal.getvalue()
    assert "a\\x1b]0;title\\x07" in terminal.getvalue()


def test_what_is_printed_goes_to_stdout_while_a_bar_is_on_stderr(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    for stdout, stderr in ((io.StringIO(), Terminal()), (Terminal(), Terminal())):
        monkeypatch.setattr(sys, "stdout", stdout)
        monkeypatch.setattr(sys, "stderr", stderr)
        with screens():
            for item in track(["one", "two"], "Counting", 2):
                print_lines([item])
        assert stdout.getvalue() == "one\ntwo\n"
        assert ("Counting" in stderr.getvalue()) == (not stdout.isatty())


def test_output_that_cannot_be_written_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", Full())
    with pytest.raises(OutputError, match="No space left"):
        print_lines(["a"])
    said = pytest.raises(OdqaError, match=r"the index is changed, but .* could not be written: No space left")
    with screens(), said, landed("the index is changed"):
        print_lines(["a"])


def test_a_closed_stdout_is_told_and_a_closed_stderr_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    closed = io.StringIO()
    closed.close()
    monkeypatch.setattr(sys, "stdout", closed)
    monkeypatch.setattr(sys, "stderr", closed)
    with screens():
        note("nobody hears this")
        with pytest.raises(OutputError, match="closed"):
            print_lines(["a"])


def test_json_escapes_what_a_terminal_obeys(capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    print_json({"text": "é\x7f\x9b\u202e\ud800"})
    assert capsysbinary.readouterr().out == '{"text": "é\\u007f\\u009b\\u202e\\ud800"}\n'.encode()


PRINTING = {"print", "typer.echo", "sys.stdout.write", "sys.stderr.write", "sys.stdout.buffer.write"}


def test_only_one_module_prints() -> None:
    folder = Path(odqa.__file__).parent
    offenders = [
        f"{path.relative_to(folder)}:{node.lineno}"
        for path in folder.rglob("*.py")
        if path != folder / "cli" / "output.py"
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and ast.unparse(node.func) in PRINTING
    ]
    assert not offenders


def test_quiet_and_verbose_change_what_is_said_and_end_with_the_command(capsys: pytest.CaptureFixture[str]) -> None:
    def say() -> str:
        with status("Loading…"):
            note("a remark")
            detail("a detail")
        tell("an error")
        return capsys.readouterr().err

    plain = "odqa: a remark\nodqa: an error\n"
    assert say() == plain
    with loudness(Loudness.QUIET):
        assert say() == "odqa: an error\n"
    with loudness(Loudness.VERBOSE):
        lines = say().splitlines()
    assert [line.partition(" (")[0] for line in lines] == [
        "odqa: a remark", "odqa: a detail", "odqa: Loading: done", "odqa: an error",
    ]  # fmt: skip
    assert say() == plain
