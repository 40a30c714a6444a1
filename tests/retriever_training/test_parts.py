"""Batches, negatives, made questions, pieces and scores, small enough to count by hand."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from odqa.corpus import ChunkOptions
from odqa.errors import DataError
from odqa.evaluation.cases import Query
from odqa.retriever_training import cloze, mining, pool, scores
from odqa.retriever_training.contrastive import apart, batches
from odqa.retriever_training.questions import Pair, document_of
from odqa.types import Block, Component, Document, Example, Hit, Passage, Reference


@given(st.lists(st.sampled_from("abcdef"), max_size=40), st.integers(2, 8))
def test_all_pairs_are_in_a_batch_and_no_batch_has_a_passage_twice(keys, size):
    found = batches(keys, size, "seed")
    assert sorted(at for batch in found for at in batch) == list(range(len(keys)))
    for batch in found:
        assert len(batch) <= size
        assert not batch or max(Counter(keys[at] for at in batch).values()) == 1
    assert found == batches(keys, size, "seed")


def passage(text: str, id: str = "", headings: tuple[str, ...] = ()) -> Passage:
    return Passage(id or text, "document", "", text, 0, headings=headings)


def hit(text: str, cosine: float) -> Hit:
    return Hit(passage(text), cosine, 1, {"dense": Component(cosine, 1)})


def test_what_may_answer_the_question_is_no_negative():
    example = Example("1", "who built it", "Gustave built the tower.", (Reference("Gustave", 0),))
    hits = [
        hit("Gustave built the tower.", 0.9),
        hit("built the tower", 0.5),
        hit("It was gustave, they say.", 0.5),
        hit("Someone built it, too close.", 0.86),
        hit("The river.", 0.85),
        hit("The museum.", 0.1),
    ]
    found = mining.eligible(Pair(example), hits, cosine=0.9, margin=0.95)
    assert [one.text for one in found] == ["The river.", "The museum."]
    assert [one.text for one in mining.eligible(Pair(example), hits, cosine=-0.1, margin=0.5)] == []


def test_other_passages_fill_up_what_the_search_lacks():
    example = Example("1", "who built it", "Gustave built the tower.", (Reference("Gustave", 0),))
    others = [passage("Gustave built the tower."), passage("The river."), passage("The museum.")]
    found = mining._filled([], Pair(example), others, 2, random.Random(0))
    assert {one.text for one in found} == {"The river.", "The museum."}
    again = mining._filled([], Pair(example), others[:2], 2, random.Random(0))
    assert [one.text for one in again] == ["The river."] * 2, "the same one, but never one that holds the answer"
    with pytest.raises(DataError, match=r"1: all 1 passages of the run hold its answer"):
        mining._filled([], Pair(example), others[:1], 2, random.Random(0))


@given(st.integers(0, 20), st.integers(0, 20))
def test_blocks_stay_in_order_inside_a_text_without_a_part(one, other):
    start, end = sorted((one, other))
    text = "".join(map(chr, range(65, 85)))
    blocks = (Block(0, 6), Block(7, 13), Block(15, 20))
    rest, moved = cloze.without(text, blocks, start, end)
    assert rest == text[:start] + text[end:]
    ends = [0, *(place for block in moved for place in (block.start, block.end))]
    assert ends == sorted(ends) and ends[-1] <= len(rest)
    kept = {text[at] for block in blocks for at in range(block.start, block.end) if not start <= at < end}
    assert {rest[at] for block in moved for at in range(block.start, block.end)} == kept


def words(text: str) -> list[tuple[int, int]]:
    return [(at, at + 1) for at in range(len(text))]


def made(tmp_path, text: str, chunk: ChunkOptions | None = None, **options: object) -> list[Pair]:
    path = tmp_path / "a.md"
    path.write_text(text)
    settings = {"keep_sentence": 0.0, "seed": 0, "tell": lambda text: None} | options
    return list(cloze.pairs_from(cloze.files_of([str(path)]), words, chunk or ChunkOptions(1000, 0), **settings))


def test_a_sentence_is_the_question_and_is_gone_from_its_passage(tmp_path):
    sentences = ["The tower was built by Gustave in Paris.", "The river of the city is called the Seine."]
    (pair,) = made(tmp_path, " ".join(sentences))
    assert pair.example.question in sentences
    assert pair.example.question not in pair.example.context
    assert pair.document is not None and pair.document.text == pair.example.context
    (kept,) = made(tmp_path, " ".join(sentences), keep_sentence=1.0)
    assert kept.example.question in kept.example.context
    assert made(tmp_path, "One sentence alone gives no question at all.") == []


def test_no_question_stands_in_the_passage_of_another(tmp_path):
    text = " ".join(f"The tower number {number} was built by the river." for number in range(20))
    found = made(tmp_path, text, ChunkOptions(150, 60))
    assert len(found) > 3
    contexts = [pair.example.context for pair in found]
    assert not [pair for pair in found if any(pair.example.question in context for context in contexts)]


def test_a_passage_that_says_a_made_question_is_as_right_as_its_own():
    pair = Pair(Example("1", "The tower was built by Gustave.", "It is in Paris. It is old.", ()), made=True)
    whole = passage("It is in Paris. The tower was built by\nGustave. It is old.")
    other = passage("The river of the city is the Seine.")
    assert [cloze.says(pair, one) for one in (whole, other)] == [True, False]
    hits = [hit(one.text, 0.1) for one in (whole, other)]
    assert [one.text for one in mining.eligible(pair, hits, cosine=0.9, margin=0.95)] == [other.text]
    asked = Pair(pair.example)
    assert len(mining.eligible(asked, hits, cosine=0.9, margin=0.95)) == 2, "what somebody asked may stand anywhere"
    above = Pair(Example("2", "Parental leave of employees", "Ten days.", ()), made=True)
    assert cloze.says(above, passage("They are paid.", headings=("Leave", "Parental leave of employees")))


@pytest.mark.parametrize(
    ("is_made", "gold", "place"), [(True, 3, 2), (False, 3, 3), (True, 1, 1), (True, None, scores.NOT_FOUND)]
)
def test_a_passage_that_says_a_made_question_takes_no_place(is_made, gold, place):
    said = ["Who? The tower was built by Gustave.", "The river.", "It stands in Paris."]
    hits = tuple(replace(hit(text, 0.5), rank=rank) for rank, text in enumerate(said, start=1))
    example = Example("1", "The tower was built by Gustave.", "It stands in Paris.", ())
    own = frozenset({said[gold - 1]} if gold else ())
    query = Query(example, example.question, hits, own, own)
    assert scores._place(Pair(example, made=is_made), query) == place


@given(st.data())
def test_nobodys_right_passage_is_a_negative_in_its_batch(data):
    texts = st.sampled_from("abcdefgh")
    right = data.draw(st.lists(texts, min_size=1, max_size=4, unique=True))
    width = data.draw(st.integers(1, 2))
    negatives = data.draw(st.lists(st.lists(texts, min_size=width, max_size=width), min_size=len(right), max_size=4))
    found = apart(right, negatives)
    assert [len(some) for some in found] == [len(some) for some in negatives]
    there = {one for some in negatives for one in some} - set(right)
    assert {one for some in found for one in some} <= (there or set(right))
    kept = [(one, new) for old, some in zip(negatives, found, strict=True) for one, new in zip(old, some, strict=True)]
    assert all(one == new for one, new in kept if one not in right)


def test_what_stands_above_is_a_question_whose_passage_is_without_it(tmp_path):
    text = "# Parental leave of employees\n\n" + "\n\n".join(
        f"## The request of the manager {number}\n\nThe policy has {number} days. They are for the parents."
        for number in range(40)
    )
    found = made(tmp_path, text)
    above = [pair for pair in found if "request of the manager" in pair.example.question]
    assert 3 < len(above) < 20
    assert all(not pair.document.title and not pair.document.sections for pair in above)
    assert not any("request of the manager" in pair.document.text for pair in above)
    assert all(pair.document.title for pair in found if pair not in above)
    assert found == made(tmp_path, text)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    again = made(elsewhere, text)
    assert [pair.example.question for pair in again] == [pair.example.question for pair in found]


def test_a_pair_has_the_piece_with_the_answer(tiny_encoder, tmp_path):
    from odqa.retrieval.encoder import Encoder

    text = " ".join(f"The tower has {number} days." for number in range(30)) + " Gustave built it in Paris."
    example = Example("1", "who", text, (Reference("Gustave", text.index("Gustave")),), title="A_b", headings=("C",))
    unmarked = Example("2", "what", text, (), title="A_b", headings=("C",))
    pairs = [Pair(one, document_of(one)) for one in (example, unmarked)]
    encoder = Encoder.load(tiny_encoder, "cpu")
    pool.make(tmp_path / "index", pairs, encoder, index="", language="en", tell=print)
    right, first = pool.positives(tmp_path / "index", pairs)
    assert "Gustave" in right.text and "Gustave" not in first.text
    assert (right.title, right.headings, first.start) == ("A b", ("C",), 0)
    assert right.document_id == first.document_id, "one text is one document"
    assert pool.fetch(tmp_path / "index", [right.id]) == {right.id: right}


def test_scores_by_hand():
    found = scores.scores([1, 2, 21, 6])
    assert {name: one.mean for name, one in found.items()} == {
        "recall@1": 0.25,
        "recall@5": 0.5,
        "recall@20": 0.75,
        "mrr@20": pytest.approx((1 + 1 / 2 + 1 / 6) / 4),
        "ndcg@20": pytest.approx((1 + 0.6309298 + 0.3562072) / 4),
    }


def test_a_verdict_needs_more_than_chance():
    better = scores.difference([21] * 20, [1] * 20)
    assert (better.verdict, better.mean) == ("better", 1.0) and better.p < 0.01
    assert scores.difference([1] * 20, [21] * 20).verdict == "worse"
    assert scores.difference([2, 1, 3], [1, 2, 3]).verdict == "not better"
    assert scores.difference([3] * 9, [3] * 9).p == 1


def test_answers_are_compared_where_somebody_answers():
    before, after = scores.Found([1] * 20, [0.0] * 20), scores.Found([1] * 20, [1.0] * 20)
    assert scores.answers_compared({"dense": scores.Found([1], [])}, {"dense": scores.Found([1], [])}) == {}
    found = scores.answers_compared({"hybrid": before}, {"hybrid": after})["hybrid"]
    assert (found.before["rouge1_f1"].mean, found.after["rouge1_f1"].mean) == (0, 1)
    assert (found.difference.verdict, found.difference.mean) == ("better", 1)
    (line,) = scores.verdicts({"hybrid": found})
    assert line.startswith("hybrid: rouge1_f1 0.000 before, 1.000 after (+1.000,") and line.endswith(": better")


def test_equal_texts_are_one_document_whatever_their_questions():
    one, other = (document_of(Example(id, "q", "A text.", ())) for id in ("1", "2"))
    third = document_of(Example("3", "q", "A text.", (), headings=("Above",)))
    ids = [pool._stored(Pair(Example("", "", "", ()), document)).id for document in (one, other, third)]
    assert ids[0] == ids[1] != ids[2]
    assert isinstance(one, Document)
