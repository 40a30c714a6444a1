"""Conditions on documents' fields, as ``--filter`` writes them: text and fields go in, the matching documents come out.

A filter is ``FIELD OPERATOR VALUE``: ``lang=en``, ``year>=2020``, ``source~=*/policies/*``, ``author.name!='de Wit'``.
"""

from __future__ import annotations

import re
import unicodedata
from calendar import monthrange
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from difflib import get_close_matches
from enum import StrEnum
from fnmatch import fnmatchcase
from functools import lru_cache
from typing import Any, TypeAlias

from odqa.errors import UsageError

Filters: TypeAlias = "str | Filter | Iterable[str | Filter]"
"""One filter or several, as text or read."""

OWN_FIELDS = ("id", "title", "source")  # What every document has, whatever its metadata.

_SIGNS = "=!<>~"
_TEXT = re.compile(rf"([^{_SIGNS}]*)(!=|<=|>=|~=|=|<|>)(.*)", re.DOTALL)
# JSON's grammar and commas between thousands: 007 and 1_000 are text, not numbers. The exponent is limited to what
# Decimal takes everywhere.
_NUMBER = re.compile(r"-?(0|[1-9][0-9]*|[1-9][0-9]{0,2}(,[0-9]{3})+)(\.[0-9]+)?([eE][+-]?[0-9]{1,3})?")
_DATE = re.compile(r"([0-9]{4})(?:-([0-9]{1,2})(?:-([0-9]{1,2})(?:[T ]([0-9:.,]+(?:Z|[+-][0-9:]+)?))?)?)?")
_MOST_NAMES, _LONGEST_NAME = 50, 100  # Fields that a message lists, and the characters of each.
_EXAMPLES = "'lang=en', 'year>=2020' or 'source~=*/policies/*'"


class Operator(StrEnum):
    """How a document's value is compared with the filter's."""

    EQUAL = "="
    DIFFERENT = "!="
    LESS = "<"
    AT_MOST = "<="
    GREATER = ">"
    AT_LEAST = ">="
    LIKE = "~="


# A stretch of time, or of one number or text alone: the first and the last that are in it.
_Extent: TypeAlias = tuple[Any, Any]


@dataclass(frozen=True, slots=True)
class Filter:
    """One condition. ``str(filter)`` is a text that ``parse`` reads as the same filter.

    The operator may be given as its sign. Raises UsageError where there is none of that sign.
    """

    field: str
    operator: Operator
    value: str

    def __post_init__(self) -> None:
        try:
            operator = Operator(self.operator)
        except ValueError:
            raise UsageError(f"no such operator in a filter: {self.operator!r} ({', '.join(Operator)})") from None
        object.__setattr__(self, "operator", operator)

    def __str__(self) -> str:
        value = self.value
        if value != value.strip() or not value or value[0] in _SIGNS or _quoted(value):
            value = f'"{value}"'
        return f"{self.field}{self.operator}{value}"


def parse(text: str) -> Filter:
    """Read one filter. Spaces around the field and the value are dropped; quotes around the value keep its spaces.

    The field may hold anything but ``= ! < > ~``; a value that is empty or begins with one of these must be quoted,
    with ``'…'`` or ``"…"``. There are no escapes: only the outer quotes are removed. Raises UsageError that names
    the text and what it lacks.

    >>> some = parse("year>=2020")
    >>> some.field, some.operator.value, some.value
    ('year', '>=', '2020')
    >>> matches([some], {"year": 2024}), matches([some], {"title": "no year"})
    (True, False)
    """
    found = _TEXT.fullmatch(text)
    if found is None:
        raise UsageError(
            f"the filter {text!r} has no operator after its field (one of {' '.join(Operator)}); "
            f"write it like {_EXAMPLES}, in quotes, as a shell takes > and < for itself"
        )
    field, sign, value = found[1].strip(), Operator(found[2]), found[3].strip()
    if not field:
        raise UsageError(f"the filter {text!r} has no field before {sign}; write it like {_EXAMPLES}")
    if not value:
        raise UsageError(
            f"the filter {text!r} has no value after {sign}; write it like {_EXAMPLES}, "
            f"or \"{field}{sign}''\" where the empty text is meant"
        )
    if value[0] in _SIGNS:
        raise UsageError(
            f"the filter {text!r} has no operator {sign}{value[0]} (there are {' '.join(Operator)}); write it like "
            f"{_EXAMPLES}, and quote a value that begins with {value[0]}"
        )
    return Filter(field, sign, value[1:-1] if _quoted(value) else value)


