"""A TOML file goes in, its text and its table come out, or an error that names the file. Knows no setting."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

from odqa.errors import DataError, UsageError
from odqa.files import read_text

MOST_BYTES = 20_000  # Python reads a dotted key in a time that grows with its square: this much of one in a second.


def read_toml(path: Path, example: str) -> tuple[str, dict[str, Any]]:
    """The text of a TOML file and its table, which holds settings; ``example`` is a line of such a file.

    Raises UsageError for a file of more than ``MOST_BYTES``, DataError for one that is not TOML, is nested too deeply
    or holds a number of more digits than Python reads, OSError where there is none, and as
    :func:`odqa.files.read_text` does.
    """
    if path.stat().st_size > MOST_BYTES:
        raise UsageError(f"{path} is larger than {MOST_BYTES:,} bytes; it holds settings alone, such as: {example}")
    text = read_text(path, "save it in that encoding")
    try:
        return text, tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        fault = f"is not TOML: {error}"
    except ValueError as error:
        fault = f"cannot be read: {error}"
    except RecursionError:
        fault = "cannot be read: it is nested too deeply"
    raise DataError(f"{path} {fault}; a line of it is like: {example}")
