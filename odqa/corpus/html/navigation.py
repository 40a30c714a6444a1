"""An element of a web page -> whether it is noise: menus, scripts, banners, decoration. Writes no text.

Names of classes alone make nothing noise: a restaurant has a menu, too. They tell what links, controls and hidden
parts are for.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from odqa.corpus.html.measures import Measure, Measures
from odqa.corpus.html.names import element_beside, heading_level, names, short_text, words_of

if TYPE_CHECKING:
    from bs4 import Tag


NEVER_TEXT = names(
    "script style template noscript head svg iframe canvas object embed audio video map datalist "
    "dialog nav rp rt annotation annotation-xml"
)
DELETED = names("del s strike")
NAVIGATION_ROLES = names(
    "navigation banner contentinfo search menu menubar toolbar tablist dialog alertdialog doc-toc doc-index "
    "doc-pagelist tooltip"
)
HIDDEN_ROLES = names("alert status log progressbar")  # What programs say, if anything happens.
CONTENT = names("html body main article")
BLOCKS = names("div section article p ul ol dl dd dt li table tbody tr td pre blockquote figure details form aside")
HIDDEN_STYLE = re.compile(r"(?:^|;)\s*(?:display\s*:\s*none|visibility\s*:\s*hidden)", re.IGNORECASE)
NAVIGATION_WORDS = names(
    "sidebar sphinxsidebar sidetoc toc tableofcontents menu menubar navbar nav navigation navbox skip skiplink "
    "share sharing social"
)
TRAILS = names(
    "breadcrumb breadcrumbs navpath navheader navfooter pagination pager subnav topnav bottomnav"
)  # In part without links.
LONGEST_OF_TRAIL = 80  # Characters outside of links: a title, not a paragraph.
MENU_LINKS = 0.8  # The share of links in what is called a menu: in one of dishes, prices are none.
OFTEN_NAVIGATION = names("header footer")  # If they are mostly links and have no heading.
ORNAMENTS = names("headerlink permalink editsection mwcitebacklink")  # Links at a heading, and at a note.
COPIES = names("katexhtml mathjaxpreview")  # The same mathematics once more, to look at.
LONGEST_ORNAMENT = 40
LINE_NUMBERS = names("linenos lineno linenumber linenumbers")
CONSENT_WORDS = names("cookie cookies cookiebanner cookieconsent consent gdpr")
HIDDEN_WORDS = CONSENT_WORDS | names("modal popup overlay tooltip loading spinner offscreen")
LONGEST_BANNER = 2_000
SMALL_FORM = 100  # Characters: a search, a subscription.
ID_TAGS = names("div ul ol table td section")


@dataclass(frozen=True, slots=True)
class Around:
    """Where an element is.

    ``size`` is the number of characters in the page. ``in_main`` says that it is inside a main, article or section
    element, where a header, a footer or an aside belongs to the content, and ``in_heading`` that it is in a heading.
    """

    size: int
    in_main: bool
    in_heading: bool


def is_noise(tag: Tag, measures: Measures, around: Around) -> bool:
    """Whether an element is left out, with everything in it. ``measures`` are those of the page."""
    name, measure = tag.name, measures[tag]
    if name in NEVER_TEXT or name in DELETED:
        return True
    if name == "header":
        return (
            (measure.is_mostly_links or not around.in_main)
            if measure.heading is None
            else (measure.is_mostly_links and not around.in_main)
        )
    if name == "footer":
        return measure.is_mostly_links or not around.in_main
    if name == "aside":
        return measure.is_mostly_links
    if name == "form" and measure.size * 2 <= around.size:  # A larger one is the page, menus included.
        return _is_search(tag) or not (measure.is_filled or (around.in_main and measure.size >= SMALL_FORM))
    attributes: dict[str, Any] = tag.attrs
    if not attributes or name in CONTENT:
        return False
    classes = words_of(attributes.get("class"))
    if _is_ornament(tag, measure, classes) or _is_unread(tag, measures, classes):
        return True
    if around.in_heading or heading_level(tag):
        return False
    role = attributes.get("role")
    if role in NAVIGATION_ROLES or (role == "complementary" and measure.is_mostly_links):
        return True
    if name == "a":
        return _is_entry(tag, measures, classes)
    return _is_navigation(tag, measure, classes) or (not around.in_main and _is_consent(tag, measure, classes))


def _is_ornament(tag: Tag, measure: Measure, classes: frozenset[str]) -> bool:
    """Such as the paragraph sign at a heading, and the numbers of lines of code."""
    if tag.name == "a" and not measure.has_words and str(tag.attrs.get("href", "")).startswith("#"):
        return True
    if classes & ORNAMENTS and measure.size <= LONGEST_ORNAMENT:
        return tag.name == "a" or measure.links > 0 or not measure.has_words
    if classes & COPIES and tag.name == "span":
        return True
    return bool(classes & LINE_NUMBERS) and not measure.has_letters


def _is_unread(tag: Tag, measures: Measures, classes: frozenset[str]) -> bool:
    """Whether an element is hidden and is no panel that opens, or decoration, or a copy of what is beside it."""
    attributes, measure = tag.attrs, measures[tag]
    if attributes.get("aria-hidden") == "true" and (not measure.has_words or _is_copy(tag)):
        return True
    styled = "style" in attributes and HIDDEN_STYLE.search(str(attributes["style"]))
    if not styled and "hidden" not in attributes:
        return False
    if tag.name not in BLOCKS or not measure.has_words or measure.is_mostly_links:
        return not heading_level(tag)
    return bool(
        (classes | words_of(attributes.get("id"))) & HIDDEN_WORDS
        or attributes.get("role") in HIDDEN_ROLES
        or "aria-modal" in attributes
        or tag.name == "form"
    )


def _is_copy(tag: Tag) -> bool:
    """Whether a small element says what the element before or after it says."""
    text = _letters(short_text(tag))
    beside = (element_beside(tag, forward=False), element_beside(tag)) if text else ()
    return any(other is not None and _letters(short_text(other)) == text for other in beside)


def _letters(text: str | None) -> str:
    return "".join(filter(str.isalnum, text or "")).lower()


def _is_entry(link: Tag, measures: Measures, classes: frozenset[str]) -> bool:
    """Whether a link is an entry of a menu: it is called so, and alone in its item."""
    item = link.parent
    return bool(classes & NAVIGATION_WORDS) and item is not None and measures[item].size == measures[link].size


def _is_navigation(tag: Tag, measure: Measure, classes: frozenset[str]) -> bool:
    if classes & OFTEN_NAVIGATION and measure.is_mostly_links and measure.heading is None:
        return True
    identifier = str(tag.attrs.get("id", ""))
    words = classes
    if tag.name in ID_TAGS and identifier and not _is_named_after(identifier, measure.heading):
        words |= words_of(identifier)
    if words & TRAILS and measure.has_links and measure.longest <= LONGEST_OF_TRAIL:
        return True
    most = MENU_LINKS if "menu" in words else 0.5
    return bool(words & NAVIGATION_WORDS) and measure.links > most * measure.size


def _is_search(form: Tag) -> bool:
    named = (form.attrs.get(name) for name in ("class", "id", "action"))
    return any("search" in words_of(value) for value in named)


def _is_consent(tag: Tag, measure: Measure, classes: frozenset[str]) -> bool:
    """Whether it is a banner that asks about cookies: it is called so, and has something to press."""
    words = classes | words_of(str(tag.attrs.get("id", "")))
    return bool(words & CONSENT_WORDS) and measure.has_controls and measure.size < LONGEST_BANNER


def _is_named_after(name: str, heading: str | None) -> bool:
    """Whether an element's id is made of the heading inside it."""
    slug = re.sub(r"\W+", "-", (heading or "").lower()).strip("-")
    return heading is not None and name.lower().replace("_", "-").strip("-") in slug
