"""A command in, one that fails in one line out; and what every command prints with. Knows no command.

Errors become an exit code without a stack trace, JSON and lines go to stdout, progress goes to stderr.
"""

from __future__ import annotations

import functools
import io
import json
import os
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, NoReturn, ParamSpec, TypeVar

from odqa.errors import OdqaError
from odqa.types import Progress

if TYPE_CHECKING:
    from rich.progress import Progress as Display
    from rich.progress import TaskID

P = ParamSpec("P")
R = TypeVar("R")

EXIT_INTERRUPTED = 130  # 128 + SIGINT, as shells do


def command(function: Callable[P, R]) -> Callable[P, R]:
    """Turn a user's mistake into one line on stderr and an exit code: 2 for usage, 1 for failure, 130 for Ctrl-C.

    ODQA_DEBUG=1 in the environment shows the stack trace instead.
    """

    @functools.wraps(function)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return function(*args, **kwargs)
        except OdqaError as error:
            if os.environ.get("ODQA_DEBUG"):
                raise
            fail(str(error), error.exit_code)
        except KeyboardInterrupt:
            fail("interrupted; nothing that was on disk before has changed", EXIT_INTERRUPTED)
        except BrokenPipeError:
            # The reader of our output (head, less) went away: quietly stop, as every Unix tool does.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise SystemExit(0) from None
        except OSError as error:
            if os.environ.get("ODQA_DEBUG"):
                raise
            where = f" ({error.filename})" if error.filename else ""
            fail(f"{error.strerror or error}{where}", 1)

    return run


def fail(message: str, exit_code: int) -> NoReturn:
    """Print ``odqa: message`` on stderr and exit with ``exit_code``."""
    print(f"odqa: {message}", file=sys.stderr)
    raise SystemExit(exit_code)


def tell_fallback(reason: str | None) -> None:
    """Say on stderr why passages are searched on the CPU although models run on a GPU; None says nothing."""
    if reason:
        print(f"odqa: passages are searched on the CPU: {reason}", file=sys.stderr)


def print_json(value: object) -> None:
    """Print one JSON object on one line of stdout, in UTF-8 whatever the locale."""
    line = json.dumps(value, ensure_ascii=False, allow_nan=False) + "\n"
    sys.stdout.flush()
    sys.stdout.buffer.write(line.encode("utf-8", errors="surrogatepass"))
    sys.stdout.buffer.flush()


def print_lines(lines: Iterable[str]) -> None:
    """Print lines on stdout; characters that the locale lacks become escapes, as a document may hold anything."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")
    for line in lines:
        print(line)


def count(number: int, noun: str) -> str:
    """The number and its noun, whose plural ends in s."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def megabytes(size: int) -> str:
    """A number of bytes, for a person."""
    return f"{size / 1e6:,.1f} MB"


@contextmanager
def progress_bar() -> Iterator[Display]:
    """A progress display on stderr with counts, rate and time left; silent where stderr is not a terminal."""
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

    console = Console(stderr=True)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        Rate(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        yield progress


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
    """Iterate over ``items``, with a progress bar on stderr."""
    with progress_of_stages() as tell:
        tell(stage, 0, total)
        for item in items:
            yield item
            tell(stage, 1, total)
