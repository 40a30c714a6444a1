"""Word files (.docx) -> paragraphs and tables in their order, with sections by heading styles. No .doc files.

Text, styles and title are taken from the XML of their three parts, and no other part is unpacked. (python-docx unpacks
all of them, whatever their size, and leaves out content controls and tracked insertions.)
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Container, Iterator
from typing import Any

from odqa.corpus.base import OpenFile, Unusable, document_of, source_of, well_formed
from odqa.corpus.outline import Outline
from odqa.corpus.unpacking import Package
from odqa.errors import DataError
from odqa.types import Document

WORD = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
FALLBACK = "{http://schemas.openxmlformats.org/markup-compatibility/2006}Fallback"  # The same again, for old versions.
PARAGRAPH, TABLE, ROW, CELL, TEXT = (WORD + name for name in ("p", "tbl", "tr", "tc", "t"))
SIGNS = {WORD + "tab": "\t", WORD + "br": "\n", WORD + "cr": "\n", WORD + "noBreakHyphen": "-"}
WRAPPERS = frozenset(WORD + name for name in ("sdt", "sdtContent", "ins", "moveTo", "customXml", "smartTag"))
REMOVED = frozenset((WORD + "del", WORD + "moveFrom", WORD + "pPr", WORD + "rPr", FALLBACK))
HEADING = re.compile(r"heading ?([1-9])$", re.IGNORECASE)
CONTENTS = re.compile(r"toc (?:[1-9]|heading)$", re.IGNORECASE)  # The styles of a table of contents.
TITLE = "{http://purl.org/dc/elements/1.1/}title"
OLD_WORD = b"\xd0\xcf\x11\xe0"  # The container of .doc files and of encrypted .docx files.


def load(file: OpenFile) -> Iterator[Document | Unusable]:
    """Read one file. Raises DataError for one that is empty, encrypted, broken or larger than the limits.

    References to entities, which no Word file needs, are left out, and this is told.
    """
    document, styles, title = _open(file)
    outline = Outline()
    parts: list[str] = []
    length = 0
    name = ""
    for block in _unwrapped(document, (PARAGRAPH, TABLE)):
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
    yield document_of(file.path, "".join(parts), title=name or title or outline.title, sections=outline.sections)
    if entities := _entities(document):
        yield Unusable(source_of(file.path), f"{entities:,} references to entities are left out; the rest is used")


def _open(file: OpenFile) -> tuple[Any, dict[str, str], str]:
    """The body, the names of the styles, and the title among the properties."""
    start = file.stream.read(len(OLD_WORD))
    if not start:
        raise DataError("empty")
    if start == OLD_WORD:
        raise DataError("encrypted, or an old .doc file: save it as .docx without a password")
    try:
        package = Package(file)
        of_package = _related(package, "")
        main = of_package["officeDocument"]
        root, styles = _part(package, main), _related(package, main).get("styles", "")
        properties = of_package.get("core-properties", "")
        title = _part(package, properties).findtext(TITLE) if properties in package else ""
        names = _styles(_part(package, styles)) if styles in package else {}
    except (DataError, MemoryError):
        raise
    except Exception as error:  # zipfile's, zlib's or lxml's own errors, depending on the damage.
        message = " ".join(str(error).split())[:200] or type(error).__name__
        raise DataError(f"broken .docx file ({message})") from None
    body = root.find(WORD + "body")
    if body is None:
        raise DataError("not a Word document, whatever its name says")
    return body, names, well_formed(" ".join((title or "").split()))


def _part(package: Package, name: str) -> Any:
    """The root of a part. No entity is replaced by its text, and nothing is fetched."""
    from lxml import etree

    parser = etree.XMLParser(remove_blank_text=True, resolve_entities=False, no_network=True, load_dtd=False)
    return etree.fromstring(package.read(name), parser)


def _related(package: Package, name: str) -> dict[str, str]:
    """The parts that a part names, or the package if the name is empty, by the last word of their kind."""
    folder, file = posixpath.split(name)
    relations = posixpath.join(folder, "_rels", f"{file}.rels")
    if relations not in package:
        return {}
    found: dict[str, str] = {}
    for relation in _part(package, relations).iterchildren("{*}Relationship"):
        target = posixpath.normpath(posixpath.join("/", folder, relation.get("Target", ""))).lstrip("/")
        found.setdefault(relation.get("Type", "").rpartition("/")[2], target)
    return found


def _unwrapped(parent: Any, tags: Container[str]) -> Iterator[Any]:
    """The children with one of the tags, also inside controls and the like, in their order."""
    stack = [parent.iterchildren()]
    while stack:
        child = next(stack[-1], None)
        if child is None:
            stack.pop()
        elif child.tag in tags:
            yield child
        elif child.tag in WRAPPERS:
            stack.append(child.iterchildren())


def _text(node: Any) -> str:
    return "".join(_pieces(node))


def _pieces(node: Any) -> Iterator[str]:
    stack = [("", node.iterchildren())]
    while stack:
        tag, children = stack[-1]
        child = next(children, None)
        if child is None:
            stack.pop()
            if tag == PARAGRAPH:  # In a cell or a text box.
                yield "\n"
        elif child.tag == TEXT:
            yield child.text or ""
            yield from (inner.tail or "" for inner in child)  # After a comment, or an entity, which says nothing.
        elif child.tag in SIGNS:
            yield SIGNS[child.tag]
        elif child.tag not in REMOVED:
            stack.append((child.tag, child.iterchildren()))


def _entities(root: Any) -> int:
    from lxml import etree

    return sum(1 for _ in root.iter(etree.Entity))


def _table(table: Any) -> str:
    """One line per row, its cells joined by " | "."""
    rows = (_unwrapped(row, (CELL,)) for row in _unwrapped(table, (ROW,)))
    lines = (" | ".join(" ".join(_text(cell).split()) for cell in row) for row in rows)
    return "\n".join(line.strip(" |") for line in lines if line.strip(" |"))


def _styles(root: Any) -> dict[str, str]:
    """Style id -> style name; a custom style based on a heading style gets the heading's name."""
    names: dict[str, str] = {}
    bases: dict[str, str] = {}
    for style in root.iterchildren(WORD + "style"):
        key, name, base = style.get(WORD + "styleId", ""), style.find(WORD + "name"), style.find(WORD + "basedOn")
        names[key] = "" if name is None else name.get(WORD + "val", "")
        if base is not None:
            bases[key] = base.get(WORD + "val", "")
    headings: dict[str, str] = {}  # Empty for a style that is not based on a heading.
    for key in names:
        chain: dict[str, None] = {}
        at = key
        while at in names and at not in headings and at not in chain and not HEADING.match(names[at]):
            chain[at] = None
            at = bases.get(at, "")
        heading = headings.get(at) or (names[at] if HEADING.match(names.get(at, "")) else "")
        headings.update(dict.fromkeys((*chain, at), heading))
    return {key: headings[key] or name for key, name in names.items()}


def _style_of(paragraph: Any, styles: dict[str, str]) -> str:
    style = paragraph.find(f"{WORD}pPr/{WORD}pStyle")
    if style is None:
        return ""
    key = style.get(WORD + "val", "")
    return styles.get(key, "" if styles else key)  # A file without a part for its styles has the usual ones.
