"""An element of a web page -> whether it is noise: menus, sidebars, scripts, hidden parts. Writes no text."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from odqa.corpus.html_measures import Measures
from odqa.corpus.html_names import HEADINGS, names

if TYPE_CHECKING:
    from bs4 import Tag


NEVER_TEXT = names(
    "script style template noscript head svg iframe canvas object embed audio video map datalist "
    "button select textarea dialog nav aside rp"
)
NAVIGATION_ROLES = names(
    "navigation banner contentinfo search complementary menu menubar toolbar tablist dialog alertdialog"
)
CONTENT = names("html body main article")
HIDDEN_STYLE = re.compile(r"(?:^|;)\s*(?:display\s*:\s*none|visibility\s*:\s*hidden)", re.IGNORECASE)
WORD = re.compile(r"[A-Za-z][a-z]*|[0-9]+")
NAVIGATION_WORDS = names(
    "sidebar sphinxsidebar sidetoc breadcrumb breadcrumbs toc menu menubar navbar nav navigation navbox navpath "
    "pagination skip skiplink"
)
ALWAYS_NAVIGATION = names("tableofcontents")  # Even under a heading of this name.
OFTEN_NAVIGATION = names("header footer")  # If they are mostly links and have no heading.
# Next to a heading: the permanent link and the edit link. In code: the line numbers.
ORNAMENTS = names("headerlink permalink editsection linenos lineno linenumber linenumbers")
NEGATIONS = names("has with no without not hide is")
ID_TAGS = names("div ul ol table td")


def is_noise(tag: Tag, measures: Measures, size: int, *, in_main: bool, in_heading: bool) -> bool:
    """Whether an element is left out, with everything in it.

    ``measures`` are those of the page. ``size`` is the number of characters in the page: an element with more than half
    of them is treated as content, whatever it is called, unless it is mostly links. ``in_main`` says that the element
    is inside a main, article or section element, where a header or a footer belongs to the content.
    """
    name = tag.name
    if name in NEVER_TEXT:
        return True
    attributes: dict[str, Any] = tag.attrs
    if name in ("header", "footer"):
        return not in_main
    if name == "form":
        return not measures[tag].holds_content(size)
    if not attributes or name in CONTENT:
        return False
    if _is_hidden(attributes):
        return True
    words = _words(attributes.get("class"))
    is_symbol = name == "a" and str(attributes.get("href", "")).startswith("#") and not measures[tag].has_words
    if words & ORNAMENTS or "data-nosnippet" in attributes or is_symbol:  # Such as the paragraph sign at a heading.
        return True
    if in_heading or name in HEADINGS:
        return False
    if attributes.get("role") in NAVIGATION_ROLES:
        return True
    id_words = _words(attributes.get("id"))
    if (words | id_words) & ALWAYS_NAVIGATION:
        return True
    if words & OFTEN_NAVIGATION and measures[tag].is_mostly_links and measures[tag].heading is None:
        return True
    named = bool(words & NAVIGATION_WORDS)
    if not named and name in ID_TAGS and id_words & NAVIGATION_WORDS:
        named = not _is_named_after(str(attributes.get("id", "")), measures[tag].heading)
    return named and not measures[tag].holds_content(size)


def _is_hidden(attributes: dict[str, Any]) -> bool:
    return (
        ("hidden" in attributes and attributes["hidden"] != "until-found")
        or attributes.get("aria-hidden") == "true"
        or ("style" in attributes and bool(HIDDEN_STYLE.search(str(attributes["style"]))))
    )


def _words(value: str | list[str] | None) -> frozenset[str]:
    """The words of a class or id attribute: ``md-sidebar topNav`` -> md, sidebar, top, nav; ``no-toc`` -> none."""
    if not value:
        return frozenset()
    words: set[str] = set()
    for name in value.split() if isinstance(value, str) else value:
        parts = [part.lower() for part in WORD.findall(name)]
        # "toc-backref" and "nav-target" mark places that a menu points to, not the menu.
        if parts and parts[0] not in NEGATIONS and parts[-1] not in ("backref", "target"):
            words.update(parts)
            words.add("".join(parts))
    return frozenset(words)


def _is_named_after(name: str, heading: str | None) -> bool:
    """Whether an element's id is made of the heading inside it."""
    slug = re.sub(r"\W+", "-", (heading or "").lower()).strip("-")
    return heading is not None and name.lower().replace("_", "-").strip("-") in slug
