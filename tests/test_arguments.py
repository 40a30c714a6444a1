"""What a Python caller gives is taken as it was meant, or refused in words that say what to give."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from odqa.arguments import check_count, check_probability, check_text, check_texts, names_of, path_of, paths_of
from odqa.errors import UsageError


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("5", "k must be a whole number, not the text '5'"),
        (5.0, r"not 5.0 \(float\)"),
        (np.array([1, 2]), "must be a whole number"),
        (True, r"not True \(bool\)"),
        (None, "not None"),
        (0, "k must be at least 1, not 0"),
        (-1, "not -1"),
    ],
)
def test_a_count_is_a_whole_number_of_at_least_1(value: object, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        check_count("k", value)
    check_count("k", 5)
    check_count("k", np.int64(5))


@pytest.mark.parametrize(("value", "said"), [("0.8", "not the text '0.8'"), (80, "80 % is 0.8"), ([], "a number")])
def test_a_probability_is_a_number_from_0_to_1(value: object, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        check_probability("confidence", value)
    for good in (0, 1, 0.5, np.float32(0.5)):
        check_probability("confidence", good)


def test_a_text_is_not_several_and_several_are_not_one() -> None:
    assert check_text("question", "Hi") == "Hi"
    assert check_texts("questions", ["Hi"], "") == ["Hi"]
    for wrong in (None, ["Hi"], b"Hi", 3):
        with pytest.raises(UsageError, match="a question is a text, not"):
            check_text("question", wrong)
    for wrong in (None, "Hi", b"Hi", 3):
        with pytest.raises(UsageError, match=r"questions are a list of texts, not .*; give a list"):
            check_texts("questions", wrong, "give a list")


def test_one_path_is_a_list_of_one() -> None:
    assert (
        paths_of("docs") == paths_of(Path("docs")) == paths_of(["docs"]) == paths_of(iter(["docs"])) == [Path("docs")]
    )
    assert names_of("a") == names_of(["a"]) == names_of(Path("a")) == ["a"]
    for wrong in (None, 3, [3], "", [""], [None], "a\0b", ["a\0b"]):
        with pytest.raises(UsageError, match="path"):
            paths_of(wrong)  # type: ignore[arg-type]
    with pytest.raises(UsageError, match=r"the index is named by its path, not by \['docs'\] \(list\)"):
        path_of("index", ["docs"])
