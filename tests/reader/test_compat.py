"""The removed pipeline's answers, against the algorithm of transformers 4.57 written down here once more, plainly."""

from __future__ import annotations

from functools import cache
from itertools import chain

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from odqa.corpus.blocks import plain_blocks
from odqa.errors import UsageError
from odqa.reader.weights import load_model

LOUVRE = "The Louvre is a museum in Paris. The Eiffel tower, built by the engineer Gustave, is in Paris too."
SENTENCE = "Paris is the capital of France, and the river in Paris is the Seine. "
LONG = SENTENCE * 9
QUESTION = "Where is the Louvre?"


@cache
def plain(folder):
    """The model and its tokenizer as transformers loads them."""
    model, tokenizer = load_model(folder, head_required=True)
    return model.eval(), tokenizer


def expected(
    reader,
    question,
    context,
    *,
    top_k=1,
    doc_stride=None,
    max_seq_len=None,
    max_answer_len=15,
    handle_impossible_answer=False,
    align_to_words=True,
):
    """Every answer that the pipeline ranked, best first, cut at ``top_k``; one window at a time, token by token."""
    model, tokenizer = plain(reader.folder)
    max_seq_len = max_seq_len or min(tokenizer.model_max_length, 384)
    doc_stride = min(max_seq_len // 2, 128) if doc_stride is None else doc_stride
    encoded = tokenizer(
        question,
        context,
        truncation="only_second",
        max_length=max_seq_len,
        stride=doc_stride,
        return_overflowing_tokens=True,
    )
    # One difference: the pipeline took the words of each window, which its edges may cut, not those of the context.
    whole = tokenizer(context, add_special_tokens=False).encodings[0]
    first = 0  # The number of the window's first token in the context.
    answers: list[dict] = []
    null = 1_000_000.0
    for at, encoding in enumerate(encoded.encodings):
        inputs = {name: torch.tensor([encoded[name][at]]) for name in tokenizer.model_input_names}
        with torch.no_grad():
            output = model(**inputs)
        inside = [n for n, sequence in enumerate(encoding.sequence_ids) if sequence == 1]
        probability = []
        for logits in (output.start_logits[0].double().numpy(), output.end_logits[0].double().numpy()):
            masked = np.full(len(logits), -10000.0)
            masked[[0, *inside]] = logits[[0, *inside]]
            exponentials = np.exp(masked - masked.max())
            probability.append(exponentials / exponentials.sum())
        null = min(null, probability[0][0] * probability[1][0])
        products = np.outer(*probability)
        spans = [(products[i, j], i, j) for i in inside for j in inside if i <= j < i + max_answer_len]
        for score, i, j in sorted(spans, reverse=True)[: 2 * top_k + 10 if align_to_words else top_k]:
            begin, end = encoding.offsets[i][0], encoding.offsets[j][1]
            if align_to_words:
                begin = whole.word_to_chars(whole.token_to_word(first + i - inside[0]))[0]
                end = whole.word_to_chars(whole.token_to_word(first + j - inside[0]))[1]
            # The other difference: no white space around an answer, and no answer of white space.
            text = context[begin:end].strip()
            begin += context[begin:end].find(text)
            known = [answer for answer in answers if answer["answer"].lower() == text.lower()]
            if known:
                known[0]["score"] += score
            elif text:
                answers.append({"score": score, "start": begin, "end": begin + len(text), "answer": text})
        first += len(inside) - doc_stride
    if handle_impossible_answer:
        answers.append({"score": null, "start": 0, "end": 0, "answer": ""})
    return sorted(answers, key=lambda answer: -answer["score"])[:top_k]


def agree(found, wanted, context):
    """The same answers in the same order, with the same scores; those of nearly the same score may change places."""
    found = found if isinstance(found, list) else [found]
    assert [answer["score"] for answer in found] == pytest.approx([answer["score"] for answer in wanted], rel=1e-3)
    for answer in found:
        assert list(answer) == ["score", "start", "end", "answer"]
        assert isinstance(answer["score"], float)
        assert answer["answer"] == context[answer["start"] : answer["end"]]
    places = [(answer["start"], answer["end"]) for answer in found]
    wanted_places = [(answer["start"], answer["end"]) for answer in wanted]
    for answer, place, wanted_place in zip(wanted, places, wanted_places, strict=True):
        near = [other for other in wanted if other["score"] == pytest.approx(answer["score"], rel=2e-3)]
        assert place == wanted_place or len(near) > 1 or answer is wanted[-1]


def test_one_answer_is_a_dict(reader):
    found = reader(question=QUESTION, context=LOUVRE)
    assert isinstance(found, dict)
    agree(found, expected(reader, QUESTION, LOUVRE), LOUVRE)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"top_k": 3, "max_answer_len": 40},
        {"top_k": 1, "handle_impossible_answer": True},
        {"top_k": 4, "align_to_words": False},
        {"top_k": 5, "max_seq_len": 48, "doc_stride": 16},
        {"top_k": 5, "max_seq_len": 40, "doc_stride": 0, "handle_impossible_answer": True},
    ],
    ids=str,
)
def test_the_answers_over_many_windows_are_those_of_the_pipeline(reader, options):
    agree(reader(question=QUESTION, context=LONG, **options), expected(reader, QUESTION, LONG, **options), LONG)


