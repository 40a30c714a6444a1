"""A Document -> its Blocks; where its loader knew none, by how plain text is laid out. Pure; never fails.

The rules for a group of lines, which Markdown and reStructuredText share, are here too.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from odqa.corpus.text.block_lines import NARROW, OPTION, Builder, Line, groups, read_lines
from odqa.corpus.text.columns import add_columns, cells_of, columns_end
from odqa.corpus.text.pipe_tables import add_table, is_ruler, table_end
from odqa.types import Block, BlockKind, Document, Example
from odqa.views import Context

# No pattern here has two parts that can match the same run of characters: time grows with the length of a line.
BULLET = re.compile(r"[-+*•‣◦▪▸●○■□–—·⁃](?: \[[ xX]\])?(?=[ \t])|[・●■◆](?=\w)")
NUMBER = re.compile(
    r"(?:\(?(?:\d{1,3}|[A-Za-z]|[ivxIVX]{1,6})\)|(?:\d{1,3}|[a-z]|[ivx]{1,6}|#)\.)(?=[ \t])|\d{1,3}[．、](?=\w)|[①-⑳]"
)
FIRST = re.compile(r"\(?[1aAiI#]\b")
SECTION = re.compile(r"(?:§ ?)?\d{1,3}(?:\.\d{1,3}){1,5}\.?(?=[ \t])")  # 4.2, which is told as a part of the text.
KEY = re.compile(r"[*_`]{0,3}[^\W\d_][^:!?|;]{0,47}:[*_`]{0,3}[ \t]+\S")
LEADER = re.compile(r"[.…]{4}|(?: \.){4}|_{5}")
CODE = re.compile(
    r"[$%>#] |.*(?:[;{}]|\\)$|.*(?:\w\(|[\w\])] ?[=!:+]?= ?\S|</|->|::|&&)|(?:def|class|import|from|for|if) "
)
SENTENCE = (".", "!", "?", ";", ",", "…", "。", "！", "？")
WIDE = 130  # Columns: prose is not wrapped to more.
RAGGED = 0.9  # The share of the width that a wrapped line and the next word exceed together.
LOWER = 0.6  # And that which a line fills whose sentence goes on in the next one.
MOST_WORDS = 6  # Of a key, as in "Date of delivery: 14 March".
LONGEST_TERM = 60
LONGEST_CELL = 40
FAR = 8  # Columns by which the first line of a paragraph may be indented.


@dataclass(frozen=True, slots=True)
class Rules:
    """How a format lays out text: ``joins`` says whether a line of prose goes on in the next.

    With ``indented``, a line under which text is indented is a term or a heading; with ``columns``, words in columns
    are a table, and so are cells between bars without a line drawn among them; with ``colons``, ``: text`` defines the
    line above it.
    """

    joins: Callable[[Line, Line], bool]
    indented: bool = False
    columns: bool = False
    colons: bool = False


def blocks_of(document: Document) -> tuple[Block, ...]:
    r"""The blocks of a document: its own, or those that its text shows, none of them empty.

    >>> [block.kind.value for block in blocks_of(Document("a", "A", "-n, --dry-run\n    change nothing"))]
    ['term', 'paragraph']
    """
    return document.blocks or plain_blocks(document.text)


def context_of(text: str | Context) -> Context:
    """A text, which has no title and no headings; what is a context already stays as it is."""
    return text if isinstance(text, Context) else Context(text, (), plain_blocks(text))


def context_of_example(example: Example) -> Context:
    """A question's context below its title and headings. Wikipedia's titles, as SQuAD has them, are without spaces."""
    return Context(example.context, (example.title.replace("_", " "), *example.headings), plain_blocks(example.context))


def plain_blocks(text: str) -> tuple[Block, ...]:
    """The blocks of a text without markup, in time and memory that grow with its length."""
    builder = Builder(text)
    indent = 0
    for group in groups(read_lines(text)):
        width = max(line.width for line in group)

        def joins(line: Line, following: Line, width: int = width) -> bool:
            return is_wrapped(line, following, width)

        if _is_code(group, indent):
            add_code(builder, group)
        else:
            add_group(builder, group, Rules(joins, indented=True, columns=True))
            indent = group[-1].indent
    return tuple(builder.blocks)


def add_code(builder: Builder, lines: Sequence[Line]) -> None:
    """Add lines as a block of code."""
    filled = [line for line in lines if line.text]
    for at, line in enumerate(filled):
        if at:
            builder.extend(line)
        else:
            builder.begin(line, BlockKind.CODE)
    builder.close()


def add_group(builder: Builder, group: Sequence[Line], rules: Rules) -> None:
    """Add the blocks of lines without a blank one among them."""
    builder.close()
    at = barred = aligned = 0  # Up to where the lines are known to begin no table with bars, or none in columns.
    while at < len(group):
        end, is_table = (at, False) if at < barred else table_end(group, at, drawn=not rules.columns)
        barred = max(barred, end)
        in_columns = False
        if rules.columns and not is_table and at >= aligned:
            end, in_columns = columns_end(group, at)
            aligned = end
        if is_table:
            add_table(builder, group[at:end])
        elif in_columns:
            add_columns(builder, group[at:end])
        else:
            end = at + 1
            _add_line(builder, group, at, rules)
        at = end
    builder.close()


def is_wrapped(line: Line, following: Line, width: int) -> bool:
    """Whether a line of prose goes on in the next one, as it could not have held its first word.

    ``width`` is that of the longest line around them.
    """
    if line.text.endswith(("-", "\u2010", "\u00ad")) and line.text[-2:-1].isalpha():
        return True
    if width < NARROW:
        return False
    lower = following.text[:1].islower() and not line.text.endswith((*SENTENCE, ":"))
    if lower and line.width >= LOWER * min(width, WIDE):
        return True
    return line.width <= WIDE and line.width + 1 + _first_word(following.text) > RAGGED * width


def _first_word(text: str) -> int:
    """The columns that a line break needs after it: a word, or one sign of a script without spaces."""
    for at, sign in enumerate(text[:WIDE]):
        if sign.isspace():
            return at
        if unicodedata.east_asian_width(sign) in "WF":
            return at + 1
    return min(len(text), WIDE)


def _is_code(group: Sequence[Line], indent: int) -> bool:
    """Whether the lines are indented below those before them, and most have signs that prose has not."""
    if min(line.indent for line in group) < indent + 4:
        return False
    return 2 * sum(bool(CODE.match(line.text[:WIDE])) for line in group) > len(group)


def _add_line(builder: Builder, group: Sequence[Line], at: int, rules: Rules) -> None:
    line = group[at]
    above = group[at - 1] if at else line
    if _is_drawn(line.text):
        if builder.lines == 1 and builder.kind is BlockKind.PARAGRAPH and builder.indent == line.indent:
            builder.mark_last(BlockKind.HEADING)
        builder.close()
        return
    goes_on = bool(builder.lines) and rules.joins(above, line)
    if rules.indented and not goes_on and _is_term(builder, above, line):
        starts_list = BULLET.match(line.text) or NUMBER.match(line.text) or OPTION.match(line.text)
        if above.text.isupper() or (starts_list and not OPTION.match(above.text)):
            builder.mark_last(BlockKind.HEADING)
        else:
            builder.mark_terms()
        builder.close()
    if not (_add_item(builder, line, goes_on, rules) or _add_definition(builder, group, at, goes_on, rules)):
        _add_prose(builder, group, at, goes_on)


def _is_term(builder: Builder, above: Line, line: Line) -> bool:
    """Whether the line above is what the text that is indented below it defines, or its heading."""
    if builder.lines != 1 or builder.hangs is not None or line.indent <= builder.indent + 1:
        return False
    short = len(above.text) <= LONGEST_TERM and not above.text.endswith(SENTENCE)
    return builder.kind is BlockKind.PARAGRAPH and (short or OPTION.match(above.text) is not None)


def _add_item(builder: Builder, line: Line, goes_on: bool, rules: Rules) -> bool:
    """Begin an item of a list, or a definition after a colon, if the line is one."""
    if rules.colons and line.text[:1] in (":", "~") and line.text[1:2] in (" ", "\t"):
        if not builder.ends_after(":", "~"):
            builder.mark_last(BlockKind.TERM)
        builder.begin(line.after(1), hangs=line.indent)
        return True
    mark = BULLET.match(line.text) or NUMBER.match(line.text)
    in_prose = goes_on and builder.kind is not BlockKind.ITEM
    if not mark or (in_prose and not BULLET.match(line.text) and not FIRST.match(line.text)):
        return False
    builder.begin(line.after(mark.end()), BlockKind.ITEM, hangs=line.indent)
    return True


def _add_definition(builder: Builder, group: Sequence[Line], at: int, goes_on: bool, rules: Rules) -> bool:
    """Begin a description that stands beside its term, if the line is one: ``-n  Change nothing``."""
    line = group[at]
    option = OPTION.match(line.text) is not None
    if not option and (goes_on or not rules.columns):
        return False
    cells = cells_of(line)
    if len(cells) > 1 and (option or _is_pair(cells, group, at)):
        builder.add(cells[0], BlockKind.TERM)
        builder.mark_terms()
        builder.begin(line.after(cells[1].start - line.start), hangs=line.indent)
        return True
    if option and not goes_on:
        builder.begin(line)
        return True
    return False


def _is_pair(cells: Sequence[Line], group: Sequence[Line], at: int) -> bool:
    """Whether two cells are a term and its description, which goes on below itself if anywhere."""
    if len(cells) != 2 or len(cells[0].text) > LONGEST_CELL or cells[0].text.endswith((*SENTENCE, ":")):
        return False
    return at + 1 == len(group) or abs(group[at + 1].indent - cells[1].indent) <= 1


def _add_prose(builder: Builder, group: Sequence[Line], at: int, goes_on: bool) -> None:
    line = group[at]
    if LEADER.search(line.text):
        builder.add(line)
    elif SECTION.match(line.text) and not goes_on:
        titled = len(group) == 1 and len(line.text) <= LONGEST_TERM and not line.text.endswith(SENTENCE)
        builder.begin(line, BlockKind.HEADING if titled else BlockKind.PARAGRAPH)
    elif _is_key(line.text) and (not goes_on or _is_key(group[at - 1].text)):
        builder.begin(line, hangs=line.indent)
    elif builder.lines and _belongs(builder, line, goes_on):
        builder.extend(line)
    elif len(group) == 1 and line.text.isupper() and len(line.text) <= LONGEST_TERM:
        builder.add(line, BlockKind.HEADING)
    else:
        builder.begin(line)


def _belongs(builder: Builder, line: Line, goes_on: bool) -> bool:
    """Whether a line belongs to the open block, by its indent and by whether the line before it goes on."""
    if builder.hangs is not None and line.indent > builder.hangs:
        return True
    return goes_on and (
        line.indent >= builder.indent - 1 or (builder.lines == 1 and line.indent >= builder.indent - FAR)
    )


def _is_key(text: str) -> bool:
    """Whether a line is of the form ``Key: value``, with a key of few words."""
    if not KEY.match(text):
        return False
    key = text[: text.index(":")]
    return ". " not in key and len(key.split()) <= MOST_WORDS


def _is_drawn(text: str) -> bool:
    """Whether a line is drawn of one or two signs: it parts what is above from what is below."""
    return is_ruler(text) or (len(text) > 2 and not text[0].isalnum() and len(set(text) - {" "}) == 1)
