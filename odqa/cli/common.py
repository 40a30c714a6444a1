"""A command in, one that fails in one line and with an exit code out; nobody meets a stack trace. Knows no command."""

from __future__ import annotations

import errno
import functools
import inspect
import logging
import os
import re
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any, NoReturn, TypeVar

import typer
from typer.core import TyperCommand, TyperGroup

from odqa.cli.defaults import remarks, setting
from odqa.cli.misuse import instead_of_address, misuse
from odqa.cli.output import Loudness, OutputError, clear_line, discard_output, loudness, note, screens, tell
from odqa.cli.remote import check_own
from odqa.cli.surroundings import Terminated
from odqa.errors import OdqaError
from odqa.runtime.backend import prefer
from odqa.threads import limit
from odqa.types import Backend

R = TypeVar("R")

EXIT_INTERRUPTED = 130  # 128 + SIGINT, as shells do.
EXIT_TERMINATED = 143  # 128 + SIGTERM.
ISSUES = "https://github.com/odqa/odqa/issues"
# What libraries say, by whatever exception, where the system gives no more memory or threads.
_NO_MEMORY = ("allocate memory", "out of memory", "failed to map segment", "can't start new thread", "bad_alloc")


_EXAMPLE = re.compile(r"^(?:[A-Z_]+=\S+ )?odqa ", re.MULTILINE)
_TYPE = re.compile(r"<(?:list\[)?(\w+)(?: range|\])>")  # <list[str]> and <int range>, as typer puts it.
_COMPLETION = "_ODQA_COMPLETE"  # What typer's scripts for shells set where they ask for completions.

_ANY_TEXT = ("question", "query", "url", "names", "filters")  # Parameters whose values may be addresses.
OUTPUT = "What is printed"  # The groups of the options below in a command's help.
MODELS = "Models, and where they run"
_VERBOSE = Annotated[
    bool,
    typer.Option(
        "--verbose", "-v", help="Say on stderr what is done meanwhile, and how long it took.", rich_help_panel=OUTPUT
    ),
]
_QUIET = Annotated[
    bool,
    typer.Option(
        "--quiet", "-q", help="Nothing but results and errors: no progress, no remarks.", rich_help_panel=OUTPUT
    ),
]

_BACKEND = Annotated[
    Backend,
    typer.Option(
        "--backend",
        help="What computes: OpenVINO on a CPU and torch elsewhere (auto), or one of them.",
        case_sensitive=False,
        rich_help_panel=MODELS,
    ),
]
_THREADS = Annotated[
    int | None,
    typer.Option("--threads", min=1, help="Threads of the CPU to use; all if not given.", rich_help_panel=MODELS),
]


