"""Progress leaves nothing behind on a terminal, and says now and then how far long work is where there is none."""

from __future__ import annotations

import io
import sys

import pytest

from odqa.cli import progress
from odqa.cli.common import command
from odqa.cli.output import screens
from odqa.cli.progress import progress_bar, progress_of_stages, status
from tests.cli.test_output import Terminal

GONE = "\r\x1b[K"


class Clock:
    """A time that passes when it is told to."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 1000.0
        monkeypatch.setattr(progress, "monotonic", lambda: self.now)


def said(capsys: pytest.CaptureFixture[str]) -> list[str]:
    return capsys.readouterr().err.splitlines()


def test_long_work_says_how_far_it_is_where_there_is_no_terminal(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock(monkeypatch)
    with screens(), progress_of_stages() as tell:
        for _ in range(1000):
            clock.now += 0.5
            tell("Reading", 1, 1000)
    lines = said(capsys)
    assert lines[0] == "odqa: Reading: 100 of 1,000 (10%)"
    assert len(lines) == 10  # Every tenth takes 50 seconds.


def test_slow_work_says_it_every_minute(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock(monkeypatch)
    with screens(), progress_bar() as display:
        task = display.add_task("Reading 7 documents (kB)", total=10_000)
        for number in range(18):
            clock.now += 20
            display.update(task, completed=number)
    assert len(said(capsys)) == 6


def test_fast_work_says_nothing(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock(monkeypatch)
    with screens(), progress_of_stages() as tell:
        for stage in ("Reading", "Ranking"):
            for _ in range(100):
                clock.now += 0.09
                tell(stage, 1, 100)
    assert said(capsys) == []


def on_terminal(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setenv("TERM", "xterm")
    return terminal


def test_a_bar_is_gone_when_its_work_is_done(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = on_terminal(monkeypatch)
    with screens(), progress_of_stages() as tell:
        tell("Counting", 1, 2)
    shown = terminal.getvalue()
    assert "Counting" in shown
    assert "\x1b[2K" in shown[shown.rindex("Counting") :]  # The line is erased after it was shown for the last time.


def test_a_status_is_gone_when_what_was_waited_for_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = on_terminal(monkeypatch)
    with screens(), pytest.raises(KeyboardInterrupt), status("Loading…"):
        assert terminal.getvalue() == f"{GONE}Loading…\r"
        raise KeyboardInterrupt
    assert terminal.getvalue() == f"{GONE}Loading…\r{GONE}"


def test_there_is_no_status_where_there_is_no_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    file = io.StringIO()
    monkeypatch.setattr(sys, "stderr", file)
    with screens(), status("Loading…"):
        pass
    assert file.getvalue() == ""
    terminal = on_terminal(monkeypatch)
    monkeypatch.setenv("TERM", "dumb")
    with screens(), status("Loading…"):
        pass
    assert terminal.getvalue() == ""


def test_ctrl_c_leaves_one_clean_line(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = on_terminal(monkeypatch)

    @command
    def work() -> None:
        sys.stderr.write("^C")  # As a terminal echoes it.
        raise KeyboardInterrupt

    with screens(), pytest.raises(SystemExit):
        work()
    assert terminal.getvalue().startswith(f"^C{GONE}odqa: interrupted")
