from __future__ import annotations

from pathlib import Path
from typing import TypeAlias

import numpy as np
import pytest

from odqa.retrieval.dense import Vectors, VectorSearch
from odqa.retrieval.fusion import fuse
from odqa.retrieval.hybrid import by_both, by_keywords, by_vectors
from odqa.retrieval.keywords import Keywords, KeywordSearch, KeywordWriter
from odqa.retrieval.names import VECTORS
from odqa.retrieval.vector_writer import VectorWriter
from odqa.types import Component, Passage

TEXTS = ["tower paris", "river paris paris", "moon", "museum of the moon"]
UNIT = np.eye(4, dtype=np.float32)
QUERY = np.array([[0, 0.25, 0.125, 0.5]], np.float32)


Parts: TypeAlias = tuple[VectorSearch, KeywordSearch]


@pytest.fixture(params=[1, 2], ids=["one segment", "two segments"])
def parts(tmp_path: Path, request: pytest.FixtureRequest) -> Parts:
    """Four passages whose vectors are the axes."""
    vectors, keywords = [], []
    for number, rows in enumerate(np.array_split(np.arange(4), request.param)):
        folder = tmp_path / str(number)
        folder.mkdir()
        stored, words = VectorWriter(folder, 4), KeywordWriter(folder, "en")
        stored.add(UNIT[rows])
        stored.finish()
        words.add([Passage(TEXTS[row], "d", "", TEXTS[row], 0) for row in rows])
        words.finish()
        vectors.append(Vectors.read(folder / VECTORS))
        keywords.append(Keywords.read(folder))
    return VectorSearch(vectors), KeywordSearch(keywords, [None] * request.param, "en")


def test_by_vectors(parts: Parts) -> None:
    (found,) = by_vectors(parts[0], QUERY, 2)
    assert [(item.row, item.score) for item in found] == [(3, 0.5), (1, 0.25)]
    assert found[1].components == {"dense": Component(0.25, 2)}


def test_by_keywords(parts: Parts) -> None:
    both, none = by_keywords(parts[1], ["paris", "zebra"], 3)
    assert [item.row for item in both] == [1, 0]
    assert both[0].score > both[1].score > 0
    assert both[0].components == {"bm25": Component(both[0].score, 1)}
    assert none == []


def test_by_both_takes_the_candidates_of_both_and_explains_them(parts: Parts, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("odqa.retrieval.hybrid.DEPTH", 1)
    vectors, keywords = parts
    weights = keywords.scores("tower")
    (found,) = by_both(vectors, QUERY, keywords, ["tower"], 1)
    assert len(found) == 1
    (found,) = by_both(vectors, QUERY, keywords, ["tower"], 2)
    # Rows 3 and 1 are nearest, row 0 alone shares a word.
    fused = fuse(np.array([0, 0.25, 0.5], np.float32), weights[[0, 1, 3]])
    assert [item.row for item in found] == [3, 0]
    assert [item.score for item in found] == pytest.approx([fused[2], fused[0]])
    assert found[0].components == {"dense": Component(0.5, 1), "bm25": Component(0, None)}
    assert found[1].components == {"dense": Component(0, None), "bm25": Component(float(weights[0]), 1)}


def test_without_a_known_word_the_vectors_decide(parts: Parts) -> None:
    (found,) = by_both(parts[0], QUERY, parts[1], ["zebra"], 4)
    assert [item.row for item in found] == [3, 1, 2, 0]


def test_equal_scores_come_by_row(parts: Parts) -> None:
    (found,) = by_both(parts[0], np.zeros((1, 4), np.float32), parts[1], ["zebra"], 3)
    assert [(item.row, item.score) for item in found] == [(0, 0), (1, 0), (2, 0)]


def test_only_rows_that_are_allowed_come_back(parts: Parts) -> None:
    vectors, keywords = parts
    allowed = np.array([True, True, True, False])
    (dense,) = by_vectors(vectors, QUERY, 2, allowed)
    assert [item.row for item in dense] == [1, 2]
    (sparse,) = by_keywords(keywords, ["museum moon"], 2, allowed)
    assert [item.row for item in sparse] == [2]
    (both,) = by_both(vectors, QUERY, keywords, ["museum moon"], 4, allowed)
    assert {item.row for item in both} == {0, 1, 2}
