"""Files of rows (.jsonl, .csv, .tsv) -> a Document per row. Streams; holds one row at a time.

A row that cannot be used is left out; what was left out is reported once, at the end of the file.
"""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any, TextIO

from odqa.corpus.base import OpenFile, ReadOptions, Unusable, shortened, source_of, storable, well_formed
from odqa.corpus.cells import TOO_LONG, Rows
from odqa.corpus.encoding import open_text
from odqa.errors import DataError
from odqa.types import Document

MOST_COLUMNS = 16_384  # As many as a spreadsheet may have.
MOST_MISSING = 1_000  # Cells that a row may lack: filling in more makes a large index of a small file.
DEEPEST = 100  # Levels of nesting in a row: more than anyone needs, and within the reach of what stores them.
LONGEST_ID = 1_000  # Characters.
PIECE = 1 << 20  # Characters of a line too long to be held that are read at once.
DELIMITERS = {".csv": ",;\t|", ".tsv": "\t"}  # Spreadsheets write semicolons if the comma is the decimal sign.
SEPARATOR = re.compile(r'"?sep=([^\r\n"])"?\s*', re.IGNORECASE)  # A first line by which Excel is told the delimiter.


@dataclass(frozen=True, slots=True)
class _Bad:
    """Why a row cannot be used. ``kind`` groups rows with the same fault; ``detail`` is specific to this row."""

    kind: str
    detail: str = ""


_TOO_LONG = _Bad(TOO_LONG, ": allow more with --max-file-size")


def load_jsonl(file: OpenFile) -> Iterator[Document | Unusable]:
    """Read a file with one JSON object per line. Raises DataError for an empty or binary file."""
    lines = _lines(open_text(file, newline="\n"), file.limits.bytes)
    yield from _documents(file.path, _objects(lines), file.options)


def load_csv(file: OpenFile) -> Iterator[Document | Unusable]:
    """Read a file whose first row names the columns. Raises DataError if no column is the text field."""
    stream = open_text(file, newline="")
    said = SEPARATOR.fullmatch(stream.readline(10))
    header, delimiter = _header(stream, file, said[1] if said else "")
    rows = _rows(stream, delimiter, file)
    next(iter(rows))  # The header.
    rows.columns = len(header)
    yield from _documents(file.path, _records(rows, header), file.options)


def _lines(stream: TextIO, longest: int) -> Iterator[str | None]:
    """The lines of a file; None for one that is too long, which is not held."""
    while line := stream.readline(longest):
        if len(line) < longest or line.endswith("\n"):
            yield line
            continue
        while line and not line.endswith("\n"):
            line = stream.readline(PIECE)
        yield None


def _documents(
    path: Path, rows: Iterable[tuple[int, Mapping[str, Any] | _Bad]], options: ReadOptions
) -> Iterator[Document | Unusable]:
    source = source_of(path)
    bad: dict[str, tuple[int, str]] = {}
    total = 0
    for line, row in rows:
        total += 1
        found = row if isinstance(row, _Bad) else _document(row, line, path, source, options)
        if isinstance(found, Document):
            yield found
            continue
        count, first = bad.get(found.kind, (0, f"{found.kind} at line {line:,}{found.detail}"))
        bad[found.kind] = (count + 1, first)
    if not total:
        raise DataError("empty: no rows in it")
    if bad:
        left_out = sum(count for count, _ in bad.values())
        reasons = [first + (f" (and {count - 1:,} more)" if count > 1 else "") for count, first in bad.values()]
        used = f"; {left_out:,} of {total:,} rows are left out, the others are used" if left_out < total else ""
        yield Unusable(source, "; ".join(reasons) + used)


def _document(row: Mapping[str, Any], line: int, path: Path, source: str, options: ReadOptions) -> Document | _Bad:
    if options.text_field not in row:
        return _Bad(
            f"no field {options.text_field!r}",
            f" (its fields: {_listed(row)}); name the one that holds the text with --text-field",
        )
    text = row[options.text_field]
    if text is not None and not isinstance(text, str):
        return _Bad(f"field {options.text_field!r} is not text", f": {type(text).__name__}")
    if not text or text.isspace():
        return _Bad("empty text")
    name = _name(row.get(options.id_field))
    if len(name) > LONGEST_ID:
        return _Bad("id too long", f": {len(name):,} characters, and {LONGEST_ID:,} at most are kept with each passage")
    known = (options.text_field, options.id_field, options.title_field)
    return Document(
        id=name or f"{source}:{line}",
        title=shortened(_name(row.get(options.title_field))) or storable(path.stem),
        text=text,
        source=source,
        metadata={key: value for key, value in row.items() if key not in known},
    )


def _listed(names: Iterable[str]) -> str:
    """The names as a message shows them: a file that is not a table may have thousands, and long ones."""
    every = list(names)
    shown = [name if len(name) <= 40 else name[:39] + "…" for name in every[:20]]
    more = f" and {len(every) - 20:,} more" if len(every) > 20 else ""
    return (", ".join(shown) or "none") + more


