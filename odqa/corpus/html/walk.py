"""The elements of a web page that hold its content -> a Writer with its text, sections and blocks."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from odqa.corpus.base import well_formed
from odqa.corpus.html.measures import Measures, filled_in
from odqa.corpus.html.names import HEADINGS, element_beside, heading_level, names, short_text, words_of
from odqa.corpus.html.navigation import BLOCKS, Around, is_noise
from odqa.corpus.html.raised import lowered, raised
from odqa.corpus.html.tables import Cell
from odqa.corpus.html.writer import Writer
from odqa.types import BlockKind

if TYPE_CHECKING:
    from bs4 import Tag

PARAGRAPHS = HEADINGS | names(
    "p ul ol dl table pre blockquote figure section article aside main details hr header footer fieldset"
)
LINES = names("div li dt dd tr summary caption figcaption address legend center form td th")
SECTIONS = names("main article section")
INVISIBLE = {ord("\u00ad"): None, ord("\u200b"): None, ord("\ufeff"): None}  # Soft hyphen, zero-width spaces.
KINDS = {
    "li": BlockKind.ITEM,
    "dt": BlockKind.TERM,
    "summary": BlockKind.TERM,
    "dd": BlockKind.PARAGRAPH,
    "pre": BlockKind.CODE,
    "caption": BlockKind.CAPTION,
    "figcaption": BlockKind.CAPTION,
    "legend": BlockKind.CAPTION,
    "aside": BlockKind.NOTE,
}
NOTE_ROLES = names("note doc-footnote doc-endnote doc-endnotes")
NOTE_WORDS = names("footnote footnotes endnote endnotes")
REFERENCE_WORDS = names("footnoteref footnotereference noteref fnref reference footnote fn endnote")
REFERENCE_ID = re.compile(r"fnref|cite_?ref|noteref|footnote", re.IGNORECASE)
OPENERS = names("aria-controls aria-expanded data-toggle data-bs-toggle data-target data-bs-target")
OPENER_WORDS = names("accordion collapsible collapse toggle expander")
PICTURED_WORDS = names("math tex latex emoji")  # Classes of pictures that stand for characters.
MATHEMATICS = names(
    "math semantics mrow mstyle msup msub msubsup mfrac msqrt mroot mfenced"
)  # Spaces there say nothing.
SCRIPT_STYLE = re.compile(r"vertical-align\s*:\s*(super|sub)\b", re.IGNORECASE)
OPERANDS = {("msup", 1): "sup", ("msub", 1): "sub", ("msubsup", 1): "sub", ("msubsup", 2): "sup", ("mfrac", 1): "/"}
DECORATION = re.compile(r"\[|logo\b|icon\b", re.IGNORECASE)  # The picture of a warning is called [Warning].
LONGEST_ALTERNATIVE = 200  # Characters of a picture's text, and of what an abbreviation stands for.
NUMBER = re.compile(r"\s*(\d{1,6})")


def write(roots: list[Tag], measures: Measures) -> Writer:
    """Write the elements, one after the other. Takes time in proportion to their length."""
    writer = Writer()
    size = sum(measures[root].size for root in roots)
    for root in roots:
        _Walk(writer, measures, size, in_main=root.name in ("main", "article") or root.get("role") == "main").run(root)
        writer.break_line(2)
    return writer


class _Walk:
    """One walk through an element, with the state that the elements around the current one have set.

    Iterative, since pages may nest deeper than Python's call stack.
    """

    def __init__(self, writer: Writer, measures: Measures, size: int, *, in_main: bool) -> None:
        self.writer = writer
        self.measures = measures
        self.size = size
        self.sections = int(in_main)
        self.preformatted = 0
        self.headings: list[tuple[Tag, tuple[int, int]]] = []
        self.tables: list[bool] = []  # For each open table, whether it holds data, so that a row becomes a line.
        self.cell: Tag | None = None  # Of such a table.
        self.wordless: list[Tag] = []  # The open cells, headings and figures without a word.
        self.tabs: dict[str, str] | None = None
        self.explained: set[str] = set()

    def run(self, root: Tag) -> None:
        from bs4 import NavigableString, Tag

        stack = [(root, iter(root.contents))]
        while stack:
            tag, children = stack[-1]
            child = next(children, None)
            if child is None:
                stack.pop()
                if stack:
                    self._leave(tag)
            elif isinstance(child, Tag):
                around = Around(self.size, self.sections > 0, bool(self.headings))
                if not is_noise(child, self.measures, around) and not self._whole(child, tag, root):
                    self._enter(child, root)
                    stack.append((child, iter(child.contents)))
            elif type(child) is NavigableString:  # Its subclasses are comments, declarations, scripts.
                string = well_formed(child.translate(INVISIBLE))
                if self.preformatted:
                    self.writer.preformatted(string)
                elif tag.name not in MATHEMATICS or not string.isspace():
                    self.writer.words(string)

    def _whole(self, tag: Tag, parent: Tag, root: Tag) -> bool:
        """Write an element that is read as a whole, or not at all; False for others."""
        name, attributes = tag.name, tag.attrs
        script = "a" if name == "a" and _is_reference(tag) else _script(tag)
        if script:
            return self._raised(tag, script)
        if parent.name in ("msup", "msub", "msubsup", "mfrac"):
            return self._operand(tag, parent)
        if name == "ruby":
            return self._ruby(tag)
        if name == "button":
            return not self._is_title(tag)
        if name == "input":
            self._apart(filled_in(tag))
        elif name == "select":
            self._apart(_chosen(tag))
        elif name == "img" or attributes.get("role") == "img":
            text = str(attributes.get("alt" if name == "img" else "aria-label", ""))[:LONGEST_ALTERNATIVE]
            is_button = parent.name == "a" and not self.headings
            is_text = self.wordless and not (is_button or DECORATION.match(text))
            if text and (is_text or words_of(attributes.get("class")) & PICTURED_WORDS):
                in_figure = bool(self.wordless) and self.wordless[-1].name == "figure"
                self.writer.kinds.append(BlockKind.CAPTION if in_figure else self.writer.kinds[-1])
                self.writer.words(well_formed(text))
                self.writer.kinds.pop()
                return True
        return name in ("input", "select", "option", "img")

    def _apart(self, value: str) -> None:
        if value.strip():
            self.writer.words(f" {well_formed(value)} ")
            if not self.headings:
                self.writer.break_line(1)

    def _raised(self, tag: Tag, kind: str) -> bool:
        text = well_formed((short_text(tag) or "").translate(INVISIBLE))
        if not text:
            return False
        before = self.writer.before
        if kind == "sub":
            self.writer.words(lowered(text, before))
        else:
            is_note = kind == "a" or _refers(tag, text)
            self.writer.words(raised(text, before, _after(tag), is_note=is_note))
        return True

    def _operand(self, tag: Tag, parent: Tag) -> bool:
        """Write an index or exponent of a formula."""
        before = element_beside(tag, forward=False)
        number = 0 if before is None else 1 if element_beside(before, forward=False) is None else 2
        kind = OPERANDS.get((parent.name, number), "")
        if number:
            self.writer.join()
        if kind == "/":
            self.writer.words("/")
        return kind in ("sup", "sub") and self._raised(tag, kind)

    def _ruby(self, tag: Tag) -> bool:
        """Write the base, and how it is read in brackets after it."""
        readings = tag.find_all("rt", recursive=False)
        reading = "".join(piece for each in readings for piece in each.contents if isinstance(piece, str)).strip()
        base = "".join(
            child if isinstance(child, str) else "" if child.name in ("rt", "rp") else short_text(child) or ""
            for child in tag.contents
        )
        self.writer.words(well_formed(base))
        if reading:
            self.writer.words(well_formed(f" ({reading})"))
        return True

    def _is_title(self, button: Tag) -> bool:
        """Whether a button is the title of a panel beside it, which it opens; in a heading it is the heading."""
        measure = self.measures[button]
        if self.headings or self.writer.kinds[-1] is BlockKind.TERM:
            return measure.has_words
        panel = element_beside(button)
        if panel is None or panel.name not in BLOCKS or not measure.has_words:
            return False
        opens = bool(OPENERS & button.attrs.keys() or words_of(button.attrs.get("class")) & OPENER_WORDS)
        return opens and self.measures[panel].has_words and not self.measures[panel].is_mostly_links

    def _enter(self, tag: Tag, root: Tag) -> None:
        name, writer = tag.name, self.writer
        in_cell = writer.in_cell
        if name in ("td", "th") and self.tables and self.tables[-1] and not in_cell:
            self.cell = tag
            writer.start_cell(_cell(tag, self.measures))
            self._open(tag)
            return
        self._break(tag)
        if kind := self._kind(tag):
            writer.kinds.append(kind)
        if name == "br":
            writer.line_break()
        elif name == "tr" and self.tables and self.tables[-1] and not in_cell:
            writer.start_row(id(tag.parent), tag.parent is not None and tag.parent.name == "thead")
        elif name == "table":
            self.tables.append(not in_cell and self._holds_data(tag))
        elif name == "pre":
            self.preformatted += 1
            writer.start_preformatted()
        elif name == "q":
            writer.words('"')
        elif heading_level(tag) and not in_cell:
            self.headings.append((tag, writer.mark()))
            self._open(tag)
        elif name == "figure":
            self._open(tag)
        elif name in SECTIONS:
            self.sections += 1
        if tag.attrs.get("role") == "tabpanel" and not in_cell:
            self._write_tab(tag, root)

    def _open(self, tag: Tag) -> None:
        if not self.measures[tag].has_words:
            self.wordless.append(tag)

    def _leave(self, tag: Tag) -> None:
        name, writer = tag.name, self.writer
        if self.wordless and self.wordless[-1] is tag:
            self.wordless.pop()
        if tag is self.cell:
            self.cell = None
            writer.end_cell()
            return
        if name == "table":
            if self.tables.pop():
                writer.end_table()
        elif name == "pre":
            self.preformatted -= 1
        elif name == "q":
            writer.join()
            writer.words('"')
        elif name == "abbr":
            self._explain(tag)
        elif self.headings and self.headings[-1][0] is tag:
            _, mark = self.headings.pop()
            if not self.headings:  # A heading inside another one is part of it.
                writer.end_heading(heading_level(tag), mark)
        elif name in SECTIONS:
            self.sections -= 1
        if self._kind(tag):
            writer.kinds.pop()
        self._break(tag)

    def _kind(self, tag: Tag) -> BlockKind | None:
        """The kind of the blocks that begin inside an element; None if it is that of the blocks around it."""
        if heading_level(tag):
            return BlockKind.HEADING
        attributes: dict[str, Any] = tag.attrs
        if tag.name == "button":
            return None if self.headings else BlockKind.TERM
        is_block = attributes and tag.name in BLOCKS and tag.name not in ("td", "tr", "tbody")
        if is_block and (attributes.get("role") in NOTE_ROLES or words_of(attributes.get("class")) & NOTE_WORDS):
            return BlockKind.NOTE
        kind = KINDS.get(tag.name)
        return None if kind is BlockKind.ITEM and self.writer.kinds[-1] is BlockKind.NOTE else kind

    def _break(self, tag: Tag) -> None:
        name = tag.name
        inner_list = name in ("ul", "ol") and tag.parent is not None and tag.parent.name == "li"
        if (name in PARAGRAPHS and not inner_list) or tag.attrs.get("role") == "heading":
            self.writer.break_line(2)
        elif name in LINES or inner_list or (name == "button" and not self.headings):
            self.writer.break_line(1)

    def _explain(self, abbreviation: Tag) -> None:
        """Write what an abbreviation stands for, where it comes first."""
        title = " ".join(str(abbreviation.attrs.get("title", ""))[:LONGEST_ALTERNATIVE].split())
        text = short_text(abbreviation)
        if text and len(title) > len(text) and title not in self.explained:
            self.explained.add(title)
            self.writer.words(well_formed(f" ({title})"))

    def _write_tab(self, panel: Tag, root: Tag) -> None:
        """Write the title of a panel, which stands on its tab, somewhere else."""
        if self.tabs is None:
            self.tabs = {}
            several = len(root.find_all(attrs={"role": "tabpanel"}, limit=2)) > 1
            for tab in root.find_all(attrs={"role": "tab"}) if several else ():
                text = short_text(tab) or ""
                self.tabs |= {str(tab.attrs.get("id")): text, f"panel {tab.attrs.get('aria-controls')}": text}
        by_id = self.tabs.get(str(panel.attrs.get("aria-labelledby")), "")
        if title := by_id or self.tabs.get(f"panel {panel.attrs.get('id')}", ""):
            self.writer.break_line(1)
            self.writer.kinds.append(BlockKind.TERM)
            self.writer.words(well_formed(title))
            self.writer.kinds.pop()
            self.writer.break_line(1)

    def _holds_data(self, table: Tag) -> bool:
        """Whether a table holds data, not a page's layout: several columns, or heads of them."""
        measure = self.measures[table]
        if table.attrs.get("role") in ("presentation", "none"):
            return False
        if measure.heads:
            is_box = measure.heads == 1 and measure.has_tables  # With a title and code in it, such as a warning.
            return not is_box and (measure.heading is None or measure.size * 2 <= self.size)
        return measure.has_wide_row and measure.heading is None and not measure.has_tables


