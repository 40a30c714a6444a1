"""The normalisation gives what SQuAD's official script gives."""

from __future__ import annotations

import re
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from odqa.text import normalize_answer


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        ("The Eiffel  Tower!", "eiffel tower"),
        ("an apple, a pear\nand the plum", "apple pear and plum"),
        ("theatre and analogy", "theatre and analogy"),  # articles only as whole words
        ("U.S.", "us"),
        ("the-end", "theend"),  # punctuation goes first, so no article is left
        ("3.5", "35"),
        ("«Île»", "«île»"),  # only ASCII punctuation
        ("The", ""),
        ("", ""),
    ],
)
def test_examples(text: str, normal: str) -> None:
    assert normalize_answer(text) == normal


def official(s: str) -> str:
    """The function of SQuAD's evaluate-v2.0.py, step for step."""

    def remove_articles(text):
        regex = re.compile(r"\b(a|an|the)\b", re.UNICODE)
        return re.sub(regex, " ", text)

    def white_space_fix(text):
        return " ".join(text.split())

    def remove_punc(text):
        exclude = set(string.punctuation)
        return "".join(ch for ch in text if ch not in exclude)

    def lower(text):
        return text.lower()

    return white_space_fix(remove_articles(remove_punc(lower(s))))


@given(st.text() | st.text(alphabet="aAnthe .,-'\n"))
def test_agrees_with_the_official_script(text: str) -> None:
    assert normalize_answer(text) == official(text)