def test_every_family_answers_as_in_the_pipeline(family_reader):
    options = {"top_k": 4, "max_seq_len": 60, "doc_stride": 20, "handle_impossible_answer": True}
    agree(
        family_reader(question=QUESTION, context=LOUVRE, **options),
        expected(family_reader, QUESTION, LOUVRE, **options),
        LOUVRE,
    )


# A heading without a sign at its end, the items of a list, a table: the view of a document puts signs and the heads of
# columns into these, which the pipeline never saw.
BLOCKS = {
    "Doors\n\nThe door code is 4-7-1-9.": "What is the door code?",
    "Prices\n\nThe ticket costs $5.": "How much is it?",
    "History\n\nIt was built by Kowalczykowska in 1902.": "Who built it?",
    "Hours\n\n- Monday: closed\n- Tuesday: nine to five, xylophones\n\nContact\n\nGustave, 555-0134": "When?",
    "Name | Height\nMont Blanc | 4,806 m\nMatterhorn | 4,478 m\nEiger | 3,967 m\n": "How high is it?",
    "城市\n\n日本的首都是東京。": "首都是哪里?",
}


@pytest.mark.parametrize("words", [True, False])
@pytest.mark.parametrize(("context", "question"), BLOCKS.items(), ids=str)
def test_a_context_of_several_blocks_is_answered_as_in_the_pipeline(reader, context, question, words):
    options = {"top_k": 4, "align_to_words": words, "handle_impossible_answer": True}
    assert len(plain_blocks(context)) > 1
    agree(
        reader(question=question, context=context, **options), expected(reader, question, context, **options), context
    )


def test_every_family_answers_over_blocks_as_in_the_pipeline(family_reader):
    context = "\n\n".join(BLOCKS)
    options = {"top_k": 4, "max_seq_len": 60, "doc_stride": 20}
    agree(
        family_reader(question=QUESTION, context=context, **options),
        expected(family_reader, QUESTION, context, **options),
        context,
    )


words = st.sampled_from([*LOUVRE.split(), "state-of-the-art", "東京は首都", "don't", "€5", "4-7-1-9", "Zürich"])
between = st.sampled_from([" ", " ", " ", "\n", "\n\n", "\n- ", "\n\n1. ", " | "])
tables = st.lists(words, min_size=6, max_size=9).map(
    lambda cells: "\n".join(" | ".join(cells[at : at + 3]) for at in range(0, len(cells), 3))
)
contexts = st.lists(st.tuples(between, st.one_of(words, words, words, tables)), min_size=1, max_size=40).map(
    lambda parts: "".join(chain.from_iterable(parts))
)


