"""A command in, one that fails in one line and with an exit code out; nobody meets a stack trace. Knows no command."""

from __future__ import annotations

import errno
import functools
import os
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NoReturn, ParamSpec, TypeVar

from typer.core import TyperGroup

from odqa.cli.output import OutputError, clear_line, discard_output, note, screens
from odqa.cli.surroundings import Terminated
from odqa.errors import OdqaError

P = ParamSpec("P")
R = TypeVar("R")

EXIT_INTERRUPTED = 130  # 128 + SIGINT, as shells do.
EXIT_TERMINATED = 143  # 128 + SIGTERM.
ISSUES = "https://github.com/odqa/odqa/issues"
# What libraries say, by whatever exception, where the system gives no more memory or threads.
_NO_MEMORY = ("allocate memory", "out of memory", "failed to map segment", "can't start new thread", "bad_alloc")


class Program(TyperGroup):
    """The commands as one program: whatever is printed goes through a screen, and whatever fails is told in one line.

    Both also where the command line itself cannot be understood.
    """

    def main(self, *args: Any, **extra: Any) -> Any:
        """Run the command that the arguments name."""
        with screens(), told():
            try:
                return super().main(*args, **extra)
            finally:
                sys.stdout.flush()


def command(function: Callable[P, R]) -> Callable[P, R]:
    """Turn a failure into one line on stderr and an exit code: 2 for usage, 1 for failure, 130 for Ctrl-C.

    ODQA_DEBUG=1 in the environment shows the stack trace before it.
    """

    @functools.wraps(function)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        with told():
            result = function(*args, **kwargs)
            sys.stdout.flush()
            return result

    return run


@contextmanager
def told() -> Iterator[None]:
    """A block whose failures are told in one line on stderr; raises SystemExit with the exit code."""
    try:
        yield
    except KeyboardInterrupt as error:
        clear_line()
        exit_code = EXIT_TERMINATED if isinstance(error, Terminated) else EXIT_INTERRUPTED
        fail("interrupted; nothing that was on disk is lost or half done", exit_code)
    except OutputError as error:
        discard_output()
        if error.errno == errno.EPIPE:
            # The reader of our output (head, less) went away: quietly stop, as every Unix tool does.
            raise SystemExit(0) from None
        fail(f"the output could not be written: {error.strerror}", 1)
    except Exception as error:
        if type(error).__module__.startswith(("typer.", "click.")):
            raise  # A way to end, which typer understands.
        if os.environ.get("ODQA_DEBUG"):
            traceback.print_exc()
        fail(describe(error), error.exit_code if isinstance(error, OdqaError) else 1)


def describe(error: Exception) -> str:
    """What a user is told of an exception: what was wrong, and what can be done."""
    text = str(error)
    if isinstance(error, OdqaError):
        return text
    exhausted = [line for line in text.splitlines() if any(words in line for words in _NO_MEMORY)]
    if exhausted or isinstance(error, MemoryError):
        said = f" ({exhausted[0]})" if exhausted else ""
        return f"there is not enough memory{said}; end other programs, raise the limit (ulimit -v), or give less"
    if isinstance(error, RecursionError):
        return "something is nested too deeply to be read; simplify the file that was named last"
    if isinstance(error, OSError):
        where = f" ({os.fsdecode(error.filename)})" if isinstance(error.filename, str | bytes) else ""
        return f"{error.strerror or text or type(error).__name__}{where}"
    if isinstance(error, RuntimeError) and text.startswith("Symlink loop"):  # As pathlib says it before Python 3.13.
        return f"links that lead in a circle: {text}; name another path"
    if isinstance(error, ImportError):
        return f"a library cannot be loaded: {text}; install odqa again"
    return (
        f"this is a defect of odqa: {type(error).__name__}{f': {text}' if text else ''}; ODQA_DEBUG=1 in the "
        f"environment shows where; please report it at {ISSUES}"
    )


def fail(message: str, exit_code: int) -> NoReturn:
    """Print ``odqa: message`` on stderr and exit with ``exit_code``."""
    note(message)
    raise SystemExit(exit_code)


def tell_fallback(reason: str | None) -> None:
    """Say on stderr why passages are searched on the CPU although models run on a GPU; None says nothing."""
    if reason:
        note(f"passages are searched on the CPU: {reason}")
