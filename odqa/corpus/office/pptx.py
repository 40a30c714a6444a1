"""PowerPoint files (.pptx, .pptm, .ppsx) -> a section and page a slide, with tables, diagrams and speaker's notes.

Slides stand in the order in which they are shown; hidden ones count as pages and are not read. Nor are the numbers of
slides, dates of today, charts, comments, and what stands on the masters of slides.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from odqa.corpus.base import OpenFile, document_of, shortened, well_formed
from odqa.corpus.composer import Composer
from odqa.corpus.office.math import formula, power_sign
from odqa.corpus.office.ooxml import ALTERNATIVES, MATH, OFF, RELATION, Relations, chosen, related, title_of, xml
from odqa.corpus.office.symbols import without_private
from odqa.corpus.office.tables import repeated, write_table
from odqa.corpus.unpacking import Package, unpacked
from odqa.errors import DataError
from odqa.types import BlockKind, Document, Section

SLIDES = "{http://schemas.openxmlformats.org/presentationml/2006/main}"
DRAWING = "{http://schemas.openxmlformats.org/drawingml/2006/main}"
DIAGRAM = "{http://schemas.openxmlformats.org/drawingml/2006/diagram}"
PARAGRAPH, RUN, TABLE, ROW, CELL = (DRAWING + name for name in ("p", "r", "tbl", "tr", "tc"))
SHAPE, FRAME, GROUP = (SLIDES + name for name in ("sp", "graphicFrame", "grpSp"))
TITLES = frozenset(("title", "ctrTitle"))
OF_THE_DAY = frozenset(("dt", "sldNum", "sldImg"))  # Placeholders whose text is made anew, and the slide itself.
MARGINS = frozenset(("hdr", "ftr"))
BULLETED = frozenset(("body", "obj"))
BULLETS = tuple(DRAWING + name for name in ("buChar", "buAutoNum", "buBlip"))


def load(file: OpenFile) -> Iterator[Document]:
    """Read one file. Raises DataError for one that is empty, encrypted, broken or larger than the limits."""
    with unpacked(file) as package:
        reader = _Reader(package)
        title = title_of(package) or next((name for name in reader.titles if name), "")
    composer = reader.composer
    if not composer.blocks:
        raise DataError("empty: no text on its slides")
    yield document_of(file.path, composer.text, title=title, sections=tuple(reader.sections), blocks=composer.blocks)


class _Reader:
    """What has been read of a file: the composer holds it, and the sections beside it know the slides."""

    def __init__(self, package: Package) -> None:
        self.composer = Composer(package.check_length)
        self.sections: list[Section] = []
        self.titles: list[str] = []
        self._package = package
        self._margins: set[str] = set()
        main = related(package).kinds["officeDocument"]
        names = related(package, main).ids
        root = xml(package, main)
        if root.tag != SLIDES + "presentation":
            raise DataError("not a PowerPoint file, whatever its name says")
        for number, slide in enumerate(root.iterfind(f"{SLIDES}sldIdLst/{SLIDES}sldId"), start=1):
            name = names.get(slide.get(RELATION + "id", ""), "")
            if name in package:
                self._slide(number, name)

    def _slide(self, number: int, name: str) -> None:
        root = xml(self._package, name)
        if root.get("show", "1") in OFF:
            return
        relations = related(self._package, name)
        shapes = list(_shapes(root))
        title = " ".join(" ".join(_text(shape) for shape in shapes if _placeholder(shape) in TITLES).split())
        self.titles.append(title)
        self.sections.append(Section(self.composer.length, (shortened(well_formed(title)),) if title else (), number))
        self.composer.block(title, BlockKind.HEADING)
        for shape in shapes:
            if _placeholder(shape) not in TITLES:
                self._shape(shape, relations)
        notes = relations.kinds.get("notesSlide", "")
        if notes in self._package:
            for shape in _shapes(xml(self._package, notes)):
                if _placeholder(shape) == "body":
                    self._paragraphs(shape, BlockKind.NOTE)

    def _shape(self, shape: Any, relations: Relations) -> None:
        kind = _placeholder(shape)
        if kind in OF_THE_DAY:
            return
        if kind in MARGINS:
            text = _text(shape).strip()
            if text not in self._margins:
                self._margins.add(text)
                self.composer.block(text, BlockKind.NOTE)
        elif shape.tag == SHAPE:
            self._paragraphs(shape)
        else:
            for table in shape.iter(TABLE):
                look = table.find(DRAWING + "tblPr")
                guess = look is not None and look.get("firstRow", "0") not in OFF
                write_table(self.composer, _rows(table), guess=guess)
            for diagram in shape.iter(DIAGRAM + "relIds"):
                self._diagram(relations.ids.get(diagram.get(RELATION + "dm", ""), ""))

    def _paragraphs(self, shape: Any, kind: BlockKind | None = None) -> None:
        bulleted = _placeholder(shape) in BULLETED
        for paragraph in shape.iter(PARAGRAPH):
            is_item = _has_bullet(paragraph, bulleted)
            self.composer.block(_line(paragraph), kind or (BlockKind.ITEM if is_item else BlockKind.PARAGRAPH))

    def _diagram(self, name: str) -> None:
        if name in self._package:
            for paragraph in xml(self._package, name).iter(PARAGRAPH):
                self.composer.block(_line(paragraph), BlockKind.ITEM)


def _shapes(root: Any) -> Iterator[Any]:
    """The shapes and frames that are shown, also those in groups, from the back to the front."""
    tree = root.find(f"{SLIDES}cSld/{SLIDES}spTree")
    stack = [iter(()) if tree is None else tree.iterchildren()]
    while stack:
        child = next(stack[-1], None)
        if child is None:
            stack.pop()
        elif child.tag == GROUP:
            stack.append(child.iterchildren())
        elif child.tag == ALTERNATIVES and (choice := chosen(child)) is not None:
            stack.append(choice.iterchildren())
        elif child.tag in (SHAPE, FRAME):
            properties = child.find(f"{{*}}nv{'Sp' if child.tag == SHAPE else 'GraphicFrame'}Pr/{{*}}cNvPr")
            if properties is None or properties.get("hidden", "0") in OFF:
                yield child


def _placeholder(shape: Any) -> str:
    """The kind of place that a shape fills, ``obj`` where it does not say which; empty for a shape of its own."""
    place = shape.find(f"{SLIDES}nvSpPr/{SLIDES}nvPr/{SLIDES}ph")
    return "" if place is None else str(place.get("type", "obj"))


def _has_bullet(paragraph: Any, bulleted: bool) -> bool:
    properties = paragraph.find(DRAWING + "pPr")
    if properties is None:
        return bulleted
    if any(properties.find(bullet) is not None for bullet in BULLETS):
        return True
    return bulleted and properties.find(DRAWING + "buNone") is None


def _text(shape: Any) -> str:
    return "\n".join(_line(paragraph) for paragraph in shape.iter(PARAGRAPH))


def _line(paragraph: Any) -> str:
    """The text of a paragraph, with the breaks of its lines."""
    parts: list[str] = []
    raised = False
    stack = [paragraph.iterchildren()]
    while stack:
        child = next(stack[-1], None)
        if child is None:
            stack.pop()
        elif child.tag == RUN:
            was_raised, raised = raised, _is_raised(child)
            text = child.findtext(DRAWING + "t") or ""
            if raised and not was_raised:
                parts.append(power_sign(parts[-1] if parts else "", text))
            parts.append(without_private(text, _font(child)))
        elif child.tag == DRAWING + "br":
            parts.append("\n")
        elif child.tag == DRAWING + "fld":
            if not child.get("type", "").startswith(("slidenum", "datetime")):
                parts.append(child.findtext(DRAWING + "t") or "")
        elif child.tag in (MATH + "oMath", MATH + "oMathPara"):
            parts.append(formula(child))
        elif child.tag == ALTERNATIVES and (choice := chosen(child)) is not None:
            stack.append(choice.iterchildren())
        elif isinstance(child.tag, str) and child.tag.endswith("}m"):  # What holds an equation.
            stack.append(child.iterchildren())
    return "".join(parts)


def _is_raised(run: Any) -> bool:
    properties = run.find(DRAWING + "rPr")
    baseline = "0" if properties is None else properties.get("baseline", "0")
    return bool(baseline.rstrip("%").strip("0")) and not baseline.startswith("-")


def _font(run: Any) -> str:
    for name in ("sym", "latin"):
        font = run.find(f"{DRAWING}rPr/{DRAWING}{name}")
        if font is not None:
            return str(font.get("typeface", ""))
    return ""


def _rows(table: Any) -> list[list[str]]:
    """The cells of each row, merged ones repeated."""
    rows: list[list[str]] = []
    for row in table.iterchildren(ROW):
        cells: list[str] = []
        for cell in row.iterchildren(CELL):
            if cell.get("hMerge", "0") not in OFF and cells:
                cells.append(repeated(cells[-1]))
            elif cell.get("vMerge", "0") not in OFF and rows and len(cells) < len(rows[-1]):
                cells.append(repeated(rows[-1][len(cells)]))
            else:
                cells.append(" ".join(_text(cell).split()))
        rows.append(cells)
    return rows
