"""The parts of Microsoft's Office files -> their XML, and which part names which. Knows no kind of them."""

from __future__ import annotations

import posixpath
from dataclasses import dataclass
from typing import Any

from odqa.corpus.base import well_formed
from odqa.corpus.unpacking import Package, parsed

RELATION = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}"
MATH = "{http://schemas.openxmlformats.org/officeDocument/2006/math}"
COMPATIBILITY = "{http://schemas.openxmlformats.org/markup-compatibility/2006}"
ALTERNATIVES, CHOICE, FALLBACK = (COMPATIBILITY + name for name in ("AlternateContent", "Choice", "Fallback"))
TITLE = "{http://purl.org/dc/elements/1.1/}title"
OFF = ("0", "false", "off", "none")
# Files that are saved as "strict" call the same things by other names.
STRICT = (
    (b"http://purl.oclc.org/ooxml/officeDocument/", b"http://schemas.openxmlformats.org/officeDocument/2006/"),
    *(
        (
            f"http://purl.oclc.org/ooxml/{name}/main".encode(),
            f"http://schemas.openxmlformats.org/{name}/2006/main".encode(),
        )
        for name in ("wordprocessingml", "spreadsheetml", "presentationml", "drawingml")
    ),
)


@dataclass(frozen=True, slots=True)
class Relations:
    """The parts that a part names: by the last word of their kind, the first of each, and by their ids."""

    kinds: dict[str, str]
    ids: dict[str, str]


def xml(package: Package, name: str) -> Any:
    """The root element of a part. Raises as ``Package.xml`` does."""
    markup = package.read(name)
    if b"purl.oclc.org" in markup:
        for strict, usual in STRICT:
            markup = markup.replace(strict, usual)
    return parsed(markup)


def related(package: Package, name: str = "") -> Relations:
    """What a part names, or the package itself if the name is empty. Raises as ``Package.xml`` does."""
    folder, file = posixpath.split(name)
    relations = posixpath.join(folder, "_rels", f"{file}.rels")
    kinds: dict[str, str] = {}
    ids: dict[str, str] = {}
    if relations in package:
        for relation in package.xml(relations).iterchildren("{*}Relationship"):
            if relation.get("TargetMode") == "External":
                continue
            target = posixpath.normpath(posixpath.join("/", folder, relation.get("Target", ""))).lstrip("/")
            kinds.setdefault(relation.get("Type", "").rpartition("/")[2], target)
            ids[relation.get("Id", "")] = target
    return Relations(kinds, ids)


def title_of(package: Package) -> str:
    """The title among the properties of a file; empty without one."""
    name = related(package).kinds.get("core-properties", "")
    title = package.xml(name).findtext(TITLE) if name in package else ""
    return well_formed(" ".join((title or "").split()))


def is_on(element: Any, attribute: str) -> bool:
    """Whether an element that switches something on is there, and is not told to switch it off."""
    return element is not None and element.get(attribute, "1") not in OFF


def chosen(alternatives: Any) -> Any:
    """Of several versions of the same content the one to read, None without one."""
    choice = next(alternatives.iterchildren(CHOICE), None)
    return next(alternatives.iterchildren(FALLBACK), None) if choice is None else choice
