"""What an index tells of itself: the fields of its documents, and questions that it should answer."""

from __future__ import annotations

from pathlib import Path

import pytest

from odqa.index.build import build_index
from odqa.index.search import Index
from odqa.serve import facets
from odqa.types import Document


def index_of(documents: list[Document], folder: Path, encoder: Path) -> Index:
    build_index(documents=documents, folder=folder / "index", encoder=encoder, device="cpu")
    return Index.open(folder / "index", "bm25")


def test_fields_have_the_values_of_most_documents_first(
    tmp_path: Path, tiny_encoder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    documents = [
        Document(str(number), "T", f"Text {number}.", metadata=metadata)
        for number, metadata in enumerate(
            [
                {
                    "lang": "en",
                    "tags": ["a", "b"],
                    "draft": True,
                    "author": {"name": "Ada"},
                    "title": "x",
                    "none": None,
                },
                {"lang": "de", "tags": ["b", "b"], "draft": False, "note": "n" * 200, "empty": ""},
                {"lang": "en", "year": 2024, "tags": []},
            ]
        )
    ]
    with index_of(documents, tmp_path, tiny_encoder) as index:
        found = {field.name: field for field in facets.fields(index)}
        assert next(iter(found)) == "lang" and set(found) == {"lang", "tags", "draft", "author.name", "year", "note"}
        assert found["lang"] == facets.Field("lang", 3, (("en", 2), ("de", 1)), True)
        assert found["tags"].values == (("b", 2), ("a", 1)) and found["tags"].documents == 2
        assert found["draft"].values == (("false", 1), ("true", 1))
        assert found["note"] == facets.Field("note", 1, (), False), "too long to be chosen from a list"
        monkeypatch.setattr(facets, "DOCUMENTS", 2)
        assert not any(field.complete for field in facets.fields(index)), "not all documents were looked at"


def test_questions_are_headings_that_ask_and_what_sentences_define(tmp_path: Path, tiny_encoder: Path) -> None:
    documents = [
        Document("faq", "F", "The window opens to the south. It is a wide one. The null score is a number."),
        Document(
            "made", "M", "This is a test. BM25 is the usual rule. There are the others. What is a rule is a rule."
        ),
        Document("none", "N", "Nothing is defined here, nor is it the case.\nHow to do it is a question."),
        Document("lines", "L", "In short.\nAn index is a folder\nof files.\nMargins are the rest."),
    ]
    with index_of(documents, tmp_path, tiny_encoder) as index:
        assert facets.questions(index) == ["What is the null score?", "What is BM25?", "What is an index?"]


def test_a_long_line_costs_no_more_than_its_length(tiny_encoder: Path) -> None:
    text = "The " + "word " * 50_000 + "The a a a is " * 20_000
    assert list(facets._defined(text)) == []
