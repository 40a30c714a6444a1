"""What a command is at, and how far, goes in; bars on stderr come out, where it is a terminal."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

from odqa.cli.output import below, screens
from odqa.types import Progress

if TYPE_CHECKING:
    from rich.progress import Progress as Display
    from rich.progress import TaskID

R = TypeVar("R")


@contextmanager
def progress_bar() -> Iterator[Display]:
    """A progress display on stderr with counts, rate and time left; silent where stderr is not a terminal.

    What is printed on stderr meanwhile stands above it. Its descriptions are text, not rich's markup.
    """
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        ProgressColumn,
        Task,
        TextColumn,
        TimeRemainingColumn,
    )
    from rich.text import Text

    class Rate(ProgressColumn):
        def render(self, task: Task) -> Text:
            return Text(f"{task.speed:,.1f}/s" if task.speed else "–/s")

    console = Console(file=below(sys.stderr), markup=False, emoji=False, highlight=False)
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        Rate(),
        TimeRemainingColumn(),
    )
    display = Progress(*columns, console=console, disable=not console.is_terminal, redirect_stdout=False)
    with display, screens():  # The display takes stderr for itself, and needs a screen before it in its turn.
        yield display


@contextmanager
def progress_of_stages() -> Iterator[Progress]:
    """What to call as work goes on; it shows a bar for each stage. A total may grow while its stage runs."""
    with progress_bar() as display:
        tasks: dict[str, TaskID] = {}

        def tell(stage: str, done: int, total: int) -> None:
            if stage not in tasks:
                tasks[stage] = display.add_task(stage, total=total)
            display.update(tasks[stage], advance=done, total=total)

        yield tell


def track(items: Iterable[R], stage: str, total: int) -> Iterator[R]:
    """Iterate over ``items``, each of which is printed, with a progress bar on stderr.

    There is none where stdout is a terminal: what is printed there shows how far it is, and would run into the bar.
    """
    if sys.stdout.isatty():
        yield from items
        return
    with progress_of_stages() as tell:
        tell(stage, 0, total)
        for item in items:
            yield item
            tell(stage, 1, total)
