"""Writes small PDFs letter by letter: text at places, rules, fields of forms, annotations, bookmarks."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from odqa.corpus.base import OpenFile
from odqa.corpus.load import load
from odqa.files import open_regular
from odqa.types import Document
from tests.corpus.hostile import pdf

FONTS = {"F": b"Helvetica", "B": b"Helvetica-Bold", "C": b"Courier"}
WIDTH, HEIGHT = 600, 800


def text(x: float, y: float, words: str, size: float = 12, font: str = "F", turn: str = "1 0 0 1") -> bytes:
    """Draw words that begin at a place, counted from the upper left corner."""
    escaped = words.replace("\\", r"\\").replace("(", r"\(").replace(")", r"\)").encode("cp1252")
    return b"BT /%s %g Tf %s %g %g Tm (%s) Tj ET" % (font.encode(), size, turn.encode(), x, HEIGHT - y, escaped)


def paragraph(x: float, y: float, lines: Sequence[str], step: float = 14, **kind: float) -> list[bytes]:
    """Draw lines below one another."""
    return [text(x, y + number * step, line, **kind) for number, line in enumerate(lines)]  # type: ignore[arg-type]


def rule(x0: float, x1: float, y: float) -> bytes:
    """Draw a line across."""
    return b"%g %g m %g %g l S" % (x0, HEIGHT - y, x1, HEIGHT - y)


def upright(x: float, y0: float, y1: float) -> bytes:
    """Draw a line down."""
    return b"%g %g m %g %g l S" % (x, HEIGHT - y0, x, HEIGHT - y1)


def annotation(y: float, entries: bytes, x0: float = 150, x1: float = 350) -> bytes:
    """An annotation or a field, ``y`` its lower side."""
    return b"<</Type/Annot/Rect[%g %g %g %g]%s>>" % (x0, HEIGHT - y - 4, x1, HEIGHT - y + 16, entries)


def write(
    path: Path,
    pages: Sequence[Sequence[bytes]],
    annotations: Sequence[bytes] = (),
    bookmarks: Sequence[tuple[str, int]] = (),
    title: str = "",
) -> Path:
    """A PDF of pages, each of what is drawn on it; annotations are on the first, bookmarks name pages from 0."""
    first_page = 4 + len(FONTS)
    first_extra = first_page + 2 * len(pages)
    marks = first_extra + len(annotations)
    listed = b" ".join(b"%d 0 R" % (first_extra + number) for number in range(len(annotations)))
    fonts = b"".join(b"/%s %d 0 R" % (name.encode(), 4 + at) for at, name in enumerate(FONTS))
    kids = b" ".join(b"%d 0 R" % (first_page + 2 * number) for number in range(len(pages)))
    outline = b"/Outlines %d 0 R" % marks if bookmarks else b""
    objects = [
        b"<</Type/Catalog/Pages 2 0 R/AcroForm<</Fields[%s]/DA(/F 12 Tf)>>%s>>" % (listed, outline),
        b"<</Type/Pages/Count %d/Kids[%s]/MediaBox[0 0 %d %d]>>" % (len(pages), kids, WIDTH, HEIGHT),
        b"<</Title(%s)>>" % title.encode(),
        *(b"<</Type/Font/Subtype/Type1/BaseFont/%s/Encoding/WinAnsiEncoding>>" % name for name in FONTS.values()),
    ]
    for number, drawn in enumerate(pages):
        content = b"\n".join(drawn)
        notes = b"/Annots[%s]" % listed if not number else b""
        objects += (
            b"<</Type/Page/Parent 2 0 R/Resources<</Font<<%s>>>>/Contents %d 0 R%s>>"
            % (fonts, first_page + 2 * number + 1, notes),
            b"<</Length %d>>stream\n%s\nendstream" % (len(content), content),
        )
    objects += annotations
    if bookmarks:
        last = marks + len(bookmarks)
        objects.append(b"<</First %d 0 R/Last %d 0 R/Count %d>>" % (marks + 1, last, len(bookmarks)))
        for at, (name, page) in enumerate(bookmarks, start=marks + 1):
            following = b"/Next %d 0 R" % (at + 1) if at < last else b""
            objects.append(
                b"<</Title(%s)/Parent %d 0 R/Dest[%d 0 R/Fit]%s>>"
                % (name.encode(), marks, first_page + 2 * page, following)
            )
    path.write_bytes(pdf(objects).replace(b"/Root 1 0 R", b"/Root 1 0 R/Info 3 0 R"))
    return path


def read(path: Path) -> Document:
    """The one document of a PDF, with its blocks."""
    with open_regular(path) as stream:
        (document,) = load(OpenFile(path, stream))
    assert isinstance(document, Document)
    return document


def blocks(path: Path) -> list[tuple[str, str]]:
    """(kind, text) of each block of a PDF."""
    document = read(path)
    return [(block.kind.value, document.text[block.start : block.end]) for block in document.blocks]
