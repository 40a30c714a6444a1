"""Names of HTML elements -> what several modules ask of an element by its name or role. Knows nothing else."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bs4 import Tag


def names(listed: str) -> frozenset[str]:
    """A set of names from a list separated by spaces."""
    return frozenset(listed.split())


HEADINGS = names("h1 h2 h3 h4 h5 h6")
UNNAMED_LEVEL = 2  # Of a heading whose role says no level, as browsers have it.
_WORD = re.compile(r"[A-Za-z][a-z]*|[0-9]+")
_NEGATIONS = names("has with no without not hide is")


def heading_level(tag: Tag) -> int:
    """1 (outermost) to 6 for h1 to h6, the ``aria-level`` of an element that has the role of one, 0 for others."""
    if tag.name in HEADINGS:
        return int(tag.name[1])
    if tag.attrs.get("role") != "heading":
        return 0
    level = str(tag.attrs.get("aria-level", ""))
    return int(level) if re.fullmatch("[1-9]", level) else UNNAMED_LEVEL


def words_of(value: str | list[str] | None) -> frozenset[str]:
    """The words of a class or id attribute: ``md-sidebar topNav`` -> md, sidebar, top, nav; ``no-toc`` -> none."""
    if not value:
        return frozenset()
    words: set[str] = set()
    for name in value.split() if isinstance(value, str) else value:
        parts = [part.lower() for part in _WORD.findall(name)]
        # "toc-backref" and "nav-target" mark places that a menu points to, not the menu.
        if parts and parts[0] not in _NEGATIONS and parts[-1] not in ("backref", "target"):
            words.update(parts)
            words.add("".join(parts))
    return frozenset(words)


def short_text(tag: Tag, most: int = 20) -> str | None:
    """The text of a small element, its white space collapsed; None for one of more than ``most`` nodes."""
    from bs4 import NavigableString
    from bs4 import Tag as Element

    pieces: list[str] = []
    stack = [iter(tag.contents)]
    for _ in range(2 * most):
        child = next(stack[-1], None)
        if child is None:
            stack.pop()
            if not stack:
                return " ".join("".join(pieces).split())
        elif isinstance(child, Element):
            stack.append(iter(child.contents))
        elif type(child) is NavigableString:
            pieces.append(child[:1000])
    return None


def element_beside(tag: Tag, *, forward: bool = True) -> Tag | None:
    """The next element with the same parent, or the previous one, if there is hardly anything between them."""
    from bs4 import Tag as Element

    beside: object = tag
    for _ in range(3):
        beside = getattr(beside, "next_sibling" if forward else "previous_sibling")
        if beside is None or isinstance(beside, Element):
            return beside
    return None
