from __future__ import annotations

import re
from datetime import date
from typing import Any

import pytest

from odqa.corpus import ReadOptions, Unusable
from odqa.corpus.memory import documents_from
from odqa.errors import UsageError
from odqa.types import Block, BlockKind, Document, Section


def taken(*items: Any, **options: str) -> list[Document | Unusable]:
    return list(documents_from(items, ReadOptions(**options)))


def test_a_document_is_taken_as_it_is_and_its_id_is_its_source_where_it_names_none() -> None:
    sections = (Section(0, ("One",)), Section(4, ("Two",)))
    blocks = (Block(0, 4, BlockKind.ROW, ("Number",)), Block(5, 9))
    some = Document("a", "A", "One. Two.", "a.txt", {"year": 2020}, sections, blocks)
    assert taken(some) == [some]
    assert taken(Document("b", "", "Text")) == [Document("b", "", "Text", "b", {})]


def test_a_row_has_the_fields_of_a_line_of_jsonl_and_metadata_of_its_own() -> None:
    row = {
        "id": 7,
        "title": "Tea",
        "text": "Tea is hot.",
        "source": "tea.html",
        "lang": "en",
        "metadata": {"year": 2020},
    }
    assert taken(row) == [Document("7", "Tea", "Tea is hot.", "tea.html", {"lang": "en", "year": 2020})]
    renamed = {"key": "k", "body": "Tea.", "name": "T", "text": "else"}
    assert taken(renamed, text_field="body", id_field="key", title_field="name") == [
        Document("k", "T", "Tea.", "k", {"text": "else"})
    ]


def test_a_row_without_an_id_gets_the_same_one_each_time() -> None:
    first, again, other, titled = taken(
        {"text": "Tea."}, {"text": "Tea."}, {"text": "Milk."}, {"text": "Tea.", "title": "T"}
    )
    assert first == again
    ids = {document.id for document in (first, other, titled) if isinstance(document, Document)}
    assert len(ids) == 3
    assert all(len(id) == 16 for id in ids)


def test_metadata_is_what_json_gives_back() -> None:
    metadata = {"on": date(2024, 5, 1), "n": float("nan"), 3: (1, 2), "half": "\ud800"}
    (document,) = taken({"text": "Tea.", **{"metadata": metadata}})
    assert isinstance(document, Document)
    assert document.metadata == {"on": "2024-05-01", "n": None, "3": [1, 2], "half": "\ufffd"}


ENDLESS: dict[str, Any] = {}
ENDLESS["again"] = ENDLESS


@pytest.mark.parametrize(
    ("item", "reason"),
    [
        (3, r"neither an odqa.Document nor a dict with a text, but 3 \(int\)"),
        ("Tea.", "neither an odqa.Document nor a dict"),
        ({"body": "Tea."}, r"no field 'text' \(its fields: body\)"),
        ({"text": None}, "its text is no text"),
        ({"text": " \n"}, "empty text"),
        (Document("", "", "Tea."), "an empty id"),
        (Document(3, "", "Tea."), r"its id is no text: 3 \(int\)"),  # type: ignore[arg-type]
        (Document("a", "", "Tea.", sections=(Section(3), Section(0))), "sections"),
        (Document("a", "", "Tea.", sections=(Section(9),)), "sections"),
        (Document("a", "", "Tea.", metadata=ENDLESS), "metadata cannot be stored"),
        (Document("a", "", "Tea.", blocks=(Block(0, 5),)), "blocks"),
        (Document("a", "", "Tea.", blocks=(Block(0, 2), Block(1, 3))), "blocks"),
        (Document("a", "", "Tea.", blocks=(Block(0, 2, "poem"),)), "blocks"),  # type: ignore[arg-type]
        (Document("a", "", "Tea.", blocks=(3,)), "blocks"),  # type: ignore[arg-type]
    ],
    ids=str,
)
def test_what_cannot_be_used_is_named_by_its_number_and_the_rest_is_used(item: object, reason: str) -> None:
    good, bad, another = taken({"text": "Tea."}, item, {"text": "Milk."})
    assert isinstance(good, Document) and isinstance(another, Document)
    assert isinstance(bad, Unusable)
    assert bad.source == "documents[1]"
    assert re.search(reason, bad.reason)


def test_one_document_is_a_list_of_one_and_a_text_is_none() -> None:
    document = Document("a", "", "Tea.", "a")
    assert list(documents_from(document, ReadOptions())) == [document]
    assert len(list(documents_from({"text": "Tea."}, ReadOptions()))) == 1
    for wrong in ("Tea.", None, 3):
        with pytest.raises(UsageError, match=r"documents= takes a list of odqa\.Document or of dicts"):
            list(documents_from(wrong, ReadOptions()))
