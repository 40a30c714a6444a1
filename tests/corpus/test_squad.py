from __future__ import annotations

import json

from odqa.corpus import Unusable
from odqa.corpus.read import read_file
from odqa.types import Document, Section


def write(path, *articles):
    data = [{"title": t, "paragraphs": [{"context": c, "qas": []} for c in contexts]} for t, contexts in articles]
    path.write_text(json.dumps({"data": data}))
    return path


def test_a_paragraph_is_a_document(tmp_path):
    path = write(tmp_path / "dev.json", ("Eiffel_Tower", ["One.", "Two."]), ("", ["Three."]))
    assert list(read_file(path)) == [
        Document(f"{path}:1", "Eiffel Tower", "One.", str(path), {"article": "Eiffel_Tower", "paragraph": 0}),
        Document(f"{path}:2", "Eiffel Tower", "Two.", str(path), {"article": "Eiffel_Tower", "paragraph": 1}),
        Document(f"{path}:3", "dev", "Three.", str(path), {"article": "", "paragraph": 0}),
    ]


def test_a_paragraph_keeps_the_headings_above_it(tmp_path):
    path = tmp_path / "docs.json"
    paragraph = {"context": "One.", "headings": ["Guide", "Leave"], "qas": []}
    path.write_text(json.dumps({"data": [{"title": "Staff", "paragraphs": [paragraph]}]}))
    (document,) = read_file(path)
    assert document.sections == (Section(0, ("Guide", "Leave")),)


def test_paragraphs_without_text_are_counted(tmp_path):
    path = write(tmp_path / "dev.json", ("A", ["One.", " ", ""]))
    document, told = read_file(path)
    assert document.text == "One."
    assert isinstance(told, Unusable) and "2 of 3 paragraphs" in told.reason


def test_a_file_without_paragraphs_is_told(tmp_path):
    path = write(tmp_path / "dev.json")
    assert list(read_file(path)) == [Unusable(str(path), "empty: no paragraphs in it")]


def test_a_json_file_of_another_kind_is_told_by_its_path(tmp_path):
    path = tmp_path / "package.json"
    path.write_text('{"name": "x"}')
    (told,) = read_file(path)
    assert told.source == str(path)
    assert told.reason.startswith("missing key 'data' (there is: name)")
