"""A number of a spreadsheet and the format of its cell -> what a person sees there. Knows no file.

Formats are those of ECMA-376, part 1, section 18.8.31; fractions, fills and conditions are left out.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from functools import lru_cache

# The formats that a file refers to by number alone. 14 and 22 are shown as each country writes dates: here as ISO 8601.
BUILT_IN = {
    **{1: "0", 2: "0.00", 3: "#,##0", 4: "#,##0.00", 9: "0%", 10: "0.00%", 11: "0.00E+00"},
    **{14: "yyyy-mm-dd", 15: "d-mmm-yy", 16: "d-mmm", 17: "mmm-yy", 22: "yyyy-mm-dd h:mm"},
    **{18: "h:mm AM/PM", 19: "h:mm:ss AM/PM", 20: "h:mm", 21: "h:mm:ss", 45: "mm:ss", 46: "[h]:mm:ss", 47: "mm:ss.0"},
    **{37: "#,##0;(#,##0)", 38: "#,##0;(#,##0)", 39: "#,##0.00;(#,##0.00)", 40: "#,##0.00;(#,##0.00)", 48: "##0.0E+0"},
}
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
MONTHS = "January February March April May June July August September October November December".split()
DAYS = "Monday Tuesday Wednesday Thursday Friday Saturday Sunday".split()
EPOCH, EPOCH_1904 = datetime(1899, 12, 30), datetime(1904, 1, 1)
LAST_DAY = 2_950_000  # In the year 9976: Python knows no date after 9999.


def shown(value: float, form: str, from_1904: bool = False) -> str:
    """The number as its format shows it; a date counts days from 1899-12-30, or from 1904-01-01.

    >>> shown(0.0375, "0.00%"), shown(46082, "d mmmm yyyy"), shown(-1250, '#,##0.00 "EUR"'), shown(0.1 + 0.2, "General")
    ('3.75%', '1 March 2026', '-1,250.00 EUR', '0.3')
    """
    section, value = _section(form[:LONGEST_FORMAT], value)
    tokens = _tokens(section)
    kinds = {kind for kind, _ in tokens}
    if kinds & {"date", "elapsed"} and not kinds & {"number", "general"}:
        return _date(value, tokens, from_1904)
    if "number" not in kinds:
        return _literal(tokens, general(value)) if kinds & {"general", "quoted", "currency"} else general(value)
    return _number(value, tokens)


def general(value: float) -> str:
    """A number without a format: whole numbers whole, others to ten digits."""
    return str(int(value)) if abs(value) < 1e15 and value == int(value) else f"{value:.10g}"


def _section(form: str, value: float) -> tuple[str, float]:
    """The part of a format for numbers of this sign, and the number to show with it."""
    parts = re.findall(r'(?:"[^"]*"?|\\.|\[[^\]]*\]|[^;])+|(?<=;)(?=;|$)', form) or ["General"]
    if value < 0 and len(parts) > 1:
        return parts[1], -value
    if value == 0 and len(parts) > 2:
        return parts[2], value
    return parts[0], value


@lru_cache(1024)
def _tokens(section: str) -> tuple[tuple[str, str], ...]:
    return tuple((str(found.lastgroup or ""), found[found.lastgroup or 0]) for found in TOKEN.finditer(section))


def _literal(tokens: tuple[tuple[str, str], ...], number: str) -> str:
    """The text around the number, and the number where the first token for it stands."""
    out: list[str] = []
    for kind, text in tokens:
        if kind in ("number", "general"):
            out.append(number)
            number = ""
        elif kind in ("quoted", "escaped", "currency", "other"):
            out.append(text)
    return " ".join("".join(out).split()) or number


def _number(value: float, tokens: tuple[tuple[str, str], ...]) -> str:
    pattern = next(text for kind, text in tokens if kind == "number")
    value *= 100.0 ** min(sum(kind == "other" and text == "%" for kind, text in tokens), MOST_SCALED)
    if "/" in (text for kind, text in tokens if kind == "other"):  # A fraction: its decimals say the same.
        return general(value)
    whole, _, decimals = pattern.partition(".")
    thousands = len(pattern) - len(pattern.rstrip(","))
    value /= 1000.0 ** min(thousands, MOST_SCALED)
    digits = sum(sign in "0#?" for sign in decimals.upper().partition("E")[0])
    if "E" in pattern.upper():
        return _literal(tokens, f"{value:.{digits}E}")
    grouped = "," in whole.rstrip(",")
    number = f"{abs(value):{',' if grouped else ''}.{digits}f}"
    optional = len(decimals) - len(decimals.rstrip("#?,")) if decimals else 0
    for _ in range(optional):
        number = number.removesuffix("0") if "." in number else number
    number = number.removesuffix(".")
    least = whole.count("0")
    number = number.zfill(least + len(number) - len(number.partition(".")[0])) if not grouped else number
    shown = _literal(tokens, number)
    return f"-{shown}" if value < 0 and any(sign in "123456789" for sign in number) else shown


def _date(value: float, tokens: tuple[tuple[str, str], ...], from_1904: bool) -> str:
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


def _is_minute(tokens: tuple[tuple[str, str], ...], at: int) -> bool:
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
