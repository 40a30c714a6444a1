"""A path and a value go in, a file comes out, whole or not at all; and back, with an error that names file and place.

The ground floor: writing, reading what is a regular file, SHA-256, text, JSON, and whether a file can be written at
all. Knows no format but JSON.

>>> write_json(Path("a.json"), {"answer": 42})
>>> read_json(Path("a.json"), "write it again")
{'answer': 42}
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from odqa.errors import DataError, UsageError


@contextmanager
def whole(path: Path, *, follow: bool = True) -> Iterator[Path]:
    """A path beside ``path`` to write to; it takes its place at the end of the block, and is gone where that fails.

    What was there stays as it was until then. A link is followed, so that it stays one; without ``follow`` it is
    replaced, and what it leads to stays as it is.
    """
    target = path.resolve() if follow else path
    temporary = target.with_name(f".{target.name}.{os.getpid()}.tmp")
    temporary.unlink(missing_ok=True)
    temporary.touch(exist_ok=False)  # So that no link is written through.
    try:
        yield temporary
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)


class _AsItWas(io.RawIOBase):
    """A file that ends where it ended when it was opened, however much is written to it meanwhile."""

    def __init__(self, stream: io.FileIO) -> None:
        self._stream = stream
        self._size = os.fstat(stream.fileno()).st_size

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def fileno(self) -> int:
        return self._stream.fileno()

    def readinto(self, buffer: Any) -> int | None:
        left = max(0, self._size - self._stream.tell())
        return self._stream.readinto(memoryview(buffer).cast("B")[:left])

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        if whence == os.SEEK_END:
            offset, whence = self._size + offset, os.SEEK_SET
        return self._stream.seek(offset, whence)

    def close(self) -> None:
        self._stream.close()
        super().close()


def open_regular(path: Path | int) -> io.BufferedReader:
    """The bytes of a file (or of its descriptor), to read and to seek in, up to the size that it has now.

    So reading ends, though a file grows as fast as it is read. Raises UsageError for what is not a regular file or a
    link to one (a folder, a pipe, a device: some of these have no end), and OSError where it cannot be opened.
    """
    if not stat.S_ISREG(os.stat(path).st_mode):  # noqa: PTH116 - it may be a descriptor.
        raise UsageError(f"{path} is not a regular file; name one, or save what it gives in a file first")
    return io.BufferedReader(_AsItWas(io.FileIO(path)))


def sha256(path: Path) -> str:
    """The SHA-256 of a file's bytes, in hexadecimal. Raises as :func:`open_regular` does."""
    with open_regular(path) as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def read_text(path: Path, remedy: str) -> str:
    """The text of a UTF-8 file, without a byte order mark; ``remedy`` ends the message where it is not one.

    Raises DataError with the place where it is not UTF-8, and as :func:`open_regular` does.
    """
    try:
        with io.TextIOWrapper(open_regular(path), encoding="utf-8-sig") as stream:
            return stream.read()
    except MemoryError:
        raise DataError(f"{path}: too large for the memory; {remedy}") from None
    except UnicodeDecodeError as error:
        raise DataError(f"{path}: not UTF-8 at byte {error.start}; {remedy}") from None


def read_json(path: Path, remedy: str, pairs_hook: Callable[[list[tuple[str, Any]]], Any] | None = None) -> Any:
    """The value of a JSON file. Raises DataError naming file and place, and what :func:`read_text` raises."""
    return parse_json(read_text(path, remedy), str(path), remedy, pairs_hook)


def parse_json(
    text: str,
    where: str,
    remedy: str,
    pairs_hook: Callable[[list[tuple[str, Any]]], Any] | None = None,
    *,
    line: int | None = None,
) -> Any:
    """The value of a JSON text; ``where`` it comes from begins the message, ``remedy`` ends it, where it is broken.

    ``pairs_hook`` is json's ``object_pairs_hook``; ``line`` is the number of the line that the text is, where each line
    of a file is JSON of its own. Raises DataError for text that is not JSON, is nested deeper than Python's stack, or
    holds a number with more digits than Python reads.
    """
    at_line = "" if line is None else f" at line {line}"
    try:
        return json.loads(text, object_pairs_hook=pairs_hook)
    except json.JSONDecodeError as error:
        place = f"line {line or error.lineno}, column {error.colno}: {error.msg}"
        raise DataError(f"{where}: broken JSON at {place}; {remedy}") from None
    except RecursionError:
        raise DataError(f"{where}: broken JSON{at_line}: it is nested too deeply; {remedy}") from None
    except ValueError:
        raise DataError(f"{where}: broken JSON{at_line}: a number of it has more than 4,300 digits; {remedy}") from None


def read_json_lines(path: Path, remedy: str) -> Iterator[tuple[int, Any]]:
    """The number and the value of each line of a file that is not empty, as they are read.

    Raises DataError, with the line, for one that is not UTF-8 or no JSON, and as :func:`open_regular` does.
    """
    with open_regular(path) as stream:
        for number, line in enumerate(stream, start=1):
            if not line.strip():
                continue
            try:
                text = line.decode("utf-8-sig" if number == 1 else "utf-8")
            except UnicodeDecodeError as error:
                raise DataError(
                    f"{path}: line {number}: not UTF-8 at its byte {error.start}; save it in that encoding"
                ) from None
            yield number, parse_json(text, str(path), remedy, line=number)


def write_json(path: Path, value: object, *, indent: int | None = 1, follow: bool = True) -> None:
    """Write a value as JSON, whole or not at all. Raises ValueError for a number that is not finite.

    Half of a surrogate pair, which a dataset may hold and UTF-8 cannot, becomes an escape. ``follow`` is that of
    :func:`whole`.
    """
    with whole(path, follow=follow) as unfinished:
        unfinished.write_text(json.dumps(value, indent=indent, allow_nan=False) + "\n", encoding="utf-8")


def exists(path: Path) -> bool:
    """Whether there is a file or folder; a name that is too long, or no name at all, is that of none."""
    try:
        return path.exists()
    except (OSError, ValueError):
        return False


def unwritable(folder: Path) -> Path | None:
    """What keeps a folder, which need not be there yet, from being made or written to; None where nothing does.

    That is the folder, or the nearest one above it that is there.
    """
    nearest = next(path for path in (folder, *folder.absolute().parents) if os.path.lexists(path))
    return None if nearest.is_dir() and os.access(nearest, os.W_OK) else nearest


def _is_same(one: Path, other: Path) -> bool:
    with suppress(OSError, ValueError):  # Not a file, and perhaps the name of a dataset.
        return one.samefile(other)
    return False


def check_writable(path: Path, what: str, *inputs: str | Path | None) -> None:
    """Raise UsageError where the file ``path`` cannot be written, so that this is said before hours of work.

    ``what`` would be written is named in the message ("predictions", "the fit"). None of the ``inputs``, which are
    files or names of something else, is written over.
    """
    if read := next((one for one in inputs if one and path.exists() and _is_same(path, Path(one))), None):
        raise UsageError(f"cannot write {what} to {path}: {read} is what is read; choose another name")
    if path.exists() and not path.is_file():
        raise UsageError(f"cannot write {what} to {path}: it is not a regular file; choose another name")
    folder = path.resolve().parent
    if not folder.is_dir():
        raise UsageError(f"cannot write {what} to {path}: there is no folder {folder}; create it first")
    if not os.access(folder, os.W_OK):
        raise UsageError(f"cannot write {what} to {path}: no permission to write in {folder}")
