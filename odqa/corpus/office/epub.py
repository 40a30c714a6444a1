"""E-books (.epub) -> the pages of the book in reading order, each read as a web page. The contents are left out."""

from __future__ import annotations

import io
import posixpath
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, cast
from urllib.parse import unquote, urldefrag

from odqa.corpus.base import OpenFile, document_of, well_formed
from odqa.corpus.html import load as html
from odqa.corpus.unpacking import Package, unpacked
from odqa.errors import DataError
from odqa.types import Block, Document, Section

CONTAINER = "META-INF/container.xml"
ENCRYPTION = "META-INF/encryption.xml"
PAGES = frozenset(("application/xhtml+xml", "text/html"))
TITLE = "{http://purl.org/dc/elements/1.1/}title"
BETWEEN = "\n\n"


def load(file: OpenFile) -> Iterator[Document]:
    """Read one file. Raises DataError for one that is empty, encrypted, broken or larger than the limits."""
    texts: list[str] = []
    sections: list[Section] = []
    blocks: list[Block] = []
    length = 0
    with unpacked(file) as package:
        title, names = _spine(package)
        for name in names:
            page = _page(package, name, file)
            if page is None:
                continue
            if not page.sections or page.sections[0].start:
                sections.append(Section(length))  # So that the headings of the page before end with it.
            sections += (replace(each, start=each.start + length) for each in page.sections)
            blocks += (replace(each, start=each.start + length, end=each.end + length) for each in page.blocks)
            texts += (page.text, BETWEEN)
            length += len(page.text) + len(BETWEEN)
            package.check_length(length)
    if not texts:
        raise DataError("empty: no text in the book")
    yield document_of(file.path, "".join(texts), title=title, sections=tuple(sections), blocks=tuple(blocks))


def _page(package: Package, name: str, file: OpenFile) -> Document | None:
    """A page of the book; None where it has no text, as a cover has none."""
    stream = cast(io.BufferedReader, io.BytesIO(package.read(name)))  # Loaders only read and seek.
    try:
        return next(
            item for item in html.load(replace(file, path=Path(name), stream=stream)) if isinstance(item, Document)
        )
    except DataError as error:
        if "empty" in str(error):
            return None
        raise


def _spine(package: Package) -> tuple[str, list[str]]:
    """The title of the book, and the names of its pages in reading order, each once, without its contents."""
    rootfile = package.xml(CONTAINER).find("{*}rootfiles/{*}rootfile")
    if rootfile is None:
        raise DataError("not an e-book, whatever its name says")
    main = rootfile.get("full-path", "")
    root = package.xml(main)
    folder = posixpath.dirname(main)
    contents = {_target(folder, each) for each in root.iterfind("{*}guide/{*}reference[@type='toc']")}
    items: dict[str, str] = {}
    for item in root.iterfind("{*}manifest/{*}item"):
        name = _target(folder, item)
        is_contents = "nav" in item.get("properties", "").split() or name in contents
        if item.get("media-type") in PAGES and not is_contents:
            items[item.get("id", "")] = name
    names = [items.get(each.get("idref", ""), "") for each in root.iterfind("{*}spine/{*}itemref")]
    found = list(dict.fromkeys(name for name in names if name in package))
    locked = _encrypted(package)
    if any(name in locked for name in found):
        raise DataError("protected against copying: only the program that it was bought for can open it")
    return well_formed(" ".join((root.findtext(f"{{*}}metadata/{TITLE}") or "").split())), found


def _target(folder: str, element: Any) -> str:
    path = unquote(urldefrag(element.get("href", "")).url)
    return posixpath.normpath(posixpath.join("/", folder, path)).lstrip("/")


def _encrypted(package: Package) -> set[str]:
    """The parts that are encrypted; fonts are in many free books too."""
    if ENCRYPTION not in package:
        return set()
    return {unquote(each.get("URI", "")) for each in package.xml(ENCRYPTION).iter("{*}CipherReference")}
