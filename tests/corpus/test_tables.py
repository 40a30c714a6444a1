from __future__ import annotations

import json
from pathlib import Path

import pytest

from odqa.corpus import ReadOptions, Unusable
from odqa.corpus.read import read_file
from odqa.types import Document


def read(path: Path, content: str | bytes, **options: str) -> tuple[list[Document], list[str]]:
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    found = list(read_file(path, ReadOptions(**options)))
    return [f for f in found if isinstance(f, Document)], [f.reason for f in found if isinstance(f, Unusable)]


def said(bad: list[str], *parts: str) -> None:
    """One message, which has these parts in this order."""
    (message,) = bad
    places = [message.find(part) for part in parts]
    assert -1 not in places and places == sorted(places), message


def test_a_row_is_a_document_with_all_its_fields(tmp_path):
    path = tmp_path / "rows.jsonl"
    lines = [
        {"text": "One.", "id": "a", "title": "First", "year": 1889, "tags": ["x"]},
        {"text": " Two.\n", "id": 7},
        {"text": "Three."},
    ]
    documents, bad = read(path, "\n\n".join(map(json.dumps, lines)))
    assert bad == []
    assert documents == [
        Document("a", "First", "One.", str(path), {"year": 1889, "tags": ["x"]}),
        Document("7", "rows", " Two.\n", str(path)),
        Document(f"{path}:5", "rows", "Three.", str(path)),
    ]


def test_other_field_names(tmp_path):
    documents, _ = read(
        tmp_path / "rows.jsonl",
        '{"body": "One.", "key": "k", "name": "N", "text": "other", "id": 1}',
        text_field="body",
        id_field="key",
        title_field="name",
    )
    assert documents[0].id == "k"
    assert (documents[0].title, documents[0].text) == ("N", "One.")
    assert documents[0].metadata == {"text": "other", "id": 1}


def test_a_csv_row_is_a_document(tmp_path):
    path = tmp_path / "rows.csv"
    documents, bad = read(path, 'id,text,year\r\n1,"One, ""two""\r\nthree.",1889\r\n\r\n2,Four.\r\n')
    assert bad == []
    assert documents == [
        Document("1", "rows", 'One, "two"\r\nthree.', str(path), {"year": "1889"}),
        Document("2", "rows", "Four.", str(path), {"year": ""}),
    ]


@pytest.mark.parametrize(("name", "sign"), [("a.csv", ";"), ("a.csv", "\t"), ("a.csv", "|"), ("a.tsv", "\t")])
def test_the_delimiter_is_the_one_that_gives_a_text_column(tmp_path, name, sign):
    documents, _ = read(tmp_path / name, f"\ufefftitle{sign}text\nA{sign}One, two.\n")
    assert [(d.title, d.text) for d in documents] == [("A", "One, two.")]


def test_a_cell_may_be_large(tmp_path):
    documents, _ = read(tmp_path / "a.csv", "text\n" + "x" * 500_000 + "\n")
    assert len(documents[0].text) == 500_000


def test_a_missing_text_field_is_told_with_the_fields_there_are(tmp_path):
    documents, bad = read(tmp_path / "a.jsonl", '{"body": "One.", "id": 1}\n' * 3)
    assert documents == []
    said(bad, "no field 'text' at line 1", "body, id", "--text-field", "and 2 more")
    _, bad = read(tmp_path / "a.csv", "body,id\nOne.,1\n")
    said(bad, "no column 'text'", "line 1", "body, id", "--text-field")


def test_broken_json_is_told_by_line_and_costs_only_its_line(tmp_path):
    documents, bad = read(tmp_path / "a.jsonl", '{"text": "One."}\n{"text": \n[1]\nnonsense\n{"text": "Two."}\n')
    assert [d.text for d in documents] == ["One.", "Two."]
    said(bad, "broken JSON at line 2, column 9: Expecting value (and 1 more)", "line 3: list", "3 of 5 rows")


def test_rows_without_text_are_counted_once(tmp_path):
    documents, bad = read(
        tmp_path / "a.jsonl", '{"text": ""}\n{"text": null}\n{"text": 3}\n{"text": "One."}\n{"text": " "}\n'
    )
    assert [d.text for d in documents] == ["One."]
    said(bad, "empty text at line 1 (and 2 more)", "line 3: int", "4 of 5 rows")


def test_a_quote_that_is_never_closed_is_told_and_swallows_nothing_silently(tmp_path):
    documents, bad = read(tmp_path / "a.csv", 'text\nOne.\n"Two" more.\nThree.\n"Four.\nFive.\n')
    assert [d.text for d in documents] == ["One.", "Three."]
    said(bad, "quotes at line 3: ", "(and 1 more)", "2 of 4 rows")


