"""Documents from memory are indexed, changed and found like those of files."""

from __future__ import annotations

from pathlib import Path

import pytest

from odqa.errors import DataError, OdqaError, UsageError
from odqa.index.build import add, build_index, update
from odqa.index.removal import remove
from odqa.index.search import Index
from odqa.types import Document
from tests.index.word_encoder import WordEncoder

ROWS = [
    {"id": "tea", "title": "Tea", "text": "Water for tea has 80 degrees.", "metadata": {"year": 2024}},
    Document("ferry", "Ferry", "The ferry costs 12 kroner.", metadata={"year": 2021}),
]


def found(folder: Path, question: str, filters: str = "id~=*") -> list[tuple[str, str, str]]:
    """Id, source and text of the passages that share a word with the question."""
    with Index.open(folder, "bm25") as index:
        (hits,) = index.search([question], 10, filters=filters)
    return [(hit.passage.document_id, hit.passage.source, hit.passage.text) for hit in hits]


@pytest.fixture
def index(tmp_path: Path) -> Path:
    build_index(documents=(row for row in ROWS), folder=tmp_path / "index", encoder=WordEncoder())
    return tmp_path / "index"


def test_documents_are_found_and_filtered(index: Path) -> None:
    assert found(index, "ferry") == [("ferry", "ferry", "The ferry costs 12 kroner.")]
    assert found(index, "ferry", "year>2021") == []
    assert found(index, "tea", "year>2021") == [("tea", "tea", "Water for tea has 80 degrees.")]


def test_documents_go_beside_files(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("The plant was opened by Anna.")
    report = build_index(tmp_path / "a.txt", tmp_path / "index", documents=ROWS, encoder=WordEncoder())
    assert (report.documents, report.added) == (3, 3)


def test_documents_are_updated_by_their_id_and_the_others_stay(index: Path) -> None:
    new = {"id": "ferry", "title": "Ferry", "text": "The ferry costs 14 kroner.", "metadata": {"year": 2021}}
    report = update(documents=[*ROWS[:1], new, {"text": "Milk."}], folder=index, encoder=WordEncoder())
    assert (report.unchanged, report.changed, report.added, report.removed) == (1, 1, 1, 0)
    assert [text for _, _, text in found(index, "ferry")] == ["The ferry costs 14 kroner."]
    assert update(documents=[{"text": "Milk."}], folder=index, encoder=WordEncoder()).unchanged == 1
    with pytest.raises(DataError, match="two documents have the id 'ferry'"):
        add(documents=ROWS[1:], folder=index, encoder=WordEncoder())
    assert remove(index, "ferry").documents == 2


def test_what_cannot_be_used_is_told(index: Path) -> None:
    report = add(documents=[{"text": "Milk."}, {"text": ""}, 3], folder=index, encoder=WordEncoder())
    assert [(item.source, item.reason.partition(",")[0]) for item in report.unusable] == [
        ("documents[1]", "empty text"),
        ("documents[2]", "neither an odqa.Document nor a dict with a text"),
    ]
    with pytest.raises(DataError, match=r"documents\[0\]: empty text"):
        add(documents=[{"text": ""}], folder=index, strict=True, encoder=WordEncoder())
    with pytest.raises(OdqaError, match=r"nothing could be indexed.*\n  documents\[0\]: empty text"):
        build_index(documents=[{"text": ""}], folder=index, encoder=WordEncoder())
    with pytest.raises(OdqaError, match="there is no document"):
        build_index(documents=[], folder=index, encoder=WordEncoder())
    with pytest.raises(UsageError, match="name the files or folders to read, or give documents="):
        build_index(folder=index, encoder=WordEncoder())
    assert found(index, "ferry"), "as it was"
