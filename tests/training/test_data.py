"""Sources are read, sampled and counted; the order of batches depends on seed and epoch alone."""

from __future__ import annotations

import unicodedata

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from odqa.errors import DataError
from odqa.squad import write_examples
from odqa.training.data import GROUP, collate, epoch_order, gather, label, part_of, place_of, without_paths
from odqa.training.labels import Repairs
from odqa.training.negatives.contexts import Place
from odqa.training.recipe import Source
from odqa.types import Example, Reference
from tests import tiny
from tests.training.conftest import examples

PARTS = (0.0, 0.6), (0.6, 1.0)


def test_everything_is_taken_by_default(train_file):
    found, repairs = gather([Source(str(train_file))], seed=0)
    assert found == examples()
    assert repairs == Repairs(kept=12, repaired=0, dropped=0)


@pytest.mark.parametrize(("keep", "count"), [("answerable", 8), ("unanswerable", 4)])
def test_one_kind_alone(train_file, keep, count):
    found, _ = gather([Source(str(train_file), keep=keep)], seed=0)
    assert [one.answerable for one in found] == [keep == "answerable"] * count


def test_a_limit_draws_by_the_seed(train_file):
    source = Source(str(train_file), limit=5)
    (one, _), (again, _), (other, _) = (gather([source], seed=seed) for seed in (1, 1, 2))
    assert len({example.id for example in one}) == 5
    assert one == again != other
    assert gather([Source(str(train_file), limit=99)], seed=1)[0] == examples()


def test_two_parts_have_no_paragraph_in_common_even_of_two_files(tmp_path):
    paths = tmp_path / "x.jsonl", tmp_path / "y.jsonl"
    texts = [f"Paris {at} is a city." for at in range(40)]
    write_examples(paths[0], [Example(str(at), "Who?", text) for at, text in enumerate(texts)])
    # The same paragraphs in another order, detokenised otherwise.
    write_examples(paths[1], [Example(text, "Who?", text.replace(".", " .").lower()) for text in reversed(texts)])
    (first, rest), (other_first, other_rest) = (
        [{one.context[6:8] for one in gather([Source(str(path), part=part)], seed=0)[0]} for part in PARTS]
        for path in paths
    )
    assert first == other_first
    assert rest == other_rest
    assert len(first) + len(rest) == 40
    assert 12 < len(first) < 36


@given(st.lists(st.text("abc ", max_size=3), max_size=20), st.floats(0, 1))
def test_a_file_is_its_parts(contexts, cut):
    some = [Example(str(at), "Who?", context) for at, context in enumerate(contexts)]
    first, rest = part_of(some, 0.0, cut), part_of(some, cut, 1.0)
    assert sorted(first + rest, key=lambda one: int(one.id)) == some
    assert not {one.context for one in first} & {one.context for one in rest}


def test_a_part_goes_by_the_letters_and_digits_among_the_first_two_hundred_characters():
    letters = "é1" * 60
    assert place_of(letters.upper() + "x") == place_of(" ".join(letters[:100]) + "y") == place_of(letters[:100])
    assert place_of("   ".join(letters)) == place_of(letters[:50])  # So much padding that fewer are looked at.
    assert place_of(unicodedata.normalize("NFD", letters)) == place_of("e1" * 67) != place_of(letters)


def test_titles_are_left_out_where_they_name_no_document(tmp_path):
    path = tmp_path / "x.jsonl"
    write_examples(path, [Example("a", "Who?", "Paris", (), "Guide", headings=("Cities",))])
    (one,), (other,) = (gather([Source(str(path), titled=titled)], seed=0)[0] for titled in (True, False))
    assert (one.title, one.headings) == ("Guide", ("Cities",))
    assert (other.title, other.headings) == ("", ())


@pytest.mark.parametrize(
    ("title", "headings", "titled", "expected"),
    [
        ("Guide", ("People",), True, ("Other guide", ("Cities",))),
        ("Guide", (), True, ("Other guide", ())),
        ("", (), True, ("", ())),
        ("Guide", ("People",), False, ("", ())),
    ],
)
def test_what_is_retrieved_has_title_and_headings_where_the_question_has(tmp_path, title, headings, titled, expected):
    path = tmp_path / "x.jsonl"
    write_examples(path, [Example("a", "who?", "by ada", (Reference("ada", 3),), title, headings=headings)])
    found = Place("Other guide", ("Cities",), "by bea")
    source = Source(str(path), titled=titled, negatives=("retrieved",), negatives_ratio=1.0)
    (_, made), _ = gather([source], seed=0, search=lambda drawn: [[found] for _ in drawn])
    assert (made.context, (made.title, made.headings)) == ("by bea", expected)


def test_a_share_of_the_questions_is_read_without_title_and_headings():
    some = [Example(str(at), "Who?", "Paris", (), "Guide", headings=("Cities",)) for at in range(200)]
    found = without_paths(some, 0.25, seed=1)
    bare = [one.id for one in found if not one.title and not one.headings]
    assert 25 < len(bare) < 75
    assert bare == [one.id for one in without_paths(some, 0.25, seed=1) if not one.title]
    assert without_paths(some, 0.0, seed=1) == some


def test_negatives_are_made_of_what_was_taken(train_file):
    found, _ = gather(
        [Source(str(train_file), keep="answerable", limit=4, negatives=("simple",), negatives_ratio=1.0)], seed=0
    )
    taken = {one.id for one in found[:4]}
    assert len(found) == 8
    assert all(one.id.rpartition("-")[0] in taken and not one.answerable for one in found[4:])


