"""What a question is sorted by, and the scores of each kind."""

from __future__ import annotations

import pytest

from odqa.answering.deciders import ReaderRule
from odqa.evaluation.judging import Judge, Judgement
from odqa.evaluation.report import Slice
from odqa.evaluation.slices import answer_type, between, gold_rank, question_word, slices
from tests.evaluation.made import Spans, example, over_index


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


def test_the_answerable_questions_are_sorted_into_slices_largest_first() -> None:
    context = " ".join(["word"] * 60)
    filler = [(f"No {number}.", {}) for number in range(8)]

    def judged(question: str, answer: str, spans: Spans, gold: list[int], passages: int = 2) -> Judgement:
        asked = example(question, context, [answer] if answer else [], question)
        found = [(f"{answer} or Rome", spans), *filler]
        # The first hit is what is read; where the gold passage is says nothing about that.
        (one,) = Judge(ReaderRule()).judge([over_index(asked, found[:passages], gold=gold)], 1)
        return one

    found = slices(
        [
            judged("Who was it?", "Ada Merrow", {"Ada Merrow": 1.0}, [1]),
            judged("Who was there?", "Ada Merrow", {"Ada Merrow": -1.0}, [2, 1]),
            judged("Who was not?", "Bo Lind", {"Rome": 1.0}, [6], 9),
            judged("When was it?", "1887", {"1887": 1.0}, []),
            judged("Which of them?", "", {"Rome": 1.0}, []),  # Unanswerable.
        ]
    )
    assert found["question word"] == (Slice("who", 3, 1 / 3, 2 / 3, 2 / 3), Slice("when", 1, 1.0, 1.0, 1.0))
    assert found["answer type"] == (Slice("name", 3, 1 / 3, 2 / 3, 2 / 3), Slice("date", 1, 1.0, 1.0, 1.0))
    assert found["answer length"] == (Slice("2-3 words", 3, 1 / 3, 2 / 3, 2 / 3), Slice("1 word", 1, 1.0, 1.0, 1.0))
    assert found["gold passage's rank"] == (
        Slice("1", 2, 1 / 2, 1.0, 1 / 2),
        Slice("6-20", 1, 0.0, 0.0, 1.0),
        Slice("not found", 1, 1.0, 1.0, 1.0),
    )
    assert found["context length"] == (Slice("50-99 words", 4, 1 / 2, 3 / 4, 3 / 4),)


def test_the_first_gold_passage_s_rank_is_a_range() -> None:
    golds = [[1], [2], [5, 9], [6], [20], [21], []]
    cases = [over_index(example("q", "Paris", ["Paris"]), [("Rome", {})] * 21, gold=gold) for gold in golds]
    names = ["1", "2-5", "2-5", "6-20", "6-20", "21 and more", "not found"]
    assert [gold_rank(one) for one in Judge(ReaderRule()).judge(cases, 1)] == names
