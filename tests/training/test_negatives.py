"""Made unanswerable questions: each kind by hand, and what holds of all of them."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from odqa.errors import UsageError
from odqa.training.negatives.contexts import Place, among_contexts, delete_answer
from odqa.training.negatives.kinds import CONTEXT_KINDS, KINDS, QUESTION_KINDS, check_kinds, split_kinds
from odqa.training.negatives.mixture import kind_of, make_negatives, make_pairs, swap
from odqa.training.negatives.questions import (
    Conditions,
    add_prefix,
    exclude,
    negate,
    swap_name,
    swap_name_alike,
    swap_name_part,
    swap_number,
    swap_opposite,
    tells_answer,
)
from odqa.training.negatives.words import Usage, bare_words, names
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


def test_nothing_is_deleted_where_the_answer_is_elsewhere_too():
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


@pytest.mark.parametrize(
    ("kind", "question", "answer", "context", "made"),
    [
        (
            "number",
            "What is after 1990?",
            "May 1991",
            "It is May 1991.",
            {f"What is after {1990 + n}?" for n in (2, 5, 10, 20)},
        ),
        ("antonym", "Which place, if not the first?", "Last", "Ann came Last.", set()),
        ("antonym", "Who is the legal heir?", "an illegal one", "an illegal one " * Usage.LEAST, set()),
        (
            "entity",
            "Who is in Old Town?",
            "york",
            "They saw the New York duke of york.",
            {"Who is in New Town?", "Who is in Old New?"},
        ),
        ("condition", "Who drew it?", "the mason", "It is in the North. Ask the mason.", set()),
    ],
    ids=["number", "opposite", "prefix", "name", "condition"],
)
def test_no_word_of_an_answer_is_put_into_a_question(kind, question, answer, context, made):
    some = example(question, answer, context)
    assert {one.question for seed in range(100) for one in make_negatives([some], 1.0, seed, [kind])} == made


def test_words_are_compared_without_signs_and_capitals():
    some = example("Who won in 1990?", "the U.S. (Anna’s), 1,000", "the U.S. (Anna’s), 1,000")
    assert all(tells_answer(f"Who won in {word}?", some) for word in ("US", "Anna", "1000", "1990, THE"))
    assert not tells_answer("Who won in 1000s?", some)
    assert not tells_answer("Who?", example("Who?", "won", "Who won?"))
    assert not tells_answer("Who won?", example("Who has won?", "won", "Who won?"))
    assert bare_words("didn't–don’t") == {"didnt", "dont"}


def test_a_number_that_python_does_not_read_is_left_alone():
    some = example(f"What is {'9' * 5000}?", "the plan")
    assert swap_number(some, random.Random(0)) is None
    assert ways(swap_number, example(f"What is {'9' * 20}?", "the plan")) == {
        f"What is {10**20 + step}?" for step in (0, 1, 4, 9, 19)
    }


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


@pytest.mark.parametrize("context", ["It is 5.", "a b c 1 2 3. d e f.", "… – !? 5"])
def test_paragraphs_without_a_word_to_compare_give_no_article(context):
    some = [example("How many?", "5" if "5" in context else "b", context), example("What?", "It", "It is.", key="c")]
    assert make_negatives(some, 1.0, 0, ["article"]) == []


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
        assert one.plausible == (original.references if kind == "swapped" else ())
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


def test_questions_of_one_id_are_questions_of_their_own():
    same = [replace(one, id="0") for one in examples()]
    assert len(make_negatives(same, 1.0, seed=0)) == len(make_negatives(examples(), 1.0, seed=0)) == 8


def test_each_is_beside_the_question_that_it_was_made_of_whatever_the_ids():
    same, originals = [replace(one, id="0") for one in examples()], {one.id: one for one in examples()}
    pairs = make_pairs(same, 1.0, 0, ["negation"])
    assert [negative for negative, _ in pairs] == make_negatives(same, 1.0, 0, ["negation"])
    assert [(negative.question, original.question) for negative, original in pairs] == [
        (one.question, originals[one.id.removesuffix("-negation")].question)
        for one in make_negatives(examples(), 1.0, 0, ["negation"])
    ]


def test_without_answerable_questions_there_is_nothing_to_make():
    assert make_negatives([], 1.0, seed=0) == []
    assert make_negatives([one for one in examples() if not one.answerable], 1.0, seed=0) == []


def ways(way, some: Example) -> set[str | None]:
    """Every question that a way gives in 200 draws."""
    return {way(some, random.Random(seed)) for seed in range(200)}


def test_a_part_of_a_name_is_swapped_for_a_part_of_another():
    context = "The game Twilight Princess follows Ocarina of Time. Link saves Hyrule."
    some = example("Which hero is in Twilight Princess?", "Link", context)
    assert ways(swap_name_part, some) == {
        f"Which hero is in {name}?"
        for word in ("Ocarina", "Time", "Hyrule")
        for name in (f"{word} Princess", f"Twilight {word}")
    }


def test_a_name_of_one_word_has_no_part():
    assert ways(swap_name_part, example("Who hired Gustave?", "1889")) == {None}


def test_a_prefix_turns_a_word_into_an_opposite_that_the_texts_know():
    usage = Usage(["an unofficial plan, an illegal tower and what is impossible"] * Usage.LEAST)
    assert ways(
        lambda some, chance: add_prefix(some, chance, usage), example("Who wrote the official plan?", "1889")
    ) == {"Who wrote the unofficial plan?"}
    both = example("Was the legal tower possible?", "1889")
    assert ways(lambda some, chance: add_prefix(some, chance, usage), both) == {
        "Was the illegal tower possible?",
        "Was the legal tower impossible?",
    }


def test_a_word_that_nobody_writes_is_not_made():
    usage = Usage(["a planned bridge of iron, on the way into town"] * Usage.LEAST)
    # "unplanned" is not there; "iron" and "into" are, but "on" and "to" are not words to be turned round.
    for question in ("Which planned bridge?", "What is on it?", "Who came to town?"):
        assert add_prefix(example(question, "1889"), random.Random(0), usage) is None


def test_a_name_gives_way_to_one_that_is_used_alike():
    context = "It was built in Paris and shown in Lyon. Anna Lind of Rome saw it. Gustave came in May."
    some = example("Who built it in Paris?", "Gustave", context)
    # After "in" as Paris is; not Rome, which is after "of", nor a name of two words.
    assert ways(swap_name_alike, some) == {"Who built it in Lyon?", "Who built it in May?"}
    assert ways(swap_name_alike, example("Who met Anna Lind?", "Gustave", context)) == {None}


NOUNS = ["album", "game", "song", "movie"]
SPEECH = [f"The {noun} of the year was {verb} in the city." for noun in NOUNS for verb in ("released", "recorded")] * 5


def test_words_that_are_used_alike_are_learned_from_the_texts():
    usage = Usage(SPEECH)
    assert usage.alike("album", ["game", "released", "song", "city"]) == ["game", "song"]
    assert usage.alike("released", ["recorded", "movie"]) == ["recorded"]
    assert usage.alike("unknown", ["game"]) == []
    assert usage.alike("album", []) == []


def test_a_thing_is_swapped_for_another_that_the_context_names():
    context = "The game was shown. The album came with a song by Anna."
    some = example("What is in the game?", "Anna", context)
    made = {exclude(some, random.Random(seed), Usage(SPEECH)) for seed in range(50)}
    assert made == {"What is in the album?", "What is in the song?"}


def test_only_the_last_word_of_a_phrase_is_swapped():
    context = "The album came with a song by Anna."
    some = example("Which game released it?", "Anna", context)
    assert exclude(some, random.Random(0), Usage(SPEECH)) is None


def test_no_thing_is_swapped_for_the_answer():
    context = "The game was shown. The album came later."
    some = example("What came after the game?", "The album", context)
    assert exclude(some, random.Random(0), Usage(SPEECH)) is None


def test_a_condition_comes_from_elsewhere_than_the_answers_sentence():
    context = "It opened in Paris in 1889. The plan was drawn by Gustave. It closed in 1960 in Lyon."
    some = example("Who drew the plan?", "Gustave", context)
    other = example("What is it?", "A bridge", "A bridge of iron. It was sold after 1970.", key="c")
    made = ways(Conditions([some, other]).add, some)
    phrases = ["in Paris", "in 1889", "in 1960", "in Lyon", "after 1970"]
    after = {f"Who drew the plan {phrase}?" for phrase in phrases}
    assert made <= after | {f"{phrase[0].upper()}{phrase[1:]}, who drew the plan?" for phrase in phrases}
    assert {"Who drew the plan after 1970?", "In Paris, who drew the plan?"} <= made


def test_a_condition_that_the_answers_sentence_meets_is_not_taken():
    context = "The plan was drawn in 1889 by Gustave. It is long."
    assert Conditions([]).add(example("Who drew the plan?", "Gustave", context), random.Random(0)) is None


class TestRetrieved:
    """With the tiny encoder and paragraphs that share words."""

    def test_the_question_is_put_over_a_passage_without_its_answer(self, tiny_encoder):
        from odqa.retrieval.encoder import Encoder

        search = among_contexts(examples(), lambda: Encoder.load(tiny_encoder))
        found = make_negatives(examples(), 1.0, 0, ["retrieved"], search=search)
        made = {one.id: one for one in found}
        originals = {one.id: one for one in examples()}
        assert made
        for key, one in made.items():
            original = originals[key.removesuffix("-retrieved")]
            assert one.question == original.question
            assert one.context != original.context
            assert not any(reference.text.lower() in one.context.lower() for reference in original.references)
            assert one.plausible == ()

    def test_a_number_needs_a_number_that_could_be_taken_for_it(self, tiny_encoder):
        from odqa.retrieval.encoder import Encoder

        some = [
            example("When was the tower built?", "1889", "The tower was built in 1889.", "a", "a"),
            example("Who built it?", "the engineer", "It was built by the engineer in Paris.", "b", "b"),
        ]
        search = among_contexts(some, lambda: Encoder.load(tiny_encoder))
        made = make_negatives(some, 1.0, 0, ["retrieved"], search=search)
        assert [one.id for one in made] == ["b-retrieved"]  # The other paragraph has no number for the first one.

    @pytest.mark.parametrize("ratio", [0.5, 1.0, 2.0, 100.0])
    def test_a_question_that_is_drawn_again_goes_over_another_passage(self, ratio):
        """Of five that are found, one is its own context and one holds the answer."""
        one = example("Who drew the plan?", "Gustave Eiffel")
        others = ["There sang Hugo.", "There sang Gustave Eiffel.", "There sang Ada.", "There sang Anna."]
        found = [Place("", (), context) for context in (one.context, *others)]
        made = make_negatives([one] * 2, ratio, 0, ["retrieved"], search=lambda drawn: [found for _ in drawn])
        assert len(made) == min(round(2 * ratio), 3)
        assert len({negative.context for negative in made}) == len(made)
        assert {negative.context for negative in made} <= {others[0], *others[2:]}

    def test_only_the_first_of_a_question_has_no_number(self):
        one = example("Who drew the plan?", "Gustave Eiffel")
        found = [Place("", (), f"There sang {name}.") for name in ("Hugo", "Ada", "Anna")]
        made = make_negatives([one], 3.0, 0, ["retrieved"], search=lambda drawn: [found for _ in drawn])
        assert [negative.id for negative in made] == [f"{one.id}-retrieved{end}" for end in ("", "-2", "-3")]
        assert {kind_of(negative) for negative in made} == {"retrieved"}


@pytest.mark.parametrize("kind", [kind for kind in QUESTION_KINDS if kind != "exclusion"])
@pytest.mark.parametrize("seed", range(3))
def test_a_changed_question_keeps_its_context_and_its_answers_become_plausible(kind, seed):
    context = " ".join(SPEECH[:4]) + " Anna Lind and Max Weber sang in Paris in 1990. It was sold in Rome by Tom Hill."
    some = [
        example("What was the first old game of Anna Lind in 1980?", "Rome", context, key=f"k{at}", title=str(at))
        for at in range(3)
    ]
    some += [example("What is it?", speech, speech, key=f"s{at}", title="0") for at, speech in enumerate(SPEECH)]
    made = make_negatives(some, 1.0, seed, [kind])
    assert any(one.id == f"k0-{kind}" for one in made)
    for one in made:
        assert not one.answerable
        if one.id.startswith("k"):
            assert one.context == context
            assert one.question != some[0].question
            assert one.plausible == some[0].references
            assert "Rome" not in one.question


def test_kinds_are_drawn_as_often_as_they_are_named():
    some = [example("Who had the plan?", "Gustave Eiffel", key=str(at)) for at in range(300)]
    made = make_negatives(some, 1.0, 0, ["negation", "deleted", "deleted"])
    assert len(made) == 300
    assert 70 < sum(one.id.endswith("-negation") for one in made) < 130


def test_a_kind_that_cannot_be_made_gives_way_to_another():
    some = [example("Who had the plan?", "Gustave Eiffel", key=str(at)) for at in range(20)]
    made = make_negatives(some, 1.0, 0, ["number", "negation"])
    assert [one.id for one in made] == [f"{at}-negation" for at in range(20)]
    assert make_negatives(some, 1.0, 0, ["number"]) == []


def test_all_names_every_kind():
    assert check_kinds(["all"], "x") == KINDS == (*QUESTION_KINDS, *CONTEXT_KINDS)
    assert check_kinds(["negation", "negation", "simple"], "x") == ("negation", "negation", "simple")


def test_kinds_are_separated_by_commas_or_spaces():
    assert split_kinds(" entity, ,number  entity,", "x") == ("entity", "number", "entity")
    for text in ("", " ", ","):
        with pytest.raises(UsageError, match=r"^--here names none; known: negation, .*all$"):
            split_kinds(text, "--here")


def test_an_unknown_kind_is_named_with_the_known_ones():
    said = r"^here: no such kind of negatives: 'antonyms'; known: negation, antonym, .*all; did you mean 'antonym'\?$"
    with pytest.raises(UsageError, match=said):
        check_kinds(["antonyms"], "here")


def test_a_word_at_a_sentences_start_is_no_name():
    assert [name.group() for name in names("Bridges of Paris. The Seine. Old Town is nice.")] == [
        "Bridges of Paris",
        "Old Town",
    ]


def test_no_way_changes_a_question_that_gives_it_nothing():
    nothing = example("Why?", "1889")
    assert {way(nothing, random.Random(0)) for way in (swap_name, swap_number, swap_opposite, negate)} == {None}