def _cell(tag: Tag, measures: Measures) -> Cell:
    attributes = tag.attrs
    is_head = tag.name == "th" and not str(attributes.get("scope", "")).startswith("row")
    columns, rows = (NUMBER.match(str(attributes.get(name, ""))) for name in ("colspan", "rowspan"))
    return Cell(
        "",
        max(1, int(columns[1])) if columns else 1,
        int(rows[1]) if rows else 1,
        is_head or attributes.get("role") == "columnheader",
        _is_bold(tag, measures),
    )


def _is_bold(cell: Tag, measures: Measures) -> bool:
    """Whether all of a cell's text is bold."""
    from bs4 import Tag

    tag = cell
    for _ in range(4):
        inner = [child for child in tag.contents[:5] if isinstance(child, Tag)]
        if len(inner) != 1 or measures[inner[0]].size != measures[cell].size:
            return False
        tag = inner[0]
        if tag.name in ("b", "strong"):
            return measures[cell].has_words
    return False


def _script(tag: Tag) -> str:
    """``sup`` or ``sub`` for an element that is one, or is styled as one; empty for others."""
    if tag.name in ("sup", "sub"):
        return str(tag.name)
    if tag.name not in ("span", "a", "small", "font") or not tag.attrs:
        return ""
    styled = SCRIPT_STYLE.search(str(tag.attrs.get("style", "")))
    words = words_of(tag.attrs.get("class"))
    is_sup = styled[1] == "super" if styled else "superscript" in words
    return "sup" if is_sup else "sub" if styled or "subscript" in words else ""


