"""Which hits a question's gold passages are, and what is read of them; the retriever is made by hand."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pytest

from odqa.errors import DataError
from odqa.evaluation import cases as module
from odqa.evaluation.cases import SPARE, Queries, Query, check_examples, in_context, read, search
from odqa.index.copies import merge_copies
from odqa.types import Example, Hit, Passage, Reading, Reference, Span
from odqa.views import Context

CONTEXT = "Paris lies on the Seine. Berlin lies on the Spree."
PIECE, OTHER_PIECE, ELSEWHERE = "Paris lies on the Seine.", "Berlin lies on the Spree.", "The Seine is a river."
FILLING = [f"Passage {number} is about nothing." for number in range(9)]


class Shelf:
    """A retriever that finds the same texts whatever is asked, or those given for a question."""

    def __init__(self, texts: Sequence[str] | Mapping[str, Sequence[str]]) -> None:
        self.texts = texts
        self.asked: list[tuple[list[str], int]] = []

    def search(self, questions: Sequence[str], k: int) -> list[list[Hit]]:
        self.asked.append((list(questions), k))
        return [self._hits(question)[:k] for question in questions]

    def _hits(self, question: str) -> list[Hit]:
        texts = self.texts[question] if isinstance(self.texts, Mapping) else self.texts
        return [
            Hit(Passage(text, f"d{rank}", "Title", text, 0), 1 / rank, rank) for rank, text in enumerate(texts, start=1)
        ]


class Reads:
    """Remembers what it was asked for; finds the first character, with the text's length as the null score."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str]] = []

    def read(
        self,
        asked: Sequence[tuple[str, Context]],
        n_best: int,
        progress: Callable[[int], None] | None = None,
        **_: Any,
    ) -> list[Reading]:
        self.asked += [(question, context.text) for question, context in asked]
        if progress:
            progress(len(asked))
        return [Reading((Span(0, 1, 1.0),), float(len(context.text))) for _, context in asked]


def example(question: str = "which river?", *answers: str, context: str = CONTEXT) -> Example:
    return Example(question, question, context, tuple(Reference(answer, 0) for answer in answers))


def one(texts: Sequence[str], asked: Example, k: int = 3) -> tuple[Queries, Query]:
    found = search([asked], Shelf(texts), k)
    return found, found.queries[0]


def test_a_piece_of_the_context_is_gold_where_it_holds_the_answer() -> None:
    found, query = one([ELSEWHERE, OTHER_PIECE, PIECE], example("which river?", "the Seine"))
    assert found.by_context
    assert query.own == {PIECE, OTHER_PIECE}
    assert query.gold == {PIECE}
    assert query.gold_ranks() == [3]


def test_a_passage_around_the_context_is_one_of_its_own() -> None:
    around = f"Rivers. {CONTEXT} More of them."
    _, query = one([ELSEWHERE, around], example("which river?", "Seine"))
    assert query.own == query.gold == {around}


def test_the_gold_passages_of_an_unanswerable_question_are_all_pieces_of_its_context() -> None:
    _, query = one([PIECE, ELSEWHERE, OTHER_PIECE], example("which ocean?"))
    assert query.own == query.gold == {PIECE, OTHER_PIECE}


def test_where_no_context_is_in_the_index_the_answers_tell() -> None:
    texts = ["Seiner Zeit.", ELSEWHERE, "A river: the seine!", *FILLING]
    found, query = one(texts, example("which river?", "the Seine", "Spree"))
    assert not found.by_context
    assert query.own == frozenset()
    assert query.gold == {ELSEWHERE, "A river: the seine!"}
    assert query.gold_ranks() == [2, 3]


def test_by_their_answers_unanswerable_questions_have_no_gold_passages() -> None:
    _, query = one([ELSEWHERE, *FILLING], example("which ocean?"))
    assert (query.gold, query.gold_ranks()) == (frozenset(), [])


def test_a_gold_passage_stays_one_when_a_copy_of_it_is_found_first() -> None:
    copy, gold = (Hit(Passage(name, name, name, PIECE, 0), 1.0, rank) for rank, name in ((1, "copy"), (2, "gold")))
    others = Shelf([ELSEWHERE, *FILLING]).search([""], 9)[0]

    class Copied(Shelf):
        def search(self, questions: Sequence[str], k: int) -> list[list[Hit]]:
            return [merge_copies([copy, gold, *others])[:k] for _ in questions]

    (query,) = search([example("which river?", "Seine")], Copied([]), 2).queries
    assert (query.gold, query.gold_ranks()) == ({"copy"}, [1])
    assert [hit.passage.text for hit in query.without_gold(2)] == [ELSEWHERE, FILLING[0]]


@pytest.mark.parametrize("context", ["", " \n"])
def test_a_question_without_a_context_has_no_passages_of_its_own(context: str) -> None:
    found, query = one([ELSEWHERE, *FILLING], example("which river?", "Seine", context=context))
    assert not found.by_context
    assert (query.own, query.gold) == (frozenset(), {ELSEWHERE})
    assert len(query.without_gold(3)) == 3


def test_an_answer_of_which_nothing_is_left_is_in_no_passage() -> None:
    _, query = one(FILLING, example("which letter?", "A", "..."))
    assert query.gold == frozenset()


