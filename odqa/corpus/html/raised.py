"""A superscript or subscript and what stands around it -> how it reads on one line. Knows no elements.

Glued to the number before it, a mark of a note or an exponent makes another number: 1998 with note 1 is no 19981.
"""

from __future__ import annotations

import re

_RAISED = str.maketrans("0123456789+-−–", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁻⁻")
_NUMBER = re.compile(r"[-+−–]?\d{1,3}")
_MARK = re.compile(r"(?:note |nb |n )?\w{1,4}(?:\s?[,–-]\s?\w{1,3})*|[*∗†‡§¶#]{1,4}", re.IGNORECASE)
_LIST = re.compile(r"\d{1,3}(?:\s?[,–-]\s?\d{1,3})+")  # Several marks: 1, 2 or 3-5.
_CHARGE = re.compile(r"\d?[-+−–]")  # Of an ion.
_ORDINAL = re.compile(r"(?:st|nd|rd|th|er|[eè]re|re|nde?|[eè]me|i[eè]me|e)s?", re.IGNORECASE)
_SIGNS = {"tm": "™", "sm": "℠", "r": "®", "(r)": "®", "(tm)": "™"}
_OPERATED = re.compile(r"(?:[=×·⋅*^(<>≈~]\s?|[-−+/]\s|\d\s?[xX]\s?)\d+$")  # A number that is part of a calculation.
_POWER_OF = re.compile(r"(?<![\w.,])(?:10|\d)$")  # What is raised to a power, even in prose.
_UNIT = re.compile(
    r"(?<![^\W\d_])(?:[kcdmnhµμ]?m|ft|in|yd|mi|[mµμn]?s|sec|min|h|hr|[kmµμ]?g|k?Pa|mol|inch|miles?|feet|foot|yards?"
    r"|(?:kilo|centi|milli)?met(?:re|er)s?|[^\W\d_])$"
    r"|[=+*/·×^]\s?[^\W\d_]{1,3}$"  # E = mc.
)
_FORMULA = re.compile(r"[-–+−×*/=^][^()]*\)$|\b\w\)$|[-+−×*/=]\s?\([^()]*\)$")  # (a + b), f(x).
_PRICE = re.compile(r"[$£€¥]\s?\d[\d,]*(\.?)$")
_CLOCK = re.compile(r"\s*(?:Uhr|h\b|[ap]\.?m\b)", re.IGNORECASE)
_ELEMENT = re.compile(r"[A-Z][a-z]?(?![a-z])")
_DEGREES = re.compile(r"\s?[CF]\b")
_FRACTION = ("/", "⁄", "∕")
_ROMAN = re.compile(r"\b[IVXLCM]+$")
_WORD = re.compile(r"[^\W\d_]{3}$")


def raised(text: str, before: str, after: str, *, is_note: bool = False) -> str:
    """How a superscript reads; with a space where it stands apart, and empty where it is left out.

    ``before`` are the last characters of the line: a line break where it begins, a space after one. ``after`` are the
    next ones. ``is_note`` says that it is known to refer to a note, which is then left out; what only looks like it
    stands in brackets, so that nothing is lost.

    >>> raised("1", "opened in 1998", " and"), raised("4", "2 × 10", " cars"), raised("2", "40 m", " of")
    (' [1]', '^4', '²')
    >>> raised("th", "the 5", " of"), raised("1", "opened in 1998", " and", is_note=True)
    ('th', '')
    """
    bare = text.strip("[]() ")
    starts = before[-1:].isspace()
    if is_note and _MARK.fullmatch(bare):
        return f"[{bare}] " if before == "\n" else ""
    if _NUMBER.fullmatch(text):
        return _number(text, before, after)
    if starts:
        return text
    if not any(map(str.isalnum, text)) or _CHARGE.fullmatch(text):
        return text
    if text != bare or _LIST.fullmatch(text):
        return _SIGNS.get(text.lower()) or f" [{bare}]"
    return _letters(text, before, after)


def lowered(text: str, before: str) -> str:
    """How a subscript reads: H2O, CO2, log10; after a digit with a low line, as 1010_2.

    >>> lowered("2", "H"), lowered("2", "1010"), lowered("2", "1/")
    ('2', '_2', '2')
    """
    if before[-1:].isdigit() and text[:1].isdigit():
        return f"_{text}"
    return text if " " not in text else f" {text}"


def _number(text: str, before: str, after: str) -> str:
    last = before[-1:]
    if after.startswith(_FRACTION) and not last.isalpha():
        return f" {text}" if last.isdigit() else text  # Of a mixed number.
    if last.isspace():
        return text if _ELEMENT.match(after) else f"[{text}] "  # The isotope 14C, or the number of a note itself.
    if price := _PRICE.search(before):
        if len(text) == 2 and text.isdigit():
            return text if price[1] else f".{text}"
    elif text == "0" and last.isdigit() and _DEGREES.match(after):
        return "°"
    elif last.isdigit() and len(text) == 2 and _CLOCK.match(after):
        return f":{text}"
    if last.isdigit():
        is_power = not text[0].isdigit() or after.lstrip().startswith(("=", "×"))
        return f"^{text}" if is_power or _POWER_OF.search(before) or _OPERATED.search(before) else f" [{text}]"
    if last in (")", "]", "}"):
        return f"^{text}" if _FORMULA.search(before) else f" [{text}]"
    return text.translate(_RAISED) if _UNIT.search(before) or not text[0].isdigit() else f" [{text}]"


def _letters(text: str, before: str, after: str) -> str:
    last = before[-1:]
    if last == ")" and _FORMULA.search(before):
        return f"^{text}"
    if (last.isdigit() or _ROMAN.search(before)) and _ORDINAL.fullmatch(text):
        return text
    if text.lower() in _SIGNS and _WORD.search(before):
        return _SIGNS[text.lower()]
    if last.isdigit() and text in ("o", "º"):
        return "°" if _DEGREES.match(after) else text
    if len(text) == 1:
        if last.isalpha() and not _WORD.search(before):
            return text if last.isupper() or last == "n" else f"^{text}"  # Dr and no; x^n.
        return f"^{text}" if _POWER_OF.search(before) else f" [{text}]"
    if last.isalpha() and not _WORD.search(before) and len(text) <= 4 and text.isalpha():
        return text  # Mme, Nos.
    if _POWER_OF.search(before) or (_UNIT.search(before) and not text.isalpha()):
        return f"^{text}" if text.isalnum() else f"^({text})"
    return f" {text}"