def parsed(filters: Filters) -> tuple[Filter, ...]:
    """The filters, read where they are text. Raises UsageError for what is no filter.

    >>> parsed("year>=2020") == parsed([parse("year>=2020")])
    True
    """
    if isinstance(filters, str | Filter):
        filters = [filters]
    if not isinstance(filters, Iterable):
        raise UsageError(f"filters are a list of texts like {_EXAMPLES}, not {filters!r}")
    return tuple(parse(some) if isinstance(some, str) else _checked(some) for some in filters)


def _checked(some: object) -> Filter:
    if not isinstance(some, Filter):
        raise UsageError(f"a filter is a text like {_EXAMPLES}, not {some!r}")
    return some


def fields_of(id: str, title: str, source: str, metadata: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a document: its metadata by key, with its own ``id``, ``title`` and ``source`` over them.

    A nested object gives one field for each of its keys, ``author.name``; so do the objects of a list, each field
    then holding a list of their values. A list of lists becomes one list, and a list of one value that value. The names
    are in composed form (NFC), so that it does not matter how a letter with an accent was typed.
    """
    found: dict[str, list[Any]] = {}
    # An explicit stack: deep nesting in a file must not hit Python's recursion limit.
    waiting: list[tuple[str, Any]] = [(composed(str(key)), metadata[key]) for key in reversed(list(metadata))]
    while waiting:
        name, value = waiting.pop()
        if isinstance(value, Mapping) and value:
            waiting += [(f"{name}.{composed(str(key))}", value[key]) for key in reversed(list(value))]
        elif isinstance(value, list | tuple) and value:
            waiting += [(name, inner) for inner in reversed(value)]
        else:
            found.setdefault(name, []).extend([] if isinstance(value, Mapping | list | tuple) else [value])
    fields = {name: values[0] if len(values) == 1 else values for name, values in found.items()}
    return {**fields, "id": id, "title": title, "source": source}


def matches(filters: Sequence[Filter], fields: Mapping[str, Any]) -> bool:
    """Whether a document with these fields (of ``fields_of``) meets every filter; none at all are always met.

    Two numbers are compared as numbers, exactly, whether the document holds them as numbers or as text, ``1200`` or
    ``1,200``. ISO dates are compared with ISO dates, with or without a time: ``2024-05`` and ``2024-05-01`` are all the
    time from their first to their last moment. A date is later than another that ends before it begins, and equals one
    that it lies in, as 10:00 on that day does. The year ``2024`` is a date where the other value is one with a month.
    Times count as they are written, or where both name their zone, as the same moment everywhere. The fields ``id``,
    ``title`` and ``source`` hold no dates.

    What is no number is different from a number, and never less or greater; the same goes for dates. Everything else is
    compared as text by code points, composed letters being equal to decomposed ones (NFC). True and false are the
    texts ``true`` and ``false``. ``~=`` is a pattern for the whole text with ``*``, ``?`` and ``[…]`` that is
    case-sensitive; it never treats a text as a number or a date.

    One element of a list is enough, but for ``!=``, which no element may equal. A document without the field, or with
    nothing in it (null, an empty list), meets no filter on it, ``!=`` neither: as with NULL in SQL, what is not known
    is not known to be different, and a filter never lets through documents that say nothing of what it asks.
    """
    return all(_meets(some, fields.get(composed(some.field))) for some in filters)


def select(documents: Iterable[tuple[int, Mapping[str, Any]]], filters: Sequence[Filter]) -> list[int]:
    """The numbers of the documents that meet every filter, in the order they come.

    Raises UsageError for a field that no document has, listing those that exist: ``documents`` are all that are
    searched, so a field of any of them is known.
    """
    unknown = {composed(some.field) for some in filters} - set(OWN_FIELDS)
    known = set(OWN_FIELDS)
    selected = []
    for number, fields in documents:
        if unknown:
            known |= fields.keys()
            unknown -= known
        if matches(filters, fields):
            selected.append(number)
    if unknown:
        check_known(filters, known)
    return selected


def check_known(filters: Sequence[Filter], known: Set[str]) -> None:
    """Raise UsageError for a field that is not among those that are ``known`` of the documents, listing these."""
    for some in filters:
        if composed(some.field) not in known and some.field not in OWN_FIELDS:
            raise UsageError(_no_such_field(some, known))


def composed(text: str) -> str:
    """The text with each letter and its accents as one character where there is one (NFC)."""
    return unicodedata.normalize("NFC", text)


def _meets(some: Filter, value: Any) -> bool:
    values = value if isinstance(value, list | tuple) else [value]
    texts = [text_of(item) for item in values if item is not None]
    wanted = composed(some.value)
    if some.operator is Operator.LIKE:
        return any(fnmatchcase(text, wanted) for text in texts)
    dates = some.field not in OWN_FIELDS
    if some.operator is Operator.DIFFERENT:
        return bool(texts) and not any(_holds(Operator.EQUAL, text, wanted, dates) for text in texts)
    return any(_holds(some.operator, text, wanted, dates) for text in texts)


def _holds(operator: Operator, text: str, wanted: str, dates: bool) -> bool:
    extents = _extents(text, wanted, dates)
    if extents is None:
        return False
    (first, last), (wanted_first, wanted_last) = extents
    match operator:
        case Operator.LESS:
            return bool(last < wanted_first)
        case Operator.AT_MOST:
            return bool(last <= wanted_last)
        case Operator.GREATER:
            return bool(first > wanted_last)
        case Operator.AT_LEAST:
            return bool(first >= wanted_first)
        case _:
            return bool(wanted_first <= first and last <= wanted_last)


def _extents(text: str, wanted: str, dates: bool) -> tuple[_Extent, _Extent] | None:
    """The extents of two values that can be compared: two numbers, two dates or two texts; None where they cannot."""
    number, wanted_number = number_of(text), _of_filter(wanted)[0]
    if number is not None and wanted_number is not None:
        return (number, number), (wanted_number, wanted_number)
    wanted_date = _of_filter(wanted)[1] if dates else None
    some_date = date_of(text) if wanted_date else None
    if some_date and wanted_date:
        return _aligned(some_date, wanted_date)
    if wanted_number is not None or wanted_date:
        return None
    return (text, text), (wanted, wanted)


def _aligned(one: tuple[datetime, datetime], other: tuple[datetime, datetime]) -> tuple[_Extent, _Extent]:
    if one[0].tzinfo and other[0].tzinfo:
        return one, other
    left, right = ((first.replace(tzinfo=None), last.replace(tzinfo=None)) for first, last in (one, other))
    return left, right


@lru_cache(maxsize=64)
def _of_filter(text: str) -> tuple[Decimal | None, tuple[datetime, datetime] | None]:
    """The number and the date that the value of a filter is; remembered, since every document is compared with it."""
    return number_of(text), date_of(text)


def text_of(value: Any) -> str:
    """The text by which a value is compared where it is neither a number nor a date."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return composed(str(value))


def number_of(text: str) -> Decimal | None:
    """The number that the text is; exact, since ids of 20 digits must not be rounded into one another."""
    text = text.strip()
    return Decimal(text.replace(",", "")) if _NUMBER.fullmatch(text) else None


def date_of(text: str) -> tuple[datetime, datetime] | None:
    """The first and the last moment of the year, month or day that the text is, or twice the moment that it is."""
    found = _DATE.fullmatch(text.strip())
    if found is None:
        return None
    year, month, day, moment = found.groups()
    try:
        if moment:
            at = datetime.combine(date(int(year), int(month), int(day)), time.fromisoformat(moment))
            return at, at
        last_month = int(month or 12)
        last_day = int(day or monthrange(int(year), last_month)[1])
        last = date(int(year), last_month, last_day)
        first = last.replace(month=int(month or 1), day=int(day or 1))
    except ValueError:  # A 31st of February, or an hour 25.
        return None
    return datetime.combine(first, time.min), datetime.combine(last, time.max)


def _quoted(value: str) -> bool:
    return len(value) > 1 and value[0] == value[-1] and value[0] in "'\""


def _no_such_field(some: Filter, known: Set[str]) -> str:
    folded = {name.casefold(): name for name in sorted(known, reverse=True)}
    close = get_close_matches(some.field.casefold(), folded, n=1)
    guess = f"did you mean {folded[close[0]]!r}? " if close else ""
    shown = [name[:_LONGEST_NAME] for name in sorted(known)[:_MOST_NAMES]]
    more = f" and {len(known) - len(shown):,} more" if len(known) > len(shown) else ""
    return (
        f"no document has the field {some.field!r} of the filter {str(some)!r}: {guess}"
        f"The fields are {', '.join(shown)}{more}"
    )
