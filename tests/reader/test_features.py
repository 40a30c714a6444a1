"""Windows cover the context, share what they should, and know where their tokens stand."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from odqa.errors import ModelError, UsageError
from odqa.reader.features import PAIRS_AT_A_TIME, check_question, pad, windows
from odqa.types import Block, BlockKind
from odqa.views import Context, view_of
from tests import tiny
from tests.reader import families

QUESTION = "Where is the tower?"  # 5 tokens: where is the tower ?
TOKENIZERS = {family: families.tokenizer_of(family) for family in ("bert", "roberta", "xlm-roberta")}
TOKENIZER = TOKENIZERS["bert"]
WORDS = "paris city tower museum painting Gustave 1889 xyz é ß 東京 ﬁ ½ ... -- \u200b \u00ad e\u0301 🇫🇷".split()
contexts = st.lists(st.sampled_from(WORDS), max_size=40).map(" ".join)
any_text = st.text(st.characters(exclude_categories=["Cs"]), max_size=60)


def cut(context, *, max_length: int = 24, stride: int = 6, question: str = QUESTION, tokenizer=TOKENIZER):
    context = Context(context) if isinstance(context, str) else context
    return list(windows(tokenizer, [question], [context], max_length=max_length, stride=stride))


def places(window) -> list[tuple[int, int]]:
    return [tuple(place) for place in window.offsets.tolist() if place != [-1, -1]]


def in_view(window) -> list[tuple[int, int]]:
    return [tuple(place) for place in window.places.tolist() if place != [-1, -1]]


def test_a_short_context_is_one_window():
    (window,) = cut("the tower is in paris")
    # [CLS] where is the tower ? [SEP] the tower is in paris [SEP]
    assert window.length == 13
    assert window.pair == window.null == 0
    assert places(window) == [(0, 3), (4, 9), (10, 12), (13, 15), (16, 21)]
    assert window.answerable.nonzero()[0].tolist() == [7, 8, 9, 10, 11]
    assert TOKENIZER.convert_ids_to_tokens(window.inputs["input_ids"])[6:9] == ["[SEP]", "the", "tower"]
    assert window.inputs["token_type_ids"].tolist() == [0] * 7 + [1] * 6
    assert window.inputs["attention_mask"].tolist() == [1] * 13


def test_a_long_context_is_cut_into_windows_that_share_the_stride():
    found = cut(" ".join(f"w{number}" for number in range(20)), max_length=24, stride=6)
    assert len(found) > 3
    assert all(window.length == 24 for window in found[:-1])
    for before, after in pairwise(found):
        assert places(before)[-6:] == places(after)[:6]


@pytest.mark.parametrize("family", TOKENIZERS)
@given(contexts, st.integers(20, 60), st.integers(0, 8))
@settings(max_examples=40, deadline=None)
def test_every_token_of_the_context_is_in_a_window(family, context, max_length, stride):
    tokenizer = TOKENIZERS[family]
    view = view_of(Context(context))
    whole = tokenizer(view.text, add_special_tokens=False, return_offsets_mapping=True)["offset_mapping"]
    found = cut(context, max_length=max_length, stride=stride, question="Where?", tokenizer=tokenizer)
    covered = in_view(found[0])
    for before, after in pairwise(found):
        shared = in_view(after)[:stride]
        assert in_view(before)[len(in_view(before)) - stride :] == shared
        covered += in_view(after)[stride:]
    assert covered == [tuple(place) for place in whole]
    assert all(window.length <= max_length for window in found)


@given(any_text, any_text)
@settings(max_examples=60, deadline=None)
def test_offsets_are_inside_the_context_and_in_order(question, context):
    for tokenizer in TOKENIZERS.values():
        for window in cut(context, max_length=120, stride=4, question=question[:20], tokenizer=tokenizer):
            spans = places(window)
            assert all(0 <= start <= end <= len(context) for start, end in spans)
            filled = [(start, end) for start, end in spans if start < end]
            assert filled == sorted(filled)


@given(contexts)
@settings(max_examples=40, deadline=None)
def test_a_token_is_what_stands_at_its_offsets(context):
    for window in cut(context):
        tokens = TOKENIZER.convert_ids_to_tokens(window.inputs["input_ids"])
        for token, (start, end) in zip(tokens, window.offsets.tolist(), strict=True):
            if start < end and token != "[UNK]" and context[start:end].isascii():
                assert context[start:end].lower() == token.removeprefix("##")


def test_title_and_headings_stand_in_every_window_and_no_answer_touches_them():
    text = "the tower is in paris by the river and the museum is in the city"
    found = cut(Context(text, ("museum", "the city")), max_length=24, stride=4)
    assert len(found) > 1
    for window in found:
        tokens = TOKENIZER.convert_ids_to_tokens(window.inputs["input_ids"])
        # [CLS] where is the tower ? [SEP] museum > the city .
        assert tokens[window.second : window.second + 5] == ["museum", ">", "the", "city", "."]
        assert not window.answerable[: window.second + 5].any()
        assert window.answerable[window.second + 5 : -1].all()
    assert places(found[0])[0] == (0, 3)
    assert places(found[-1])[-1] == (len(text) - 4, len(text))


def test_title_and_headings_take_a_quarter_of_a_window_at_most_and_the_outer_headings_go_first():
    path = ("museum", "the tower is in the city", "in paris")
    (window,) = cut(Context("the river", path), max_length=32)
    tokens = TOKENIZER.convert_ids_to_tokens(window.inputs["input_ids"])
    assert tokens[window.second : -1] == ["museum", ">", "in", "paris", ".", "the", "river"]
    (window,) = cut(Context("the river", ("the tower is in the city by the river",)), max_length=32)
    tokens = TOKENIZER.convert_ids_to_tokens(window.inputs["input_ids"])
    assert tokens[window.second : -1] == "the tower is in the city by the the river".split()


def test_the_heads_of_columns_are_read_and_no_answer_touches_them():
    row = Block(0, 14, BlockKind.ROW, ("city", "museum"))
    (window,) = cut(Context("paris | Louvre", (), (row,)))
    tokens = TOKENIZER.convert_ids_to_tokens(window.inputs["input_ids"])
    at = tokens.index("paris")
    assert tokens[at - 2 : at] == ["city", ":"]
    covered = {"paris | Louvre"[start:end] for start, end in places(window) if start < end}
    assert covered >= {"paris", "|"}
    assert "city" not in covered


def test_an_empty_context_is_one_window_without_a_place_for_an_answer():
    (window,) = cut("")
    assert not window.answerable.any()
    assert window.null == 0


def test_spaces_around_a_question_cost_nothing():
    tokenizer = TOKENIZERS["roberta"]
    plain, padded = (cut("in Paris", question=text, tokenizer=tokenizer)[0] for text in ("Who?", "  Who? \n"))
    assert plain.inputs["input_ids"].tolist() == padded.inputs["input_ids"].tolist()


def test_the_null_position_of_a_tokenizer_whose_cls_comes_last():
    from tokenizers import processors

    tokenizer = tiny.make_tokenizer()
    vocab = tiny.vocabulary()
    tokenizer.backend_tokenizer.post_processor = processors.TemplateProcessing(
        single="$A [SEP] [CLS]:2",
        pair="$A [SEP] $B:1 [SEP]:1 [CLS]:2",
        special_tokens=[("[CLS]", vocab["[CLS]"]), ("[SEP]", vocab["[SEP]"])],
    )
    (window,) = cut("the tower", tokenizer=tokenizer)
    assert window.null == window.length - 1
    assert not window.answerable[window.null]


def test_without_a_cls_token_the_first_token_is_the_null_position():
    tokenizer = tiny.make_tokenizer()
    tokenizer.cls_token = None
    assert cut("the tower", tokenizer=tokenizer)[0].null == 0


def test_pairs_keep_their_numbers_over_many_batches_of_the_tokenizer():
    count = PAIRS_AT_A_TIME + 3
    found = windows(TOKENIZER, ["Who?"] * count, [Context("the tower")] * count, max_length=24, stride=6)
    assert [window.pair for window in found] == list(range(count))


def test_no_pairs_no_windows():
    assert list(windows(TOKENIZER, [], [], max_length=24, stride=6)) == []


def test_a_question_that_leaves_no_room_is_refused_with_its_length_and_the_remedy():
    with pytest.raises(UsageError, match=r"20 tokens.*24 tokens: 'who is .*shorten it.*max length"):
        cut("the tower", question="who is " * 10)


def test_the_longest_question_that_leaves_room_is_read():
    # 24 - 3 special - 14 tokens of question: 7 tokens of context, of which 3, and not the stride of 6, are read again.
    found = cut("the tower is in paris by the river", question="who " * 14)
    assert [len(places(window)) for window in found] == [7, 4]


@pytest.mark.parametrize("words", [240, 250, 300, 365])
def test_a_very_long_question_is_read_in_windows_that_share_less(words):
    text = " ".join(f"w{number}" for number in range(200))
    context = Context(text, ("the museum in the city by the river",))
    found = cut(context, max_length=384, stride=128, question="who " * words)
    assert (places(found[0])[0][0], places(found[-1])[-1][1]) == (0, len(text))
    assert all(window.length <= 384 for window in found)
    tokens = len(TOKENIZER(text)["input_ids"])
    assert len(found) <= tokens / 4 + 1, "each has four new tokens at least"


def test_half_of_a_surrogate_pair_is_read_as_a_sign():
    text = "the \ud800 tower"
    (window,) = cut(Context(text, ("a \udfff city",)), max_length=64, stride=8, question="who \udc00 is it")
    assert places(window)[-1] == (len(text) - len("tower"), len(text))


def test_a_question_that_fills_a_window_is_refused():
    with pytest.raises(UsageError, match="366 tokens leaves no room"):
        cut("the tower", max_length=384, stride=128, question="who " * 366)


@pytest.mark.parametrize("family", TOKENIZERS)
@given(
    st.lists(st.sampled_from(["museum", "the tower is in the city", "東京", "in paris"]), max_size=3),
    st.integers(1, 12),
)
@settings(max_examples=30, deadline=None)
def test_whatever_the_path_is_windows_move_on(family, path, words):
    context = Context("the river " * 30, tuple(path))
    found = cut(context, max_length=64, stride=8, question="who " * words, tokenizer=TOKENIZERS[family])
    assert all(window.length <= 64 and len(places(window)) > 8 for window in found[:-1])


@pytest.mark.parametrize("stride", [10, -1])
def test_a_stride_that_does_not_fit_is_refused(stride):
    with pytest.raises(UsageError, match=rf"stride is {stride} and max length 10"):
        cut("the tower", max_length=10, stride=stride)


def test_a_slow_tokenizer_is_refused_by_name():
    from transformers import CanineTokenizer

    with pytest.raises(ModelError, match=r"CanineTokenizer is not a fast tokenizer .* tokenizer\.json"):
        cut("the tower", tokenizer=CanineTokenizer())
    with pytest.raises(ModelError, match="CanineTokenizer is not a fast tokenizer"):
        check_question(CanineTokenizer(), QUESTION, max_length=24, stride=6)


@pytest.mark.parametrize("side", ["right", "left"])
def test_padding_comes_after_the_window_and_is_masked(side):
    tokenizer = tiny.make_tokenizer(padding_side=side)
    short, long = cut("the tower", tokenizer=tokenizer) + cut("the tower is in the city", tokenizer=tokenizer)
    padded = pad(tokenizer, [short, long], multiple=8)
    assert {name: values.shape for name, values in padded.items()} == dict.fromkeys(short.inputs, (2, 16))
    assert padded["input_ids"].dtype == np.int64
    assert padded["input_ids"][0].tolist() == short.inputs["input_ids"].tolist() + [0] * 6
    assert padded["attention_mask"].sum(axis=1).tolist() == [short.length, long.length]


def test_the_padding_token_is_the_tokenizers_own():
    tokenizer = TOKENIZERS["roberta"]
    (window,) = cut("Paris", tokenizer=tokenizer)
    padded = pad(tokenizer, [window])
    assert tokenizer.pad_token_id == 1
    assert padded["input_ids"][0, window.length :].tolist() == [1] * (32 - window.length)


def test_padding_never_passes_what_the_model_can_take():
    tokenizer = tiny.make_tokenizer(model_max_length=50)
    (window,) = cut("tower " * 30, max_length=50, tokenizer=tokenizer)
    assert window.length > 32
    assert pad(tokenizer, [window])["input_ids"].shape == (1, 50)
