"""Values that no honest file has at any of its places, and a file with one of its values replaced."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from typing import Any

from hypothesis import strategies as st

# As JSON writes them: what is no text, too large, no number at all, too long, too deep, or of another type.
WORDS = (
    *("null", "true", "-1", "0", "1.5", "NaN", "Infinity", "-Infinity", "1e400", "1e300", "-1e300", "1e-320"),
    *("9" * 400, "9" * 5_000, '"x"', '""', '"\\u001b[2J"', '"\\ud800"', "[]", "{}", "[1]", '{"a": 1}', "[[[]]]"),
    *("[" * 150 + "]" * 150, "[" * 900 + "]" * 900, "[" * 100_000, '{"a":' * 150 + "1" + "}" * 150),
)
_HOLE = "hole-of-this-value"


def places(value: Any, way: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The keys and positions that lead to every value inside; of a list the first and the last."""
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    last = len(value) - 1 if isinstance(value, list) else 0
    for key, one in inside:
        if isinstance(value, dict) or key in (0, last):
            yield (*way, key)
            yield from places(one, (*way, key))


def replaced(value: Any, place: tuple[Any, ...], word: str) -> str:
    """The value as JSON, with the JSON text ``word`` at ``place``."""
    changed = copy.deepcopy(value)
    holder = changed
    for key in place[:-1]:
        holder = holder[key]
    holder[place[-1]] = _HOLE
    return json.dumps(changed).replace(json.dumps(_HOLE), word)


def mutations(value: Any) -> st.SearchStrategy[str]:
    """The value as JSON with something unusual in one of its places."""
    return st.builds(lambda place, word: replaced(value, place, word), st.sampled_from(list(places(value))), _words())


def _words() -> st.SearchStrategy[str]:
    return st.one_of(st.sampled_from(WORDS), st.integers().map(str), st.floats(allow_nan=False).map(json.dumps))
