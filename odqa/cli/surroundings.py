"""What a program is started with, and may lack, goes in; what libraries take for granted comes out.

That is signals as exceptions, a home folder, and three standard streams.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import NoReturn


class Terminated(KeyboardInterrupt):
    """The system asked the program to end (SIGTERM). It ends as it does for Ctrl-C, with another exit code."""


@contextmanager
def signals() -> Iterator[None]:
    """A block in which Ctrl-C and SIGTERM are exceptions, so that a command that is at work cleans up.

    Before and after it, while Python loads and ends, they end the program without more ado. Signals that the program
    was started to ignore (nohup) stay ignored.
    """

    def end(number: int, frame: FrameType | None) -> NoReturn:
        raise KeyboardInterrupt if number == signal.SIGINT else Terminated

    ours = [number for number in (signal.SIGINT, signal.SIGTERM) if signal.getsignal(number) != signal.SIG_IGN]
    for number in ours:
        signal.signal(number, end)
    try:
        yield
    finally:
        for number in ours:
            signal.signal(number, signal.SIG_DFL)


@contextmanager
def home() -> Iterator[None]:
    """A block in which there is a home folder: the user's, or an empty one that is gone afterwards.

    Containers run programs as users without a name and without HOME. Libraries fail there when they are imported, or
    write into a folder called ~.
    """
    try:
        Path.home()
    except RuntimeError:
        from tempfile import TemporaryDirectory

        with TemporaryDirectory(prefix="odqa-", ignore_cleanup_errors=True) as folder:
            os.environ["HOME"] = folder
            try:
                yield
            finally:
                del os.environ["HOME"]
    else:
        yield


def open_closed_streams() -> None:
    """Give a standard stream that was closed (``>&-``) a file, on which what it is for fails with "bad descriptor".

    Without it, the next file that is opened would be taken for standard output. What goes to a closed stderr is lost.
    """
    for number, flags in enumerate((os.O_WRONLY, os.O_RDONLY, os.O_WRONLY)):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, flags)  # Takes the lowest number that is free, which is this one.
            os.set_inheritable(number, True)
    if sys.stdin is None:
        sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115
    if sys.stdout is None:
        sys.stdout = open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
    if sys.stderr is None:
        sys.stderr = open(2, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
