"""Files of rows (.jsonl, .csv, .tsv): each row is a Document. Streams; holds one row at a time.

A row that cannot be used costs only itself: what was left out is reported once, at the end of the file.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

from odqa.corpus.base import ReadOptions, Unusable, source_of, well_formed
from odqa.corpus.encoding import text_encoding
from odqa.errors import DataError
from odqa.types import Document

LARGEST_CELL = 2**31 - 1  # The largest limit that csv takes on every platform; its own is 128 KiB.
DELIMITERS = {".csv": ",;\t|", ".tsv": "\t"}  # Spreadsheets write semicolons where the comma is decimal.


@dataclass(frozen=True, slots=True)
class _Bad:
    """Why a row cannot be used. ``kind`` groups rows of the same fault; ``detail`` is this row's own."""

    kind: str
    detail: str = ""


def load_jsonl(path: Path, options: ReadOptions) -> Iterator[Document | Unusable]:
    """Read a file with one JSON object a line. Raises DataError for an empty or binary file."""
    with path.open(encoding=text_encoding(path), newline="\n") as stream:
        yield from _documents(path, _objects(stream), options)


def load_csv(path: Path, options: ReadOptions) -> Iterator[Document | Unusable]:
    """Read a file whose first row names the columns. Raises DataError where no column is the text field."""
    csv.field_size_limit(LARGEST_CELL)
    with path.open(encoding=text_encoding(path), newline="") as stream:
        header, delimiter = _header(stream, DELIMITERS[path.suffix.lower()], options.text_field)
        # Strict, so that a quote that is never closed is reported and does not swallow the rest of the file.
        cells = csv.reader(stream, delimiter=delimiter, strict=True)
        next(cells)
        yield from _documents(path, _records(cells, header), options)


def _documents(
    path: Path, rows: Iterable[tuple[int, Mapping[str, Any] | _Bad]], options: ReadOptions
) -> Iterator[Document | Unusable]:
    source = source_of(path)
    bad: dict[str, tuple[int, str]] = {}
    total = 0
    line = 0
    try:
        for line, row in rows:
            total += 1
            found = row if isinstance(row, _Bad) else _document(row, line, path, source, options)
            if isinstance(found, Document):
                yield found
                continue
            count, first = bad.get(found.kind, (0, f"{found.kind} at line {line:,}{found.detail}"))
            bad[found.kind] = (count + 1, first)
    except UnicodeDecodeError as error:
        raise DataError(f"not {error.encoding} after line {line:,}: convert the file to UTF-8") from None
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
    known = (options.text_field, options.id_field, options.title_field)
    return Document(
        id=_name(row.get(options.id_field)) or f"{source}:{line}",
        title=_name(row.get(options.title_field)) or well_formed(path.stem),
        text=text,
        source=source,
        metadata={key: value for key, value in row.items() if key not in known},
    )


def _listed(names: Iterable[str]) -> str:
    """The names as a message shows them: a file that is not a table at all may have thousands, and long ones."""
    shown = [name if len(name) <= 40 else name[:39] + "…" for name in names]
    more = f" and {len(shown) - 20:,} more" if len(shown) > 20 else ""
    return (", ".join(shown[:20]) or "none") + more


def _name(value: object) -> str:
    return str(value).strip() if isinstance(value, str | int | float) else ""


def _objects(stream: TextIO) -> Iterator[tuple[int, dict[str, Any] | _Bad]]:
    for number, line in enumerate(stream, start=1):
        if line.isspace():
            continue
        try:
            # NaN and Infinity are not JSON; as None they can be stored again.
            row = json.loads(line.rstrip(), parse_constant=lambda _: None)
            if "\\ud" in line or "\\uD" in line:  # Half a surrogate pair can only come as an escape.
                row = json.loads(well_formed(json.dumps(row, ensure_ascii=False)))
        except json.JSONDecodeError as error:
            yield number, _Bad("broken JSON", f", column {error.colno:,}: {error.msg}")
            continue
        except (ValueError, RecursionError) as error:  # A number of 5,000 digits, brackets 10,000 deep.
            yield number, _Bad("broken JSON", f": {error}")
            continue
        yield number, row if isinstance(row, dict) else _Bad("no JSON object", f": {type(row).__name__}")


def _header(stream: TextIO, delimiters: str, text_field: str) -> tuple[list[str], str]:
    """The column names and the first delimiter that makes one of them the text field."""
    names: list[list[str]] = []
    for delimiter in delimiters:
        stream.seek(0)
        try:
            header = next(csv.reader(stream, delimiter=delimiter, strict=True), [])
        except csv.Error as error:
            raise DataError(f"broken header at line 1: {error}") from None
        except UnicodeDecodeError as error:
            raise DataError(f"not {error.encoding}: convert the file to UTF-8") from None
        names.append([name.strip() for name in header])
        if text_field in names[-1]:
            stream.seek(0)
            return names[-1], delimiter
    longest: list[str] = max(names, key=len)
    raise DataError(
        f"no column {text_field!r} in its header (line 1, columns: {_listed(longest)}); "
        "name the one that holds the text with --text-field"
    )


def _records(cells: Any, header: list[str]) -> Iterator[tuple[int, dict[str, Any] | _Bad]]:
    while True:
        line = cells.line_num + 1
        try:
            row = next(cells, None)
        except csv.Error as error:
            yield line, _Bad("broken quotes", f": {error}")
            continue
        if row is None:
            return
        if len(row) > len(header):
            yield line, _Bad("too many cells", f": {len(row)} where the header has {len(header)}")
        elif row:
            # A short row lacks its last cells, as spreadsheets write it: those are empty.
            yield line, dict(zip(header, row + [""] * (len(header) - len(row)), strict=True))
