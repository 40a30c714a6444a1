"""Wrong offsets are repaired and counted, and labels say where the answer's tokens are."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from odqa.reader.features import windows
from odqa.training.labels import REACH, Repairs, repair, spans, tightened, with_plausible
from odqa.types import Example, Reference
from odqa.views import Context
from tests import tiny
from tests.reader import families

CONTEXT = "The Seine is a river. Paris is on the Seine. Berlin is on the Spree."
TOKENIZER = tiny.make_tokenizer()


def example(*references: Reference, question: str = "Which?", context: str = CONTEXT) -> Example:
    return Example("x", question, context, references)


def repaired(*references: Reference, context: str = CONTEXT) -> tuple[tuple[Reference, ...] | None, Repairs]:
    kept, counts = repair([example(*references, context=context)])
    return (kept[0].references if kept else None), counts


KEPT, REPAIRED, DROPPED = Repairs(1, 0, 0), Repairs(0, 1, 0), Repairs(0, 0, 1)


@pytest.mark.parametrize(
    ("text", "start", "place", "counts"),
    [
        ("Paris", 22, 22, KEPT),
        ("Paris", 21, 22, REPAIRED),
        ("Paris", 25, 22, REPAIRED),
        ("Paris", 22 - REACH, 22, REPAIRED),
        ("Seine", 37, 38, REPAIRED),
        ("Seine", 5, 4, REPAIRED),
        ("Seine", 21, 4, REPAIRED),  # As far from both of them: the earlier one.
        ("Spree", 0, 62, REPAIRED),  # Out of reach, but it is there only once.
        ("Spree", 999, 62, REPAIRED),
        ("Spree", -999, 62, REPAIRED),
        (" Paris ", 21, 22, REPAIRED),
        ("Seine", 66, None, DROPPED),  # Out of reach, and there twice.
        ("Seine", -30, None, DROPPED),
        ("London", 22, None, DROPPED),
        ("paris", 22, None, DROPPED),
        ("", 3, None, DROPPED),
        ("  ", 3, None, DROPPED),
    ],
)
def test_an_answers_start_is_repaired(text, start, place, counts):
    found, counted = repaired(Reference(text, start))
    assert found == (None if place is None else (Reference(text.strip(), place),))
    assert counted == counts


def test_the_references_that_are_found_stay():
    found, counted = repaired(Reference("London", 3), Reference("Paris", 22))
    assert found == (Reference("Paris", 22),)
    assert counted == KEPT


def test_counts_are_questions():
    some = [
        example(Reference("Paris", 22)),
        example(Reference("Paris", 20), Reference("Paris", 21)),
        example(Reference("London", 0)),
        example(),
    ]
    kept, counts = repair(some)
    assert len(kept) == 3
    assert counts == Repairs(kept=2, repaired=1, dropped=1)


def test_questions_are_stripped_and_unanswerable_ones_stay():
    (kept,), counts = repair([example(question="  Who? \n")])
    assert (kept.question, kept.references) == ("Who?", ())
    assert counts == KEPT


@given(st.text("ab ", max_size=12), st.text("ab ", max_size=4), st.integers(-20, 30))
def test_what_is_kept_is_a_slice_of_its_context(context, text, start):
    found, _ = repaired(Reference(text, start), context=context)
    for reference in found or ():
        assert context[reference.start : reference.start + len(reference.text)] == reference.text != ""


def test_plausible_answers_become_answers_of_unanswerable_questions_alone():
    plausible = (Reference("Seine", 4),)
    unanswerable = Example("x", "?", CONTEXT, (), plausible=plausible)
    answerable = Example("x", "?", CONTEXT, (Reference("Paris", 22),), plausible=plausible)
    assert with_plausible(unanswerable).references == plausible
    assert with_plausible(answerable) is answerable


def test_plausible_answers_are_repaired_when_asked_for_and_one_that_is_not_there_drops_no_question():
    right, wrong = (replace(example(), plausible=(Reference(text, 21),)) for text in ("Paris", "London"))
    assert repair([right, wrong]) == ([right, wrong], Repairs(kept=2, repaired=0, dropped=0))
    kept, counts = repair([right, wrong], plausible=True)
    assert [one.plausible for one in kept] == [(Reference("Paris", 22),), ()]
    assert counts == Repairs(kept=1, repaired=1, dropped=0)


def label(context: str, reference: Reference | None, *, max_length: int = 64, stride: int = 4, tokenizer=TOKENIZER):
    found = windows(tokenizer, ["Who?"], [Context(context)], max_length=max_length, stride=stride)
    return [(window, *spans(window, [reference] if reference else [])[0]) for window in found]


def test_every_answer_is_labelled_once():
    (window,) = windows(TOKENIZER, ["Who?"], [Context("the tower is in paris")], max_length=64, stride=4)
    references = [Reference("paris", 16), Reference("tower", 4), Reference("paris", 16), Reference("the tower", 0)]
    assert spans(window, references) == ((4, 5), (5, 5), (8, 8))


# [CLS] who ? [SEP] the tower is in paris [SEP]
@pytest.mark.parametrize(
    ("text", "start", "tokens"),
    [
        ("tower", 4, (5, 5)),
        ("tower is in", 4, (5, 7)),
        ("the tower is in paris", 0, (4, 8)),
        ("paris", 16, (8, 8)),
        ("owe", 5, (5, 5)),  # Inside a token: that token.
        ("er is i", 7, (5, 7)),
    ],
)
def test_an_answer_is_labelled_with_its_tokens(text, start, tokens):
    context = "the tower is in paris"
    assert context[start : start + len(text)] == text
    ((_, first, last),) = label(context, Reference(text, start))
    assert (first, last) == tokens


def test_no_answer_is_the_null_position():
    assert [(first, last) for _, first, last in label("the tower", None)] == [(0, 0)]


def test_a_window_that_cuts_the_answer_has_none():
    # Windows of 4 tokens of context: "the tower is in", "is in paris by", "paris by the river".
    found = label("the tower is in paris by the river", Reference("tower is in paris", 4), max_length=9, stride=2)
    assert [(first, last) for _, first, last in found] == [(0, 0)] * 3
    found = label("the tower is in paris by the river", Reference("in paris", 13), max_length=9, stride=2)
    assert [(first, last) for _, first, last in found] == [(0, 0), (5, 6), (0, 0)]


# Zero-width space, byte order mark, soft hyphen, directional marks, variation selector, an accent of its own.
UNSEEN = "\u200b\ufeff\u00ad\u200e\u200f\ufe0f\u0301"


@pytest.mark.parametrize("family", ["bert", "roberta", "xlm-roberta"])
@pytest.mark.parametrize("place", ["{}", "{} is it", "it is {}", "it is {} for sure"])
@pytest.mark.parametrize("answer", ["Paris\u200b", "\ufeffParis", "A\u00ad", "\u200fA\u200e", "5\ufe0f", "e\u0301"])
def test_a_character_without_a_token_at_the_edge_of_an_answer_does_not_hide_it(family, place, answer):
    context = place.format(answer)
    some = list(windows(tokenizers[family], ["Who?"], [Context(context)], max_length=48, stride=4))
    (found,) = tightened([Reference(answer, context.index(answer))], some)
    assert found.text == context[found.start : found.start + len(found.text)]
    ((first, last),) = spans(some[0], [found])
    covered = context[some[0].offsets[first, 0] : some[0].offsets[last, 1]]
    assert covered.strip(f" {UNSEEN}") == found.text.strip(UNSEEN) == answer.strip(UNSEEN)


def test_an_answer_of_which_no_token_covers_anything_is_left_out():
    some = list(windows(TOKENIZER, ["Who?"], [Context("in \u200b paris")], max_length=48, stride=4))
    assert tightened([Reference("\u200b", 3)], some) == ()


def test_a_window_still_cuts_an_answer_that_ends_in_its_last_token():
    # Windows of 4 tokens of context: "the tower is in", "is in paris by", "paris by the river".
    context = "the tower is in\u200b paris by the river"
    some = list(windows(TOKENIZER, ["Who?"], [Context(context)], max_length=9, stride=2))
    whole, cut = Reference("tower is in\u200b", 4), Reference("in\u200b paris", 13)
    assert [spans(one, tightened([whole], some)) for one in some] == [((5, 7),), ((0, 0),), ((0, 0),)]
    assert [spans(one, tightened([cut], some)) for one in some] == [((0, 0),), ((5, 6),), ((0, 0),)]


words = st.lists(st.sampled_from("paris tower museum xyz 1889 Gustave".split()), min_size=1, max_size=30)


@pytest.mark.parametrize("family", ["bert", "roberta", "xlm-roberta"])
@given(words, st.data())
@settings(max_examples=40, deadline=None)
def test_the_labelled_tokens_are_the_answer(family, words, data):
    tokenizer = tokenizers[family]
    first = data.draw(st.integers(0, len(words) - 1))
    last = data.draw(st.integers(first, min(first + 1, len(words) - 1)))
    start = len(" ".join([*words[:first], ""]))
    reference = Reference(" ".join(words[first : last + 1]), start)
    context = " ".join(words)
    # Two of these words are at most 16 tokens: with that overlap a window holds every answer whole.
    found = label(context, reference, max_length=48, stride=18, tokenizer=tokenizer)
    assert tightened([reference], [window for window, _, _ in found]) == (reference,)
    labelled = [(window, a, b) for window, a, b in found if (a, b) != (window.null, window.null)]
    assert labelled
    for window, a, b in labelled:
        assert context[window.offsets[a, 0] : window.offsets[b, 1]].strip() == reference.text
        decoded = tokenizer.decode(window.inputs["input_ids"][a : b + 1])
        if "<unk>" not in decoded:
            assert decoded.replace(" ", "").lower() == reference.text.replace(" ", "").lower()


tokenizers = {family: families.tokenizer_of(family) for family in ("bert", "roberta", "xlm-roberta")}
