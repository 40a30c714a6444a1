"""A page of a PDF, as pdfium sees it -> its words with their places, ruled lines, form fields and annotations.

Every call of pdfium's C functions about a page is here. Places count points from the upper left corner of the page as
it is read: x to the right, y down, whichever way the page was turned.
"""

from __future__ import annotations

import ctypes
import math
import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from odqa.corpus.base import well_formed

SPACE = 0.17  # Of the size of the letters: a wider gap is a space. TeX draws no spaces, and shrinks its gaps to 0.22.
BOLD = ("bold", "black", "heavy", "demi", "medi", "cmbx", "sfbx", "ecbx", "cmssbx")
MONOSPACED = (
    "mono",
    "monl",
    "courier",
    "cmtt",
    "sltt",
    "ectt",
    "sftt",
    "consol",
    "menlo",
    "typewriter",
    "code",
    "fixed",
)
# Where TeX's fonts have their ligatures. A font that does not say which letters they are leaves us these numbers.
LIGATURES: dict[int, str] = dict(
    zip((*range(0x0B, 0x10), *range(0x1B, 0x20)), ("ff", "fi", "fl", "ffi", "ffl") * 2, strict=True)
)
ACCENT = re.compile("[\u0300-\u036f]")
HYPHEN = 2  # What pdfium makes of a hyphen at the end of a line.
MOST_OBJECTS = 5_000  # Of the drawing of a page, that are looked at for ruled lines: maps have many more.
THICKEST_RULE = 3.0  # Points.