class Grouped:
    """The help of a program or a command: in groups (``rich_help_panel``), its examples each on a line of its own."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        # In front of a paragraph \b keeps its lines as they are.
        kwargs["help"] = _EXAMPLE.sub("\b\n\\g<0>", inspect.cleandoc(kwargs.get("help") or ""))
        super().__init__(*args, **kwargs)

    def format_options(self: Any, ctx: Any, formatter: Any) -> None:
        """Write the options, those without a group first."""
        groups: dict[str, list[tuple[str, str]]] = {"Arguments": [], "Options": []}
        for one in self.get_params(ctx):
            plain = "Arguments" if one.param_type_name == "argument" else "Options"
            if record := one.get_help_record(ctx):
                name = _argument_name(one) if plain == "Arguments" else _TYPE.sub(r"<\1>", record[0])
                groups.setdefault(getattr(one, "rich_help_panel", None) or plain, []).append((name, record[1]))
        groups[OUTPUT] = groups.pop(OUTPUT, [])  # All commands have them: they come last.
        _write_groups(formatter, groups)
        if isinstance(self, TyperGroup):
            self.format_commands(ctx, formatter)


class Command(Grouped, TyperCommand):
    """A command, its options in groups; the address of a web page is no value of those that name a file or a model."""

    def collect_usage_pieces(self, ctx: Any) -> list[str]:
        """What is typed after the command: the arguments as the help calls them, in brackets those not needed."""
        parameters: list[Any] = self.get_params(ctx)
        arguments = [one for one in parameters if one.param_type_name == "argument"]
        names = [_argument_name(one) if one.required else f"[{_argument_name(one)}]" for one in arguments]
        return ["[OPTIONS]", *names]

    def invoke(self, ctx: Any) -> Any:
        """Run it. Raises BadParameter for an address."""
        parameters: list[Any] = list(self.params)
        for one in parameters:
            if one.name not in _ANY_TEXT:
                values = ctx.params.get(one.name or "")
                for value in values if isinstance(values, list | tuple) else [values]:
                    if isinstance(value, str | Path) and (remedy := instead_of_address(str(value))):
                        raise typer.BadParameter(remedy, ctx=ctx, param_hint=one.get_error_hint())
        return super().invoke(ctx)


class Commands(Mapping[str, Any]):
    """A program's commands by name, each imported and made when it is asked for.

    All of them together take longer than all that most commands do before they compute. ``groups`` are, by the titles
    of the help, names and where the function of each is: ``module:function`` in the package.
    """

    def __init__(self, package: str, groups: Mapping[str, Mapping[str, str]]) -> None:
        self._package = package
        self._places = {name: (panel, place) for panel, some in groups.items() for name, place in some.items()}
        self._made: dict[str, Any] = {}

    def function(self, name: str) -> Callable[..., Any]:
        """What a command runs."""
        module, _, function = self._places[name][1].partition(":")
        found: Callable[..., Any] = getattr(import_module(f"{self._package}.{module}"), function)
        return found

    def __getitem__(self, name: str) -> Any:
        if name not in self._made:
            alone = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)
            alone.command(name, cls=Command, rich_help_panel=self._places[name][0])(self.function(name))
            self._made[name] = typer.main.get_command(alone)
        return self._made[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._places)

    def __len__(self) -> int:
        return len(self._places)


class Program(Grouped, TyperGroup):
    """The commands as one program: whatever is printed goes through a screen, and whatever fails is told in one line.

    Both also where the command line itself cannot be understood.
    """

    def list_commands(self, ctx: Any) -> list[str]:
        """The names of all commands, in order."""
        return list(self.commands)

    def main(self, *args: Any, **extra: Any) -> Any:
        """Run the command that the arguments name."""
        if _COMPLETION in os.environ:
            return super().main(*args, **extra)  # A shell reads the output, tabs and all.
        given = args[0] if args else extra.get("args")
        typed = sys.argv[1:] if given is None else given
        with screens(), told(typed):
            try:
                # Not alone: what typer does with an error is to print it, which is ours.
                code = super().main(*args, **{**extra, "standalone_mode": False})
            finally:
                sys.stdout.flush()
            raise SystemExit(code if isinstance(code, int) else 0)

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Write the commands in their groups, each with the first sentence of its help."""
        groups: dict[str, list[tuple[str, str]]] = {}
        for name in self.list_commands(ctx):
            one: Any = self.get_command(ctx, name)
            if one is not None and not one.hidden:
                groups.setdefault(one.rich_help_panel or "Commands", []).append((name, first_sentence(one.help or "")))
        _write_groups(formatter, groups)


def first_sentence(text: str) -> str:
    """The first sentence of a text, on one line, without its full stop."""
    paragraph = " ".join(inspect.cleandoc(text).partition("\n\n")[0].split())
    return re.split(r"(?<=[.!?])\s", paragraph)[0].rstrip(".")


def _argument_name(argument: Any) -> str:
    """How an argument is called in the help: PATH..., where there may be several."""
    name: str = argument.metavar or argument.name.upper()
    return f"{name}..." if argument.nargs != 1 else name


def _write_groups(formatter: Any, groups: dict[str, list[tuple[str, str]]]) -> None:
    for title, rows in groups.items():
        if rows:
            with formatter.section(title):
                formatter.write_dl(rows)