def test_one_context_in_the_index_is_enough_to_tell_by_contexts() -> None:
    shelf = Shelf({"which river?": [ELSEWHERE], "which city?": [OTHER_PIECE]})
    found = search([example("which river?", "Seine", context="Far away."), example("which city?", "Berlin")], shelf, 3)
    assert found.by_context
    assert [query.gold for query in found.queries] == [frozenset(), {OTHER_PIECE}]


def test_without_its_context_a_question_still_has_k_hits() -> None:
    found, query = one([PIECE, FILLING[0], OTHER_PIECE, *FILLING[1:]], example("which river?", "Seine"), k=3)
    assert found.k == 3
    assert len(query.hits) == 3 + SPARE
    assert [hit.passage.text for hit in query.first(3)] == [PIECE, FILLING[0], OTHER_PIECE]
    assert [hit.passage.text for hit in query.without_gold(3)] == FILLING[:3]
    assert [hit.rank for hit in query.without_gold(3)] == [2, 4, 5]


def test_by_the_answers_those_that_hold_one_are_taken_away() -> None:
    _, query = one([FILLING[0], ELSEWHERE, *FILLING[1:]], example("which river?", "Seine"), k=2)
    assert [hit.passage.text for hit in query.without_gold(2)] == FILLING[:2]


def test_an_index_with_fewer_passages_gives_fewer() -> None:
    _, query = one([PIECE, FILLING[0]], example("which river?", "Seine"), k=3)
    assert (len(query.first(3)), len(query.without_gold(3))) == (2, 1)


def test_questions_are_asked_tidy_and_some_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "AT_ONCE", 2)
    shelf, done = Shelf(FILLING), []
    examples = [example(" which\nriver? "), example("which city?"), example("which\tocean?")]
    found = search(examples, shelf, 4, done.append)
    assert shelf.asked == [(["which river?", "which city?"], 4 + SPARE), (["which ocean?"], 4 + SPARE)]
    assert done == [2, 1]
    assert [query.question for query in found.queries] == ["which river?", "which city?", "which ocean?"]
    assert [query.example for query in found.queries] == examples


def test_no_questions_no_hits() -> None:
    assert search([], Shelf([]), 3) == Queries((), 3, False)


def what_is_read(query: Query, k: int, *, removed: bool = True) -> list[tuple[str, str]]:
    reads = Reads()
    read([query], k, reads, removed=removed)
    return reads.asked


def test_what_is_read_is_the_union_of_the_hits_with_and_without_the_context() -> None:
    _, query = one([PIECE, *FILLING], example("which river?", "Seine"), k=3)
    for k, removed, texts in (
        (3, False, [PIECE, *FILLING[:2]]),
        (3, True, [PIECE, *FILLING[:3]]),
        (1, True, [PIECE, FILLING[0]]),
    ):
        assert what_is_read(query, k, removed=removed) == [("which river?", text) for text in texts]


def test_from_an_unanswerable_question_nothing_is_taken_away() -> None:
    _, query = one([PIECE, *FILLING], example("which ocean?"), k=3)
    assert [text for _, text in what_is_read(query, 3)] == [PIECE, *FILLING[:2]]


def test_every_question_keeps_its_own_readings() -> None:
    shelf = Shelf({"which river?": [PIECE, *FILLING], "which city?": [OTHER_PIECE, PIECE]})
    found = search([example("which river?", "Seine"), example("which city?")], shelf, 2)
    reads, done = Reads(), []
    first, second = read(found.queries, 2, reads, lambda some, total: done.append((some, total)))
    assert reads.asked == [
        ("which river?", PIECE),
        ("which river?", FILLING[0]),
        ("which river?", FILLING[1]),
        ("which city?", OTHER_PIECE),
        ("which city?", PIECE),
    ]
    assert sum(some for some, _ in done) == 5 and {total for _, total in done} == {5}
    assert {text: reading.null_score for text, reading in first.readings.items()} == {
        text: len(text) for text in (PIECE, *FILLING[:2])
    }
    assert list(second.readings) == [OTHER_PIECE, PIECE]
    assert second.query == found.queries[1]
    # The places among some of the hits: the first characters, nearest to their null first.
    places = first.candidates(first.query.without_gold(2)).places
    assert [(place.text, place.passage.text) for place in places] == [("P", FILLING[0]), ("P", FILLING[1])]
    assert [place.margin for place in places] == [1 - len(FILLING[0])] * 2


def test_a_question_in_its_own_context_has_that_as_its_only_hit() -> None:
    asked = example(" which\nriver? ", "the Seine")
    (case,) = in_context([asked], [Reading((Span(18, 23, 2.5),), 0.5)])
    (hit,) = case.query.first(1)
    assert (case.query.question, hit.passage.text, case.references) == ("which river?", CONTEXT, ["the Seine"])
    assert case.query.gold_ranks() == [1]
    assert case.query.without_gold(1) == ()
    (place,) = case.candidates([hit]).places
    assert (place.text, place.margin) == ("Seine", 2.0)


def test_a_dataset_that_cannot_be_scored_is_refused_by_name() -> None:
    with pytest.raises(DataError, match=r"dev\.json: no questions"):
        check_examples([], "dev.json")
    twice = [example("which river?"), example("which city?"), example("which river?")]
    with pytest.raises(DataError, match=r"'which river\?' occurs twice, at questions 1 and 3; .* give every question"):
        check_examples(twice)