def _is_reference(link: Tag) -> bool:
    """Whether a link is a reference to a note, as its role or its class says."""
    attributes = link.attrs
    if attributes.get("role") == "doc-noteref" or attributes.get("epub:type") == "noteref":
        return True
    return bool(words_of(attributes.get("class")) & {"footnoteref", "footnotereference", "noteref"})


def _refers(raised_tag: Tag, text: str) -> bool:
    """Whether a superscript is a reference to a note: a link within the page is in it or around it, or it says so."""
    from bs4 import Tag

    parent = raised_tag.parent
    links = [child for child in raised_tag.contents[:5] if isinstance(child, Tag)]
    links += [child for link in links[:1] for child in link.contents[:3] if isinstance(child, Tag)]
    if parent is not None and parent.name == "a" and short_text(parent) == text:
        links.append(parent)
    if any(link.name == "a" and (_is_reference(link) or "#" in str(link.attrs.get("href", ""))) for link in links):
        return True
    attributes = raised_tag.attrs
    named = words_of(attributes.get("class")) & REFERENCE_WORDS or REFERENCE_ID.search(str(attributes.get("id", "")))
    return bool(named) or attributes.get("role") == "doc-noteref"


def _after(tag: Tag) -> str:
    """The first characters after an element."""
    following = tag.next_sibling
    if isinstance(following, str):
        return following[:10]
    return (short_text(following) or "")[:10] if following is not None else ""


def _chosen(select: Tag) -> str:
    """The text of the options that are chosen."""
    options = [child for child in select.find_all("option") if "selected" in child.attrs]
    return ", ".join(filter(None, map(short_text, options)))