@given(contexts, st.integers(1, 4), st.integers(1, 20))
@settings(max_examples=25, deadline=None)
def test_any_context_is_answered_as_in_the_pipeline(reader, context, top_k, max_answer_len):
    options = {"top_k": top_k, "max_answer_len": max_answer_len, "max_seq_len": 64, "doc_stride": 16}
    agree(
        reader(question=QUESTION, context=context, **options), expected(reader, QUESTION, context, **options), context
    )


def test_answers_are_whole_words_as_the_tokenizer_sees_them(reader):
    context = "Tokyo is 東京です and xylophones."
    spans = reader(question="What?", context=context, top_k=200, max_answer_len=30)
    # Every sign of Japanese is a word to BERT; a word in pieces is never cut.
    assert any(answer["answer"] == "京" for answer in spans)
    assert all(answer["answer"].count("xylophon") == answer["answer"].count("xylophones") for answer in spans)
    pieces = reader(question="What?", context=context, top_k=200, max_answer_len=30, align_to_words=False)
    assert any(answer["answer"].endswith("xylo") for answer in pieces)


def test_equal_texts_are_one_answer_with_their_scores_together(reader):
    context = "Paris or paris"
    spans = reader(question="Where?", context=context, top_k=20)
    assert sorted(answer["answer"].lower() for answer in spans) == sorted(
        {"paris", "or", "paris or", "or paris", "paris or paris"}
    )


def test_two_texts_may_stand_in_their_places(reader):
    assert reader(QUESTION, LOUVRE) == reader(question=QUESTION, context=LOUVRE)


def test_dicts_may_be_given(reader):
    pair = {"question": QUESTION, "context": LOUVRE}
    wanted = reader(question=QUESTION, context=LOUVRE)
    assert reader(pair) == wanted
    assert reader([pair, pair]) == [wanted, wanted]
    assert reader(pair, pair) == [wanted, wanted]


def test_several_answers_are_a_list_where_there_are_several(reader):
    context = "The museum in Paris"
    wanted = reader(question=QUESTION, context=context)
    assert reader(question=QUESTION, context=context, top_k=2)[0] == wanted
    only = reader(question=QUESTION, context="Paris", top_k=2)
    assert only["answer"] == "Paris", "a dict, as the pipeline gave"
    assert reader(question=QUESTION, context=["Paris", "Paris"], top_k=2)[0]["answer"] == "Paris"


def test_a_list_of_one_is_answered_like_one_as_the_pipeline_did(reader):
    wanted = reader(question=QUESTION, context=LOUVRE)
    assert reader(question=[QUESTION], context=[LOUVRE]) == wanted
    assert reader([{"question": QUESTION, "context": LOUVRE}]) == wanted


def near(found, wanted):
    assert [answer["answer"] for answer in found] == [answer["answer"] for answer in wanted]
    assert [answer["score"] for answer in found] == pytest.approx([answer["score"] for answer in wanted], rel=1e-4)


def test_lists_are_answered_pair_by_pair(reader):
    questions, contexts = [QUESTION, "Which river?", "Who?"], [LOUVRE, LONG, "Gustave"]
    alone = [reader(question=q, context=c) for q, c in zip(questions, contexts, strict=True)]
    near(reader(question=questions, context=contexts), alone)
    near(reader(question=questions, context=contexts, batch_size=1), alone)


def test_one_question_over_several_contexts_and_several_over_one(reader):
    contexts, questions = [LOUVRE, SENTENCE], [QUESTION, "Which river?"]
    near(reader(question=QUESTION, context=contexts), [reader(question=QUESTION, context=c) for c in contexts])
    near(reader(question=questions, context=LOUVRE), [reader(question=q, context=LOUVRE) for q in questions])


def test_many_with_several_answers_each(reader):
    found = reader(question=[QUESTION, "Who?"], context=LOUVRE, top_k=3)
    assert [len(answers) for answers in found] == [3, 3]