def test_a_row_with_too_many_cells_is_told(tmp_path):
    documents, bad = read(tmp_path / "a.csv", "text,year\nOne,1889,x\nTwo,1889\n")
    assert [d.text for d in documents] == ["Two"]
    said(bad, "line 2: 3 where the header has 2", "1 of 2 rows")


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("a.jsonl", "", "empty"),
        ("a.jsonl", "\n\n", "empty: no rows in it"),
        ("a.csv", "text\n", "empty: no rows in it"),
        ("a.jsonl", b'{"text": "\x00"}', "binary"),
    ],
)
def test_a_file_without_rows_is_told(tmp_path, name, content, reason):
    assert read(tmp_path / name, content) == ([], [reason])


def test_half_a_surrogate_pair_becomes_a_sign_that_can_be_stored(tmp_path):
    line = '{"text": "a\\ud83d b \\ud83d\\ude00", "id": "\\udc00", "note": ["\\uD800"]}'
    documents, _ = read(tmp_path / "a.jsonl", line)
    assert documents[0].text == "a\ufffd b 😀"
    assert (documents[0].id, documents[0].metadata) == ("\ufffd", {"note": ["\ufffd"]})


def test_numbers_that_are_no_json_become_null(tmp_path):
    documents, _ = read(tmp_path / "a.jsonl", '{"text": "One.", "score": NaN}')
    assert documents[0].metadata == {"score": None}


def test_monstrous_json_costs_only_its_line(tmp_path):
    lines = ['{"text": "One."}', '{"text": ' + "[" * 100_000, '{"n": ' + "9" * 10_000 + "}", '{"text": "Two."}']
    documents, bad = read(tmp_path / "a.jsonl", "\n".join(lines))
    assert [d.text for d in documents] == ["One.", "Two."]
    assert bad[0].startswith("broken JSON at line 2")


@pytest.mark.parametrize(
    ("name", "content", "codec"),
    [("a.csv", "text\nSchöne Grüße\n", "utf-16"), ("a.jsonl", '{"text": "Schöne Grüße"}', "cp1252")],
)
def test_rows_in_other_encodings(tmp_path, name, content, codec):
    documents, bad = read(tmp_path / name, content.encode(codec))
    assert ([d.text for d in documents], bad) == (["Schöne Grüße"], [])


def test_a_table_of_thousands_of_columns_gets_a_short_message(tmp_path):
    _, bad = read(tmp_path / "a.csv", ",".join(f"column{n}" for n in range(5000)) + "\n")
    assert "column19 and 4,980 more" in bad[0]
    assert len(bad[0]) < 500


def deep(levels: int) -> str:
    return '{"text": "Deep.", "tags": ' + "[" * levels + "]" * levels + "}\n"


@pytest.mark.parametrize("levels", [100, 974, 100_000])
def test_a_row_nested_deeper_than_what_stores_it_can_follow_costs_that_row(tmp_path, levels):
    documents, bad = read(
        tmp_path / "rows.jsonl", '{"text": "One."}\n' + deep(levels) + deep(90) + '{"text": "Two."}\n'
    )
    assert [document.text for document in documents] == ["One.", "Deep.", "Two."]
    said(bad, "broken JSON at line 2", "nested more than 100 deep")


def test_brackets_in_a_text_are_no_nesting(tmp_path):
    documents, bad = read(tmp_path / "rows.jsonl", json.dumps({"text": "[" * 5_000, "tags": [[1], [2]] * 200}))
    assert len(documents) == 1 and bad == []


def test_numbers_that_are_none_or_too_long(tmp_path):
    rows = '{"text": "a", "n": [NaN, -Infinity, 1e999, 1e308]}\n{"text": "b", "n": ' + "1" * 5_000 + "}"
    documents, bad = read(tmp_path / "rows.jsonl", rows)
    assert [document.metadata for document in documents] == [{"n": [None, None, None, 1e308]}]
    said(bad, "broken JSON at line 2", "4300 digits")


def test_names_that_every_passage_repeats_have_a_limit(tmp_path):
    rows = [{"text": "a", "id": "x" * 1_001}, {"text": "b", "id": "x" * 1_000, "title": "t" * 5_000}]
    documents, bad = read(tmp_path / "rows.jsonl", "\n".join(map(json.dumps, rows)))
    assert [(document.text, len(document.title)) for document in documents] == [("b", 1_000)]
    said(bad, "id too long at line 1", "1,001 characters")


def test_a_table_wider_than_a_spreadsheet_is_refused_and_a_row_that_lacks_thousands_of_cells_left_out(tmp_path):
    path = tmp_path / "rows.csv"
    documents, bad = read(path, "text" + "," * 16_384 + "\nOne.\n")
    assert documents == []
    said(bad, "16,385 columns", "16,384")
    documents, bad = read(
        path, "text" + "".join(f",c{n}" for n in range(2_000)) + "\nOne.\n" + "Two." + "," * 1_500 + "\n"
    )
    assert [document.text for document in documents] == ["Two."]
    said(bad, "too few cells at line 2", "1 where the header has 2001")
