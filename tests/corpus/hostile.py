"""Writes files that are made to cost much: zip bombs, PDFs whose pages share their content, entities."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path

WORD = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
RELATIONS = "http://schemas.openxmlformats.org/package/2006/relationships"


def relations(**targets: str) -> str:
    """The XML that names the parts of a Word file by their kind."""
    each = (f'<Relationship Id="r{n}" Type="x/{kind}" Target="{to}"/>' for n, (kind, to) in enumerate(targets.items()))
    return f'<Relationships xmlns="{RELATIONS}">{"".join(each)}</Relationships>'


def word_xml(body: str, before: str = "") -> str:
    """The XML of a Word document with this body; ``before`` it may stand a DOCTYPE."""
    return f"{before}<w:document {WORD}><w:body>{body}</w:body></w:document>"


def paragraph(text: str) -> str:
    """The XML of a paragraph."""
    return f"<w:p><w:r><w:t>{text}</w:t></w:r></w:p>"


def write_word(path: Path, document: str, parts: Mapping[str, str | bytes] | None = None) -> Path:
    """A Word file of the document's XML, and of other parts by name."""
    parts = {
        "_rels/.rels": relations(officeDocument="word/document.xml"),
        "word/document.xml": document,
        **(parts or {}),
    }
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return path


def write_styled(path: Path, document: str, styles: str) -> Path:
    """A Word file with this XML of its styles."""
    parts = {
        "word/_rels/document.xml.rels": relations(styles="styles.xml"),
        "word/styles.xml": f"<w:styles {WORD}>{styles}</w:styles>",
    }
    return write_word(path, document, parts)


def pdf(objects: list[bytes]) -> bytes:
    """A PDF of numbered objects, the first of which is the root."""
    content, offsets = b"%PDF-1.7\n", []
    for number, body in enumerate(objects, 1):
        offsets.append(len(content))
        content += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    table = b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    end = (len(objects) + 1, table, len(objects) + 1, len(content))
    return content + b"xref\n0 %d\n0000000000 65535 f \n%strailer <</Size %d/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF" % end


def pdf_of_shared_pages(pages: int, text: bytes) -> bytes:
    """A PDF of many pages that share one packed content."""
    packed = zlib.compress(b"BT /F 12 Tf 10 700 Td (%s) Tj ET" % text)
    kids = b" ".join(b"%d 0 R" % (5 + number) for number in range(pages))
    page = b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 99999 800]/Resources<</Font<</F 3 0 R>>>>/Contents 4 0 R>>"
    return pdf(
        [
            b"<</Type/Catalog/Pages 2 0 R>>",
            b"<</Type/Pages/Count %d/Kids[%s]>>" % (pages, kids),
            b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
            b"<</Length %d/Filter/FlateDecode>>stream\n%s\nendstream" % (len(packed), packed),
            *[page] * pages,
        ]
    )
