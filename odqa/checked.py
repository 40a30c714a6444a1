"""Plain values and a type go in, a value of that type comes out, or one line that says where it is none.

For the files that odqa writes and reads again. None of them holds a number that is not finite, a whole number of more
than 64 bits, or objects inside objects a hundred deep, so these are refused whatever the type says of them.
"""

from __future__ import annotations

import math
from typing import Any

from odqa.errors import DataError

DEEPEST = 100
_LARGEST = 1 << 63
_LONGEST_PLACE = 100


def checked(kind: Any, value: object, where: str, remedy: str) -> Any:
    """The ``value`` (as JSON gives it) as a ``kind``: a dataclass, a pydantic model, or another type that pydantic has.

    Raises DataError otherwise: ``where`` the value is from, the place in it, what is wrong, and the ``remedy``.
    """
    from pydantic import TypeAdapter, ValidationError

    if problem := _unusual(value):
        raise DataError(f"{where}: {problem}; {remedy}")
    try:
        return TypeAdapter(kind).validate_python(value)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        place = ".".join(map(str, first["loc"]))[:_LONGEST_PLACE]
        raise DataError(f"{where}: {place}{': ' if place else ''}{first['msg']}; {remedy}") from None


def _unusual(value: object) -> str:
    """What no file of odqa holds, and where; empty where it is not there either."""
    waiting: list[tuple[str, int, object]] = [("", 0, value)]
    while waiting:
        place, depth, one = waiting.pop()
        if depth > DEEPEST:
            return "it is nested too deeply"
        if isinstance(one, dict):
            waiting += [(str(key), depth + 1, inside) for key, inside in one.items()]
        elif isinstance(one, list):
            waiting += [(place, depth + 1, inside) for inside in one]
        elif isinstance(one, float) and not math.isfinite(one):
            return f"{place[:_LONGEST_PLACE]} is {one}, which is no finite number"
        elif isinstance(one, int) and abs(one) >= _LARGEST:
            return f"{place[:_LONGEST_PLACE]} is a number of more than 64 bits"
    return ""