def _name(value: object) -> str:
    return str(value).strip() if isinstance(value, str | int | float) else ""


def _objects(lines: Iterable[str | None]) -> Iterator[tuple[int, dict[str, Any] | _Bad]]:
    for number, line in enumerate(lines, start=1):
        if line is None:
            yield number, _TOO_LONG
            continue
        if line.isspace():
            continue
        try:
            # NaN and Infinity are not JSON; None can be stored again.
            row = json.loads(line.rstrip(), parse_constant=lambda _: None, parse_float=_finite)
            if _is_deep(row, line):
                yield number, _Bad("broken JSON", f": nested more than {DEEPEST} deep")
                continue
            if "\\ud" in line or "\\uD" in line:  # Half a surrogate pair can only occur as an escape.
                row = json.loads(well_formed(json.dumps(row, ensure_ascii=False)))
        except json.JSONDecodeError as error:
            yield number, _Bad("broken JSON", f", column {error.colno:,}: {error.msg}")
            continue
        except RecursionError:
            yield number, _Bad("broken JSON", f": nested more than {DEEPEST} deep")
            continue
        except ValueError as error:  # A number of 5,000 digits.
            yield number, _Bad("broken JSON", f": {error}")
            continue
        yield number, row if isinstance(row, dict) else _Bad("not a JSON object", f": {type(row).__name__}")


def _finite(digits: str) -> float | None:
    """A number; None for one that is too large, such as 1e999, as for the other names of infinity."""
    number = float(digits)
    return number if math.isfinite(number) else None


def _is_deep(row: object, line: str) -> bool:
    """Whether a row is nested more than DEEPEST levels deep."""
    if line.count("[") + line.count("{") <= DEEPEST:
        return False
    level = [row]
    for _ in range(DEEPEST):
        level = [child for value in level for child in _children(value)]
    return any(isinstance(value, dict | list) for value in level)


def _children(value: object) -> Iterable[object]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()


def _rows(stream: TextIO, delimiter: str, file: OpenFile) -> Rows:
    """All rows of the file; a first line that names the delimiter is empty, and so none."""
    stream.seek(0)
    lines = _lines(stream, file.limits.bytes)
    first = next(lines, "")
    named = first is not None and SEPARATOR.fullmatch(first)
    return Rows(chain(["\n" if named else first], lines), delimiter, file.limits.bytes)


def _header(stream: TextIO, file: OpenFile, said: str) -> tuple[list[str], str]:
    """The column names and the first delimiter, ``said`` by the file or not, that makes one of them the text field."""
    names: list[list[str]] = []
    line = 1
    text_field = file.options.text_field
    for delimiter in dict.fromkeys(said + DELIMITERS[file.kind]):
        header = next(iter(_rows(stream, delimiter, file)), None)
        if header is None:
            raise DataError("empty: no rows in it")
        if header.problem:
            raise DataError(f"broken header at line {header.line:,}: {header.problem}")
        line = header.line
        names.append([name.strip() for name in header.cells])
        if text_field in names[-1]:
            if len(names[-1]) > MOST_COLUMNS:
                raise DataError(f"{len(names[-1]):,} columns, and {MOST_COLUMNS:,} at most are read: leave some out")
            return _unique(names[-1], line, file.options), delimiter
    longest: list[str] = max(names, key=len)
    raise DataError(
        f"no column {text_field!r} in its header (line {line}, columns: {_listed(longest)}); "
        "name the one that holds the text with --text-field"
    )


def _unique(header: Sequence[str], line: int, options: ReadOptions) -> list[str]:
    """The column names, of which one that is there again has a number. Columns without a name are left as they are.

    Raises DataError where it is not clear which column is the text, the id or the title.
    """
    taken = set(header)
    times: Counter[str] = Counter()
    found = []
    for name in header:
        times[name] += 1
        if times[name] > 1 and name in (options.text_field, options.id_field, options.title_field):
            raise DataError(f"several columns {name!r} in its header (line {line}): rename all but one")
        new = name
        while name and times[name] > 1 and new in taken:
            new = f"{name} {times[name]}"
            times[name] += new in taken
        taken.add(new)
        found.append(new)
    return found


def _records(rows: Rows, header: list[str]) -> Iterator[tuple[int, dict[str, Any] | _Bad]]:
    for row in rows:
        cells = row.cells
        if row.problem == TOO_LONG:
            yield row.line, _TOO_LONG
        elif row.problem:
            yield row.line, _Bad("broken quotes", f": {row.problem}")
        elif len(cells) > len(header):
            yield row.line, _Bad("too many cells", f": {len(cells)} where the header has {len(header)}")
        elif len(header) - len(cells) > MOST_MISSING:
            yield row.line, _Bad("too few cells", f": {len(cells)} where the header has {len(header)}")
        else:
            # A short row lacks its last cells, as spreadsheets write it: they are empty.
            yield row.line, dict(zip(header, cells + ("",) * (len(header) - len(cells)), strict=True))
