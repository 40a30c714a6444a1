"""Excel workbooks (.xlsx, .xlsm) -> a section a sheet, a row a line, numbers and dates as they are shown.

Results of formulas are those that the program which saved the file computed. Hidden sheets, rows and columns are not
read, nor are charts, drawings and macros.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from odqa.corpus.base import OpenFile, document_of
from odqa.corpus.composer import CELL_BREAK, Composer
from odqa.corpus.office.number_formats import BUILT_IN, shown
from odqa.corpus.office.ooxml import OFF, RELATION, related, title_of, xml
from odqa.corpus.office.tables import heads_of, repeated, write_table
from odqa.corpus.unpacking import XML, Package, unpacked
from odqa.errors import DataError
from odqa.types import Document

REFERENCE = re.compile(r"\$?([A-Z]{1,3})\$?([0-9]{1,7})")
MOST_ROWS, MOST_COLUMNS = 1_048_576, 16_384
STRICT_RELATION = "{http://purl.oclc.org/ooxml/officeDocument/relationships}"


@dataclass(slots=True)
class _Sheet:
    """The texts of a sheet by row and column, which count from 1, and which rectangles of it are merged.

    What is hidden is among the rows until merged cells were repeated: their text may stand in a hidden row.
    """

    rows: dict[int, dict[int, str]] = field(default_factory=dict)
    values: set[int] = field(default_factory=set)  # The rows in which a number or a date stands.
    hidden: list[tuple[int, int]] = field(default_factory=list)  # The first and the last of neighbouring columns.
    hidden_rows: set[int] = field(default_factory=set)  # Those with a text.
    merged: list[tuple[int, int, int, int]] = field(default_factory=list)  # First row, column; last row, column.


def load(file: OpenFile) -> Iterator[Document]:
    """Read one file. Raises DataError for one that is empty, encrypted, broken or larger than the limits."""
    with unpacked(file) as package:
        composer = Composer(package.check_length)
        workbook = _Workbook(package)
        for name, part in workbook.sheets:
            sheet = workbook.read(part)
            _merge(sheet)
            _leave_out(sheet)
            tables = [cells for table in _tables(sheet) if any(map(any, cells := _cells(sheet, table, package)))]
            if tables:
                composer.heading(1, name)
            for cells in tables:
                write_table(composer, cells)
        title = title_of(package)
    if not composer.blocks:
        raise DataError("empty: no text in its sheets")
    yield document_of(file.path, composer.text, title=title, sections=composer.sections, blocks=composer.blocks)


class _Workbook:
    """The sheets that are shown, and what their cells refer to."""

    def __init__(self, package: Package) -> None:
        self._package = package
        main = related(package).kinds["officeDocument"]
        relations = related(package, main)
        root = xml(package, main)
        if not root.tag.endswith("}workbook"):
            raise DataError("not an Excel workbook, whatever its name says")
        properties = root.find("{*}workbookPr")
        self._from_1904 = properties is not None and properties.get("date1904", "0") not in OFF
        self.sheets: list[tuple[str, str]] = []
        for sheet in root.iterfind("{*}sheets/{*}sheet"):
            part = relations.ids.get(sheet.get(RELATION + "id") or sheet.get(STRICT_RELATION + "id", ""), "")
            if sheet.get("state", "visible") == "visible" and part in package:
                self.sheets.append((sheet.get("name", ""), part))
        self._strings = self._shared_strings(relations.kinds.get("sharedStrings", ""))
        self._formats = self._cell_formats(relations.kinds.get("styles", ""))

    def read(self, part: str) -> _Sheet:
        """What is shown in a sheet."""
        sheet = _Sheet()
        number = column = 0
        for element in _elements(self._package, part, ("row", "c", "col", "mergeCell", "worksheet")):
            name = _local(element)
            if name == "c":
                column = _column(element.get("r", "")) or column + 1
                text, is_value = self._text(element)
                if text and column <= MOST_COLUMNS:
                    sheet.rows.setdefault(0, {})[column] = text  # Of the row that ends after its cells.
                    if is_value:
                        sheet.values.add(0)
            elif name == "row":
                number = _whole(element.get("r", "")) or number + 1
                column = 0
                cells, is_value = sheet.rows.pop(0, None), 0 in sheet.values
                sheet.values.discard(0)
                if cells and number <= MOST_ROWS:
                    sheet.rows[number] = cells
                    if is_value:
                        sheet.values.add(number)
                    if element.get("hidden", "0") not in OFF:
                        sheet.hidden_rows.add(number)
            elif name == "col" and element.get("hidden", "0") not in OFF:
                sheet.hidden.append((_whole(element.get("min", "")), _whole(element.get("max", ""))))
            elif name == "mergeCell" and (found := _range(element.get("ref", ""))):
                sheet.merged.append(found)
        return sheet

    def _text(self, cell: Any) -> tuple[str, bool]:
        """What a cell shows, and whether it is a number."""
        kind = cell.get("t", "n")
        if kind == "inlineStr":
            return _rich(cell.find("{*}is")), False
        value = cell.findtext("{*}v") or ""
        if kind == "s":
            return self._string(value), False
        if kind == "b":
            return ("TRUE" if value == "1" else "FALSE") if value else "", True
        if kind in ("str", "e", "d"):
            return " ".join(value.split()), kind == "d"
        style = _whole(cell.get("s", ""))
        try:
            form = self._formats[style] if style < len(self._formats) else "General"
            return (shown(float(value), form, self._from_1904) if value else ""), True
        except ValueError:
            return " ".join(value.split()), False

    def _string(self, number: str) -> str:
        """The string that a cell refers to; empty where it refers to none."""
        if not (number.isascii() and number.isdecimal() and len(number) < 10):
            return ""
        if self._strings is None:
            raise DataError("broken: the part with the texts of its cells is missing")
        return self._strings[int(number)] if int(number) < len(self._strings) else ""

    def _shared_strings(self, part: str) -> list[str] | None:
        """The strings; None where a part for them is named and is not there, which matters if a cell refers to one."""
        if part not in self._package:
            return None if part else []
        return [_rich(element) for element in _elements(self._package, part, ("si",))]

    def _cell_formats(self, part: str) -> list[str]:
        """The number format of each style of cells."""
        if part not in self._package:
            return []
        root = self._package.xml(part)
        own = {each.get("numFmtId", ""): each.get("formatCode", "") for each in root.iterfind("{*}numFmts/{*}numFmt")}
        numbers = (style.get("numFmtId", "0") for style in root.iterfind("{*}cellXfs/{*}xf"))
        return [own.get(number) or BUILT_IN.get(_whole(number), "General") for number in numbers]


def _elements(package: Package, part: str, names: tuple[str, ...]) -> Iterator[Any]:
    """The elements of a part that have one of the names, one after the other: what was read before is forgotten."""
    from lxml import etree

    with package.open(part) as stream:
        for _, element in etree.iterparse(stream, tag=[f"{{*}}{name}" for name in names], **XML):
            yield element
            if _local(element) not in ("c", "worksheet"):  # A cell is forgotten with its row.
                element.clear()
                while element.getprevious() is not None:
                    del element.getparent()[0]


def _local(element: Any) -> str:
    return str(element.tag.rpartition("}")[2])


def _rich(element: Any) -> str:
    """The text of a string, without the readings that stand over it."""
    if element is None:
        return ""
    texts = (node.text or "" for node in element.iter("{*}t") if _local(node.getparent()) != "rPh")
    return " ".join("".join(texts).split())


def _whole(digits: str) -> int:
    """The number; 0 for what is none."""
    return int(digits) if digits.isascii() and digits.isdecimal() and len(digits) < 10 else 0


def _column(reference: str) -> int:
    found = REFERENCE.fullmatch(reference)
    number = 0
    for letter in found[1] if found else "":
        number = number * 26 + ord(letter) - 64
    return number


def _range(reference: str) -> tuple[int, int, int, int] | None:
    first, _, last = reference.partition(":")
    start, end = REFERENCE.fullmatch(first), REFERENCE.fullmatch(last)
    return (int(start[2]), _column(first), int(end[2]), _column(last)) if start and end else None


def _merge(sheet: _Sheet) -> None:
    """Repeat merged cells where there is a row for them. Rectangles that overlap, as none should, cost no more."""
    left = sum(len(cells) for cells in sheet.rows.values()) * 4 + MOST_COLUMNS
    used = max((column for cells in sheet.rows.values() for column in cells), default=0)
    for first_row, first_column, last_row, last_column in sheet.merged:
        text = repeated(sheet.rows.get(first_row, {}).get(first_column, ""))
        columns = range(first_column, min(last_column, used) + 1)
        rows = range(first_row, min(last_row, first_row + left // max(len(columns), 1)) + 1)
        left -= (len(rows) * len(columns)) if text else 0
        for row in rows if text else ():
            cells = sheet.rows.get(row, {})
            for column in columns if len(cells) > 1 or row > first_row else ():  # Alone in its row, it is a title.
                cells.setdefault(column, text)


def _leave_out(sheet: _Sheet) -> None:
    """Forget the hidden rows and columns, and the rows that have nothing beside the latter."""
    sheet.rows = {row: cells for row, cells in sheet.rows.items() if row not in sheet.hidden_rows}
    hidden: set[int] = set()
    done = 0
    for first, last in sorted(sheet.hidden):
        hidden.update(range(max(first, done + 1), min(last, MOST_COLUMNS) + 1))
        done = max(done, last)
    if hidden:
        shown = {row: {at: text for at, text in cells.items() if at not in hidden} for row, cells in sheet.rows.items()}
        sheet.rows = {row: cells for row, cells in shown.items() if cells}


def _tables(sheet: _Sheet) -> Iterator[list[int]]:
    """The rows of each table. Those after a gap that do not begin with heads of their own belong to the one before."""
    table: list[int] = []
    for rows in _between_gaps(sheet):
        if table and _begins_table(sheet, rows):
            yield table
            table = []
        table += rows
    if table:
        yield table


def _begins_table(sheet: _Sheet, rows: list[int]) -> bool:
    """Whether rows after a gap have heads of their own: a title, or a row of text above numbers."""
    first = sheet.rows[rows[0]]
    if len(rows) == 1 or rows[0] in sheet.values:
        return False
    below = rows[1] in sheet.values
    return len(first) == 1 or (below and heads_of([list(first.values()), [""]]) > 0)


def _cells(sheet: _Sheet, table: list[int], package: Package) -> list[list[str]]:
    """The rows of a table, each with all of the columns in which one of them has text."""
    columns = sorted({column for row in table for column in sheet.rows[row]})
    package.check_length(len(table) * len(columns) * len(CELL_BREAK))
    return [[sheet.rows[row].get(column, "") for column in columns] for row in table]


def _between_gaps(sheet: _Sheet) -> Iterator[list[int]]:
    """The shown rows between empty ones: one that a filter has hidden leaves no gap."""
    found: list[int] = []
    last = 0
    for number in sorted(sheet.rows.keys() | sheet.hidden_rows):
        if found and number > last + 1:
            yield found
            found = []
        last = number
        if number in sheet.rows:
            found.append(number)
    if found:
        yield found
