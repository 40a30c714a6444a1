"""Questions without contexts over a small index: which passage each gets, and what is said of those that get none."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from odqa.errors import DataError
from odqa.evaluation.cases import search
from odqa.evaluation.places import place
from odqa.index.build import build_index
from odqa.index.retriever import Retriever
from odqa.squad import OwnQuestion
from odqa.types import Example, Reference

TEXTS = {
    "leave.txt": "The policy has twenty days of vacation.",
    "old.txt": "The old policy has thirty days of vacation.",
    "tower.txt": "The tower was built by Gustave in Paris.",
    "paris.txt": "Paris is the capital of France.",
    "copy.txt": "Paris is the capital of France.",
}


@pytest.fixture(scope="module")
def retriever(tiny_encoder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Retriever]:
    folder = tmp_path_factory.mktemp("places")
    for name, text in TEXTS.items():
        (folder / name).write_text(text, encoding="utf-8")
    build_index([str(folder / name) for name in TEXTS], folder / "index", encoder=tiny_encoder, device="cpu")
    with Retriever.open(folder / "index", device="cpu") as opened:
        yield opened


def own(question: str, *answers: str, source: str = "", line: int = 1) -> OwnQuestion:
    return OwnQuestion(f"line {line}", question, answers, source, f"mine.jsonl: line {line}")


def test_the_passage_that_holds_the_answer_is_the_context(retriever: Retriever) -> None:
    (found,) = place([own("how many days of vacation", "Twenty  days")], retriever).examples
    assert found.context == TEXTS["leave.txt"]
    assert found.references == (Reference("twenty days", TEXTS["leave.txt"].index("twenty")),)


def test_capitals_count_where_the_answer_stands_with_them(retriever: Retriever) -> None:
    asked = [own("which city", "the"), own("which policy", "The", line=2), own("which policy", "THE", line=3)]
    # In small letters it stands in one passage, as a copy is no other; with the capital in three; in any way in four.
    second, third = place(asked, retriever).remarks
    assert "line 2: 'The' is in 3 passages" in second
    assert "line 3: 'THE' is in 4 passages" in third


def test_several_passages_are_reported_and_a_source_narrows_them(retriever: Retriever) -> None:
    asked = [own("what is a capital", "Paris"), own("where is the tower", "Paris", source="tower.txt", line=2)]
    placed = place(asked, retriever)
    (remark,) = placed.remarks  # A copy is no other passage.
    assert "line 1: 'Paris' is in 2 passages" in remark
    assert placed.examples[1].context == TEXTS["tower.txt"]
    assert placed.sources == {"line 1": "", "line 2": "tower.txt"}


def test_what_is_in_too_many_passages_is_left_out_where_there_is_a_limit(retriever: Retriever) -> None:
    placed = place([own("what", "Paris"), own("who", "Gustave", line=2)], retriever, most=1)
    assert [one.id for one in placed.examples] == ["line 2"]
    assert "more than 1" in placed.remarks[0] and "left out" in placed.remarks[0]


def test_what_is_nowhere_is_reported_and_left_out_but_for_other_answers(retriever: Retriever) -> None:
    asked = [own("who", "Gustav"), own("who", "Gustav", "Gustave", line=2)]
    placed = place(asked, retriever)
    assert [one.id for one in placed.examples] == ["line 2"]
    assert Reference("Gustav", -1) in placed.examples[0].references
    first, second = placed.remarks
    assert "line 1: 'Gustav' is nowhere" in first and "left out" in first
    assert "line 2" in second and "other answers count" in second


def test_where_no_question_is_left_it_is_refused(retriever: Retriever) -> None:
    with pytest.raises(DataError, match="nowhere"):
        place([own("who", "Gustav")], retriever)


def test_without_an_answer_the_context_is_what_is_found_first(retriever: Retriever) -> None:
    (found,) = place([own("how many days of vacation")], retriever).examples
    assert (
        not found.answerable and found.context == retriever.search(["how many days of vacation"], 1)[0][0].passage.text
    )


def test_questions_with_contexts_stay_as_they_are(retriever: Retriever) -> None:
    example = Example("a", "who", "By Gustave.", (Reference("Gustave", 3),))
    placed = place([example, own("who", "Gustave")], retriever)
    assert placed.examples[0] is example and list(placed.sources) == ["line 1"]


def test_gold_is_every_passage_of_the_source_that_holds_the_answer(retriever: Retriever) -> None:
    placed = place([own("where", "Paris"), own("where", "Paris", source="tower.txt", line=2)], retriever)
    found = search(placed.examples, retriever, 5, sources=placed.sources)
    texts = [{hit.passage.text for hit in one.hits if hit.passage.id in one.gold} for one in found.queries]
    assert texts == [{TEXTS["tower.txt"], TEXTS["paris.txt"]}, {TEXTS["tower.txt"]}]
    assert not found.by_context
