"""Where a text stands in another: whole words, in the view that models read, in any script."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from odqa.evaluation.mentions import Phrase, words_of
from odqa.views import plain


@pytest.mark.parametrize(
    ("phrase", "text", "found"),
    [
        ("day", "A day, a Day, days.", ["day", "Day"]),
        ("twenty days", "It has twenty\n  days.", ["twenty\n  days"]),
        ("fifth", "the ﬁfth floor", ["ﬁfth"]),
        ("£45", "Pay £45 or £450.", ["£45"]),
        ("C++", "C++ and C", ["C++"]),
        ("北京", "他在北京住。", ["北京"]),
        ("GPU", "用GPU算", ["GPU"]),
        ("\u200b", "a\u200bb", []),
    ],
)
def test_where_a_text_stands(phrase: str, text: str, found: list[str]) -> None:
    assert [text[start:end] for start, end in Phrase(phrase).spans(text, exact=False)] == found


def test_the_case_may_have_to_be_the_same() -> None:
    assert Phrase("May").spans("It may rain in May.", exact=True) == [(15, 18)]


@given(st.text(), st.text())
def test_what_lacks_the_anchor_lacks_the_text(phrase: str, rest: str) -> None:
    sought, view = Phrase(phrase), plain(f"{rest} {phrase} {rest}")
    if sought.is_in(view, exact=True) and sought.anchor is not None:
        assert sought.anchor in words_of(view)
