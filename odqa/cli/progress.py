"""What a command is at, and how far, goes in; bars on a terminal come out, and elsewhere a line now and then.

Both on stderr. Of a bar nothing stays when its work is done.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from time import monotonic
from typing import TYPE_CHECKING, Any, TypeVar

from odqa.cli.output import below, clear_line, detail, is_quiet, note, screens
from odqa.types import Progress

if TYPE_CHECKING:
    from rich.progress import Progress as Display
    from rich.progress import Task, TaskID

R = TypeVar("R")

# Between two lines about a stage are at least SECONDS, and a SHARE of the work or MANY_SECONDS.
SECONDS, SHARE, MANY_SECONDS = 10.0, 0.1, 60.0


@contextmanager
def status(text: str) -> Iterator[None]:
    """A block during which a terminal shows what is being waited for."""
    if is_quiet():
        yield
        return
    clear_line(text)
    try:
        yield
    finally:
        clear_line()
    detail(text.rstrip("…") + ": done")


@contextmanager
def progress_bar() -> Iterator[Display]:
    """A progress display on stderr with counts, rate and time left; plain lines where stderr is not a terminal.

    What is printed on stderr meanwhile stands above it. Its descriptions are text, not rich's markup.
    """
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        ProgressColumn,
        TextColumn,
        TimeRemainingColumn,
    )
    from rich.text import Text

    class Rate(ProgressColumn):
        def render(self, task: Task) -> Text:
            return Text(f"{task.speed:,.1f}/s" if task.speed else "–/s")

    class Told(Progress):
        lines = _Lines()

        def update(self, task_id: TaskID, **changes: Any) -> None:
            super().update(task_id, **changes)
            if self.disable:
                self.lines.tell(self._tasks[task_id])

    console = Console(file=below(sys.stderr), markup=False, emoji=False, highlight=False)
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        Rate(),
        TimeRemainingColumn(),
    )
    display = Told(
        *columns,
        console=console,
        disable=is_quiet() or not console.is_terminal,
        redirect_stdout=False,
        transient=True,
        get_time=lambda: monotonic(),
    )
    with display, screens():  # The display takes stderr for itself, and needs a screen before it in its turn.
        yield display


class _Lines:
    """Says now and then how far each stage of long work is; nothing of what is done in a moment."""

    def __init__(self) -> None:
        self._said: dict[TaskID, tuple[float, float]] = {}  # When, and how much was done.

    def tell(self, task: Task) -> None:
        """Print a line about the stage, if it is time for one."""
        now, total = monotonic(), task.total or 0
        when, done = self._said.get(task.id, (task.start_time or now, 0.0))
        much = task.completed - done >= SHARE * total or now - when >= MANY_SECONDS
        if total and now - when >= SECONDS and much:
            self._said[task.id] = now, task.completed
            note(f"{task.description}: {task.completed:,.0f} of {total:,.0f} ({task.completed / total:.0%})")


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
