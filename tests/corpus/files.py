"""Writes small PDF and Word files for the tests to read back, and reads whatever is there."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from odqa.corpus import Unusable, find_files, read_file
from odqa.types import Document


def read_all(*paths: Path) -> Iterator[Document | Unusable]:
    """What every file under ``paths`` gives."""
    found = find_files(paths)
    yield from (each for file in found.files for each in read_file(file))
    yield from found.unusable


def write_pdf(path: Path, pages: Sequence[str], title: str | None = None, password: str | None = None) -> Path:
    """One page for each text; ``password`` (it may be empty) encrypts the file."""
    from fpdf import FPDF

    pdf = FPDF()
    if title:
        pdf.set_title(title)
    if password is not None:
        pdf.set_encryption(owner_password="owner", user_password=password)
    pdf.set_font("helvetica", size=12)
    for text in pages:
        pdf.add_page()
        if text:
            pdf.multi_cell(0, text=text)
    pdf.output(str(path))
    return path


def break_page(path: Path, number: int) -> None:
    """Pack a page's content (pages count from 1) in a way that no reader can unpack."""
    from pypdf import PdfWriter
    from pypdf.generic import DecodedStreamObject, NameObject

    writer = PdfWriter(clone_from=str(path))
    content = DecodedStreamObject()
    content.set_data(b"BT (Lost.) Tj ET")
    content[NameObject("/Filter")] = NameObject("/Nonsense")
    writer.pages[number - 1][NameObject("/Contents")] = writer._add_object(content)
    writer.write(str(path))


def write_docx(path: Path, paragraphs: Sequence[tuple[str, str | None]], title: str = "") -> Path:
    """One paragraph for each (text, style name)."""
    import docx

    document = docx.Document()
    document.core_properties.title = title
    for text, style in paragraphs:
        document.add_paragraph(text, style)
    document.save(str(path))
    return path
