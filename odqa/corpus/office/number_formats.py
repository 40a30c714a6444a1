"""A number of a spreadsheet and the format of its cell -> what a person sees there. Knows no file.

Formats are those of ECMA-376, part 1, section 18.8.31; fractions and fills are left out. Where a format says what is
not understood, the plain number is shown: it beats a wrong one.
"""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import ROUND_HALF_UP, Context, Decimal
from functools import lru_cache

# The formats that a file refers to by number alone. 14 and 22 are shown as each country writes dates: here as ISO 8601.
BUILT_IN = {
    **{1: "0", 2: "0.00", 3: "#,##0", 4: "#,##0.00", 9: "0%", 10: "0.00%", 11: "0.00E+00"},
    **{14: "yyyy-mm-dd", 15: "d-mmm-yy", 16: "d-mmm", 17: "mmm-yy", 22: "yyyy-mm-dd h:mm"},
    **{18: "h:mm AM/PM", 19: "h:mm:ss AM/PM", 20: "h:mm", 21: "h:mm:ss", 45: "mm:ss", 46: "[h]:mm:ss", 47: "mm:ss.0"},
    **{37: "#,##0;(#,##0)", 38: "#,##0;(#,##0)", 39: "#,##0.00;(#,##0.00)", 40: "#,##0.00;(#,##0.00)", 48: "##0.0E+0"},
}
Tokens = tuple[tuple[str, str], ...]  # The kind and the text of each.
LITERAL = ("quoted", "escaped", "currency", "other")
PLACES = "0#?"
LONGEST_FORMAT = 255
MOST_SCALED = 4  # Signs of per cent, or commas of thousands, that a number is scaled by.
TOKEN = re.compile(
    r"""
    "(?P<quoted>[^"]*)"? | \\(?P<escaped>.) | _. | \*. | \[\$(?P<currency>[^\]-]*)[^\]]*\] | \[(?P<elapsed>[hms]+)\]
    | \[[^\]]*\] | (?P<half>AM/PM|A/P) | (?P<general>General) | (?P<date>y+|m+|d+|h+|s+(?:\.0+)?)
    | (?P<number>[0#?][0#?,.]*(?:E[+-]0+)?|\.0+) | (?P<other>.)
    """,
    re.IGNORECASE | re.VERBOSE,
)
SECTION = re.compile(r'"[^"]*"?|[\\_*].|\[[^\]]*\]|(?P<end>;)|.', re.DOTALL)
CONDITION = re.compile(r"\[(?P<sign>[<>]=?|<>|=)\s*(?P<limit>-?\d+(?:\.\d+)?(?:E[+-]?\d+)?)\]", re.IGNORECASE)
COMPARE: dict[str, Callable[[float, float], bool]] = {
    **{"<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge, "=": operator.eq, "<>": operator.ne}
}
EXACT = Context(prec=1_000, rounding=ROUND_HALF_UP)  # As many digits as a number and its format may have.
MONTHS = "January February March April May June July August September October November December".split()
DAYS = "Monday Tuesday Wednesday Thursday Friday Saturday Sunday".split()
EPOCH, EPOCH_1904 = datetime(1899, 12, 30), datetime(1904, 1, 1)
LAST_DAY = 2_950_000  # In the year 9976: Python knows no date after 9999.


def shown(value: float, form: str, from_1904: bool = False) -> str:
    """The number as its format shows it; a date counts days from 1899-12-30, or from 1904-01-01.

    >>> shown(0.0375, "0.00%"), shown(46082, "d mmmm yyyy"), shown(-1250, '#,##0.00 "EUR"'), shown(0.1 + 0.2, "General")
    ('3.75%', '1 March 2026', '-1,250.00 EUR', '0.3')
    """
    tokens, says_sign = _section(form[:LONGEST_FORMAT], value)
    unsigned = abs(value) if says_sign else value
    if tokens is None:
        return general(value)
    kinds = {kind for kind, _ in tokens}
    if kinds & {"date", "elapsed"} and not kinds & {"number", "general"}:
        return _date(unsigned, tokens, from_1904)
    if "number" in kinds:
        return _number(value, tokens, says_sign)
    if "general" in kinds:
        return _literal(tokens, general(unsigned))
    return general(value) if _is_unknown(tokens) else _literal(tokens)


def _is_unknown(tokens: Tokens) -> bool:
    """Whether a part without a place for the number is no text to show, but a color or a word of another language."""
    texts = [(kind, text) for kind, text in tokens if kind in LITERAL]
    bare = any(kind == "other" and (text == "@" or text.isalpha()) for kind, text in texts)
    return bare or (not texts and any(text.startswith("[") for _, text in tokens))


def general(value: float) -> str:
    """A number without a format: whole numbers whole, others to ten digits."""
    return str(int(value)) if abs(value) < 1e15 and value == int(value) else f"{value:.10g}"


def _section(form: str, value: float) -> tuple[Tokens | None, bool]:
    """The part of a format that is for a number, and whether it says by itself that the number is below zero.

    None where no part is for the number.
    """
    sections = _sections(form)
    conditions = [_condition(section) for section in sections[:2]]
    if not any(conditions):
        at = 1 if value < 0 and len(sections) > 1 else 2 if value == 0 and len(sections) > 2 else 0
        return sections[at], at == 1
    # Without a condition the first part is for numbers above zero, the second for those below it if there is a third.
    conditions[0] = conditions[0] or (">", 0.0)
    if len(sections) > 2:
        conditions[1] = conditions[1] or ("<", 0.0)
    for section, condition in zip(sections, conditions, strict=False):
        if condition is None:  # The last part: for all others. If these are the negative ones, they need no sign.
            return section, value < 0 and conditions[0] == (">=", 0.0)
        sign, limit = condition
        if COMPARE[sign](value, limit):
            return section, condition == ("<", 0.0) or (limit < 0 and sign in ("<", "<=", "="))
    return (sections[2], False) if len(sections) > 2 else (None, False)


@lru_cache(1024)
def _sections(form: str) -> tuple[Tokens, ...]:
    """The parts of a format for numbers; the one for text, with its @, is left out."""
    parts = [""]
    for found in SECTION.finditer(form):
        if found["end"]:
            parts.append("")
        else:
            parts[-1] += found[0]
    sections = [_tokens(part) for part in parts]
    if ("other", "@") in sections[-1]:
        sections.pop()
    return tuple(sections[:3]) if sections and form else (_tokens("General"),)


def _tokens(section: str) -> Tokens:
    return tuple((str(found.lastgroup or ""), found[found.lastgroup or 0]) for found in TOKEN.finditer(section))


def _condition(tokens: Tokens) -> tuple[str, float] | None:
    found = (CONDITION.fullmatch(text) for kind, text in tokens if not kind)
    return next(((each["sign"], float(each["limit"])) for each in found if each), None)


def _literal(tokens: Tokens, number: str = "") -> str:
    """The text around the number, and the number where the first token for it stands."""
    out: list[str] = []
    for kind, text in tokens:
        if kind in ("number", "general"):
            out.append(number)
            number = ""
        elif kind in LITERAL:
            out.append(text)
    return " ".join("".join(out).split())


@dataclass(frozen=True, slots=True)
class _Places:
    """Where a part of a format has places for digits, in one token or several.

    ``pieces`` are (kind, text, first, last): a text; "0", places before the point, of which ``first`` are yet to come;
    "."; and "9", the places after the point from ``first`` to ``last``.
    """

    shift: int  # By how many digits the point moves.
    least: int  # Digits before the point.
    pointed: bool
    decimals: int  # Digits after the point at most.
    kept: int  # And at least.
    grouped: bool
    pieces: tuple[tuple[str, str, int, int], ...]


@lru_cache(1024)
def _places(tokens: Tokens) -> _Places | None:
    """The places among the tokens of a part; None where there are several decimal points."""
    pattern = "".join(text for kind, text in tokens if kind == "number")
    whole, _, decimals = pattern.partition(".")
    if "." in decimals:
        return None
    percents = sum(kind == "other" and text == "%" for kind, text in tokens)
    thousands = sum(len(part) - len(part.rstrip(",")) for part in (whole, decimals))
    whole, decimals = whole.rstrip(","), decimals.replace(",", "")
    before = len(whole.replace(",", ""))
    pieces: list[tuple[str, str, int, int]] = []
    past = done = 0
    for kind, text in tokens:
        if kind in LITERAL:
            pieces.append(("", text, 0, 0))
        elif kind == "number":
            left, point, right = text.partition(".") if not past else ("", "", text)
            if left:
                before -= sum(sign in PLACES for sign in left)
                pieces.append(("0", "", before, 0))
            if point:
                past = 1
                pieces.append((".", "", 0, 0))
            count = sum(sign in PLACES for sign in right)
            pieces.append(("9", "", done, done + count))
            done += count
    return _Places(
        shift=2 * min(percents, MOST_SCALED) - 3 * min(thousands, MOST_SCALED),
        least=len(whole[whole.index("0") :].replace(",", "")) if "0" in whole else 0,
        pointed="." in pattern,
        decimals=len(decimals),
        kept=len(decimals.rstrip("#?")),
        grouped="," in whole,
        pieces=tuple(pieces),
    )


def _number(value: float, tokens: Tokens, says_sign: bool) -> str:
    # Of a fraction, the decimals say the same.
    if ("other", "/") in tokens or not math.isfinite(value):
        return general(value)
    if any(kind == "number" and "E" in text.upper() for kind, text in tokens):
        return _with_exponent(value, tokens, says_sign)
    places = _places(tokens)
    if places is None:
        return general(value)
    # A spreadsheet shows 15 digits of a number: what it has computed to be 1.00499999999999989 is 1.005.
    exact = Decimal(f"{abs(value):.15g}" if abs(value) < 1e15 else repr(abs(value)))
    rounded = exact.scaleb(places.shift, EXACT).quantize(Decimal(1).scaleb(-places.decimals), context=EXACT)
    shown = _in_places(f"{rounded:f}", places)
    return f"-{shown}" if value < 0 and rounded and not says_sign else shown


def _with_exponent(value: float, tokens: Tokens, says_sign: bool) -> str:
    patterns = [text for kind, text in tokens if kind == "number"]
    if len(patterns) > 1 or ("other", "%") in tokens:
        return general(value)
    decimals = patterns[0].upper().partition("E")[0].partition(".")[2]
    return _literal(tokens, f"{abs(value) if says_sign else value:.{sum(sign in PLACES for sign in decimals)}E}")


def _in_places(number: str, places: _Places) -> str:
    """The digits in their places; those that are more than the places stand in the first one."""
    digits, _, fraction = number.partition(".")
    digits = digits.lstrip("0").zfill(places.least or int(places.pointed))
    fraction = fraction[: places.kept] + fraction[places.kept :].rstrip("0")
    out: list[str] = []
    done = 0
    for kind, text, first, last in places.pieces:
        if kind == "9":
            out.append(fraction[first:last])
        elif kind:  # Before the point stand all digits that are left: ``first`` is 0 there.
            end = max(len(digits) - first, done)
            for at in range(done, end):
                rest = len(digits) - at - 1
                out.append(f"{digits[at]}," if places.grouped and rest and rest % 3 == 0 else digits[at])
            done = end
            out.append("." if kind == "." and fraction else "")
        else:
            out.append(text)
    return " ".join("".join(out).split())


def _date(value: float, tokens: Tokens, from_1904: bool) -> str:
    if not 0 <= value <= LAST_DAY:
        return general(value)
    microseconds = any(kind == "date" and "." in text for kind, text in tokens)
    seconds = round(value * 86_400, 3 if microseconds else 0)
    moment = (EPOCH_1904 if from_1904 else EPOCH) + timedelta(seconds=seconds)
    half_day = any(kind == "half" for kind, _ in tokens)
    out = []
    for at, (kind, text) in enumerate(tokens):
        if kind == "elapsed":
            unit = {"h": 3600, "m": 60, "s": 1}[text[0].lower()]
            out.append(str(int(seconds // unit)).zfill(len(text)))
        elif kind == "date":
            out.append(_unit(moment, text.lower(), half_day, _is_minute(tokens, at)))
        elif kind == "half":
            out.append("AM" if moment.hour < 12 else "PM")
        elif kind in ("quoted", "escaped", "other") and text not in "@;":
            out.append(text)
    return " ".join("".join(out).split())


def _is_minute(tokens: Tokens, at: int) -> bool:
    """Whether an m after the hours or before the seconds stands here, which are minutes and not a month."""
    before = next((text for kind, text in reversed(tokens[:at]) if kind in ("date", "elapsed")), "")
    after = next((text for kind, text in tokens[at + 1 :] if kind in ("date", "elapsed")), "")
    return before[:1].lower() == "h" or after[:1].lower() == "s"


def _unit(moment: datetime, code: str, half_day: bool, minute: bool) -> str:
    size = len(code)
    if code[0] == "y":
        return f"{moment.year:04}" if size > 2 else f"{moment.year % 100:02}"
    if code[0] == "d":
        day = DAYS[moment.weekday()]
        return (str(moment.day), f"{moment.day:02}", day[:3], day)[min(size, 4) - 1]
    if code[0] == "h":
        hour = (moment.hour % 12 or 12) if half_day else moment.hour
        return str(hour).zfill(size)
    if code[0] == "s":
        whole, _, digits = code.partition(".")
        fraction = f".{moment.microsecond:06}"[: len(digits) + 1] if digits else ""
        return str(moment.second).zfill(len(whole)) + fraction
    if minute:
        return str(moment.minute).zfill(size)
    month = MONTHS[moment.month - 1]
    return (str(moment.month), f"{moment.month:02}", month[:3], month, month[0])[min(size, 5) - 1]
