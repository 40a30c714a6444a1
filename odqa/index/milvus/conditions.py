"""A document's fields → the keys that Milvus compares; filters → its expression, and what it cannot say.

A filter means what ``odqa.index.filters`` says, to the last zero: numbers are compared exactly and as text or number,
dates as the time from their first to their last moment. Milvus compares texts and looks for texts in lists, so that
numbers and moments are written as texts in whose order they are, and whatever equals something is a key in a list.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, TypeAlias

from odqa.index.filters import OWN_FIELDS, Filter, Operator, composed, date_of, number_of, text_of

KEYS = "keys"  # The field of a collection that holds the keys.
_ANY = "*"  # Among the keys of a field that says something.
_READABLE = re.compile(r"[\w .:/+-]{1,100}", re.ASCII)
_MIDDLE = 500_000  # Above the exponents of all numbers that a field can hold.
_NINES = str.maketrans("0123456789", "9876543210")
_SIGNS = {Operator.LESS: "<", Operator.AT_MOST: "<=", Operator.GREATER: ">", Operator.AT_LEAST: ">="}

Moments: TypeAlias = tuple[datetime, datetime]
Keys: TypeAlias = "dict[str, list[str] | str]"


def keys_of(fields: Mapping[str, Any]) -> Keys:
    """The keys of the fields (``filters.fields_of``) of a document.

    For a field ``f`` that is a list of texts, ``=:f``: what it equals. The others are the least and the greatest of its
    numbers, ``n<:f`` and ``n>:f``, and of its dates without a zone (``u``), of those with one as they are written
    (``v``) and in UTC (``z``): of a date the last moment counts as the least, the first one as the greatest, since a
    date is later than another that ends before it begins.
    """
    keys: Keys = {}
    for field, value in fields.items():
        values = value if isinstance(value, list | tuple) else [value]
        texts = [text_of(item) for item in values if item is not None]
        if texts:
            dates = field not in OWN_FIELDS
            name = _safe(field)
            keys[f"=:{name}"] = list(dict.fromkeys([_ANY, *(key for text in texts for key in _equals(text, dates))]))
            for kind, least, greatest in _extremes(texts, dates):
                keys[f"{kind}<:{name}"] = least
                keys[f"{kind}>:{name}"] = greatest
    return keys


def expression(filters: Sequence[Filter]) -> tuple[str, list[Filter]]:
    """What Milvus can say of the filters, empty where it is nothing, and the filters that it cannot say anything of.

    These are patterns, which Milvus has without ``[…]`` and not for lists, and the order of texts.
    """
    said, rest = [], []
    for some in filters:
        text = _expression(some)
        if text is None:
            rest.append(some)
        else:
            said.append(text)
    return " and ".join(said), rest


def _expression(some: Filter) -> str | None:
    field, wanted = composed(some.field), composed(some.value)
    dates = field not in OWN_FIELDS
    if some.operator is Operator.LIKE:
        return None
    number, date = number_of(wanted), date_of(wanted) if dates else None
    if some.operator in (Operator.EQUAL, Operator.DIFFERENT):
        keys = list(_sought(wanted, number, date))
        found = " or ".join(f'json_contains({_path("=", field)}, "{key}")' for key in keys)
        if some.operator is Operator.EQUAL:
            return f"({found})"
        return f'(json_contains({_path("=", field)}, "{_ANY}") and not ({found}))'
    if number is None and date is None:
        return None
    sign = _SIGNS[some.operator]
    least = some.operator in (Operator.LESS, Operator.AT_MOST)
    parts = []
    if number is not None:
        parts.append((_path("n<" if least else "n>", field), _number_key(number)))
    if date is not None:
        at = date[0] if some.operator in (Operator.LESS, Operator.AT_LEAST) else date[1]
        for kind, moment in (("u", _naive(at)), ("z", _utc(at)) if at.tzinfo else ("v", _naive(at))):
            parts.append((_path(f"{kind}{'<' if least else '>'}", field), moment))
    return "(" + " or ".join(f'{path} {sign} "{key}"' for path, key in parts) + ")"


def _equals(text: str, dates: bool) -> Iterator[str]:
    """The keys of all that a value equals: a number its number, a date every year, month or day that it lies in."""
    yield _text_key(text)
    if (number := number_of(text)) is not None:
        yield f"n:{_safe(_number_key(number))}"
    if dates and (date := date_of(text)):
        yield from (f"d:{period}" for period in _periods(date))
        if date[0] == date[1]:
            yield f"z:{_utc(date[0])}" if date[0].tzinfo else f"u:{_naive(date[0])}"


def _sought(wanted: str, number: Decimal | None, date: Moments | None) -> Iterator[str]:
    """The keys of which a value that equals ``wanted`` has one."""
    if number is not None:
        yield f"n:{_safe(_number_key(number))}"
    if date is not None:
        if date[0].tzinfo:
            yield from (f"z:{_utc(date[0])}", f"u:{_naive(date[0])}")
        else:
            *_, narrowest = _periods(date)
            yield f"d:{narrowest}"
    if number is None and date is None:
        yield _text_key(wanted)


def _extremes(texts: Sequence[str], dates: bool) -> Iterator[tuple[str, str, str]]:
    """(kind, least, greatest) of the numbers and the dates among the values of a field."""
    numbers = [_number_key(number) for text in texts if (number := number_of(text)) is not None]
    if numbers:
        yield "n", min(numbers), max(numbers)
    found = [date for text in texts if (date := date_of(text))] if dates else []
    unzoned = [date for date in found if not date[0].tzinfo]
    zoned = [date for date in found if date[0].tzinfo]
    for kind, some, write in (("u", unzoned, _naive), ("v", zoned, _naive), ("z", zoned, _utc)):
        if some:
            yield kind, min(write(last) for _, last in some), max(write(first) for first, _ in some)


def _periods(date: Moments) -> Iterator[str]:
    """The year, month, day and moment that a date lies in, as far as it does, the narrowest last."""
    first, last = date
    yield f"{first.year:04}"
    if (first.year, first.month) == (last.year, last.month):
        yield f"{first.year:04}-{first.month:02}"
        if first.date() == last.date():
            yield first.date().isoformat()
            if first == last:
                yield _naive(first)


def _naive(moment: datetime) -> str:
    return moment.replace(tzinfo=None).isoformat(timespec="microseconds")


def _utc(moment: datetime) -> str:
    try:
        return _naive(moment.astimezone(UTC))
    except OverflowError:  # On the first or the last day of all years.
        return _naive(moment)


def _number_key(number: Decimal) -> str:
    """A number as a text that is before that of every greater number.

    >>> keys = [_number_key(Decimal(text)) for text in "-1e3 -123 -12 -0.5 0 1e-9 0.5 2 10 10.5 123".split()]
    >>> keys == sorted(keys)
    True
    """
    sign, digits, _ = number.as_tuple()
    if not number:
        return "o"
    written = "".join(map(str, digits)).lstrip("0").rstrip("0")
    key = f"{number.adjusted() + _MIDDLE:06}{written}"
    return f"m{key.translate(_NINES)}~" if sign else f"p{key}"


def _text_key(text: str) -> str:
    return f"t:{_safe(text)}"


def _safe(text: str) -> str:
    """A text as it is where it can stand in an expression, else a digest of it."""
    return (
        text if _READABLE.fullmatch(text) else f"#{hashlib.sha256(text.encode('utf-8', 'surrogatepass')).hexdigest()}"
    )


def _path(kind: str, field: str) -> str:
    return f'{KEYS}["{kind}:{_safe(field)}"]'
