"""What a Python caller gives in, what was meant out: counts, texts and paths, or an error that says what to give."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from operator import index
from pathlib import Path
from typing import TypeAlias

from odqa.errors import UsageError

Paths: TypeAlias = str | Path | Iterable[str | Path]
"""One path, or several."""


def check_count(name: str, value: object) -> None:
    """Raise UsageError for what is no whole number of at least 1."""
    try:
        whole = None if isinstance(value, bool) else index(value)  # type: ignore[arg-type]
    except TypeError:
        whole = None
    if whole is None:
        raise UsageError(f"{name} must be a whole number, not {_named(value)}")
    if whole < 1:
        raise UsageError(f"{name} must be at least 1, not {whole}")


def meant(given: str, known: Iterable[str]) -> str:
    """``did you mean 'x'?`` for what is like one of the known names, and empty otherwise.

    >>> meant("evidnce", ["logit", "evidence"]), meant("x", ["logit"])
    ("did you mean 'evidence'?", '')
    """
    folded = {name.casefold(): name for name in known}
    close = get_close_matches(given.casefold(), folded, n=1)
    return f"did you mean {folded[close[0]]!r}?" if close else ""


def check_probability(name: str, value: object) -> None:
    """Raise UsageError for what is no number from 0 to 1."""
    try:
        given = None if isinstance(value, str) else float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        given = None
    if given is None:
        raise UsageError(f"the {name} must be a number from 0 to 1, not {_named(value)}")
    if not 0 <= given <= 1:
        raise UsageError(f"the {name} must be a probability from 0 to 1, not {given:g}; 80 % is 0.8")


def check_text(name: str, value: object) -> str:
    """The value, which is text. Raises UsageError for anything else."""
    if not isinstance(value, str):
        raise UsageError(f"a {name} is a text, not {_named(value)}")
    return value


def check_texts(name: str, value: object, remedy: str) -> Iterable[str]:
    """The value, which holds texts. Raises UsageError for what holds none, and for a single text."""
    if isinstance(value, str | bytes) or not isinstance(value, Iterable):
        raise UsageError(f"{name} are a list of texts, not {_named(value)}; {remedy}")
    return value


def path_of(name: str, value: object) -> Path:
    """The path of a file or a folder. Raises UsageError for what is none."""
    if not isinstance(value, str | os.PathLike) or not os.fspath(value):
        raise UsageError(f"the {name} is named by its path, not by {_named(value)}")
    if "\0" in os.fsdecode(value):
        raise UsageError(f"the path of the {name} has the character NUL in it, which no path has")
    return Path(value)


def paths_of(value: Paths) -> list[Path]:
    """The paths; a single one is a list of one. Raises UsageError for what is no path."""
    if isinstance(value, str | os.PathLike):
        value = [path_of("file or folder to read", value)]
    if not isinstance(value, Iterable):
        raise UsageError(f"the files and folders to read are a list of paths, not {_named(value)}")
    return [path_of("file or folder to read", item) for item in value]


def names_of(value: str | Path | Iterable[str | Path]) -> Sequence[str]:
    """Names as texts; a single one is a list of one."""
    return [str(value)] if isinstance(value, str | os.PathLike) else [str(item) for item in value]


def _named(value: object) -> str:
    """A value as a message shows it: ``the text '5'``, ``[1, 2] (list)``."""
    if isinstance(value, str):
        return f"the text {value[:80]!r}"
    return "None" if value is None else f"{repr(value)[:80]} ({type(value).__name__})"
