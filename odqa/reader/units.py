"""A context goes in; the units of answers come out: whole words, and what no answer crosses. Pure.

A unit is what a person would copy in one piece: a word or number with the signs that join it (an e-mail address, URL,
path, ``12(b)``, ``£45``, ``40 °C``, ``--dry-run``). An answer begins and ends with a whole unit.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from odqa.types import BlockKind
from odqa.views import Context, View, cells, view_of

Offsets = NDArray[np.int32]

# Scripts that put no space between words: each of their characters is a unit.
UNSPACED = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u2e80-\u2fdf\u3005-\u3007\u3040-\u30ff\u31f0-\u31ff\u3400-\u4dbf"
    "\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]"
)
ALIKE = {
    "‘": "'",
    "’": "'",
    "−": "-",
    "‐": "-",
    "‑": "-",
    "±": "-",
    "‰": "%",
    "≤": "<",
    "≥": "<",
    "≈": "<",
    ">": "<",
    "″": '"',
    "′": "'",
    "٫": ".",
    "٬": ",",
}
# Over classes of characters, a letter for each: a and s letters (s those of a possessive), 0 digits, c scripts without
# spaces, a space for white space, $ currencies, * other symbols, p other punctuation; most ASCII signs as they are.
_WORD = "[as0_]"
_JOINED = rf"""
    (?: [?&] {_WORD}+ = (?={_WORD})                                                 # x?y=1&z=2, but not: y=1
      | (?!--|\.\.(?!/)) [@/\\:?&%\#~+.'-]{{1,3}} (?!(?<=')s(?!{_WORD})) (?={_WORD})  # a@b.org, x/y, re-use
      | , (?=0)(?<=0,)                                                                # 1,200
      | [:]/// (?={_WORD})                                                             # file:///x
      | (?<![as0_][as0_][as0_]) \^ -? (?: (?={_WORD}) | \( (?:{_WORD}|[.,+*/-])* \) )  # 10^-3, x^(n+1), but not: note^1
      | ° (?=0) | (?<=0) " (?=[as](?![as0_]))                                         # 37°42'N
      | (?<=[as]) \[ [as][as0_] (?:{_WORD}|[.,-])* \]                                 # odqa[cpu]
      | \( (?:{_WORD}|[.,-])* \)                                                      # 12(b), word(s), run()
    )
"""
_LEAD = r"""
    (?: (?<![as0_c)\].-])  # Not after a word, nor after dashes or dots in place of a space.
        (?: [as]{1,3}[$][ ]?(?=0) | -{1,2}(?=[as]) | [-+<](?=[$]?0) | [$][ ]?(?=0) | -[$](?=0)
          | (?:~|\.{1,2})?[/\\]\.?(?=[as0_])
          | [@\#$%.](?=[as0_]) | \*(?=\.[as]) )+ )?
"""
_TAIL = r"""
    (?: (?<=[as]\.[as])\.(?![as0]) )?  # U.S.
    (?: (?<=0) [ ]?(?:%|°[as]?(?![as])|[$](?![ ]?0)) | (?<=[as0])(?:\+{1,2}|\#)(?![as0]) | (?<=[as0])/(?![as0])
      | (?<=0'0)" | (?<=0'00)" )?  # 5'11"
"""
_VARIABLE = r"(?<![as0_]) (?: %[as_][as0_]*% | [$]\{[as_][as0_]*\} )"  # %PATH%, ${PATH}
_OPERATOR = r"""
    (?<=[`"']) [-*&|=<>!?+~^%\#@$/:.]{1,4} (?=[`"']) | (?<=[ ]) (?:&& | \|\| | [=!<]= | =[<] | <{2} | \*\*) (?=[ ])
"""
UNIT = re.compile(
    rf"(?: {_VARIABLE} | {_LEAD} {_WORD}+ ) (?:{_JOINED} {_WORD}*)* {_TAIL} | c | {_OPERATOR}", re.VERBOSE
)
GROUPED = re.compile(r"(?<!\d{4})(?<=\d)[\u00a0\u2007\u2009\u202f](?=\d{3}(?!\d))")  # 1 200, on one line.
POSSESSIVE = re.compile(r"(?<=')s(?![as0_])")
PAIRS = ("()", "[]", "{}", "“”", "«»", '""', "``")
_SIGNS = re.compile(f"[{re.escape(''.join(PAIRS))}]")
BLANK_LINE = re.compile(r"\n[^\S\n]*\n\s*")
NUMBER = re.compile(r"^[ \t]*(?:\(?\d{1,3}[.)]|[a-z][.)])[ \t]+(?=\S)", re.MULTILINE)  # Of an item in a list.


@dataclass(frozen=True, slots=True)
class Units:
    """The units of one view, in order: arrays (units,).

    ``begins`` and ``ends`` are offsets in the view, ``starts`` and ``stops`` in the original. An answer has its first
    and its last unit in the same one of the ``segments``.
    """

    begins: Offsets
    ends: Offsets
    starts: Offsets
    stops: Offsets
    segments: Offsets


def units_of(context: Context) -> Units:
    """The units of a context's view that answers can be made of: not what was put in, nor the number of an item.

    >>> text = "1. Pay £45 (see 12(b)) to a.b@c.org. The U.S. tour's end"
    >>> context = Context(text)
    >>> units = units_of(context)
    >>> [text[start:stop] for start, stop in zip(units.starts, units.stops)]
    ['Pay', '£45', 'see', '12(b)', 'to', 'a.b@c.org', 'The', 'U.S.', 'tour', 'end']
    """
    view = view_of(context)
    classes = _grouped(context, view, view.text.translate(_CLASSES))
    possessive = {match.start() for match in POSSESSIVE.finditer(classes)}
    spans = [match.span() for match in UNIT.finditer(classes) if match.start() not in possessive]
    begins, ends = np.array(spans, dtype=np.int32).reshape(-1, 2).T
    starts, stops = view.begins[begins], view.ends[ends - 1]
    numbers = [match.span() for match in NUMBER.finditer(context.text)]
    lows, highs = np.array(numbers, dtype=np.int32).reshape(-1, 2).T
    within = np.searchsorted(lows, starts, "right") - 1
    numbered = (within >= 0) & (stops <= np.append(highs, 0)[within])
    own = (starts < stops) & ~numbered & _inside(context, starts, stops)
    segments = np.searchsorted(_boundaries(context), starts, "right").astype(np.int32)
    return Units(begins[own], ends[own], starts[own], stops[own], segments[own])


def _grouped(context: Context, view: View, classes: str) -> str:
    """The classes with a comma for each space that groups the digits of a number and is no place for a line break."""
    spaces = [match.start() for match in GROUPED.finditer(context.text)]
    if not spaces:
        return classes
    found = np.array(list(classes))
    found[np.searchsorted(view.begins, spaces, "right") - 1] = ","
    return "".join(found)


def balanced(text: str, start: int, stop: int) -> tuple[int, int] | None:
    """A span with the bracket or quote beside it that belongs to it; None where it holds half a pair of brackets.

    >>> text = 'the "Hotel Adler" (Bern)'
    >>> balanced(text, 5, 16), balanced(text, 19, 23), balanced(text, 11, 22), balanced(text, 5, 23)
    ((5, 16), (19, 23), None, (4, 24))
    """
    if not _SIGNS.search(text, start, stop):  # As in most of the tens of spans that are looked at in every passage.
        return start, stop
    for opening, closing in map(tuple, PAIRS):
        opened, closed = _unmatched(text[start:stop], opening, closing)
        if opened == 1 and not closed and text.startswith(closing, stop):
            stop += 1
        elif opened + closed == 1 and (closed or opening == closing) and text[max(start - 1, 0) : start] == opening:
            start -= 1
        elif (opened or closed) and opening != closing:
            return None
    return start, stop


def _unmatched(text: str, opening: str, closing: str) -> tuple[int, int]:
    """How many of both signs lack their partner; of a sign that is its own partner one may."""
    if opening == closing:
        return text.count(opening) % 2, 0
    if opening not in text and closing not in text:
        return 0, 0
    opened = closed = 0
    for character in text:
        if character == opening:
            opened += 1
        elif character == closing:
            opened, closed = (opened - 1, closed) if opened else (0, closed + 1)
    return opened, closed


def _inside(context: Context, starts: Offsets, stops: Offsets) -> NDArray[np.bool_]:
    """(units,) Whether each is in a block: the marks of a format, between blocks, answer nothing."""
    if not context.blocks:
        return np.ones(len(starts), dtype=np.bool_)
    lows, highs = np.array([(block.start, block.end) for block in context.blocks], dtype=np.int32).T
    at = np.searchsorted(lows, starts, "right") - 1
    return np.asarray((at >= 0) & (stops <= highs[at]), dtype=np.bool_)


def _boundaries(context: Context) -> Offsets:
    """The offsets in the original where another segment begins."""
    found = {match.end() for match in BLANK_LINE.finditer(context.text)}
    for block in context.blocks:
        found |= {block.start, block.end}
        if block.kind is BlockKind.ROW:
            found.update(start for start, _ in cells(context.text, block))
    return np.array(sorted(found), dtype=np.int32)


class _Classes(dict[int, str]):
    """The class of each character, by its code point, found when it is first met."""

    def __missing__(self, code: int) -> str:
        character = chr(code)
        category = unicodedata.category(character)
        if character in ALIKE:
            name = ALIKE[character]
        elif UNSPACED.match(character):
            name = "c"
        elif category[0] in "LM":
            name = "s" if character in "sS" else "a"
        elif category == "Nd" or category[0] == "N":
            name = "0"
        elif category == "Sc":
            name = "$"
        elif character.isspace():
            name = " "
        elif character.isascii() or character == "°":
            name = character if character.isprintable() else "p"
        else:
            name = "*" if category[0] == "S" else "p"
        self[code] = name
        return name


_CLASSES = _Classes()
