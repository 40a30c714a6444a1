"""Conditions on documents' fields, as ``--filter`` writes them: text and fields go in, the matching documents come out.

A filter is ``FIELD OPERATOR VALUE``: ``lang=en``, ``year>=2020``, ``source~=*/policies/*``, ``author.name!='de Wit'``.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from difflib import get_close_matches
from enum import StrEnum
from fnmatch import fnmatchcase
from typing import Any

from odqa.errors import UsageError

OWN_FIELDS = ("id", "title", "source")  # What every document has, whatever its metadata.

_SIGNS = "=!<>~"
_TEXT = re.compile(rf"([^{_SIGNS}]*)(!=|<=|>=|~=|=|<|>)(.*)", re.DOTALL)
# JSON's grammar: 007 and 1_000 are text, not numbers. The exponent is limited to what Decimal takes everywhere.
_NUMBER = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]{1,3})?")
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


_COMPARE: dict[Operator, Callable[[int, int], bool]] = {
    Operator.EQUAL: operator.eq,
    Operator.LESS: operator.lt,
    Operator.AT_MOST: operator.le,
    Operator.GREATER: operator.gt,
    Operator.AT_LEAST: operator.ge,
}


@dataclass(frozen=True, slots=True)
class Filter:
    """One condition. ``str(filter)`` is a text that ``parse`` reads as the same filter."""

    field: str
    operator: Operator
    value: str

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
            f"write it like {_EXAMPLES}"
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


def fields_of(id: str, title: str, source: str, metadata: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a document: its metadata by key, with its own ``id``, ``title`` and ``source`` over them.

    A nested object gives one field for each of its keys, ``author.name``; so do the objects of a list, each field
    then holding a list of their values. A list of lists becomes one list, and a list of one value that value.
    """
    found: dict[str, list[Any]] = {}
    # An explicit stack: deep nesting in a file must not hit Python's recursion limit.
    waiting: list[tuple[str, Any]] = [(str(key), metadata[key]) for key in reversed(list(metadata))]
    while waiting:
        name, value = waiting.pop()
        if isinstance(value, Mapping) and value:
            waiting += [(f"{name}.{key}", value[key]) for key in reversed(list(value))]
        elif isinstance(value, list | tuple) and value:
            waiting += [(name, inner) for inner in reversed(value)]
        else:
            found.setdefault(name, []).extend([] if isinstance(value, Mapping | list | tuple) else [value])
    fields = {name: values[0] if len(values) == 1 else values for name, values in found.items()}
    return {**fields, "id": id, "title": title, "source": source}


def matches(filters: Sequence[Filter], fields: Mapping[str, Any]) -> bool:
    """Whether a document with these fields (of ``fields_of``) meets every filter; none at all are always met.

    Two numbers are compared as numbers, exactly, whether the document holds them as numbers or as text in JSON's
    grammar; everything else is compared as text by code points, so that ISO dates come in their order. True and false
    are the texts ``true`` and ``false``. ``~=`` is a pattern for the whole text with ``*``, ``?`` and ``[…]`` that
    is case-sensitive; it never treats a text as a number.

    One element of a list is enough, but for ``!=``, which no element may equal. A document without the field, or with
    nothing in it (null, an empty list), meets no filter on it, ``!=`` neither: as with NULL in SQL, what is not known
    is not known to be different, and a filter never lets through documents that say nothing of what it asks.
    """
    return all(_meets(some, fields.get(some.field)) for some in filters)


def select(documents: Iterable[tuple[int, Mapping[str, Any]]], filters: Sequence[Filter]) -> list[int]:
    """The numbers of the documents that meet every filter, in the order they come.

    Raises UsageError for a field that no document has, listing those that exist: ``documents`` are all that are
    searched, so a field of any of them is known.
    """
    unknown = {some.field for some in filters} - set(OWN_FIELDS)
    known = set(OWN_FIELDS)
    selected = []
    for number, fields in documents:
        if unknown:
            known |= fields.keys()
            unknown -= known
        if matches(filters, fields):
            selected.append(number)
    if unknown:
        raise UsageError(_no_such_field(next(some for some in filters if some.field in unknown), known))
    return selected


def _meets(some: Filter, value: Any) -> bool:
    values = value if isinstance(value, list | tuple) else [value]
    texts = [_text(item) for item in values if item is not None]
    if some.operator is Operator.LIKE:
        return any(fnmatchcase(text, some.value) for text in texts)
    orders = [_order(text, some.value) for text in texts]
    if some.operator is Operator.DIFFERENT:
        return bool(orders) and 0 not in orders
    return any(_COMPARE[some.operator](order, 0) for order in orders)


def _order(text: str, other: str) -> int:
    """-1, 0 or 1 as the first comes before the second, equals it, or comes after it."""
    left, right = _number(text), _number(other)
    if left is not None and right is not None:
        return (left > right) - (left < right)
    return (text > other) - (text < other)


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def _number(text: str) -> Decimal | None:
    """The number that the text is; exact, since ids of 20 digits must not be rounded into one another."""
    return Decimal(text) if _NUMBER.fullmatch(text) else None


def _quoted(value: str) -> bool:
    return len(value) > 1 and value[0] == value[-1] and value[0] in "'\""


def _no_such_field(some: Filter, known: set[str]) -> str:
    folded = {name.casefold(): name for name in sorted(known, reverse=True)}
    close = get_close_matches(some.field.casefold(), folded, n=1)
    guess = f"did you mean {folded[close[0]]!r}? " if close else ""
    return (
        f"no document has the field {some.field!r} of the filter {str(some)!r}: {guess}"
        f"The fields are {', '.join(sorted(known))}"
    )
