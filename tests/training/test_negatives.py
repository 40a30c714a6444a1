"""Made unanswerable questions: each kind by hand, and what holds of all of them."""

from __future__ import annotations

import random

import pytest

from odqa.training.negatives import delete_answer, make_negatives, swap
from odqa.types import Example, Reference
from tests.training.conftest import examples

PARAGRAPH = "The bridge was opened in 1889. Gustave Eiffel drew the plan. It crosses the river since 1900."


def example(question: str, answer: str, context: str = PARAGRAPH, title: str = "Bridge", key: str = "b") -> Example:
    return Example(key, question, context, (Reference(answer, context.index(answer)),), title)


def swaps(some: Example) -> set[str]:
    """Every question that comes out of 200 draws."""
    made = [swap(some, random.Random(seed)) for seed in range(200)]
    assert all(one is None or (one.context == some.context and one.question != some.question) for one in made)
    return {one.question for one in made if one is not None}


def test_the_sentence_with_the_answer_is_deleted():
    made = delete_answer(example("Who drew the plan?", "Gustave Eiffel"))
    assert made is not None
    assert made.context == "The bridge was opened in 1889. It crosses the river since 1900."
    assert made.question == "Who drew the plan?"


def test_every_sentence_that_a_reference_touches_is_deleted():
    some = example("When?", "1889")
    far = Reference("1900", PARAGRAPH.index("1900"))
    context = PARAGRAPH + " It is long."
    made = delete_answer(Example("b", "When?", context, (*some.references, far)))
    assert made is not None
    assert made.context == "Gustave Eiffel drew the plan. It is long."


def test_nothing_is_deleted_where_the_answer_stands_elsewhere_too():
    assert delete_answer(example("Who?", "Gustave", PARAGRAPH + " Ask gustave.")) is None


def test_nothing_is_deleted_where_one_sentence_would_be_left():
    assert delete_answer(example("Who?", "Gustave", "Gustave drew it. It is long.")) is None


def test_a_number_is_swapped_for_one_of_the_paragraph_or_the_verb_negated():
    assert swaps(example("What was drawn in 1889?", "the plan")) == {
        "What was drawn in 1900?",
        "What wasn't drawn in 1889?",
        "What was not drawn in 1889?",
        "What was never drawn in 1889?",
    }


def test_a_number_without_another_of_its_length_is_moved():
    made = swaps(example("What took 37 days?", "the plan"))
    assert made == {f"What took {37 + step} days?" for step in (1, 2, 5, 10, 20)}


def test_an_answer_is_never_swapped_into_its_question():
    # The only other year is the answer: the number is moved instead.
    made = swaps(example("What took place before 1889?", "1900"))
    assert not any("1900" in question for question in made)
    assert made == {f"What took place before {1889 + n}?" for n in (1, 2, 5, 10, 20)} | {"What took place after 1889?"}


def test_a_name_is_swapped_for_another_of_the_paragraph():
    context = "The plan of Gustave Eiffel was better than that of Maria Garcia, said Anna Lind."
    made = swaps(example("Which plan won for Gustave Eiffel?", "better", context))
    assert {"Which plan won for Maria Garcia?", "Which plan won for Anna Lind?"} <= made
    assert made <= {
        "Which plan won for Maria Garcia?",
        "Which plan won for Anna Lind?",
        "Which plan lost for Gustave Eiffel?",
    }


def test_a_word_is_swapped_for_its_opposite():
    assert swaps(example("Which first plan?", "Gustave")) == {"Which last plan?"}


@pytest.mark.parametrize(
    ("question", "made"), [("Who can draw?", "Who can't draw?"), ("Who will draw?", "Who won't draw?")]
)
def test_verbs_with_short_forms_of_their_own(question, made):
    verb = question.split()[1]
    assert swaps(example(question, "1889")) == {made, f"Who {verb} not draw?", f"Who {verb} never draw?"}


def test_a_question_in_which_nothing_can_be_changed():
    assert swaps(example("Why draw?", "1889")) == set()


def article() -> list[Example]:
    """An article of three paragraphs, one of which holds the answer of the first question, too."""
    return [
        example("Who drew the bridge's plan?", "Gustave", "Gustave drew the bridge. It is long.", key="a"),
        example("Where is the bridge?", "Paris", "The bridge is in Paris. A plan was drawn.", key="b"),
        example("What did he build?", "a tower", "The plan of gustave was a tower.", key="c"),
    ]


def test_a_question_is_put_over_another_paragraph_of_its_article():
    # With one sentence left and no word to change, only another paragraph remains.
    first = example("Why plan bridges?", "Gustave", "Gustave drew the bridge. It is long.", key="a")
    made = make_negatives([first, *article()[1:]], 1.0, seed=3)
    (moved,) = [one for one in made if one.id.startswith("a-")]
    assert moved.id == "a-article"
    assert moved.context == article()[1].context  # Not the third one: it names Gustave.
    assert moved.question == first.question


def test_other_articles_are_never_taken():
    alone = example("Why plan bridges?", "Gustave", "Gustave drew the bridge. It is long.", title="Alone", key="a")
    assert make_negatives([alone], 1.0, seed=0) == []
    assert all(one.id.startswith(("b-", "c-")) for one in make_negatives([alone, *article()[1:]], 1.0, seed=0))


@pytest.mark.parametrize("seed", range(5))
def test_what_holds_of_all_of_them(seed):
    originals = {one.id: one for one in examples()}
    made = make_negatives(list(originals.values()), 2.0, seed)
    assert len({one.id for one in made}) == len(made) > 8
    assert {one.id.rpartition("-")[2] for one in made} == {"swapped", "article", "deleted"}
    for one in made:
        key, _, kind = one.id.rpartition("-")
        original = originals[key]
        assert original.answerable
        assert not one.answerable
        assert one.plausible == ()
        assert one.title == original.title
        if kind == "swapped":
            assert one.context == original.context
            assert one.question != original.question
        else:
            assert kind in ("article", "deleted")
            assert one.question == original.question
            assert one.context != original.context
            assert not any(reference.text.lower() in one.context.lower() for reference in original.references)


def test_the_same_seed_makes_the_same_questions():
    assert make_negatives(examples(), 1.0, seed=1) == make_negatives(examples(), 1.0, seed=1)
    assert make_negatives(examples(), 1.0, seed=1) != make_negatives(examples(), 1.0, seed=2)


@pytest.mark.parametrize(("ratio", "count"), [(0.5, 4), (1.0, 8), (0.0, 0), (0.01, 0)])
def test_the_ratio_counts_answerable_questions(ratio, count):
    # All eight answerable questions have a verb to negate.
    assert len(make_negatives(examples(), ratio, seed=0)) == count


def test_without_answerable_questions_there_is_nothing_to_make():
    assert make_negatives([], 1.0, seed=0) == []
    assert make_negatives([one for one in examples() if not one.answerable], 1.0, seed=0) == []
