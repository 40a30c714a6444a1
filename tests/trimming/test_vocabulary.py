"""Whatever the texts are, the tokenizer that is left cuts them as the whole one did."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer, models

from odqa.errors import ModelError
from odqa.trimming.choice import Choice, choose
from odqa.trimming.vocabulary import Vocabulary
from tests.trimming import kinds

WORDS = sorted({word for text in kinds.PAGE for word in text.split()})
PARTS = [*"aeionrst.,; 1ßücàầ河桥ر\n\t", "built", "re", "un", "river", "sông", "☃", "ﬁ", "\u200b", "<mask>", "</s>"]
words = st.one_of(st.sampled_from(WORDS), st.lists(st.sampled_from(PARTS), min_size=1, max_size=6).map("".join))
texts = st.lists(st.lists(words, min_size=1, max_size=8).map(" ".join), min_size=1, max_size=4)
MADE = {kind: kinds.make(kind) for kind in kinds.KINDS}
VOCABULARIES = {kind: Vocabulary(made, kind) for kind, made in MADE.items()}


def chosen(kind: str, some: Sequence[str], least: int = 1) -> Choice:
    with TemporaryDirectory() as folder:
        spool = Path(folder) / "texts.jsonl"
        spool.write_text("".join(json.dumps(text) + "\n" for text in some), encoding="utf-8")
        return choose(VOCABULARIES[kind], MADE[kind], spool, set(), least)


def ids(tokenizer: Tokenizer, text: str) -> list[int]:
    found: list[int] = tokenizer.encode(text).ids
    return found


@pytest.mark.parametrize("kind", kinds.KINDS)
@given(some=texts)
def test_the_texts_are_cut_as_before(kind: str, some: list[str]) -> None:
    choice = chosen(kind, some)
    kept = choice.kept
    after = VOCABULARIES[kind].cut(kept)
    assert choice.changed == 0
    assert after.get_vocab_size() == len(kept)
    for text in some:
        assert [kept[number] for number in ids(after, text)] == ids(MADE[kind], text)
        offsets = (tokenizer.encode(text).offsets for tokenizer in (after, MADE[kind]))
        assert next(offsets) == next(offsets)


@pytest.mark.parametrize("kind", kinds.KINDS)
@given(other=texts)
def test_other_texts_lose_nothing(kind: str, other: list[str]) -> None:
    """What was known is known still, in shorter pieces: no character becomes unknown that was not."""
    kept = chosen(kind, kinds.PAGE[:1]).kept
    assert len(kept) < MADE[kind].get_vocab_size()
    after = VOCABULARIES[kind].cut(kept)
    for text in other:
        before = ids(MADE[kind], text)
        if 3 not in before:
            assert 3 not in ids(after, text)
            assert len(ids(after, text)) >= len(before)


def test_a_word_that_turns_out_to_be_unknown_stays_unknown() -> None:
    """Without "ab" WordPiece would take "a", and find what fits behind it."""
    made = Tokenizer(models.WordPiece({"[UNK]": 0, "ab": 1, "a": 2, "b": 3, "##bc": 4, "c": 5}, unk_token="[UNK]"))
    assert ids(made, "abc") == [0]
    vocabulary = Vocabulary(made, "a model")
    assert vocabulary.begun("abc") == {1}
    without = vocabulary.cut(vocabulary.closed([4]))
    assert [without.id_to_token(number) for number in ids(without, "abc")] == ["a", "##bc"]
    kept = vocabulary.cut(vocabulary.closed([4, *vocabulary.begun("abc")]))
    assert [kept.id_to_token(number) for number in ids(kept, "abc")] == ["[UNK]"]


def test_an_unknown_character_costs_what_it_did() -> None:
    """It costs 10 more than the least likely token, here less than the way around it as long as "zz" is there."""
    made = Tokenizer(models.Unigram([("<unk>", 0.0), ("a", -9.0), ("a☃", -25.0), ("zz", -14.0)], unk_id=0))
    assert ids(made, "a☃") == [2]
    vocabulary = Vocabulary(made, "a model")
    after = vocabulary.cut(vocabulary.closed([2]))
    assert [after.id_to_token(number) for number in ids(after, "a☃")] == ["a☃"]
    assert after.token_to_id("zz") is None and after.get_vocab_size() == 3


def test_every_way_to_make_a_token_stays() -> None:
    merges = [("a", "b"), ("b", "c"), ("a", "bc"), ("ab", "c"), ("c", "d"), ("abc", "d")]
    names = ["a", "b", "c", "d", "ab", "bc", "abc", "cd", "abcd"]
    made = Tokenizer(models.BPE({name: number for number, name in enumerate(names)}, merges))
    vocabulary = Vocabulary(made, "a model")
    assert [names[number] for number in vocabulary.closed([names.index("abc")])] == [
        *("a", "b", "c", "d", "ab", "bc", "abc")
    ]
    after = vocabulary.cut(vocabulary.closed([names.index("abc")]))
    assert json.loads(after.to_str())["model"]["merges"] == [["a", "b"], ["b", "c"], ["a", "bc"], ["ab", "c"]]


def test_rare_tokens_go_if_they_are_not_wanted() -> None:
    some = ["the river and the river and the bridge", *kinds.PAGE[1:]]
    all_of_them, fewer = chosen("wordpiece", some), chosen("wordpiece", some, least=7)
    assert len(fewer.kept) < len(all_of_them.kept)
    assert all_of_them.changed == 0 < fewer.changed < 1


def test_how_other_texts_fare_is_told_by_some_of_the_texts() -> None:
    alike = [f"the river {number} and the bridge {number}" for number in range(300)]
    assert chosen("end-of-word", alike).changed_elsewhere == 0
    share = chosen("end-of-word", WORDS).changed_elsewhere  # Most of them stand in one text alone.
    assert share is not None and 0.5 < share < 1
    assert chosen("unigram", ["the river"]).changed_elsewhere is None


@pytest.mark.parametrize("kind", kinds.KINDS)
def test_special_tokens_and_what_stands_around_a_text_have_their_new_numbers(kind: str) -> None:
    made = Tokenizer.from_str(MADE[kind].to_str())
    made.enable_padding(pad_id=1, pad_token="<pad>", length=12)
    made.add_tokens(["<extra>"])
    vocabulary = Vocabulary(made, kind)
    after = vocabulary.cut(vocabulary.closed([]))
    assert [after.token_to_id(token) for token in kinds.SPECIAL] == [0, 1, 2, 3, 4]
    assert after.token_to_id("<extra>") == after.get_vocab_size() - 1
    encoding = after.encode("a<extra>")
    assert encoding.tokens[0] == "<s>" and "<extra>" in encoding.tokens and encoding.ids[-1] == 1
    assert [after.id_to_token(number) for number in encoding.ids] == encoding.tokens


def test_other_kinds_and_numbers_that_no_file_can_give_are_refused() -> None:
    word_level = Tokenizer(models.WordLevel({"a": 0, "[UNK]": 1}, unk_token="[UNK]"))
    with pytest.raises(ModelError, match="of the kind WordLevel, and only Unigram, WordPiece, BPE can be cut"):
        Vocabulary(word_level, "a model")
    holes: Any = Tokenizer(models.WordPiece({"[UNK]": 0, "a": 5, "b": 6}, unk_token="[UNK]"))
    holes.add_special_tokens(["<x>"])
    vocabulary = Vocabulary(holes, "a model")
    if sorted(vocabulary.numbers.values()) != [0, 3, 5, 6]:
        pytest.skip("this version of tokenizers gives the added token another number")
    with pytest.raises(ModelError, match="cannot be numbered anew"):
        vocabulary.cut(vocabulary.closed([5, 6]))
