"""Passages of the same text are one hit, and k are found where there are so many texts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from odqa.index.build import build_index
from odqa.index.copies import MOST, merge_copies, search_distinct
from odqa.index.retriever import Retriever
from odqa.types import Hit, Mode, Passage

LEAVE = "Employees have twenty days of vacation."


def hits_of(*texts: str) -> list[Hit]:
    passages = [Passage(f"p{at}", f"d{at}", f"Title {at}", text, 0) for at, text in enumerate(texts)]
    return [Hit(passage, -float(at), at) for at, passage in enumerate(passages, start=1)]


def shown(hits: Sequence[Hit]) -> list[tuple[int, str, list[str]]]:
    return [(hit.rank, hit.passage.id, [copy.id for copy in hit.copies]) for hit in hits]


def test_a_text_is_one_hit_whatever_its_title_and_white_space() -> None:
    found = hits_of("a b", "c", "a\r\nb ", "d", "c", "a  b")
    assert shown(merge_copies(found)) == [(1, "p0", ["p2", "p5"]), (2, "p1", ["p4"]), (3, "p3", [])]


def test_hits_of_distinct_texts_stay_as_they_are() -> None:
    found = [replace(hit, rank=hit.rank + 7) for hit in hits_of("a b", "ab", "A b")]
    assert merge_copies(found) == found
    assert merge_copies([]) == []


class Searched:
    """What is found for several questions, and for which of them, and how deep, was searched."""

    def __init__(self, *found: list[Hit]) -> None:
        self.found = found
        self.asked: list[tuple[list[int], int]] = []

    def __call__(self, wanted: Sequence[int], depth: int) -> list[list[Hit]]:
        self.asked.append((list(wanted), depth))
        return [self.found[at][:depth] for at in wanted]


def test_only_questions_with_copies_are_searched_deeper() -> None:
    search = Searched(hits_of(*"abcdef"), hits_of(*"aaaaaabcd"), hits_of(*"aab"))
    found = search_distinct(search, 3, 3)
    assert [[hit.passage.text for hit in hits] for hits in found] == [["a", "b", "c"], ["a", "b", "c"], ["a", "b"]]
    assert len(found[1][0].copies) == 5
    assert search.asked == [([0, 1, 2], 3), ([1, 2], 6), ([1], 12)]


def test_the_search_for_other_texts_ends() -> None:
    search = Searched(hits_of(*"a" * (2 * MOST)))
    ((hit,),) = search_distinct(search, 1, 3)
    assert len(hit.copies) == MOST - 1
    assert search.asked[-1] == ([0], MOST) and len(search.asked) < 12
    ((hit,),) = search_distinct(search, 1, MOST + 5)  # Who asks for more gets more.
    assert len(hit.copies) == MOST + 4


@pytest.fixture(scope="module")
def index(tiny_encoder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("copies")
    (folder / "texts").mkdir()
    for number in range(12):
        (folder / "texts" / f"leave-{number}.txt").write_text(LEAVE, encoding="utf-8")
    for name in ("notice", "pension", "canteen"):
        (folder / "texts" / f"{name}.txt").write_text(f"The days of the {name} are told by the office.", "utf-8")
    build_index([folder / "texts"], folder / "index", encoder=str(tiny_encoder), device="cpu")
    return folder / "index"


@pytest.mark.parametrize("mode", list(Mode))
def test_copies_of_a_file_fill_no_k(index: Path, mode: Mode) -> None:
    with Retriever.open(index, mode=mode, device="cpu") as retriever:
        both = retriever.search(["How many vacation days?", "office"], 4)
        (filtered,) = retriever.search(["How many vacation days?"], 4, "id~=*leave-[12].txt")
    assert [hit.passage.text for hit in both[0]].count(LEAVE) == 1
    assert len(both[0]) == 4
    (leave,) = [hit for hit in both[0] if hit.passage.text == LEAVE]
    assert len({leave.passage.document_id, *(copy.document_id for copy in leave.copies)}) == 12
    assert len(filtered) == 1 and len(filtered[0].copies) == 1
    assert [hit.rank for hit in both[0]] == [1, 2, 3, 4]
