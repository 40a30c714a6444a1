"""Where a text stands in another: whole words, in the view that models read, in any script."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from odqa.evaluation.mentions import Phrase, holds, words_of
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


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("It listens on localhost:8080 by default.", "8080"),
        ("An allowance of “twenty days” of leave.", "twenty days"),
        ("It is set in config.toml in the folder.", "config"),
        ("From 1990–1995 he was in Rome.", "1990"),
        ("The firm’s budget is small.", "firm"),
        ("GPL-2.0-or-later", "GPL-2.0"),
        ("北京市位于华北平原的北部。", "华北平原"),
        ("He saw the old Globe, in London.", "Globe (in London)"),
        ("He saw old Globe.", "the old, globe"),
    ],
)
def test_a_text_holds_an_answer_whatever_signs_are_around_and_in_it(text: str, answer: str) -> None:
    assert holds(text, ["nothing of it", answer])


@pytest.mark.parametrize("answer", ["", ".", "the", "globe", "Lon"])
def test_a_text_does_not_hold_a_part_of_a_word_or_nothing(answer: str) -> None:
    assert not holds("He saw the Globes. The London of old.", [answer])
