from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from odqa.corpus import ReadOptions, Unusable
from odqa.corpus.cells import MOST_LINES, Rows
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


def test_columns_of_one_name_are_all_kept(tmp_path):
    documents, bad = read(tmp_path / "a.csv", "text,note,note 2,note,note,,\na,b,c,d,e,f,g\n")
    assert bad == []
    assert documents[0].metadata == {"note": "b", "note 2": "c", "note 3": "d", "note 4": "e", "": "g"}


@pytest.mark.parametrize("name", ["text", "id", "title"])
def test_several_columns_that_could_be_the_text_are_refused(tmp_path, name):
    documents, bad = read(tmp_path / "a.csv", f"id,title,text,{name}\n1,b,c,d\n")
    assert documents == []
    said(bad, f"several columns '{name}'", "line 1")


@pytest.mark.parametrize("first", ["sep=;\r\n", "SEP=;\n", '"sep=;"\n', "\ufeffsep=;\n"])
def test_excel_may_be_told_the_delimiter_on_a_first_line(tmp_path, first):
    path = tmp_path / "a.csv"
    documents, bad = read(path, f'{first}title;text\nA;One, two.\n;""\n')
    assert [(d.id, d.title, d.text) for d in documents] == [(f"{path}:3", "A", "One, two.")]
    said(bad, "empty text at line 4")
    _, bad = read(path, f"{first}title;body\nA;One.\n")
    said(bad, "no column 'text'", "line 2, columns: title, body")


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "cp1252"])
@pytest.mark.parametrize("packed", [False, True])
def test_the_delimiter_is_told_in_any_encoding_and_in_a_packed_file(tmp_path, encoding, packed):
    path = tmp_path / ("a.csv.gz" if packed else "a.csv")
    content = ("\ufeff" if encoding == "utf-16-le" else "") + "sep=;\r\ntitle;text\r\nCafé;Grüße, alle.\r\n"
    raw = content.encode(encoding)
    documents, bad = read(path, gzip.compress(raw) if packed else raw)
    assert [(d.title, d.text) for d in documents] == [("Café", "Grüße, alle.")], bad


def test_a_delimiter_that_is_told_may_be_any_and_the_line_may_be_all_there_is(tmp_path):
    documents, _ = read(tmp_path / "a.csv", "sep=^\ntitle^text\nA^One;two.\n")
    assert [(d.title, d.text) for d in documents] == [("A", "One;two.")]
    _, bad = read(tmp_path / "a.csv", "sep=;\n")
    said(bad, "empty: no rows in it")
    documents, _ = read(tmp_path / "a.csv", "sep=,\ntitle;text\nA;One.\n")
    assert [d.text for d in documents] == ["One."]
    documents, bad = read(tmp_path / "a.csv", 'sep=\r\ntext\r\na\r\n"b"\r\n')
    assert documents == []
    said(bad, "no column 'text'")
    documents, _ = read(tmp_path / "a.csv", "sep=text;text\n1;One.\n")
    assert [d.text for d in documents] == ["One."]


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
    assert [d.text for d in documents] == ["One.", '"Two" more.', "Three.", "Five."]
    said(bad, "quotes at line 5: ", "never closed", "1 of 5 rows")


@pytest.mark.parametrize(("name", "sign"), [("a.csv", ","), ("a.tsv", "\t"), ("a.csv", ";")])
def test_a_stray_quote_costs_its_row_in_a_large_table(tmp_path, name, sign):
    rows = [f"{n}{sign}Row {n}." for n in range(1, 401)]
    rows[6] = f'7{sign}"Seven is never closed.'
    documents, bad = read(tmp_path / name, "\r\n".join([f"id{sign}text", *rows]) + "\r\n")
    assert [int(d.id) for d in documents] == [n for n in range(1, 401) if n != 7]
    assert documents[-1].text == "Row 400."
    said(bad, "quotes at line 8: ", "1 of 400 rows")


def test_several_stray_quotes_cost_a_row_each(tmp_path):
    rows = [f"{n},Row {n}." for n in range(1, 101)]
    rows[10], rows[30], rows[31], rows[99] = '11,"a', '31,"b', '32,"c', '100,"d'
    documents, bad = read(tmp_path / "a.csv", "\n".join(["id,text", *rows]))
    assert len(documents) == 96
    said(bad, "quotes at line 12: ", "(and 3 more)", "4 of 100 rows")


def test_quoted_rows_behind_a_stray_quote_are_read_as_they_are(tmp_path):
    documents, bad = read(tmp_path / "a.csv", 'id,text\n1,"Lost.\n2,"Kept, whole."\n3,"One\ntwo."\n4,Four.\n')
    assert [d.text for d in documents] == ["Kept, whole.", "One\ntwo.", "Four."]
    said(bad, "quotes at line 2: ", "1 of 4 rows")


def test_a_quote_that_closes_many_rows_further_down_swallows_none(tmp_path):
    rows = [f"{n},Row {n}.,x" for n in range(1, 51)]
    rows[4], rows[39] = '5,"Five is open.,x', '40,Forty has an inch mark,6"'
    documents, bad = read(tmp_path / "a.csv", "\n".join(["id,text,note", *rows]))
    assert [d.id for d in documents] == [str(n) for n in range(1, 51) if n != 5]
    said(bad, "quotes at line 6: ", "1 of 50 rows")


@pytest.mark.parametrize("lines", [2, 100, 3_000])
def test_a_cell_may_have_many_lines(tmp_path, lines):
    cell = "\n".join(f'Line {n}, with ""words"", and more.' for n in range(lines))
    documents, bad = read(tmp_path / "a.csv", f'id,text,note\n1,"{cell}",x\n2,Two.,y\n')
    assert bad == []
    assert [d.text for d in documents] == [cell.replace('""', '"'), "Two."]


def test_quotes_inside_cells_are_characters(tmp_path):
    content = 'text\tnote\nA 5" pipe.\t6"\n"Yes" is said.\t"no"\n""\t""""\n "Spaced, quoted."\t "x" \n'
    documents, bad = read(tmp_path / "a.tsv", content)
    expected = [('A 5" pipe.', '6"'), ('"Yes" is said.', "no"), ("Spaced, quoted.", "x")]
    assert [(d.text, d.metadata["note"]) for d in documents] == expected
    said(bad, "empty text at line 4")
    documents, _ = read(tmp_path / "a.csv", 'id, text\n1, "One, two."\n')
    assert documents[0].text == "One, two."


def test_a_quote_that_is_never_closed_is_looked_for_without_end_only_once(tmp_path):
    content = "text,b\n" + 'a",b,"c\n' * 30_000
    path = tmp_path / "a.csv"
    path.write_text(content)
    read_lines = 0

    def counted() -> Iterator[str]:
        nonlocal read_lines
        for line in content.splitlines(keepends=True):
            read_lines += 1
            yield line

    rows = Rows(counted(), ",", 10**6)
    taken = [0]
    more = rows._more
    rows._more = lambda *given: (taken.__setitem__(0, taken[0] + 1), more(*given))[1]
    assert sum(1 for _ in rows) > 0
    assert taken[0] < 12 * read_lines + MOST_LINES


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
