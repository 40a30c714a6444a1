"""The normalisation gives what SQuAD's official script gives."""

from __future__ import annotations

import re
import string

from hypothesis import given
from hypothesis import strategies as st

from odqa.text import normalize_answer


def test_examples() -> None:
    assert normalize_answer("an apple, a pear\nand the plum") == "apple pear and plum"
    assert normalize_answer("theatre and analogy") == "theatre and analogy"  # Articles only as whole words.
    assert normalize_answer("the-end") == "theend"  # Punctuation goes first, so no article is left.
    assert normalize_answer("«Île»") == "«île»"  # Only ASCII punctuation.


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
