"""A value is of its type, or one line says where it is not."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from odqa.checked import DEEPEST, checked
from odqa.errors import DataError


@dataclass
class Point:
    x: float
    of: list[int]


def test_a_value_of_the_type_is_given_back_as_one() -> None:
    assert checked(Point, {"x": 1, "of": [2]}, "a.json", "") == Point(1.0, [2])


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ({"x": 1, "of": ["y"]}, "a.json: of.0: Input should be a valid integer"),
        ({"x": 1}, "a.json: of: Field required"),
        ([], "a.json: Input should be"),
        ({"x": float("nan"), "of": []}, "a.json: x is nan, which is no finite number"),
        ({"x": -float("inf"), "of": []}, "a.json: x is -inf"),
        ({"x": 10**400, "of": []}, "a.json: x is a number of more than 64 bits"),
        ({"x": 1, "of": [-(10**400)]}, "a.json: of is a number of more than 64 bits"),
        ({"x": json.loads("[" * (DEEPEST + 1) + "]" * (DEEPEST + 1))}, "a.json: it is nested too deeply"),
    ],
)
def test_what_is_wrong_is_said_with_its_place_and_the_remedy(value: Any, said: str) -> None:
    with pytest.raises(DataError) as error:
        checked(Point, value, "a.json", "write it again")
    assert str(error.value).startswith(said)
    assert str(error.value).endswith("; write it again")
    assert "\n" not in str(error.value)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inside: st.lists(inside, max_size=3) | st.dictionaries(st.text() | st.sampled_from(["x", "of"]), inside),
)


@given(JSON)
def test_any_value_is_one_of_the_type_or_refused(value: Any) -> None:
    try:
        found = checked(Point, value, "a.json", "write it again")
    except DataError as error:
        assert len(str(error)) < 500
    else:
        assert isinstance(found, Point)
