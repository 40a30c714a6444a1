"""Text goes in, what a terminal shows and never obeys comes out. The only place that writes to stdout and stderr.

While a command runs, both streams are a :class:`Screen`, so what libraries print, warn and log goes through it too.
"""

from __future__ import annotations

import errno
import io
import json
import os
import re
import shutil
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from enum import Enum
from time import monotonic
from typing import TextIO, TypeAlias

from odqa.errors import OdqaError
from odqa.reports.visible import brief, one_line, visible_json

Mark: TypeAlias = tuple[str, str]  # What goes before and after something that is marked.
BOLD: Mark = ("\x1b[1;32m", "\x1b[0m")  # In green, which both light and dark terminals show.
MOST_CHARACTERS = 2000  # Of a line on stderr.

# What a bar of tqdm, which shows how far a download is, begins with: back to the start of the line, or up a line.
_BAR = re.compile(r"(?:\n*\x1b\[A|\r)+")


class Loudness(Enum):
    """How much a command says on stderr beside its errors."""

    QUIET = "quiet"
    PLAIN = "plain"
    VERBOSE = "verbose"


# Of the command that runs, and since when it does; whatever thread says something.
_level, _since = Loudness.PLAIN, 0.0


class OutputError(OSError):
    """Standard output cannot be written: a full disk, a closed stream, or a reader that went away (EPIPE)."""


class Screen(io.TextIOBase):
    """A stream of text that passes everything on to another one, with an escape for what a terminal would obey.

    It has no ``buffer``, so that nothing gets past it by mistake. Raises OutputError where it cannot be written;
    ``forgiving`` lets go of what cannot, as there is nowhere to say so.
    """

    def __init__(self, inner: TextIO, *, forgiving: bool = False) -> None:
        self.inner = inner
        self._forgiving = forgiving
        if isinstance(inner, io.TextIOWrapper):  # A document may hold characters that the locale lacks.
            inner.reconfigure(errors="backslashreplace")

    def write(self, text: str) -> int:
        """Write the text, what a terminal would obey as escapes; ends of lines stay, tabs become spaces."""
        with self.told():
            bar = _BAR.match(text) if self._forgiving and self.inner.isatty() else None
            lead = bar[0] if bar else ""
            self.inner.write(lead + "\n".join(map(one_line, text[len(lead) :].expandtabs(4).split("\n"))))
        return len(text)

    def flush(self) -> None:
        """Write what waits to be written."""
        with self.told():
            self.inner.flush()

    def close(self) -> None:
        """Nothing: the stream below belongs to whoever opened it."""

    @contextmanager
    def told(self) -> Iterator[None]:
        """A block that writes to the stream below; its failure becomes an OutputError."""
        try:
            yield
        except (OSError, ValueError) as error:  # ValueError: the stream is closed.
            if not self._forgiving:
                raise OutputError(getattr(error, "errno", None) or errno.EBADF, _reason(error)) from None

    @property
    def encoding(self) -> str:  # type: ignore[override]
        """That of the stream below."""
        return self.inner.encoding

    @property
    def errors(self) -> str | None:  # type: ignore[override]
        """What becomes of characters that the encoding lacks."""
        return self.inner.errors

    def fileno(self) -> int:
        """The descriptor of the stream below."""
        return self.inner.fileno()

    def isatty(self) -> bool:
        """Whether the stream below is a terminal."""
        return self.inner.isatty()

    def writable(self) -> bool:
        """Whether it can be written to: yes."""
        return True


@contextmanager
def screens() -> Iterator[None]:
    """A block in which all that is printed, warned and logged goes through a :class:`Screen`, whoever does it."""
    before = sys.stdout, sys.stderr
    sys.stdout, sys.stderr = _screen(before[0]), _screen(before[1], forgiving=True)
    try:
        yield
    finally:
        sys.stdout, sys.stderr = before


def below(stream: TextIO) -> TextIO:
    """The stream that a Screen writes to, for what styles its own output; any other stream is itself."""
    return stream.inner if isinstance(stream, Screen) else stream


@contextmanager
def loudness(level: Loudness) -> Iterator[None]:
    """A block in which so much is said on stderr."""
    global _level, _since
    before = _level, _since
    _level, _since = level, monotonic()
    try:
        yield
    finally:
        _level, _since = before


