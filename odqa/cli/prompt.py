"""Lines that a user types at a terminal in; answers out, one question after another. The models stay loaded."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from odqa.answering.question import Ask, check_question
from odqa.cli.common import describe
from odqa.cli.options import parse_filters
from odqa.cli.output import clear_line, count, note, print_lines
from odqa.cli.progress import status
from odqa.cli.surroundings import Terminated
from odqa.errors import OdqaError, UsageError
from odqa.types import Mode, Response

if TYPE_CHECKING:
    from odqa.index.filters import Filter

# What answers: questions, how they are asked, and how their passages are found.
Respond: TypeAlias = Callable[[Iterable[str], Ask, Mode], Iterator[Response]]
# What raises UsageError for filters on fields that no document has.
Check: TypeAlias = "Callable[[Sequence[Filter]], None]"
# What prints a Response, explained or not.
Show: TypeAlias = Callable[[Response, bool], None]

PROMPT = "? "
WELCOME = "Ask a question; :help lists what else can be typed, Ctrl-D ends."
HELP = (
    ":k 50               read so many passages for a question",
    ":n 3                show so many answers at most",
    ":filter year>=2020  only documents that match, too; :filter alone lets all match again",
    ":mode bm25          find passages by meaning (dense), by shared words (bm25), or by both (hybrid)",
    ":why                explain the last answer",
    ":help               this list",
    ":quit               end, as Ctrl-D does",
)
_WORDS = ("help", "quit", "exit")  # That nobody asks documents for.
MOST_LINES = 1000  # Of the history.


class _End(Exception):
    """The user has asked to end."""


@dataclass(slots=True)
class Prompt:
    """What is asked and how, and the last Response."""

    respond: Respond
    show: Show
    how: Ask
    mode: Mode
    check: Check = lambda filters: None
    last: Response | None = None

    def run(self, read: Callable[[str], str] = input) -> None:
        """Answer the lines that ``read`` gives until it raises EOFError; what fails is told, and the next line read."""
        print_lines([WELCOME])
        while True:
            try:
                self.take(read(PROMPT))
            except EOFError:
                print_lines([""])
                return
            except _End:
                return
            except Terminated:
                raise
            except KeyboardInterrupt:
                clear_line()
                print_lines(["", "Ctrl-D ends."])
            except OdqaError as error:
                note(describe(error))

    def take(self, line: str) -> None:
        """Answer a question, or do what a line that begins with a colon says. Raises what asking raises."""
        line = line.strip()
        if line.startswith(":") or line in _WORDS:
            self._set(*line.removeprefix(":").split(maxsplit=1))
        elif line:
            with status("Reading…"):
                (self.last,) = self.respond([check_question(line)], self.how, self.mode)
            self.show(self.last, False)

    def _set(self, name: str = "", value: str = "") -> None:
        commands: dict[str, Callable[[str], None]] = {
            "k": lambda text: self._ask(k=_count("k", text)),
            "n": lambda text: self._ask(n=_count("n", text)),
            "filter": self._filter,
            "mode": self._mode,
            "why": self._why,
            "help": lambda _: print_lines(HELP),
            "quit": _end,
            "exit": _end,
        }
        if name not in commands:
            close = get_close_matches(name, commands, n=1)
            guess = f"did you mean :{close[0]}? " if close else ""
            raise UsageError(f"there is no :{name}; {guess}:help lists what there is")
        commands[name](value.strip())

    def _ask(self, **changes: object) -> None:
        self.how = replace(self.how, **changes)  # type: ignore[arg-type]
        self._tell()

    def _filter(self, text: str) -> None:
        filters = (*self.how.filters, *parse_filters([text])) if text else ()
        if filters:
            self.check(filters)
        self._ask(filters=filters)

    def _mode(self, text: str) -> None:
        if text not in [*Mode]:
            raise UsageError(f"there is no mode {text!r}; write :mode {', :mode '.join(Mode)}")
        self.mode = Mode(text)
        self._tell()

    def _why(self, _: str) -> None:
        if self.last is None:
            raise UsageError("there is no answer to explain yet; ask a question first")
        self.show(self.last, True)

    def _tell(self) -> None:
        filters = " and ".join(map(str, self.how.filters)) or "all documents"
        answers = count(self.how.n, "answer")
        print_lines([f"{self.how.k} passages of {filters}, found by {self.mode}; at most {answers}"])


@contextmanager
def history() -> Iterator[None]:
    """A block in which a terminal's lines can be edited, and those of earlier times come back with the arrow keys.

    They are kept in the user's folder for such things, for this user alone; where there is none, for the block.
    """
    try:
        import readline
    except ImportError:  # Windows has none, and edits lines itself.
        yield
        return
    readline.clear_history()
    readline.set_history_length(MOST_LINES)
    file = _history_file()
    with suppress(OSError):
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        file.touch(mode=0o600)
        readline.read_history_file(file)
    try:
        yield
    finally:
        with suppress(OSError):
            readline.write_history_file(file)


def _history_file() -> Path:
    base = os.environ.get("XDG_STATE_HOME")
    return (Path(base) if base else Path.home() / ".local" / "state") / "odqa" / "history"


def _count(name: str, text: str) -> int:
    if not (text.isdecimal() and text.isascii() and 0 < len(text) < 10):
        raise UsageError(f":{name} wants a whole number, as in :{name} 5")
    return int(text)


def _end(_: str) -> None:
    raise _End
