"""Writes small PDF and Word files for the tests to read back, and reads whatever is there."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from odqa.corpus import Unusable, find_files, read_file
from odqa.corpus.base import OpenFile
from odqa.corpus.load import load
from odqa.files import open_regular
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


def loaded(path: Path) -> list[Document | Unusable]:
    """What the loader gives for a file, read in this process and not by the worker."""
    with open_regular(path) as stream:
        return list(load(OpenFile(path, stream)))


def the_document(path: Path) -> Document:
    """The one Document of a file, of which nothing is told."""
    (document,) = loaded(path)
    assert isinstance(document, Document)
    return document


def blocks_of(document: Document) -> list[tuple[str, str]]:
    """The kind and the text of each block, which lie in their order with white space alone between them."""
    end = 0
    for block in document.blocks:
        assert document.text[end : block.start].strip() == ""
        assert end <= block.start < block.end <= len(document.text)
        end = block.end
    assert document.text[end:].strip() == ""
    return [(block.kind.value, document.text[block.start : block.end]) for block in document.blocks]


def labels_of(document: Document) -> dict[str, tuple[str, ...]]:
    """The labels of each row that has some, by its text."""
    return {document.text[block.start : block.end]: block.labels for block in document.blocks if block.labels}


def write_parts(path: Path, parts: Mapping[str, str | bytes]) -> Path:
    """A zip file of these parts."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return path
