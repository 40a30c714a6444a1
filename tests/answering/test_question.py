"""Whatever cannot be asked is refused, with what is wrong and what to do."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from odqa.answering.question import Ask, check_question
from odqa.errors import UsageError


@pytest.mark.parametrize(
    ("question", "checked"),
    [
        ("  Who built it? \n", "Who built it?"),
        ("Who\tbuilt\r\nit?", "Who built  it?"),
        ("¿Quién la construyó? 🗼", "¿Quién la construyó? 🗼"),
        ("?", "?"),
        ("\u200bWho?", "\u200bWho?"),
        ("x" * 1000, "x" * 1000),
        (" " * 2000 + "x", "x"),
    ],
)
def test_a_question_is_stripped(question: str, checked: str) -> None:
    assert check_question(question) == checked


@pytest.mark.parametrize(
    ("question", "words"),
    [
        ("", ["empty", "ask"]),
        (" \t\n\u00a0", ["empty"]),
        ("\u200b", ["empty"]),
        (" \u00ad\u200d \ufe0f\u2028", ["empty"]),
        ("x" * 10_000, ["10,000 characters", "1,000", "shorten"]),
        ("Who\x00?", ["U+0000", "position 4", "remove"]),
        ("\x1b[31mWho?", ["U+001B", "position 1"]),
        ("\x01\x02\x03", ["U+0001", "position 1"]),
        ("Wh\x7fo", ["U+007F", "position 3"]),
        ("Wh\x9bo", ["U+009B", "position 3"]),
        ("Caf\udce9?", ["U+DCE9", "position 4"]),
    ],
)
def test_a_question_that_cannot_be_asked(question: str, words: list[str]) -> None:
    with pytest.raises(UsageError) as error:
        check_question(question)
    assert all(word in str(error.value) for word in words), error.value


@given(st.text())
def test_a_checked_question_is_clean_and_stays_so(text: str) -> None:
    try:
        question = check_question(text)
    except UsageError:
        return
    assert 0 < len(question) <= 1000
    assert not any(unicodedata.category(character) in {"Cc", "Cs"} for character in question)
    assert check_question(question) == question


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"k": 0}, ["k must be at least 1", "not 0"]),
        ({"n": -1}, ["n must be at least 1", "not -1"]),
        ({"min_confidence": 80}, ["from 0 to 1", "not 80", "0.8"]),
        ({"min_confidence": -0.1}, ["from 0 to 1"]),
        ({"min_confidence": float("nan")}, ["from 0 to 1"]),
    ],
)
def test_settings_that_make_no_sense(settings: dict[str, float], words: list[str]) -> None:
    with pytest.raises(UsageError) as error:
        Ask(**settings)
    assert all(word in str(error.value) for word in words), error.value


@pytest.mark.parametrize("confidence", [None, 0, 0.5, 1])
def test_every_probability_is_a_least_confidence(confidence: float | None) -> None:
    assert Ask(min_confidence=confidence).min_confidence == confidence
