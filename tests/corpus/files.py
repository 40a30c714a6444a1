"""Writes small PDF and Word files for the tests to read back, and reads whatever is there."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from odqa.corpus import Unusable, find_files, read_file
from odqa.types import Document


def read_all(*paths: Path) -> Iterator[Document | Unusable]:
    """What every file under ``paths`` gives."""
    return (found for file in find_files(paths) for found in read_file(file))


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
    """Put something else in the place of a page (pages count from 1)."""
    from pypdf import PdfWriter
    from pypdf.generic import NullObject

    writer = PdfWriter(clone_from=str(path))
    kids = writer._pages.get_object()["/Kids"]  # type: ignore[union-attr,index]
    kids[number - 1] = NullObject()
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
