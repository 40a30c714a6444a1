"""``odqa ask`` without a question, at a terminal of its own: what is typed at it, key by key, and what it shows."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from odqa.serve.app import create_app
from odqa.serve.indexes import Indexes, Models
from odqa.serve.service import Settings
from tests.serve.stub import running

pytest.importorskip("readline", reason="this Python edits no lines")
termios = pytest.importorskip("termios", reason="no terminals here")
pexpect = pytest.importorskip("pexpect", reason="pexpect is not installed: pip install pexpect")
fdpexpect = pytest.importorskip("pexpect.fdpexpect")

QUESTION = "What is the capital of Germany?"
PROMPT = r"\? "
UP, CTRL_C, CTRL_D = "\x1b[A", "\x03", "\x04"
# Takes the terminal that it is given for its own, so that Ctrl-C at it ends what it becomes.
AT_IT = """import fcntl, os, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
os.execv(sys.executable, [sys.executable, *sys.argv[1:]])"""


@pytest.fixture(scope="module")
def url(notes: Path, models: Models) -> Iterator[str]:
    """A server to ask, so that each terminal begins at once."""
    with running(create_app(Indexes({"notes": notes}, models), Settings(wait=0.0))) as address:
        yield address


class Typing(fdpexpect.fdspawn):  # type: ignore[misc]
    """Types only once the prompt has surely begun to read keys, as pexpect's own terminals do."""

    def send(self, keys: str) -> int:
        time.sleep(self.delaybeforesend)
        return int(super().send(keys))


@contextmanager
def terminal(url: str, state: Path) -> Iterator[Any]:
    """A terminal at which the prompt waits for a first question, and which ends well when the test has ended it.

    pexpect would fork this process for it, and with gRPC and other libraries' threads in it that may fail.
    """
    command = [sys.executable, "-m", "odqa", "ask", "--url", url, "--min-confidence", "0"]
    ours, theirs = os.openpty()
    termios.tcsetwinsize(ours, (40, 100))
    with subprocess.Popen(
        [sys.executable, "-c", AT_IT, *command[1:]],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
        env=os.environ | {"XDG_STATE_HOME": str(state), "TERM": "xterm"},
    ) as process:
        os.close(theirs)
        shown = Typing(ours, encoding="utf-8", timeout=50)
        try:
            shown.expect("Ask a question.*Ctrl-D ends.*" + PROMPT)
            yield shown
            shown.expect(pexpect.EOF)
        finally:
            shown.close()
            if sys.exc_info()[0]:
                process.kill()
    assert process.returncode == 0


def test_questions_commands_and_keys_at_a_terminal(url: str, tmp_path: Path) -> None:
    with terminal(url, tmp_path) as shown:
        shown.sendline(QUESTION)
        shown.expect(r"1\. .*" + PROMPT)
        shown.sendline(":k 2")
        shown.expect("2 passages of all documents.*" + PROMPT)
        shown.sendline(":filter yaer>=2020")
        shown.expect("yaer.*The fields are.*" + PROMPT)
        shown.sendline(":why")
        shown.expect(r"1\. .*· span .*" + PROMPT)
        shown.send(UP * 4 + "\r")  # The question again, from the history.
        shown.expect_exact(QUESTION)
        shown.expect(r"1\. .*" + PROMPT)
        shown.send("half a line")
        shown.expect_exact("half a line")
        shown.send(CTRL_C)
        shown.expect("Ctrl-D ends.*" + PROMPT)
        shown.sendline(":wy")
        shown.expect("did you mean :why.*" + PROMPT)
        shown.send(CTRL_D)
    kept = (tmp_path / "odqa" / "history").read_text(encoding="utf-8").splitlines()
    assert kept == [QUESTION, ":k 2", ":filter yaer>=2020", ":why", QUESTION, ":wy"]


def test_lines_of_an_earlier_time_come_back(url: str, tmp_path: Path) -> None:
    with terminal(url, tmp_path) as shown:
        shown.sendline(QUESTION)
        shown.expect(r"1\. .*" + PROMPT)
        shown.sendline(":quit")
    with terminal(url, tmp_path) as shown:
        shown.send(UP * 2 + "\r")
        shown.expect_exact(QUESTION)
        shown.expect(r"1\. .*" + PROMPT)
        shown.send(CTRL_D)
