"""OpenDocument texts (.odt, .ott) -> headings, paragraphs, lists, tables and notes in their order.

Notes and comments follow what they are about; headers and footers stand once, at the beginning. What is hidden or
deleted is not read, nor are tables of contents, indexes, equations and pictures.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from odqa.corpus.base import OpenFile, document_of, well_formed
from odqa.corpus.composer import Composer
from odqa.corpus.office.math import power_sign
from odqa.corpus.office.tables import repeated, write_table
from odqa.corpus.unpacking import Package, unpacked
from odqa.errors import DataError
from odqa.types import BlockKind, Document

NAMES = "{urn:oasis:names:tc:opendocument:xmlns:%s:1.0}"
OFFICE, TEXT, TABLE, DRAW, STYLE = (NAMES % name for name in ("office", "text", "table", "drawing", "style"))
HEADING, PARAGRAPH, LIST, GRID = TEXT + "h", TEXT + "p", TEXT + "list", TABLE + "table"
NOTES = frozenset((TEXT + "note", OFFICE + "annotation"))
UNREAD = frozenset(
    (
        *(TEXT + name for name in ("tracked-changes", "table-of-content", "alphabetical-index", "illustration-index")),
        *(TEXT + name for name in ("table-index", "object-index", "user-index", "note-citation", "ruby-text")),
        *(TEXT + name for name in ("hidden-text", "hidden-paragraph", "placeholder", "page-number", "page-count")),
        *(OFFICE + name for name in ("forms", "annotation-end")),
        *("{http://purl.org/dc/elements/1.1/}" + name for name in ("creator", "date")),
        *(DRAW + name for name in ("object", "object-ole", "image")),
        *("{urn:oasis:names:tc:opendocument:xmlns:svg-compatible:1.0}" + name for name in ("title", "desc")),
    )
)
CAPTIONS = frozenset(("Caption", "Illustration", "Table", "Drawing", "Figure"))
CODE = frozenset(("Preformatted_20_Text", "Source_20_Code"))
MOST_REPEATED = 1_024  # Columns; a spreadsheet in a text fills the rest of its row with one empty cell.
MOST_SPACES = 100
MOST_NAMES = 8  # Styles that a style is made from.
SPACE = re.compile(r"[ \t\r\n]+")


def load(file: OpenFile) -> Iterator[Document]:
    """Read one file. Raises DataError for one that is empty, encrypted, broken or larger than the limits."""
    with unpacked(file) as package:
        if "META-INF/manifest.xml" in package and b"encryption-data" in package.read("META-INF/manifest.xml"):
            raise DataError("encrypted: save it without a password")
        reader = _Reader(package)
        title = _title(package) or reader.title or reader.composer.title
    composer = reader.composer
    yield document_of(file.path, composer.text, title=title, sections=composer.sections, blocks=composer.blocks)


@dataclass(frozen=True, slots=True)
class _Style:
    """What a style says: the names that it goes by, its own first; and whether its text is hidden or raised."""

    names: tuple[str, ...] = ()
    hidden: bool = False
    raised: bool = False


@dataclass(slots=True)
class _Inline:
    """What a paragraph says, in pieces, and what hangs on it."""

    parts: list[str] = field(default_factory=list)
    notes: list[Any] = field(default_factory=list)
    boxes: list[Any] = field(default_factory=list)

    @property
    def text(self) -> str:
        return "".join(self.parts)


class _Reader:
    """What has been read of a file: the composer holds it."""

    def __init__(self, package: Package) -> None:
        root = package.xml("content.xml")
        body = root.find(f"{OFFICE}body/{OFFICE}text")
        if body is None:
            raise DataError("not an OpenDocument text, whatever its name says")
        self.composer = Composer(package.check_length)
        self.title = ""
        shared = package.xml("styles.xml") if "styles.xml" in package else None
        self._styles = _styles([part for part in (shared, root) if part is not None])
        self._code: list[str] = []
        if shared is not None:
            self._margins(shared)
        self._write(body)

    def _write(self, container: Any) -> None:
        """Add the blocks of a container; what is no block is looked into."""
        waiting: list[tuple[Iterator[Any], bool]] = [(container.iterchildren("*"), False)]
        while waiting:
            children, in_list = waiting[-1]
            child = next(children, None)
            if child is None:
                waiting.pop()
            elif child.tag == GRID:
                self._end_code()
                self._table(child)
            elif child.tag in (HEADING, PARAGRAPH):
                found = self._inline(child)
                self._paragraph(child, found.text, in_list)
                self._add_notes(found.notes)
                waiting.extend((box.iterchildren("*"), False) for box in reversed(found.boxes))
            elif child.tag not in UNREAD and not _is_switched_off(child):
                waiting.append((child.iterchildren("*"), in_list or child.tag == LIST))
        self._end_code()

    def _paragraph(self, node: Any, text: str, in_list: bool) -> None:
        names = self._style(node).names
        if not CODE.isdisjoint(names):
            self._code.append(text)
            return
        self._end_code()
        if node.tag == HEADING:
            self.composer.heading(max(_count(node, TEXT + "outline-level"), 1), " ".join(text.split()))
        elif "Title" in names:
            self.title = self.title or " ".join(text.split())
            self.composer.block(text, BlockKind.HEADING)
        elif not CAPTIONS.isdisjoint(names):
            self.composer.block(text, BlockKind.CAPTION)
        else:
            self.composer.block(text, BlockKind.ITEM if in_list else BlockKind.PARAGRAPH)

    def _end_code(self) -> None:
        if self._code:
            self.composer.block("\n".join(self._code), BlockKind.CODE)
            self._code.clear()

    def _add_notes(self, notes: list[Any]) -> None:
        for note in notes:
            self._end_code()
            author = note.findtext("{http://purl.org/dc/elements/1.1/}creator") or ""
            text = self._flat(note, [])
            self.composer.block(f"{author}: {text}" if author and text else text, BlockKind.NOTE)

    def _margins(self, root: Any) -> None:
        """Add the headers, then the footers, each text once."""
        seen: set[str] = set()
        for kind in ("header", "footer"):
            for page in root.iterfind(f"{OFFICE}master-styles/{STYLE}master-page"):
                for margin in page.iterchildren(*(f"{STYLE}{kind}{which}" for which in ("", "-left", "-first"))):
                    for block in margin.iterchildren("*") if margin.get(STYLE + "display") != "false" else ():
                        text = self._margin(block)
                        paged = next(block.iter(TEXT + "page-number", TEXT + "page-count"), None) is not None
                        if text not in seen and not (paged and _is_page_number(text)):
                            seen.add(text)
                            self.composer.block(text, BlockKind.NOTE)

    def _margin(self, block: Any) -> str:
        if block.tag not in (HEADING, PARAGRAPH):
            return self._flat(block, [])
        found = self._inline(block)
        return " ".join(filter(None, (found.text, *(self._flat(box, []) for box in found.boxes))))

    def _table(self, table: Any) -> None:
        notes: list[Any] = []
        marked, rows = self._rows(table, notes)
        write_table(self.composer, rows, marked)
        self._add_notes(notes)

    def _rows(self, table: Any, notes: list[Any]) -> tuple[int, list[list[str]]]:
        """How many of the rows are heads, and the cells of each, merged ones repeated."""
        rows: list[list[str]] = []
        marked = 0
        above: dict[int, tuple[int, str]] = {}  # By column, for how many rows a cell goes on, and its text.
        for row, is_head in _rows_of(table):
            cells: list[str] = []
            for cell in row.iterchildren(TABLE + "table-cell", TABLE + "covered-table-cell"):
                column, times = len(cells), min(max(_count(cell, TABLE + "number-columns-repeated"), 1), MOST_REPEATED)
                if cell.tag == TABLE + "covered-table-cell":
                    cells += [above.get(at, (0, ""))[1] for at in range(column, column + times)]
                    continue
                text = self._flat(cell, notes)
                across, down = (
                    _count(cell, TABLE + "number-columns-spanned"),
                    _count(cell, TABLE + "number-rows-spanned"),
                )
                for at in range(column, column + min(across, MOST_REPEATED) if max(across, down) > 1 else column):
                    above[at] = (down, repeated(text))
                cells += [text] + [repeated(text)] * (times - 1)
            above = {at: (rest - 1, text) for at, (rest, text) in above.items() if rest > 1}
            if any(cells):
                rows.append(cells)
                marked += is_head
        return marked if marked < len(rows) else 0, rows

    def _flat(self, container: Any, notes: list[Any]) -> str:
        """The text in a cell or note on one line; of a table in it, the cells stand between commas."""
        parts: list[str] = []
        for child in container.iterchildren("*"):
            if child.tag in (HEADING, PARAGRAPH):
                found = self._inline(child)
                notes += found.notes
                parts += [" ".join(found.text.split()), *(self._flat(box, notes) for box in found.boxes)]
            elif child.tag == GRID:
                rows = self._rows(child, notes)[1]
                parts = [" ".join(filter(None, parts)), *(", ".join(filter(None, row)) for row in rows)]
                parts = ["; ".join(filter(None, parts))]
            elif child.tag not in UNREAD and not _is_switched_off(child):
                parts.append(self._flat(child, notes))
        return " ".join(filter(None, parts))

    def _inline(self, paragraph: Any) -> _Inline:
        found = _Inline()
        if not self._style(paragraph).hidden:
            self._inside(paragraph, found)
        return found

    def _inside(self, node: Any, found: _Inline) -> None:
        # As deep as the parser lets elements nest, which is not deep.
        _put(found, node.text)
        for child in node:
            if child.tag in NOTES:
                found.notes.append(child)
            elif _is_box(child):
                found.boxes.append(child)
            elif child.tag in SIGNS:
                found.parts.append(SIGNS[child.tag](child))
            elif isinstance(child.tag, str) and child.tag not in UNREAD:
                style = self._style(child)
                if style.raised:
                    before = found.parts[-1] if found.parts else ""
                    found.parts.append(power_sign(before, "".join(child.itertext())))
                if not style.hidden:
                    self._inside(child, found)
            _put(found, child.tail)

    def _style(self, node: Any) -> _Style:
        return self._styles.get(node.get(TEXT + "style-name", ""), _Style())


SIGNS: dict[str, Callable[[Any], str]] = {
    TEXT + "s": lambda node: " " * min(max(_count(node, TEXT + "c"), 1), MOST_SPACES),
    TEXT + "tab": lambda node: "\t",
    TEXT + "line-break": lambda node: "\n",
}


def _is_box(node: Any) -> bool:
    """Whether it is a box with text, or a drawn shape that text is written into."""
    if node.tag == DRAW + "text-box":
        return True
    drawn = isinstance(node.tag, str) and node.tag.startswith(DRAW) and node.tag not in UNREAD
    return drawn and next(node.iterchildren(PARAGRAPH, LIST), None) is not None


def _put(found: _Inline, text: str | None) -> None:
    if text:  # White space is written by elements; in the text, all of it together is one space.
        found.parts.append(SPACE.sub(" ", text))


def _is_switched_off(node: Any) -> bool:
    return bool(node.get(TEXT + "display") == "none" or node.get(TABLE + "display") == "false")


def _is_page_number(text: str) -> bool:
    return not any(map(str.isdigit, text)) and len(text.split()) <= 2


def _count(node: Any, attribute: str) -> int:
    """The number in an attribute; 1 where it holds none."""
    value = node.get(attribute, "")
    return int(value) if value.isascii() and value.isdecimal() and len(value) < 10 else 1


def _rows_of(table: Any) -> Iterator[tuple[Any, bool]]:
    """The rows that are shown, also those in groups, and whether they are marked as heads."""
    stack = [(table.iterchildren("*"), False)]
    while stack:
        children, is_head = stack[-1]
        child = next(children, None)
        if child is None:
            stack.pop()
        elif child.tag == TABLE + "table-row":
            if child.get(TABLE + "visibility", "visible") == "visible":
                yield child, is_head
        elif child.tag in (TABLE + "table-header-rows", TABLE + "table-rows", TABLE + "table-row-group"):
            stack.append((child.iterchildren("*"), is_head or child.tag == TABLE + "table-header-rows"))


def _styles(roots: list[Any]) -> dict[str, _Style]:
    own: dict[str, tuple[str, bool | None, bool | None]] = {}
    for root in roots:
        for style in root.iterfind(f"*/{STYLE}style"):
            properties = style.find(STYLE + "text-properties")
            display = None if properties is None else properties.get(TEXT + "display")
            position = None if properties is None else properties.get(STYLE + "text-position")
            raised = None if position is None else not position.startswith(("sub", "-", "0"))
            hidden = None if display is None else display == "none"
            own[style.get(STYLE + "name", "")] = (style.get(STYLE + "parent-style-name", ""), hidden, raised)
    found: dict[str, _Style] = {}
    for name in own:
        chain: dict[str, None] = {}
        at = name
        while at in own and at not in found and at not in chain:
            chain[at] = None
            at = own[at][0]
        style = found.get(at, _Style())
        for at in reversed(chain):
            _, hidden, raised = own[at]
            names = (at, *style.names[:MOST_NAMES])
            style = found[at] = _Style(
                names, style.hidden if hidden is None else hidden, style.raised if raised is None else raised
            )
    return found


def _title(package: Package) -> str:
    title = ""
    if "meta.xml" in package:
        title = package.xml("meta.xml").findtext(f"{OFFICE}meta/{{http://purl.org/dc/elements/1.1/}}title") or ""
    return well_formed(" ".join(title.split()))