def test_limits_beyond_the_context_change_nothing(reader):
    wanted = reader(question=QUESTION, context=LOUVRE, top_k=3, max_answer_len=200)
    assert reader(question=QUESTION, context=LOUVRE, top_k=3, max_answer_len=10**8) == wanted
    assert reader(question=QUESTION, context=LOUVRE, top_k=3, max_answer_len=200, batch_size=10**20) == wanted
    assert reader(question=QUESTION, context=LOUVRE, top_k=np.int64(3), max_answer_len=np.int64(2**62)) == wanted


def test_whole_numbers_of_numpy_are_taken(reader):
    options = {"top_k": 2, "doc_stride": 16, "max_seq_len": 48, "batch_size": 4}
    numpys = {name: np.int64(value) for name, value in options.items()}
    assert reader(question=QUESTION, context=LONG, **numpys) == reader(question=QUESTION, context=LONG, **options)


def test_a_long_question_is_not_cut(reader):
    question = "which river is it " * 18  # 72 tokens: more than max_question_len's 64, which had no effect.
    options = {"doc_stride": 8, "max_question_len": 64}
    agree(
        reader(question=question, context=LOUVRE, **options), expected(reader, question, LOUVRE, doc_stride=8), LOUVRE
    )


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"question": ["Who?", ""], "context": "Paris"}, "question 2 is empty"),
        ({"question": "Who?", "context": " \n"}, "context is empty"),
        ({"question": "Who?", "context": "\u200b"}, "context is empty"),
        ({"question": "Who?", "context": "\x01 \ue000\u0301\ufffd\ud800"}, "context is empty"),
        ({"question": "Who?", "context": "¨"}, "context is empty"),
        ({"question": "Who?", "context": ["Paris", "\u00ad"], "handle_impossible_answer": True}, "context 2 is empty"),
        ({"question": "\u200b", "context": "Paris"}, "question is empty"),
        ({"question": [], "context": []}, "there is no question"),
        ({"question": "Who?", "context": 3}, "the context is no text but 3 (int)"),
        ({"question": "Who?"}, "the context is missing: give both question= and context="),
        ({}, "the question is missing"),
        ({"question": "Who?", "context": "Paris", "data": {}}, "not both ways at once"),
        ({"question": "Who?", "context": "Paris", "top_k": "2"}, "top_k must be a whole number, not the text '2'"),
        ({"question": "Who?", "context": "Paris", "padding": "right"}, "padding is 'right'"),
        ({"question": "Who?", "context": "Paris", "padding": np.array([1, 2])}, "padding is array([1, 2])"),
        ({"question": "Who?", "context": "Paris", "max_seq_len": 0}, "max_seq_len must be at least 1, not 0"),
        ({"question": "Who?", "context": "Paris", "max_seq_len": False}, "max_seq_len must be a whole number"),
        ({"question": "Who?", "context": "Paris", "doc_stride": True}, "doc_stride is True"),
        ({"question": "Who?", "context": "Paris", "doc_stride": "9"}, "doc_stride is '9'"),
        ({"question": "Who?", "context": "Paris", "topp": 2}, "no option topp="),
        ({"question": ["a", "b", "c"], "context": ["x", "y"]}, "3 questions but 2 contexts"),
        ({"question": "Who?", "context": "Paris", "top_k": 0}, "top_k must be at least 1, not 0"),
        ({"question": "Who?", "context": "Paris", "doc_stride": -1}, "doc_stride is -1"),
        ({"question": "Who?", "context": "Paris", "doc_stride": 400}, "doc_stride is 400"),
        ({"question": "who " * 500, "context": "Paris"}, "500 tokens"),
    ],
    ids=str,
)
def test_what_makes_no_sense_is_refused(reader, arguments, said):
    with pytest.raises(UsageError) as error:
        reader(**arguments)
    assert said in str(error.value)


