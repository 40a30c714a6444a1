"""Signals, a home folder and standard streams: what a program may be started without."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from odqa.cli.surroundings import Terminated, home, signals

ROOT = Path(__file__).parents[2]


def shell(line: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["sh", "-c", line.replace("odqa ", f"'{sys.executable}' -m odqa ")],
        capture_output=True,
        text=True,
        cwd=environment.pop("cwd", str(ROOT)),
        env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
        timeout=60,
        check=False,
    )


def test_ctrl_c_and_sigterm_are_exceptions_while_a_command_works_and_end_the_program_otherwise() -> None:
    before = signal.getsignal(signal.SIGINT)
    try:
        with signals():
            with pytest.raises(KeyboardInterrupt):
                signal.raise_signal(signal.SIGINT)
            with pytest.raises(Terminated):
                signal.raise_signal(signal.SIGTERM)
        assert signal.getsignal(signal.SIGINT) == signal.getsignal(signal.SIGTERM) == signal.SIG_DFL
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        with signals():
            assert signal.getsignal(signal.SIGINT) == signal.SIG_IGN  # As under nohup.
    finally:
        signal.signal(signal.SIGINT, before)


def test_a_home_is_lent_where_there_is_none_and_kept_where_there_is(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: object) -> None:
        raise KeyError

    own = os.environ["HOME"]
    with home():
        assert os.environ["HOME"] == own
    monkeypatch.delenv("HOME")
    monkeypatch.setattr("pwd.getpwuid", unknown)
    with home():
        lent = Path.home()
        assert lent.is_dir() and lent.stat().st_mode & 0o77 == 0
    assert not lent.exists() and "HOME" not in os.environ


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_change_that_landed_is_told_where_the_output_cannot_be_written(work: Path) -> None:
    done = shell("odqa remove moon.txt --index index >/dev/full", cwd=str(work))
    assert done.returncode == 2, done.stderr  # No such name: the index is as it was.
    done = shell("odqa remove docs/moon.txt --index index >/dev/full", cwd=str(work))
    assert done.returncode == 1
    assert "index is changed (version 2), but the output could not be written: No space left" in done.stderr
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("line", "code", "said"),
    [
        ("odqa --version >&-", 1, "the output could not be written: Bad file descriptor"),
        ("odqa info index >&-", 1, "the output could not be written: Bad file descriptor"),
        ("odqa info no 2>&-", 1, ""),
        ("odqa info index <&- 2>&-", 0, ""),
        ("odqa ask --questions - --index index <&-", 2, "standard input cannot be read"),
        ("odqa info index >&- 2>&- <&-", 1, ""),
    ],
)
def test_closed_streams(line: str, code: int, said: str, work: Path) -> None:
    done = shell(line, cwd=str(work))
    assert done.returncode == code, done.stderr
    assert said in done.stderr and "Traceback" not in done.stderr
    assert done.stderr.count("\n") == bool(said)


# Sends itself a signal when a module is first imported.
SIGNALLED = """
import os, sys
import odqa.__main__ as program
class Finder:
    def find_spec(self, name, *_):
        if name == module:
            os.kill(os.getpid(), int(number))
_, module, number = sys.argv
sys.argv = ["odqa", "info", "no/such/index"]
sys.meta_path.insert(0, Finder())
program.main()
"""


@pytest.mark.parametrize(
    ("module", "number", "code", "said"),
    [
        ("odqa.cli.defaults", signal.SIGINT, -signal.SIGINT, ""),  # While Python loads the command line.
        ("odqa.cli.defaults", signal.SIGTERM, -signal.SIGTERM, ""),
        ("odqa.index.manifest", signal.SIGINT, 130, "odqa: interrupted"),  # While a command is at work.
        ("odqa.index.manifest", signal.SIGTERM, 143, "odqa: interrupted"),
    ],
)
def test_a_signal_during_an_import_shows_no_stack_trace(module: str, number: int, code: int, said: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", SIGNALLED, module, str(int(number))],
        capture_output=True,
        text=True,
        cwd=ROOT,
        timeout=60,
        check=False,
    )
    assert done.returncode == code, done.stderr
    assert done.stderr.startswith(said) and done.stderr.count("\n") == bool(said)