def is_quiet() -> bool:
    """Whether nothing but results and errors is to be printed."""
    return _level is Loudness.QUIET


def tell(text: str) -> None:
    """Print ``odqa: text`` as one line on stderr, of a length that a person reads: an error."""
    print(f"odqa: {brief(text, MOST_CHARACTERS)}", file=sys.stderr)


def note(text: str) -> None:
    """Print a remark as :func:`tell` does, unless the command is to be quiet."""
    if not is_quiet():
        tell(text)


def detail(text: str) -> None:
    """Print what is done and when, as :func:`tell` does, where the command is to be verbose."""
    if _level is Loudness.VERBOSE:
        tell(f"{text} ({monotonic() - _since:.1f} s)")


def print_json(value: object) -> None:
    """Print one JSON object on one line of stdout, in UTF-8 whatever the locale; what a terminal obeys is escaped.

    Raises ValueError for a number that is not finite, and OutputError.
    """
    line = visible_json(json.dumps(value, ensure_ascii=False, allow_nan=False)) + "\n"
    screen = _screen(sys.stdout)
    screen.flush()
    with screen.told():
        screen.inner.buffer.write(line.encode("utf-8"))
        screen.inner.buffer.flush()


def print_lines(lines: Iterable[str]) -> None:
    """Print lines on stdout. Raises OutputError."""
    screen = _screen(sys.stdout)
    for line in lines:
        screen.write(line + "\n")


def print_styled(lines: Iterable[str]) -> None:
    """Print lines that hold our own styles, and are else :func:`visible`, on stdout. Raises OutputError."""
    screen = _screen(sys.stdout)
    for line in lines:
        with screen.told():
            screen.inner.write(line + "\n")


def print_marked(lines: Callable[[Mark], Iterable[str]], unstyled: Mark, indent: str) -> None:
    """Print lines in which something is marked: in bold colour on a terminal, with ``unstyled`` elsewhere.

    So, too, where NO_COLOR is set (https://no-color.org). On a terminal long lines are broken, with the ``indent``
    before what follows. Raises OutputError.
    """
    if not sys.stdout.isatty():
        print_lines(lines(unstyled))
        return
    from odqa.reports.wrapping import wrapped

    width = shutil.get_terminal_size().columns
    plain = "NO_COLOR" in os.environ or os.environ.get("TERM") == "dumb"
    fitting = (part for line in lines(unstyled if plain else BOLD) for part in wrapped(line, width, indent))
    (print_lines if plain else print_styled)(fitting)


def clear_line(text: str = "") -> None:
    """Put ``text`` in place of the line that the cursor is on, where stderr is a terminal: nothing stays of the line.

    That is an earlier status, or the ^C that a user typed. What is printed next takes the place of the text.
    """
    screen = _screen(sys.stderr, forgiving=True)
    if screen.isatty() and os.environ.get("TERM") != "dumb":
        with screen.told():
            screen.inner.write(f"\r\x1b[K{one_line(text)}" + ("\r" if text else ""))
            screen.inner.flush()


@contextmanager
def landed(what: str) -> Iterator[None]:
    """A block that prints about what has been done, which is said first where it cannot be printed: ``what``.

    Raises OdqaError for an OutputError.
    """
    try:
        yield
        sys.stdout.flush()
    except OutputError as error:
        if error.errno == errno.EPIPE:
            raise
        discard_output()
        raise OdqaError(f"{what}, but the output could not be written: {error.strerror}") from None


def discard_output() -> None:
    """Send what is left for stdout to nowhere, so that the end of the program does not fail by it once more."""
    with suppress(OSError, ValueError):
        stdout = sys.stdout.fileno()
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stdout)
        os.close(nowhere)


def count(number: int, noun: str) -> str:
    """The number and its noun, whose plural ends in s."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def megabytes(size: int) -> str:
    """A number of bytes, for a person."""
    return f"{size / 1e6:,.1f} MB"


def _screen(stream: TextIO, *, forgiving: bool = False) -> Screen:
    return stream if isinstance(stream, Screen) else Screen(stream, forgiving=forgiving)


def _reason(error: OSError | ValueError) -> str:
    return (error.strerror if isinstance(error, OSError) else "") or str(error)
