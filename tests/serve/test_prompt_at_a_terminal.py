"""``odqa ask`` without a question, at a terminal of its own: what is typed at it, key by key, and what it shows."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from odqa.serve.app import create_app
from odqa.serve.indexes import Indexes, Models
from odqa.serve.service import Settings
from tests.serve.stub import running

pytest.importorskip("readline", reason="this Python edits no lines")
pexpect = pytest.importorskip("pexpect", reason="pexpect is not installed: pip install pexpect")

QUESTION = "What is the capital of Germany?"
PROMPT = r"\? "
UP, CTRL_C, CTRL_D = "\x1b[A", "\x03", "\x04"


@pytest.fixture(scope="module")
def url(notes: Path, models: Models) -> Iterator[str]:
    """A server to ask, so that each terminal begins at once."""
    with running(create_app(Indexes({"notes": notes}, models), Settings(wait=0.0))) as address:
        yield address


def terminal(url: str, state: Path) -> Any:
    """A terminal at which the prompt waits for a first question."""
    shown = pexpect.spawn(
        sys.executable,
        ["-m", "odqa", "ask", "--url", url, "--min-confidence", "0"],
        env=os.environ | {"XDG_STATE_HOME": str(state), "TERM": "xterm"},
        encoding="utf-8",
        timeout=110,
        dimensions=(40, 100),
    )
    shown.expect("Ask a question.*Ctrl-D ends.*" + PROMPT)
    return shown


def ended(shown: Any) -> int:
    shown.expect(pexpect.EOF)
    shown.close()
    return int(shown.exitstatus)


def test_questions_commands_and_keys_at_a_terminal(url: str, tmp_path: Path) -> None:
    shown = terminal(url, tmp_path)
    shown.sendline(QUESTION)
    shown.expect(r"1\. .*" + PROMPT)
    shown.sendline(":k 2")
    shown.expect("2 passages of all documents.*" + PROMPT)
    shown.sendline(":why")
    shown.expect(r"1\. .*· span .*" + PROMPT)
    shown.send(UP * 3 + "\r")  # The question again, from the history.
    shown.expect_exact(QUESTION)
    shown.expect(r"1\. .*" + PROMPT)
    shown.send("half a line")
    shown.expect_exact("half a line")
    shown.send(CTRL_C)
    shown.expect("Ctrl-D ends.*" + PROMPT)
    shown.sendline(":wy")
    shown.expect("did you mean :why.*" + PROMPT)
    shown.send(CTRL_D)
    assert ended(shown) == 0
    kept = (tmp_path / "odqa" / "history").read_text(encoding="utf-8").splitlines()
    assert kept == [QUESTION, ":k 2", ":why", QUESTION, ":wy"]


def test_lines_of_an_earlier_time_come_back(url: str, tmp_path: Path) -> None:
    shown = terminal(url, tmp_path)
    shown.sendline(QUESTION)
    shown.expect(r"1\. .*" + PROMPT)
    shown.sendline(":quit")
    assert ended(shown) == 0
    shown = terminal(url, tmp_path)
    shown.send(UP * 2 + "\r")
    shown.expect_exact(QUESTION)
    shown.expect(r"1\. .*" + PROMPT)
    shown.send(CTRL_D)
    assert ended(shown) == 0