PAIR = {"question": QUESTION, "context": LOUVRE}


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"question": "Who?"}, r"the input has no 'context' \(its keys: 'question'\)"),
        ([PAIR, {"context": "Paris"}], "input 2 has no 'question'"),
        (["Who?", "Paris"], r"input 1 is 'Who\?' \(str\); give question= and context="),
        ({"question": None, "context": "Paris"}, "the question is no text but None"),
        ([PAIR, {"question": "Who?", "context": " "}], "context 2 is empty"),
        ({"question": ["Who?", "Where?"], "context": ["Paris"] * 3}, "2 questions but 3 contexts"),
        ({"question": ["Who?", " "], "context": "Paris"}, "question 2 is empty"),
        ({"question": [], "context": []}, "there is no question"),
        ([], "there is no question"),
        (3, "'question' and 'context', not 3 alone"),
        ("Who?", "not 'Who\\?' alone"),
    ],
    ids=str,
)
def test_inputs_that_are_no_pairs_are_refused_by_what_is_wrong(reader, given, said):
    with pytest.raises(UsageError, match=said):
        reader(given)
    if not isinstance(given, list):
        with pytest.raises(UsageError, match=said):
            reader(data=given)


class Example:
    """As ``transformers.data.SquadExample`` was."""

    question_text, context_text = QUESTION, LOUVRE


class MapStyle:
    """A dataset of torch that has a length and items, and no iterator."""

    def __len__(self):
        return 2

    def __getitem__(self, at):
        return (PAIR, {"question": "Who?", "context": LOUVRE})[at]


def test_the_older_names_of_arguments_are_taken(reader):
    wanted = reader(question=QUESTION, context=LOUVRE)
    assert (
        reader(data=PAIR) == reader(X=PAIR) == reader(data=[PAIR]) == reader(Example()) == reader([Example()]) == wanted
    )
    assert reader(PAIR, topk=2) == reader(PAIR, top_k=2)
    assert reader(PAIR, topk=2, top_k=1) == wanted
    for padding in (True, False, None, "longest", "max_length", "do_not_pad"):
        assert reader(PAIR, padding=padding, num_workers=2, batch_size=None, max_seq_len=None, top_k=None) == wanted


def test_a_dict_of_lists_is_a_list_of_pairs(reader):
    questions = [QUESTION, "Who?"]
    wanted = [reader(question=q, context=LOUVRE) for q in questions]
    near(reader({"question": questions, "context": [LOUVRE, LOUVRE]}), wanted)
    near(reader({"question": questions, "context": LOUVRE}), wanted)
    assert reader({"question": [QUESTION], "context": [LOUVRE]}) == wanted[:1], "a list, as the pipeline gave"


def test_an_iterator_is_answered_as_it_is_read(reader):
    taken = []

    def endless():
        while True:
            taken.append(1)
            yield PAIR

    answers = reader(endless(), batch_size=2)
    assert not taken
    assert next(answers) == next(answers) == reader(PAIR)
    assert len(taken) == 2
    assert list(reader(iter([]))) == []
    near(list(reader(MapStyle())), [reader(PAIR), reader(question="Who?", context=LOUVRE)])
    near(list(reader(iter([PAIR]), batch_size=10**20)), [reader(PAIR)])


@pytest.mark.parametrize(
    ("bad", "said"),
    [
        (3, "input 3 is 3"),
        ({"question": " ", "context": LOUVRE}, "question 3 is empty"),
        ({"question": "who " * 500, "context": LOUVRE}, "500 tokens"),
        ({"question": ["Who?", ""], "context": LOUVRE}, "question 2 is empty"),
    ],
    ids=["no pair", "empty", "too long", "one of two"],
)
@pytest.mark.parametrize("batch_size", [1, 2, 3, 32])
def test_the_questions_of_an_iterator_before_a_bad_one_are_answered(reader, bad, said, batch_size):
    answers = reader(iter([PAIR, PAIR, bad, PAIR]), batch_size=batch_size)
    near([next(answers), next(answers)], [reader(PAIR)] * 2)
    with pytest.raises(UsageError, match=said):
        next(answers)
