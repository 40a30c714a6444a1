"""Word files (.docx, .docm) -> headings, paragraphs, tables and notes in their order. No .doc files.

What a reader of the printed page sees is read: also equations, symbols, headers and footers (once, at the beginning)
and the results of fields. Notes and comments follow what they are about. What is hidden or deleted is not read, nor
are tables of contents, numbers of pages and lists, and macros.

Only parts that hold text are unpacked. (python-docx unpacks all of them, whatever their size, and leaves out content
controls, tracked insertions and notes.)
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from odqa.corpus.base import OpenFile, Unusable, document_of, source_of
from odqa.corpus.composer import Composer
from odqa.corpus.office.docx_styles import VALUE, WORD, Style, Styles
from odqa.corpus.office.docx_text import (
    CELL,
    CONTROL,
    NEXT_PAGE,
    PAGE_MARK,
    PARAGRAPH,
    ROW,
    TABLE,
    TEXT,
    Inline,
    inline,
    is_placeholder,
    one_line,
)
from odqa.corpus.office.ooxml import ALTERNATIVES, RELATION, Relations, chosen, is_on, related, title_of, xml
from odqa.corpus.office.tables import repeated, write_table
from odqa.corpus.unpacking import Package, unpacked
from odqa.errors import DataError
from odqa.types import BlockKind, Document

WRAPPERS = frozenset(WORD + name for name in ("sdtContent", "ins", "moveTo", "customXml", "smartTag"))
MOST_SPANNED = 63  # Columns that a table of Word may have.
FIRST_ROW = 0x20  # The bit of a table's look that says that its first row is special.
BREAK = re.compile(r"\n\s*\n|\f")  # Within a paragraph, what no answer reaches over.
PAGE_NUMBER = re.compile(f"{PAGE_MARK}[^{PAGE_MARK}]*{PAGE_MARK}")
WORDS_OF_A_PAGE = 2  # "Page … of …"
LONGEST_PAGE = 3  # Digits of a number that stands alone and was not computed.


def load(file: OpenFile) -> Iterator[Document | Unusable]:
    """Read one file. Raises DataError for one that is empty, encrypted, broken or larger than the limits.

    References to entities, which no Word file needs, are left out, and this is told.
    """
    with unpacked(file) as package:
        reader = _Reader(package)
        composer = reader.composer
        title = reader.title or title_of(package) or composer.title
    yield document_of(file.path, composer.text, title=title, sections=composer.sections, blocks=composer.blocks)
    if entities := _entities(reader.root):
        yield Unusable(source_of(file.path), f"{entities:,} references to entities are left out; the rest is used")


class _Reader:
    """What has been read of a file: the composer holds it."""

    def __init__(self, package: Package) -> None:
        main = related(package).kinds["officeDocument"]
        relations = related(package, main)
        self.root = xml(package, main)
        body = self.root.find(WORD + "body")
        if body is None:
            raise DataError("not a Word document, whatever its name says")
        self.composer = Composer(package.check_length)
        self.title = ""
        self._styles = Styles(_part(package, relations, "styles"))
        self._notes = _notes(package, relations)
        self._code: list[str] = []
        self._margins(package, relations)
        self._write(body)

    def _write(self, container: Any) -> None:
        """Add the paragraphs and tables of a container, and what hangs on them."""
        waiting = [_blocks(container)]
        while waiting:
            block = next(waiting[-1], None)
            if block is None:
                waiting.pop()
            elif block.tag == TABLE:
                self._end_code()
                if (cells := _layout(block)) is not None:
                    waiting.extend(_blocks(cell) for cell in reversed(cells))
                else:
                    self._table(block)
            else:
                style = self._styles.of_paragraph(block)
                if style.role == "contents":
                    continue
                found = inline(block, self._styles, style)
                self._paragraph(found.text, style)
                self._add_notes(found)
                waiting.extend(_blocks(box) for box in reversed(found.boxes))
        self._end_code()

    def _paragraph(self, text: str, style: Style) -> None:
        if style.role == "code":
            self._code.append(text.replace(NEXT_PAGE, "\n").rstrip())
            return
        self._end_code()
        text = text.strip()
        if style.role == "heading":
            self.composer.heading(style.level, " ".join(text.split()))
            return
        if style.role == "title" and not self.title:
            self.title = " ".join(text.split())
        for piece in BREAK.split(text):
            self.composer.block(piece, _kind(style))

    def _end_code(self) -> None:
        if self._code:
            self.composer.block("\n".join(self._code), BlockKind.CODE)
            self._code.clear()

    def _table(self, table: Any) -> None:
        found = Inline()
        rows, marked = _rows(table, self._styles, found)
        write_table(self.composer, rows, marked, guess=_has_first_row(table))
        self._add_notes(found)

    def _add_notes(self, found: Inline) -> None:
        for key in found.notes:
            note = self._notes.pop(key, None)  # Once, however often it is referred to.
            if note is not None:
                self._end_code()
                author = note.get(WORD + "author", "") if key[0] == "comment" else ""
                self._note(note, f"{author}: " if author else "")

    def _note(self, note: Any, before: str = "") -> None:
        for number, text in enumerate(filter(None, (_plain(block, self._styles) for block in _blocks(note)))):
            self.composer.block(text if number else before + text, BlockKind.NOTE)

    def _margins(self, package: Package, relations: Relations) -> None:
        """Add the headers, then the footers, each text and row once."""
        seen: set[str] = set()
        for kind in ("headerReference", "footerReference"):
            for name in _shown(self.root, kind, package, relations):
                for block in _blocks(xml(package, name)):
                    lines = _rows_in_margin(block, self._styles) if block.tag == TABLE else _texts(block, self._styles)
                    new = [line for line in lines if "\t".join(line) not in seen]
                    seen.update("\t".join(line) for line in new)
                    if block.tag == TABLE:
                        self.composer.table(new)
                    else:
                        for line in new:
                            self.composer.block("\t".join(line), BlockKind.NOTE)


def _part(package: Package, relations: Relations, kind: str) -> Any:
    name = relations.kinds.get(kind, "")
    return xml(package, name) if name in package else None


def _notes(package: Package, relations: Relations) -> dict[tuple[str, str], Any]:
    """The footnotes, endnotes and comments, by kind and id."""
    found: dict[tuple[str, str], Any] = {}
    for kind in ("footnote", "endnote", "comment"):
        root = _part(package, relations, f"{kind}s")
        for note in () if root is None else root.iterchildren(WORD + kind):
            found[kind, note.get(WORD + "id", "")] = note
    return found


def _shown(root: Any, kind: str, package: Package, relations: Relations) -> list[str]:
    """The parts of the headers, or of the footers, that are shown on some page, each once."""
    settings = _part(package, relations, "settings")
    even = settings is not None and is_on(settings.find(WORD + "evenAndOddHeaders"), VALUE)
    names: dict[str, None] = {}
    for section in root.iter(WORD + "sectPr"):
        first = is_on(section.find(WORD + "titlePg"), VALUE)
        for reference in section.iterchildren(WORD + kind):
            pages = reference.get(WORD + "type", "default")
            name = relations.ids.get(reference.get(RELATION + "id", ""), "")
            if name in package and (pages == "default" or (pages == "first" and first) or (pages == "even" and even)):
                names[name] = None
    return list(names)


def _plain(block: Any, styles: Styles) -> str:
    """The text of a paragraph or table where it is a note."""
    if block.tag == TABLE:
        return one_line(inline(block, styles).text)
    found = inline(block, styles, styles.of_paragraph(block))
    texts = (found.text, *(inline(box, styles).text for box in found.boxes))
    return "\n".join(texts).replace(NEXT_PAGE, "\n").strip()


def _texts(paragraph: Any, styles: Styles) -> list[list[str]]:
    """What a paragraph of a header or footer and its boxes say between tabs, without the numbers of pages."""
    found = inline(paragraph, styles, styles.of_paragraph(paragraph), pages=True)
    texts = (found.text, *(inline(box, styles, pages=True).text for box in found.boxes))
    stops = ([_without_page_number(stop) for stop in text.split("\t")] for text in texts)
    return [[stop for stop in each if stop] for each in stops if any(each)]


def _rows_in_margin(table: Any, styles: Styles) -> list[list[str]]:
    rows, _ = _rows(table, styles, Inline(), pages=True)
    return [[_without_page_number(cell) for cell in row] for row in rows]


def _without_page_number(text: str) -> str:
    """A text of a header or footer; empty where it only numbers the page."""
    return "" if _is_page_number(text) else text.replace(PAGE_MARK, "").strip()


def _is_page_number(text: str) -> bool:
    rest = PAGE_NUMBER.sub("", text)
    digits = sum(map(str.isdigit, rest))
    if rest != text:
        return not digits and len(re.findall(r"[^\W\d_]+", rest)) <= WORDS_OF_A_PAGE
    return digits <= LONGEST_PAGE and not any(map(str.isalpha, rest))


def _kind(style: Style) -> BlockKind:
    if style.role == "title":
        return BlockKind.HEADING
    if style.role == "caption":
        return BlockKind.CAPTION
    if style.role == "term":
        return BlockKind.TERM
    return BlockKind.ITEM if style.item else BlockKind.PARAGRAPH


def _blocks(container: Any) -> Iterator[Any]:
    return _unwrapped(container, (PARAGRAPH, TABLE))


def _unwrapped(parent: Any, tags: tuple[str, ...]) -> Iterator[Any]:
    """The children with one of the tags, also inside controls and the like, in their order."""
    stack = [parent.iterchildren()]
    while stack:
        child = next(stack[-1], None)
        if child is None:
            stack.pop()
        elif child.tag in tags:
            yield child
        elif child.tag in WRAPPERS or (child.tag == CONTROL and not is_placeholder(child)):
            stack.append(child.iterchildren())
        elif child.tag == ALTERNATIVES and (choice := chosen(child)) is not None:
            stack.append(choice.iterchildren())


def _layout(table: Any) -> list[Any] | None:
    """The cells of a table that only arranges what is in it, None for any other.

    It has one column, or one row with several paragraphs in a cell.
    """
    cells: list[Any] = []
    wide = False
    for number, row in enumerate(_shown_rows(table)):
        inside = list(_unwrapped(row, (CELL,)))
        wide = wide or len(inside) > 1
        if wide and number:
            return None
        cells += inside
    return cells if not wide or any(map(_holds_several, cells)) else None


def _holds_several(cell: Any) -> bool:
    blocks = (block for block in _blocks(cell) if next(block.iter(TEXT), None) is not None)
    return next(blocks, None) is not None and next(blocks, None) is not None


def _shown_rows(table: Any) -> Iterator[Any]:
    for row in _unwrapped(table, (ROW,)):
        properties = row.find(WORD + "trPr")
        if properties is None or (
            properties.find(WORD + "del") is None and not is_on(properties.find(WORD + "hidden"), VALUE)
        ):
            yield row


def _rows(table: Any, styles: Styles, found: Inline, *, pages: bool = False) -> tuple[list[list[str]], int]:
    """The cells of each row, merged ones repeated, and how many rows are marked as heads. ``found`` gets the notes."""
    rows: list[list[str]] = []
    marked = 0
    above: dict[int, str] = {}
    for row in _shown_rows(table):
        cells = [""] * _number(row.find(f"{WORD}trPr/{WORD}gridBefore"), 0)
        below: dict[int, str] = {}
        for cell in _unwrapped(row, (CELL,)):
            properties = cell.find(WORD + "tcPr")
            merge = None if properties is None else properties.find(WORD + "vMerge")
            span = 1 if properties is None else _number(properties.find(WORD + "gridSpan"), 1)
            if merge is not None and merge.get(VALUE, "continue") == "continue":
                text = above.get(len(cells), "")
            else:
                inside = inline(cell, styles, pages=pages)
                found.notes += inside.notes
                text = one_line(inside.text)
            if merge is not None:
                below[len(cells)] = repeated(text)
            cells += [text] + [repeated(text)] * (span - 1)
        above = below
        if not any(cells):
            continue
        cells += [""] * _number(row.find(f"{WORD}trPr/{WORD}gridAfter"), 0)
        if marked == len(rows) and is_on(row.find(f"{WORD}trPr/{WORD}tblHeader"), VALUE):
            marked += 1
        rows.append(cells)
    return rows, marked


def _has_first_row(table: Any) -> bool:
    """Whether the look of a table lets its first row be special, as it is unless somebody switched it off."""
    look = table.find(f"{WORD}tblPr/{WORD}tblLook")
    if look is None:
        return True
    if (first := look.get(WORD + "firstRow")) is not None:
        return bool(first in ("1", "true", "on"))
    try:
        return bool(int(look.get(VALUE, "20"), 16) & FIRST_ROW)
    except ValueError:
        return True


def _number(element: Any, default: int) -> int:
    value = "" if element is None else element.get(VALUE, "")
    return min(int(value), MOST_SPANNED) if value.isdecimal() and len(value) < 10 else default


def _entities(root: Any) -> int:
    from lxml import etree

    return sum(1 for _ in root.iter(etree.Entity))