@dataclass(slots=True)
class Word:
    """Letters without a gap on one base line, ``y``. ``rises`` where it follows larger ones, above their base line."""

    text: str
    x0: float
    x1: float
    y: float
    size: float
    bold: bool = False
    mono: bool = False


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle: ``y0`` is its upper side."""

    x0: float
    y0: float
    x1: float
    y1: float


@dataclass(frozen=True, slots=True)
class Field:
    """A field of a form that is filled in: a ``mark`` is a box that is ticked or not."""

    box: Box
    name: str
    value: str
    mark: bool = False


@dataclass(frozen=True, slots=True)
class Note:
    """What a reader of the page wrote on it."""

    box: Box
    text: str


@dataclass(slots=True)
class Page:
    """What is on a page. ``drawn`` tells whether there is anything at all, text or not.

    ``turned`` are the words and the rules of the same page as they are seen when it is turned, where words run that
    way: the heads of narrow columns, a table on its side.
    """

    width: float
    height: float
    words: list[Word] = field(default_factory=list)
    rules: list[Box] = field(default_factory=list)
    fields: list[Field] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)
    drawn: bool = True
    turned: list[Page] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Style:
    size: float
    turn: int  # Quarter turns against the clock; -1 for text that runs askew.
    bold: bool
    mono: bool


@dataclass(slots=True)
class _Run:
    """Letters without a gap, in the places of the file."""

    letters: list[str]
    box: list[float]  # Left, bottom, right, top.
    origin: tuple[float, float]
    style: _Style


class _Sight:
    """How places of the file become places of the page that is read."""

    def __init__(self, box: tuple[float, float, float, float], turn: int) -> None:
        self.left, self.bottom, self.right, self.top = box
        self.turn = turn
        width, height = self.right - self.left, self.top - self.bottom
        self.width, self.height = (height, width) if turn % 2 else (width, height)

    def point(self, x: float, y: float) -> tuple[float, float]:
        if self.turn == 0:
            return x - self.left, self.top - y
        if self.turn == 1:
            return y - self.bottom, x - self.left
        if self.turn == 2:
            return self.right - x, y - self.bottom
        return self.top - y, self.right - x

    def box(self, left: float, bottom: float, right: float, top: float) -> Box:
        (x0, y0), (x1, y1) = self.point(left, bottom), self.point(right, top)
        return Box(min(x0, x1), min(y0, y1), max(x0, x1), max(y0, y1))

    def shows(self, box: Box) -> bool:
        """Whether the middle of a box is on the page."""
        return 0 <= box.x0 + box.x1 <= 2 * self.width and 0 <= box.y0 + box.y1 <= 2 * self.height


def read_page(document: Any, number: int, check: Callable[[int], None]) -> Page:
    """What is on a page of a pypdfium2 document; pages count from 0. Raises pypdfium2's PdfiumError.

    ``check`` is told how many letters it has before they are read, and raises where that is too much.
    """
    import pypdfium2.raw as pdfium

    page = document[number]
    try:
        text = page.get_textpage()
        try:
            check(max(pdfium.FPDFText_CountChars(text.raw), 0))
            runs = list(_runs(pdfium, text.raw))
        finally:
            text.close()
        turns = Counter({page.get_rotation() // 90: 0})
        for run in runs:
            turns[run.style.turn] += len(run.letters)
        del turns[-1]
        sight = _Sight(page.get_bbox(), max(turns, key=lambda turn: turns[turn]) if turns else 0)
        found = Page(sight.width, sight.height, _words(runs, sight))
        count = pdfium.FPDFPage_CountObjects(page.raw)
        found.drawn = count > 0
        found.rules = _rules(pdfium, page.raw, min(count, MOST_OBJECTS), sight)
        _add_annotations(pdfium, document, page.raw, sight, found)
        for turn in sorted(turns.keys() - {sight.turn}):
            side = _Sight(page.get_bbox(), turn)
            if words := _words(runs, side):
                rules = _rules(pdfium, page.raw, min(count, MOST_OBJECTS), side)
                found.turned.append(Page(side.width, side.height, words, rules))
        return found
    finally:
        page.close()


def _runs(pdfium: Any, page: Any) -> Iterator[_Run]:
    """The letters of a page in the order of the file, without spaces."""
    styles: dict[int, _Style] = {}
    fonts: dict[int, tuple[bool, bool]] = {}
    rect, x, y = pdfium.FS_RECTF(), ctypes.c_double(), ctypes.c_double()
    at, right, top = ctypes.byref(rect), ctypes.byref(x), ctypes.byref(y)
    run: _Run | None = None
    key = origin = style = None
    for index in range(max(pdfium.FPDFText_CountChars(page), 0)):
        code = pdfium.FPDFText_GetUnicode(page, index)
        drawn = pdfium.FPDFText_GetTextObject(page, index)
        if not drawn or code in (0x20, 0xA0) or not pdfium.FPDFText_GetLooseCharBox(page, index, at):
            if run and not (not drawn and code == HYPHEN):
                yield run
                run = None
            if not run or code != HYPHEN:
                continue
        letter = _letter(code)
        if not letter:
            continue
        if drawn and (now := ctypes.addressof(drawn.contents)) != key:
            key = now
            style = styles.get(key) or styles.setdefault(key, _style(pdfium, page, index, drawn, fonts))
            pdfium.FPDFText_GetCharOrigin(page, index, right, top)
            origin = (x.value, y.value)
        if style is None or origin is None:
            continue
        box = [rect.left, rect.bottom, rect.right, rect.top]
        if run and _joins(run, box, origin, style):
            run.letters.append(letter)
            run.box = [*map(min, run.box[:2], box[:2]), *map(max, run.box[2:], box[2:])]
            continue
        if run:
            yield run
        run = _Run([letter], box, origin, style)
    if run:
        yield run


def _letter(code: int) -> str:
    if code == HYPHEN or code == 0xFFFE:
        return "-"
    if code < 0x20:
        return LIGATURES.get(code, "")
    return chr(code) if code < 0x110000 and not 0x7F <= code < 0xA0 else ""


def _joins(run: _Run, box: list[float], origin: tuple[float, float], style: _Style) -> bool:
    """Whether a letter belongs to the word before it: on its base line, without a gap."""
    before = run.style
    if style.turn != before.turn or not 0.6 < style.size / before.size < 1.7:
        return False
    along, across = (0, 1) if style.turn % 2 == 0 else (1, 0)
    if abs(origin[across] - run.origin[across]) > 0.12 * before.size:
        return False
    gap = max(box[along] - run.box[along + 2], run.box[along] - box[along + 2])
    # A letter far to the left begins another word, one drawn over the last (an accent) does not.
    return gap < SPACE * max(style.size, before.size) and box[along + 2] > run.box[along] - style.size


def _style(pdfium: Any, page: Any, index: int, drawn: Any, fonts: dict[int, tuple[bool, bool]]) -> _Style:
    matrix, size = pdfium.FS_MATRIX(), ctypes.c_float()
    if not pdfium.FPDFText_GetMatrix(page, index, ctypes.byref(matrix)):
        matrix.a = matrix.d = 1.0
    pdfium.FPDFTextObj_GetFontSize(drawn, ctypes.byref(size))
    angle = math.degrees(math.atan2(matrix.b, matrix.a))
    turn = round(angle / 90)
    askew = abs(angle - 90 * turn) > 8
    font = pdfium.FPDFTextObj_GetFont(drawn)
    key = ctypes.addressof(font.contents) if font else 0
    if key not in fonts:
        fonts[key] = _font(pdfium, font) if font else (False, False)
    height = abs(size.value) * math.hypot(matrix.c, matrix.d)
    return _Style(height if 0.1 < height < 10_000 else 1.0, -1 if askew else turn % 4, *fonts[key])


def _font(pdfium: Any, font: Any) -> tuple[bool, bool]:
    """Whether a font is bold, and whether all its letters are of one width."""
    name = _bytes(pdfium.FPDFFont_GetBaseFontName, font).lower()
    flags = pdfium.FPDFFont_GetFlags(font)
    bold = any(part in name for part in BOLD) or pdfium.FPDFFont_GetWeight(font) >= 600
    return bold, (flags > 0 and bool(flags & 1)) or any(part in name for part in MONOSPACED)


def _words(runs: list[_Run], sight: _Sight) -> list[Word]:
    """The words that run the way the page is read and stand on it."""
    words = []
    for run in runs:
        box = sight.box(*run.box)
        if run.style.turn == sight.turn and sight.shows(box):
            y = sight.point(*run.origin)[1]
            text = _composed(well_formed("".join(run.letters)))
            words.append(Word(text, box.x0, box.x1, y, run.style.size, run.style.bold, run.style.mono))
    return words


def _composed(text: str) -> str:
    """Letters and accents that were drawn one over the other, as one; an i under an accent has no dot."""
    return unicodedata.normalize("NFC", text.replace("ı", "i")) if ACCENT.search(text) else text


def _rules(pdfium: Any, page: Any, count: int, sight: _Sight) -> list[Box]:
    """The straight lines, and the sides of boxes, that run along or across the page."""
    rules: list[Box] = []
    sides = [ctypes.c_float() for _ in range(4)]
    into = [ctypes.byref(side) for side in sides]
    for index in range(count):
        drawn = pdfium.FPDFPage_GetObject(page, index)
        if pdfium.FPDFPageObj_GetType(drawn) != pdfium.FPDF_PAGEOBJ_PATH:
            continue
        if not pdfium.FPDFPageObj_GetBounds(drawn, *into):
            continue
        box = sight.box(*(side.value for side in sides))
        if min(box.x1 - box.x0, box.y1 - box.y0) <= THICKEST_RULE:
            rules.append(box)
        elif pdfium.FPDFPath_CountSegments(drawn) <= 5:
            rules += (Box(box.x0, y, box.x1, y) for y in (box.y0, box.y1))
            rules += (Box(x, box.y0, x, box.y1) for x in (box.x0, box.x1))
    return rules


def _add_annotations(pdfium: Any, document: Any, page: Any, sight: _Sight, found: Page) -> None:
    form = document.formenv.raw if document.formenv else None
    rect = pdfium.FS_RECTF()
    for index in range(max(pdfium.FPDFPage_GetAnnotCount(page), 0)):
        annotation = pdfium.FPDFPage_GetAnnot(page, index)
        if not annotation:
            continue
        try:
            hidden = pdfium.FPDFAnnot_GetFlags(annotation) & (
                pdfium.FPDF_ANNOT_FLAG_HIDDEN | pdfium.FPDF_ANNOT_FLAG_NOVIEW
            )
            if hidden or not pdfium.FPDFAnnot_GetRect(annotation, ctypes.byref(rect)):
                continue
            box = sight.box(rect.left, rect.bottom, rect.right, rect.top)
            kind = pdfium.FPDFAnnot_GetSubtype(annotation)
            if kind == pdfium.FPDF_ANNOT_WIDGET:
                if form and (filled := _field(pdfium, form, annotation, box)):
                    found.fields.append(filled)
            elif kind not in (pdfium.FPDF_ANNOT_LINK, pdfium.FPDF_ANNOT_POPUP):
                text = _wide(pdfium.FPDFAnnot_GetStringValue, annotation, b"Contents")
                if text:
                    found.notes.append(Note(box, text))
        finally:
            pdfium.FPDFPage_CloseAnnot(annotation)


def _field(pdfium: Any, form: Any, annotation: Any, box: Box) -> Field | None:
    """A field with its value; None where it is a button, has a secret, or is not filled in."""
    kind = pdfium.FPDFAnnot_GetFormFieldType(form, annotation)
    name = _wide(pdfium.FPDFAnnot_GetFormFieldAlternateName, form, annotation)
    name = name or _wide(pdfium.FPDFAnnot_GetFormFieldName, form, annotation)
    if kind == pdfium.FPDF_FORMFIELD_CHECKBOX:
        return Field(box, name, "yes" if pdfium.FPDFAnnot_IsChecked(form, annotation) else "no", mark=True)
    if kind == pdfium.FPDF_FORMFIELD_RADIOBUTTON:
        chosen = pdfium.FPDFAnnot_IsChecked(form, annotation)
        value = _wide(pdfium.FPDFAnnot_GetFormFieldExportValue, form, annotation) if chosen else ""
        return Field(box, name, value) if value else None
    secret = pdfium.FPDFAnnot_GetFormFieldFlags(form, annotation) & pdfium.FPDF_FORMFLAG_TEXT_PASSWORD
    if kind == pdfium.FPDF_FORMFIELD_TEXTFIELD and secret:
        return None
    value = ""
    if kind in (pdfium.FPDF_FORMFIELD_COMBOBOX, pdfium.FPDF_FORMFIELD_LISTBOX):
        options = range(max(pdfium.FPDFAnnot_GetOptionCount(form, annotation), 0))
        chosen_ones = (i for i in options if pdfium.FPDFAnnot_IsOptionSelected(form, annotation, i))
        value = ", ".join(_wide(pdfium.FPDFAnnot_GetOptionLabel, form, annotation, i) for i in chosen_ones)
    if kind in (pdfium.FPDF_FORMFIELD_COMBOBOX, pdfium.FPDF_FORMFIELD_LISTBOX, pdfium.FPDF_FORMFIELD_TEXTFIELD):
        value = value or _wide(pdfium.FPDFAnnot_GetFormFieldValue, form, annotation)
    return Field(box, name, value) if value else None


def _wide(function: Any, *arguments: Any) -> str:
    """What a function of pdfium writes as UTF-16, its white space put in order."""
    import pypdfium2.raw as pdfium

    size = function(*arguments, None, 0)
    if size <= 2:
        return ""
    buffer = ctypes.create_string_buffer(size)
    function(*arguments, ctypes.cast(buffer, ctypes.POINTER(pdfium.FPDF_WCHAR)), size)
    text = buffer.raw[: size - size % 2].decode("utf-16-le", "replace")
    return well_formed(" ".join(text.replace("\0", " ").split()))


def _bytes(function: Any, *arguments: Any) -> str:
    size = function(*arguments, None, 0)
    if size <= 1:
        return ""
    buffer = ctypes.create_string_buffer(size)
    function(*arguments, buffer, size)
    return bytes(buffer.value).decode("utf-8", "replace")
