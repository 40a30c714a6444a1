"""What a question is sorted by."""

from __future__ import annotations

import pytest

from odqa.evaluation.slices import answer_type, between, question_word


@pytest.mark.parametrize(
    ("question", "word"),
    [
        ("How many days of vacation are there?", "how many"),
        ("In which year was it built?", "which"),
        ("Whose tower is it?", "whose"),
        ("Somewhat tall towers: why?", "why"),
        ("Name the tower.", "other"),
    ],
)
def test_the_first_question_word_counts(question: str, word: str) -> None:
    assert question_word(question) == word


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        ("1887", "date"),
        ("in the 19th century", "date"),
        ("March 3", "date"),
        ("54,000 tonnes", "number"),
        ("twelve", "number"),
        ("Ada Merrow", "name"),
        ("University of Oxford", "name"),
        ("the direction from the sun", "phrase"),
        ("...", "phrase"),
    ],
)
def test_an_answer_is_a_date_a_number_a_name_or_a_phrase(answer: str, kind: str) -> None:
    assert answer_type(answer) == kind


@pytest.mark.parametrize(
    ("value", "name"),
    [(0, "under 1 word"), (1, "1 word"), (2, "2-3 words"), (3, "2-3 words"), (4, "4 and more words")],
)
def test_ranges_hold_their_first_number(value: int, name: str) -> None:
    assert between(value, (1, 2, 4)) == name
