"""The styles of a Word file -> what a paragraph in each of them is, and whether its text is hidden."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Any

from odqa.corpus.office.ooxml import is_on

WORD = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
VALUE = WORD + "val"
BODY_LEVEL = 9  # The outline level of what is no heading.
# Word writes the names of its own styles in English, whatever it shows. A file without styles has their ids.
ROLES = (
    (re.compile(r"heading ?[1-9]$", re.IGNORECASE), "heading"),
    (
        re.compile(r"(toc|index|contents|user index) ?([1-9]|heading)$|to[af] heading$|table of ", re.IGNORECASE),
        "contents",
    ),
    (re.compile(r"title$", re.IGNORECASE), "title"),
    (re.compile(r"caption$", re.IGNORECASE), "caption"),
    (re.compile(r"(html )?preformatted|source ?code|code( block)?$|verbatim|macro ?(text)?$", re.IGNORECASE), "code"),
    (re.compile(r"definition term$", re.IGNORECASE), "term"),
)
LIST = re.compile(r"list ?(bullet|number)?( ?[1-9])?$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Style:
    """What a paragraph is: its role (one of ROLES, or empty), its level if it is a heading, whether it is an item."""

    role: str = ""
    level: int = 0
    item: bool | None = None
    hidden: bool | None = None

    def on(self, base: Style) -> Style:
        """The style itself where it is made from another one."""
        return Style(
            self.role or base.role,
            self.level if self.role else base.level,
            base.item if self.item is None else self.item,
            base.hidden if self.hidden is None else self.hidden,
        )


class Styles:
    """The styles by their ids; ``root`` is the part that holds them, None for a file without one."""

    def __init__(self, root: Any = None) -> None:
        self._known = root is not None
        self._styles: dict[str, Style] = {}
        self._usual = Style()
        if self._known:
            own, bases = self._own(root)
            self._resolve(own, bases)

    def of(self, key: str) -> Style:
        """The style with this id; an empty id is that of a paragraph which names none."""
        if not key:
            return self._usual
        return self._styles.get(key, Style()) if self._known else _named(key)

    def of_paragraph(self, paragraph: Any) -> Style:
        """The style of a paragraph, and what its own properties change."""
        properties = paragraph.find(WORD + "pPr")
        if properties is None:
            return self._usual
        style = self.of(_value(properties, "pStyle"))
        item = _item(properties)
        if item is not None:
            style = replace(style, item=item)
        level = _value(properties, "outlineLvl")
        if level and style.role in ("", "heading"):
            number = _level(level)
            style = replace(style, role="heading" if number else "", level=number)
        return style

    def _own(self, root: Any) -> tuple[dict[str, Style], dict[str, str]]:
        own: dict[str, Style] = {}
        bases: dict[str, str] = {}
        for style in root.iterchildren(WORD + "style"):
            key = style.get(WORD + "styleId", "")
            own[key] = _own(style)
            bases[key] = _value(style, "basedOn")
            if style.get(WORD + "default") in ("1", "true") and style.get(WORD + "type") == "paragraph":
                self._usual = own[key]
        return own, bases

    def _resolve(self, own: dict[str, Style], bases: dict[str, str]) -> None:
        for key in own:
            chain: dict[str, None] = {}  # In the order from the style to what it is made from; a circle ends it.
            at = key
            while at in own and at not in self._styles and at not in chain:
                chain[at] = None
                at = bases[at]
            style = self._styles.get(at, Style())
            for at in reversed(chain):
                style = self._styles[at] = own[at].on(style)


def is_hidden(properties: Any) -> bool | None:
    """Whether the properties of text hide it; None where they do not say."""
    if properties is None:
        return None
    found = [
        each for each in (properties.find(WORD + "vanish"), properties.find(WORD + "webHidden")) if each is not None
    ]
    return any(is_on(each, VALUE) for each in found) if found else None


def _own(style: Any) -> Style:
    named = _named(_value(style, "name"))
    properties = style.find(WORD + "pPr")
    item = None if properties is None else _item(properties)
    number = 0 if properties is None else _level(_value(properties, "outlineLvl") or str(BODY_LEVEL))
    if number and not named.role:
        named = replace(named, role="heading", level=number)
    return replace(named, item=named.item if item is None else item, hidden=is_hidden(style.find(WORD + "rPr")))


def _named(name: str) -> Style:
    role = next((role for pattern, role in ROLES if pattern.match(name)), "")
    return Style(role, int(name[-1]) if role == "heading" else 0, True if LIST.match(name) else None)


def _value(parent: Any, name: str) -> str:
    element = parent.find(WORD + name)
    return "" if element is None else str(element.get(VALUE, ""))


def _item(properties: Any) -> bool | None:
    """Whether a paragraph has a number or a bullet; None where its properties do not say."""
    numbering = properties.find(WORD + "numPr")
    if numbering is None:
        return None
    number = _value(numbering, "numId")
    return number != "0" if number else None


def _level(outline: str) -> int:
    """The level of a heading, counted from 1; 0 for what is none."""
    return int(outline) + 1 if outline.isdecimal() and len(outline) == 1 and int(outline) < BODY_LEVEL else 0