def command(function: Callable[..., R]) -> Callable[..., R]:
    """Turn a failure into one line on stderr and an exit code: 2 for usage, 1 for failure, 130 for Ctrl-C.

    The command gets the options --verbose and --quiet, and --backend and --threads where it takes a device.
    ODQA_DEBUG=1 in the environment shows the stack trace before a failure.
    """

    @functools.wraps(function)
    def run(*args: Any, verbose: bool = False, quiet: bool = False, **kwargs: Any) -> R:
        with told(), loudness(_loudness(verbose, quiet)), _remarking():
            if computes:
                backend, threads = kwargs.pop("backend", Backend.AUTO), kwargs.pop("threads", None)
                if kwargs.get("url") is not None:  # Nothing is computed here.
                    asked = backend != setting("backend", Backend.AUTO)
                    check_own([("--backend", asked), ("--threads", threads is not None)])
                prefer(backend)
                if threads is not None:
                    limit(threads)
            for say, remark in remarks():
                say(remark)
            result = function(*args, **kwargs)
            sys.stdout.flush()
            return result

    before = inspect.signature(function, eval_str=True)
    computes = "device" in before.parameters  # Trainings, which torch computes in any case, get theirs elsewhere.
    kind = inspect.Parameter.KEYWORD_ONLY
    added = [
        inspect.Parameter("verbose", kind, default=False, annotation=_VERBOSE),
        inspect.Parameter("quiet", kind, default=False, annotation=_QUIET),
    ]
    if computes:
        added += [
            inspect.Parameter("backend", kind, default=Backend.AUTO, annotation=_BACKEND),
            inspect.Parameter("threads", kind, default=None, annotation=_THREADS),
        ]
    own = list(before.parameters.values())
    at = next((place for place, one in enumerate(own) if one.kind is inspect.Parameter.VAR_KEYWORD), len(own))
    run.__signature__ = before.replace(parameters=[*own[:at], *added, *own[at:]])  # type: ignore[attr-defined]
    return run


class _Remarks(logging.Handler):
    """Prints what the parts below have to say as remarks of the command."""

    def emit(self, record: logging.LogRecord) -> None:
        """Print the record's message."""
        note(record.getMessage())


@contextmanager
def _remarking() -> Iterator[None]:
    """A block in which the log of the package, not those of its parts, is what the command has to say."""
    log, handler = logging.getLogger("odqa"), _Remarks()
    handler.addFilter(lambda record: record.name == log.name)
    before = log.level
    log.addHandler(handler)
    log.setLevel(logging.INFO)
    try:
        yield
    finally:
        log.removeHandler(handler)
        log.setLevel(before)


def _loudness(verbose: bool, quiet: bool) -> Loudness:
    if verbose and quiet:
        fail("--verbose and --quiet contradict one another; give one of them", 2)
    return Loudness.VERBOSE if verbose else Loudness.QUIET if quiet else Loudness.PLAIN


@contextmanager
def told(typed: Sequence[str] | None = None) -> Iterator[None]:
    """A block whose failures are told in one line on stderr; raises SystemExit with the exit code.

    ``typed`` are the arguments of the program, of which a message about them may make a guess.
    """
    try:
        yield
    except KeyboardInterrupt as error:
        clear_line()
        exit_code = EXIT_TERMINATED if isinstance(error, Terminated) else EXIT_INTERRUPTED
        fail(str(error) or "interrupted; nothing that was on disk is lost or half done", exit_code)
    except OutputError as error:
        discard_output()
        if error.errno == errno.EPIPE:
            # The reader of our output (head, less) went away: quietly stop, as every Unix tool does.
            raise SystemExit(0) from None
        fail(f"the output could not be written: {error.strerror}", 1)
    except Exception as error:
        if type(error).__module__.startswith(("typer.", "click.")):
            _end(error, typed)
        if os.environ.get("ODQA_DEBUG"):
            traceback.print_exc()
        fail(describe(error), error.exit_code if isinstance(error, OdqaError) else 1)


def _end(error: Any, typed: Sequence[str] | None) -> NoReturn:
    """End as typer means it by an exception of its own: with help, or with a message on what was typed.

    Raises the error itself inside of a command (``typed`` is None): the program that runs it does this.
    """
    if typed is None:
        raise error
    if not hasattr(error, "format_message"):
        fail("aborted", 1)
    if not typed:  # The error is the help.
        error.show()
        raise SystemExit(error.exit_code)
    fail(misuse(error, typed), error.exit_code)


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
        where = f" ({os.fsdecode(error.filename)})" if isinstance(error.filename, str | bytes | os.PathLike) else ""
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
    tell(message)
    raise SystemExit(exit_code)


def tell_fallback(reason: str | None) -> None:
    """Say on stderr why passages are searched on the CPU although models run on a GPU; None says nothing."""
    if reason:
        note(f"passages are searched on the CPU: {reason}")
