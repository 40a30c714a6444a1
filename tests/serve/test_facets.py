"""What an index tells of itself: the fields of its documents, and questions that it should answer."""

from __future__ import annotations

from pathlib import Path

import pytest

from odqa.index.build import build_index
from odqa.index.search import Index
from odqa.serve import facets
from odqa.types import Document, Passage


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


@pytest.mark.parametrize(
    ("headings", "text", "questions"),
    [
        (("Moving", "Where do I live?"), "", ["Where do I live?"]),
        (("Moving", "What is it?", "How to leave a house"), "", ["How do I leave a house?", "What is it?"]),
        (("Tea", "What can be brewed"), "", ["What can be brewed?"]),
        (("Tea", "What is printed where"), "", []),
        (("The null score",), "The null score is a number. It is one.", ["What is the null score?", "The null score"]),
        (("Rules", "BM25"), "BM25 is the usual rule. There are the others. It is a rule.", ["What is BM25?"]),
        (("Indexes",), "In short.\nAn index is a folder\nof files. Below this is a line.", ["What is an index?"]),
        (("Turning off the light", "The dark room"), "", ["Turning off the light", "The dark room"]),
        (("The page", "Read on", "String and number", "2024", "See them all", "x = 1 + y"), "", ["String and number"]),
    ],
)
def test_headings_ask_or_are_searched_for_and_sentences_define_what_they_tell_of(
    headings: tuple[str, ...], text: str, questions: list[str]
) -> None:
    passage = Passage("a#0", "a", "A", text or "Nothing.", 0, headings=headings)
    found = sorted(facets._asked([passage], english=True), key=lambda one: one[0])
    assert [question for _, question in found] == questions
    asked = [heading for heading in headings if heading.endswith("?")]
    assert [question for _, question in facets._asked([passage], english=False)] == asked


def test_each_question_is_of_another_document_and_the_best_come_first(tmp_path: Path, tiny_encoder: Path) -> None:
    texts = {
        "1.md": "# Turning off the light\n\n## The dark room\n\nIt is dark.",
        "2.md": "# Rules\n\n## Where is the light?\n\nIt is there.",
        "3.md": "# Light\n\nThe light is a wave.",
        "4.md": "# Rules\n\n## Where is the light?\n\nIt is here.",
    }
    for name, text in texts.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    build_index([tmp_path], tmp_path / "index", include="*.md", encoder=tiny_encoder, device="cpu")
    with Index.open(tmp_path / "index", "bm25") as index:
        assert facets.questions(index) == ["Where is the light?", "What is the light?", "Turning off the light"]


def test_a_long_line_costs_no_more_than_its_length(tiny_encoder: Path) -> None:
    text = "The " + "word " * 50_000 + "The a a a is " * 20_000
    assert list(facets._defined(text)) == []
