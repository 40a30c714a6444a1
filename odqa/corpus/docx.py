"""Word files (.docx): paragraphs and tables in their order, sections by heading styles. Knows nothing of .doc.

The text is taken from the XML: python-docx leaves out what is in content controls and tracked insertions.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from odqa.corpus.base import ReadOptions, document_of, well_formed
from odqa.corpus.outline import Outline
from odqa.errors import DataError
from odqa.types import Document

WORD = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
FALLBACK = "{http://schemas.openxmlformats.org/markup-compatibility/2006}Fallback"  # The same again, for old Word.
PARAGRAPH, TABLE, ROW, CELL, TEXT = (WORD + name for name in ("p", "tbl", "tr", "tc", "t"))
SIGNS = {WORD + "tab": "\t", WORD + "br": "\n", WORD + "cr": "\n", WORD + "noBreakHyphen": "-"}
WRAPPERS = frozenset(WORD + name for name in ("sdt", "sdtContent", "ins", "moveTo", "customXml", "smartTag"))
REMOVED = frozenset((WORD + "del", WORD + "moveFrom", WORD + "pPr", WORD + "rPr", FALLBACK))
HEADING = re.compile(r"heading ([1-9])$", re.IGNORECASE)
CONTENTS = re.compile(r"toc (?:[1-9]|heading)$", re.IGNORECASE)  # The styles of a table of contents.
OLD_WORD = b"\xd0\xcf\x11\xe0"  # The container of .doc files and of encrypted .docx files.


def load(path: Path, options: ReadOptions) -> Iterator[Document]:
    """Read one file. Raises DataError for one that is empty, encrypted or broken."""
    document = _open(path)
    styles = _styles(document)
    outline = Outline()
    parts: list[str] = []
    length = 0
    name = ""
    for block in _blocks(document.element.body):
        is_table = block.tag == TABLE
        style = "" if is_table else _style_of(block, styles)
        text = well_formed(_table(block) if is_table else _text(block).strip())
        if not text or CONTENTS.match(style):
            continue
        if heading := HEADING.match(style):
            outline.heading(length, int(heading[1]), text)
        elif style == "Title" and not name:
            name = " ".join(text.split())
        parts.append(text + "\n\n")
        length += len(parts[-1])
    title = well_formed(" ".join((document.core_properties.title or "").split()))
    yield document_of(path, "".join(parts), title=name or title or outline.title, sections=outline.sections)


def _open(path: Path) -> Any:
    import docx

    with path.open("rb") as stream:
        start = stream.read(len(OLD_WORD))
    if not start:
        raise DataError("empty")
    if start == OLD_WORD:
        raise DataError("encrypted, or an old .doc file: save it as .docx without a password")
    try:
        return docx.Document(str(path))
    except Exception as error:  # zipfile's, lxml's and python-docx's own errors, as the damage has it.
        message = " ".join(str(error).split())[:200] or type(error).__name__
        raise DataError(f"broken .docx file ({message})") from None


def _blocks(parent: Any) -> Iterator[Any]:
    for child in parent.iterchildren():
        if child.tag in (PARAGRAPH, TABLE):
            yield child
        elif child.tag in WRAPPERS:
            yield from _blocks(child)


def _text(node: Any) -> str:
    return "".join(_pieces(node))


def _pieces(node: Any) -> Iterator[str]:
    for child in node.iterchildren():
        if child.tag == TEXT:
            yield child.text or ""
        elif child.tag in SIGNS:
            yield SIGNS[child.tag]
        elif child.tag not in REMOVED:
            yield from _pieces(child)
            if child.tag == PARAGRAPH:  # In a cell or a text box.
                yield "\n"


def _table(table: Any) -> str:
    """One line per row, its cells joined by " | "."""
    rows = (_children(row, CELL) for row in _children(table, ROW))
    lines = (" | ".join(" ".join(_text(cell).split()) for cell in row) for row in rows)
    return "\n".join(line.strip(" |") for line in lines if line.strip(" |"))


def _children(parent: Any, tag: str) -> Iterator[Any]:
    for child in parent.iterchildren():
        if child.tag == tag:
            yield child
        elif child.tag in WRAPPERS:
            yield from _children(child, tag)


def _styles(document: Any) -> dict[str, str]:
    """Style id -> style name; a custom style that is based on a heading style has the heading's name."""
    names: dict[str, str] = {}
    bases: dict[str, str] = {}
    for style in document.styles.element.iterchildren(WORD + "style"):
        key, name, base = style.get(WORD + "styleId"), style.find(WORD + "name"), style.find(WORD + "basedOn")
        names[key] = "" if name is None else name.get(WORD + "val", "")
        if base is not None:
            bases[key] = base.get(WORD + "val", "")

    def resolved(key: str) -> str:
        chain = [key]
        while (base := bases.get(chain[-1])) and base not in chain:
            chain.append(base)
        return next((names[k] for k in chain if HEADING.match(names.get(k, ""))), names[key])

    return {key: resolved(key) for key in names}


def _style_of(paragraph: Any, styles: dict[str, str]) -> str:
    style = paragraph.find(f"{WORD}pPr/{WORD}pStyle")
    return "" if style is None else styles.get(style.get(WORD + "val"), "")
