"""Lines of Markdown that hold no Markdown: fenced code, comments, and what is in <pre> and its like."""

from __future__ import annotations

import re

from odqa.corpus.text.block_lines import Line

# No pattern here has two parts that can match the same run of characters: time grows with the length of a line.
MARKS = re.compile(r"(?:>[ \t]?+|[-+*][ \t]++|\d{1,9}[.)][ \t]++)*+")
QUOTE = re.compile(r">[ \t]?")
FENCE = re.compile(r"(`{3,}|~{3,})(.*)$")
COMMENTS = re.compile(r"(?:<!--.*?(?<=--)>[ \t]*+)*+")  # Whole ones: <!--> is one.
COMMENT_END = re.compile("-->")
ELEMENT = re.compile(r"<(pre|textarea|script|style)(?:[ \t][^>]*)?(?:>|$)", re.IGNORECASE)
ELEMENT_END = re.compile(r"</(?:pre|textarea|script|style)>", re.IGNORECASE)
SHOWN = ("pre", "textarea")
CODE_INDENT = 4


class Verbatim:
    """Takes lines one by one, and tells which of them are no Markdown. ``last_comment`` is where the last one ends.

    As in CommonMark 0.31, but for a comment without an end: it would hide the rest of the text, so it is none.
    """

    def __init__(self, last_comment: int) -> None:
        self._last_comment = last_comment
        self._fence = ""
        self._closes: re.Pattern[str] | None = None
        self._is_code = False
        self._quotes = 0  # Signs of a quotation before what is open, which ends with it.
        self._anywhere = False  # Whether its fence may close at any indent, as in an item of a list.

    @property
    def is_open(self) -> bool:
        """Whether the next line may still be verbatim."""
        return bool(self._fence) or self._closes is not None

    def take(self, line: Line, nested: bool = False) -> tuple[Line | None, Line | None]:
        """(What is left of a line to read as Markdown, what is code in it): None where there is nothing.

        ``nested`` says that the line may be in a list or its like, in which an indent makes no code.
        """
        if self.is_open:
            inner = _unquoted(line, self._quotes)
            if inner is not None:
                return self._inside(inner)
            self._fence, self._closes = "", None
        if line.indent >= CODE_INDENT and not nested:
            return line, None
        comments = COMMENTS.match(line.text)
        if comments and comments[0]:
            line = _rest(line, comments.end())
        marks = MARKS.match(line.text)
        inner = line.after(marks.end()) if marks and marks[0] else line
        if not self._opens(inner):
            return line, None
        self._quotes = marks[0].count(">") if marks else 0
        self._anywhere = inner.indent > 0
        return (None, None) if self._fence else self._inside(_without_tag(inner))

    def _opens(self, line: Line) -> bool:
        fence, element = FENCE.match(line.text), ELEMENT.match(line.text)
        if fence and not (fence[1][0] == "`" and "`" in fence[2]):
            self._fence = fence[1]
        elif element:
            self._closes, self._is_code = ELEMENT_END, element[1].lower() in SHOWN
        elif line.text.startswith("<!--") and line.start < self._last_comment and "-->" not in line.text:
            self._closes, self._is_code = COMMENT_END, False
        return self.is_open

    def _inside(self, line: Line) -> tuple[Line | None, Line | None]:
        if self._closes is None:
            fence = FENCE.match(line.text) if line.indent < CODE_INDENT or self._anywhere else None
            if not fence or not fence[1].startswith(self._fence) or fence[2]:
                return None, line
            self._fence = ""
            return None, None
        end = self._closes.search(line.text)
        code = Line(line.start, line.text[: end.start()].rstrip(), line.indent) if end else line
        rest = _rest(line, end.end()) if end else None
        if end:
            self._closes = None
        return rest if rest and rest.text else None, code if self._is_code else None


def _without_tag(line: Line) -> Line:
    tag = ELEMENT.match(line.text)
    return _rest(line, tag.end()) if tag else line


def _unquoted(line: Line, quotes: int) -> Line | None:
    """What follows so many signs of a quotation; None where the line has fewer."""
    at = 0
    for _ in range(quotes):
        mark = QUOTE.match(line.text, at)
        if not mark:
            return None
        at = mark.end()
    return line.after(at) if at else line


def _rest(line: Line, length: int) -> Line:
    """What follows HTML on a line: it is not indented by it."""
    rest = line.after(length)
    return Line(rest.start, rest.text, line.indent)
