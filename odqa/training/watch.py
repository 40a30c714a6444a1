"""A run reports its progress here, and is asked here to stop. Knows no model and no terminal."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Protocol

WORTH_TELLING = 500  # Questions: a small reader reads as many in half a minute on two CPU cores.


class Watcher(Protocol):
    """What a run reports to."""

    def note(self, text: str) -> None:
        """Something worth a line: counts of the data, a checkpoint resumed."""

    def step(self, done: int, total: int, loss: float, windows_per_second: float) -> None:
        """An optimiser step was made."""

    def evaluated(self, epoch: int, metrics: dict[str, float]) -> None:
        """An epoch was evaluated."""


def is_first_process() -> bool:
    """Whether this is the process that reports: the only one, or the first under ``accelerate launch``."""
    return os.environ.get("RANK", "0") == "0"


class SilentWatcher:
    """The watcher of every process but the first."""

    def note(self, text: str) -> None:
        """Ignore it."""

    def step(self, done: int, total: int, loss: float, windows_per_second: float) -> None:
        """Ignore it."""

    def evaluated(self, epoch: int, metrics: dict[str, float]) -> None:
        """Ignore it."""


def at_each_tenth(show: Callable[[int, int], None]) -> Callable[[int, int], None]:
    """What passes on how much of a long work is done, of how much, at each tenth of it and no oftener."""
    shown = 0

    def pass_on(done: int, total: int) -> None:
        nonlocal shown
        if (tenth := 10 * done // max(1, total)) > shown:
            shown = tenth
            show(done, total)

    return pass_on


def reading(note: Callable[[str], None], questions: int, why: str) -> Callable[[int], None]:
    """What is called with each number of windows that were read, and tells at each tenth how many these are by now.

    Of so few ``questions`` that it takes no time nothing is told.
    """
    done = 0
    tell = at_each_tenth(lambda now, of: note(f"{why}: {now:,} windows of {of:,} questions are read"))

    def read(windows: int) -> None:
        nonlocal done
        done += windows
        if questions >= WORTH_TELLING:
            tell(done, questions)

    return read


@contextmanager
def interruptible() -> Iterator[list[int]]:
    """Turn the first Ctrl-C (or SIGTERM) into a request to stop after the step; a second one stops at once.

    A request is the number of its signal.
    """
    requests: list[int] = []

    def request(number: int, frame: Any) -> None:
        if requests:
            raise KeyboardInterrupt(number)
        requests.append(number)

    try:
        before = {number: signal.signal(number, request) for number in (signal.SIGINT, signal.SIGTERM)}
    except ValueError:  # Not in the main thread: there Ctrl-C does not arrive.
        before = {}
    try:
        yield requests
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