def test_several_sources_follow_one_another(train_file):
    found, repairs = gather([Source(str(train_file), limit=2), Source(str(train_file))], seed=0)
    assert len(found) == 14
    assert repairs.kept == 24


def test_plausible_answers_only_when_asked_for(tmp_path):
    path = tmp_path / "x.jsonl"
    write_examples(path, [Example("a", "Who?", "Paris", (), plausible=(Reference("Paris", 1),))])
    assert not gather([Source(str(path))], seed=0)[0][0].answerable
    (found,), repairs = gather([Source(str(path))], seed=0, plausible=True)
    assert found.references == (Reference("Paris", 0),)
    assert repairs.repaired == 1


def plausible_file(tmp_path):
    """Two answerable questions, and two unanswerable ones of which the second one's plausible answer is not there."""
    path = tmp_path / "plausible.jsonl"
    text, seine = "Paris is on the Seine.", Reference("Seine", 16)
    some = [
        Example("a", "What is on the Seine?", text, (Reference("Paris", 0),)),
        Example("b", "What is Paris on?", text, (seine,)),
        Example("c", "What is Berlin on?", text, (), plausible=(seine,)),
        Example("d", "What is Rome on?", text, (), plausible=(Reference("Tiber", 16),)),
    ]
    write_examples(path, some)
    return path


@pytest.mark.parametrize(
    ("keep", "taken"),
    [
        ("all", {"a": "Paris", "b": "Seine", "c": "Seine", "d": ""}),
        ("answerable", {"a": "Paris", "b": "Seine"}),
        ("unanswerable", {"c": "Seine", "d": ""}),
    ],
)
def test_what_is_kept_goes_by_whether_the_context_answers_and_not_by_plausible_answers(tmp_path, keep, taken):
    found, repairs = gather([Source(str(plausible_file(tmp_path)), keep=keep)], seed=0, plausible=True)
    assert {one.id: "".join(reference.text for reference in one.references) for one in found} == taken
    assert repairs == Repairs(kept=4, repaired=0, dropped=0)


def test_negatives_are_made_of_answerable_questions_alone_and_stay_without_answers(tmp_path):
    source = Source(str(plausible_file(tmp_path)), negatives=("negation",), negatives_ratio=1.0)
    found, _ = gather([source], seed=0, plausible=True)
    made = found[4:]
    assert {one.id for one in made} == {"a-negation", "b-negation"}
    assert all(one.plausible and not one.answerable for one in made)


def test_nothing_left_names_the_files_and_why(tmp_path):
    path = tmp_path / "x.jsonl"
    write_examples(path, [Example("a", "Who?", "Paris", (Reference("London", 0),))])
    with pytest.raises(DataError) as error:
        gather([Source(str(path))], seed=0)
    assert str(error.value).startswith(f"{path}: no question can be used (1 dropped: ")


def test_no_sources_no_examples():
    assert gather([], seed=0) == ([], Repairs(0, 0, 0))


def test_windows_are_labelled_in_order():
    found = list(label(tiny.make_tokenizer(), examples(), 64, 16))
    assert [item.window.pair for item in found] == list(range(12))
    assert [not item.answered for item in found] == [not one.answerable for one in examples()]


def test_an_answer_that_ends_in_a_character_without_a_token_is_labelled():
    some = [Example("a", "Where?", "\ufeffParis", (Reference("\ufeffParis", 0),)), Example("b", "Where?", "\u200b")]
    assert [item.spans for item in label(tiny.make_tokenizer(), some, 64, 16)] == [((4, 4),), ((0, 0),)]


@given(
    st.lists(st.integers(1, 40), max_size=200), st.integers(1, 3), st.integers(0, 9), st.integers(0, 5), st.booleans()
)
def test_an_epoch_has_every_window_once(lengths, batch_size, seed, epoch, group):
    order = epoch_order(lengths, batch_size, seed, epoch, group=group)
    assert sorted(at for batch in order for at in batch) == list(range(len(lengths)))
    assert all(0 < len(batch) <= batch_size for batch in order)
    assert len(order) == -(-len(lengths) // batch_size)
    assert order == epoch_order(lengths, batch_size, seed, epoch, group=group)


@pytest.mark.parametrize("group", [True, False])
def test_epochs_and_seeds_differ(group):
    lengths = list(range(60))
    orders = [epoch_order(lengths, 4, seed, epoch, group=group) for seed in (0, 1) for epoch in (0, 1)]
    assert all(one != other for at, one in enumerate(orders) for other in orders[:at])


def test_grouped_batches_hold_windows_of_like_length():
    lengths = [1 + at % 97 for at in range(4 * GROUP * 3)]
    spread = {
        group: np.mean([np.ptp([lengths[at] for at in batch]) for batch in epoch_order(lengths, 4, 0, 0, group=group)])
        for group in (True, False)
    }
    assert spread[True] < 5 < 40 < spread[False]


@pytest.mark.parametrize("side", ["right", "left"])
def test_labels_point_at_their_tokens_in_the_padded_batch(side):
    tokenizer = tiny.make_tokenizer(padding_side=side)
    some = list(label(tokenizer, examples(), 64, 16))
    batch = collate(tokenizer, some)
    assert batch["input_ids"].shape == (12, 64)
    assert batch["start_positions"].shape == batch["end_positions"].shape == (12, 1)
    for row, example in enumerate(examples()):
        tokens = batch["input_ids"][row, batch["start_positions"][row, 0] : batch["end_positions"][row, 0] + 1]
        wanted = example.references[0].text.lower() if example.answerable else "[CLS]"
        assert tokenizer.decode(tokens) == wanted
