"""A paragraph or cell of a Word file -> its text, as it is shown, and the notes and boxes that hang on it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from odqa.corpus.office.docx_styles import VALUE, WORD, Style, Styles, is_hidden
from odqa.corpus.office.math import formula, power_sign
from odqa.corpus.office.ooxml import ALTERNATIVES, MATH, OFF, chosen
from odqa.corpus.office.symbols import symbol, without_private

PARAGRAPH, TABLE, ROW, CELL, RUN, TEXT, CONTROL, BOX, SIMPLE_FIELD = (
    WORD + name for name in ("p", "tbl", "tr", "tc", "r", "t", "sdt", "txbxContent", "fldSimple")
)
NEXT_PAGE = "\f"  # Between texts of a paragraph on two pages or columns.
SIGNS = {WORD + "tab": "\t", WORD + "ptab": "\t", WORD + "cr": "\n", WORD + "noBreakHyphen": "-"}
UNREAD = frozenset(
    WORD + name for name in ("del", "moveFrom", "pPr", "rPr", "rt", "instrText", "sdtPr", "tblPr", "tcPr")
)
NOTES = {
    WORD + "footnoteReference": "footnote",
    WORD + "endnoteReference": "endnote",
    WORD + "commentReference": "comment",
}
PAGE = re.compile(r"\s*(PAGE|NUMPAGES|SECTIONPAGES)\b")
# Characters that no XML can hold: after the cells and the rows of a table in a cell, around the numbers of pages.
END_OF_CELL, END_OF_ROW, PAGE_MARK = "\x1f", "\x1e", "\x01"


@dataclass(slots=True)
class Inline:
    """What a paragraph says: its text, its notes as (kind, id), and its text boxes."""

    text: str = ""
    notes: list[tuple[str, str]] = field(default_factory=list)
    boxes: list[Any] = field(default_factory=list)


@dataclass(slots=True)
class _Field:
    """A field that is open: its instruction as far as it was met, and whether what follows is its result."""

    start: Any
    instruction: str = ""
    shown: bool = False


def inline(node: Any, styles: Styles, style: Style | None = None, *, pages: bool = False) -> Inline:
    """Read a paragraph in this style, or with None a cell, whose boxes and tables are then a part of its text.

    With ``pages``, each number of a page or of pages stands between two PAGE_MARKs.
    """
    walk = _Walk(styles, style)
    walk.run(node)
    text = "".join(walk.parts)
    walk.found.text = text if pages else text.replace(PAGE_MARK, "")
    return walk.found


def one_line(text: str) -> str:
    """The text of a cell without line breaks; of a table in it, the cells stand between commas."""
    rows = ([" ".join(cell.split()) for cell in row.split(END_OF_CELL)] for row in text.split(END_OF_ROW))
    return "; ".join(filter(None, (", ".join(filter(None, row)) for row in rows)))


def is_placeholder(control: Any) -> bool:
    """Whether what a content control shows only asks for content, or is a table of contents."""
    properties = control.find(WORD + "sdtPr")
    if properties is None:
        return False
    asks = properties.find(WORD + "showingPlcHdr")
    gallery = properties.find(f"{WORD}docPartObj/{WORD}docPartGallery")
    contents = gallery is not None and gallery.get(VALUE) == "Table of Contents"
    return contents or (asks is not None and asks.get(VALUE, "1") not in OFF)


class _Walk:
    """One walk through a node, with what the elements around the current one have set."""

    def __init__(self, styles: Styles, style: Style | None) -> None:
        self.found = Inline()
        self.parts: list[str] = []
        self._styles = styles
        self._in_cell = style is None
        self._hidden = [bool(style and style.hidden)]  # Of the paragraphs that are open, one inside another.
        self._fields: list[_Field] = []
        self._instructions = 0  # How many of them still say what to compute.
        self._simple: list[str] = []  # The instructions of the fields around that are one element.
        self._font = ""
        self._raised = False
        self._marked = False  # Whether the text of the run is the mark of a note.
        self._read: dict[Any, Callable[[Any], Any]] = {
            TEXT: self._text,
            RUN: self._starts_run,
            PARAGRAPH: self._starts_paragraph,
            TABLE: self._starts_table,
            CONTROL: lambda control: None if is_placeholder(control) else control,
            BOX: self._box,
            ALTERNATIVES: chosen,
            MATH + "oMath": self._formula,
            MATH + "oMathPara": self._formula,
            WORD + "br": self._break,
            WORD + "sym": self._symbol,
            WORD + "fldChar": self._field,
            WORD + "instrText": self._instruction,
            SIMPLE_FIELD: self._simple_field,
            **dict.fromkeys(SIGNS, lambda sign: self._put(SIGNS[sign.tag])),
            **dict.fromkeys(NOTES, self._note),
        }

    def run(self, root: Any) -> None:
        stack: list[tuple[Any, Iterator[Any]]] = [(None, root.iterchildren())]
        while stack:
            tag, children = stack[-1]
            child = next(children, None)
            if child is None:
                stack.pop()
                self._leave(tag)
                continue
            read = self._read.get(child.tag)
            inside = read(child) if read else None if child.tag in UNREAD else child
            if inside is not None:
                stack.append((child.tag, inside.iterchildren()))

    def _leave(self, tag: Any) -> None:
        if tag == PARAGRAPH:  # In a cell or a text box.
            self._hidden.pop()
            self.parts.append("\n")
        elif tag == CELL:
            self.parts.append(END_OF_CELL)
        elif tag == ROW:
            self.parts.append(END_OF_ROW)
        elif tag == RUN:
            self._marked = False
        elif tag == SIMPLE_FIELD:
            self._mark_page(self._simple.pop())

    def _put(self, text: str) -> None:
        if text and not self._marked and not self._instructions:
            self.parts.append(text)

    def _text(self, node: Any) -> None:
        # After a comment, or an entity, which says nothing, comes the rest.
        text = (node.text or "") + "".join(inner.tail or "" for inner in node)
        self._put(without_private(text, self._font))

    def _starts_run(self, run: Any) -> Any:
        properties = run.find(WORD + "rPr")
        self._font, raised = "", False
        hidden = is_hidden(properties)
        if properties is not None:
            fonts, align, style = (properties.find(WORD + name) for name in ("rFonts", "vertAlign", "rStyle"))
            self._font = "" if fonts is None else fonts.get(WORD + "ascii") or fonts.get(WORD + "hAnsi") or ""
            raised = align is not None and align.get(VALUE) == "superscript"
            if hidden is None and style is not None:
                hidden = self._styles.of(style.get(VALUE, "")).hidden
        if self._hidden[-1] if hidden is None else hidden:
            return None
        if raised and not self._raised:
            self._put(power_sign(self.parts[-1] if self.parts else "", "".join(run.itertext(TEXT))))
        self._raised = raised
        return run

    def _starts_paragraph(self, paragraph: Any) -> Any:
        self._hidden.append(bool(self._styles.of_paragraph(paragraph).hidden))
        return paragraph

    def _starts_table(self, table: Any) -> Any:
        self.parts.append(END_OF_ROW)
        return table

    def _box(self, box: Any) -> Any:
        if self._in_cell:
            self.parts.append("\n")
            return box
        self.found.boxes.append(box)
        return None

    def _formula(self, node: Any) -> None:
        self._put(formula(node))

    def _break(self, node: Any) -> None:
        self._put("\n" if node.get(WORD + "type", "textWrapping") == "textWrapping" or self._in_cell else NEXT_PAGE)

    def _symbol(self, node: Any) -> None:
        code = node.get(WORD + "char", "")
        if re.fullmatch("[0-9A-Fa-f]{1,6}", code):
            self._put(symbol(int(code, 16), node.get(WORD + "font", "")))

    def _note(self, node: Any) -> None:
        self.found.notes.append((NOTES[node.tag], node.get(WORD + "id", "")))
        self._marked = node.get(WORD + "customMarkFollows", "0") not in OFF

    def _field(self, node: Any) -> None:
        kind = node.get(WORD + "fldCharType")
        if kind == "begin":
            self._fields.append(_Field(node))
            self._instructions += 1
        elif self._fields and kind == "separate" and not self._fields[-1].shown:
            self._fields[-1].shown = True
            self._instructions -= 1
            self._mark_page(self._fields[-1].instruction)
        elif self._fields and kind == "end":
            closed = self._fields.pop()
            if not closed.shown:
                self._instructions -= 1
                self._put(_chosen(closed.start))
            else:
                self._mark_page(closed.instruction)

    def _instruction(self, node: Any) -> None:
        if self._fields and len(self._fields[-1].instruction) < 100:
            self._fields[-1].instruction += node.text or ""

    def _simple_field(self, node: Any) -> Any:
        self._simple.append(node.get(WORD + "instr", ""))
        self._mark_page(self._simple[-1])
        return node

    def _mark_page(self, instruction: str) -> None:
        if PAGE.match(instruction):
            self._put(PAGE_MARK)


def _chosen(start: Any) -> str:
    """What a form's list or box shows, which has no text of its own."""
    options = start.find(f"{WORD}ffData/{WORD}ddList")
    if options is not None:
        entries = [entry.get(VALUE, "") for entry in options.iterchildren(WORD + "listEntry")]
        number = _first(options, "result", "default", otherwise="0")
        return entries[int(number)] if number.isdecimal() and len(number) < 5 and int(number) < len(entries) else ""
    box = start.find(f"{WORD}ffData/{WORD}checkBox")
    return "" if box is None else "☐" if _first(box, "checked", "default", otherwise="0") in OFF else "☒"


def _first(parent: Any, *names: str, otherwise: str) -> str:
    for name in names:
        element = parent.find(WORD + name)
        if element is not None:
            return str(element.get(VALUE, "1"))
    return otherwise
