"""Texts of files, lines and rows of the hub: each once, some held out, what cannot be read noted."""

from __future__ import annotations

import json
from pathlib import Path

import datasets
import pytest

from odqa.errors import DataError, UsageError
from odqa.pretraining import texts
from odqa.pretraining.recipe import make_recipe
from odqa.pretraining.texts import Counts
from tests.pretraining.conftest import TEXTS


@pytest.fixture
def read(tmp_path: Path):
    """Reads texts by some settings: (training, held out, counts, notes)."""

    def read(*paths: object, **settings: object) -> tuple[list[str], list[str], Counts, list[str]]:
        recipe = make_recipe({"texts": tuple(map(str, paths)), "held_out": 0.0} | settings)
        notes: list[str] = []
        training, held_out = tmp_path / "training.jsonl", tmp_path / "held_out.jsonl"
        counts = texts.spool(recipe, texts.find(recipe), training, held_out, notes.append)
        return [*texts.read_spool(training)], [*texts.read_spool(held_out)], counts, notes

    return read


def test_documents_of_files_as_an_index_reads_them(read, tmp_path):
    (tmp_path / "a.md").write_text("# Moon\n\nIt orbits.", encoding="utf-8")
    (tmp_path / "b.jsonl").write_text('{"text": "The sun."}\n{"text": "  "}\n{"text": "The sun. "}\n')
    training, _, counts, _ = read(tmp_path / "a.md", tmp_path / "b.jsonl")
    assert training == ["# Moon\n\nIt orbits.", "The sun."]
    assert (counts.texts, counts.repeated, counts.characters) == (2, 1, 26)


def test_lines_are_texts_in_whatever_encoding(read, tmp_path):
    (tmp_path / "a.txt").write_bytes(
        "Übergröße für Straßen und Häuser\n\nzwölf Äpfel, möglichst süß\n".encode("cp1252")
    )
    assert read(tmp_path, lines=True)[0] == ["Übergröße für Straßen und Häuser", "zwölf Äpfel, möglichst süß"]


def test_what_is_no_text_is_noted_and_all_of_it_refused(read, tmp_path):
    (tmp_path / "noise.txt").write_bytes(bytes(range(256)) * 8)
    (tmp_path / "good.txt").write_text("The moon.")
    training, _, counts, notes = read(tmp_path / "noise.txt", tmp_path / "good.txt", lines=True)
    assert training == ["The moon."]
    assert counts.unusable == 1
    assert "noise.txt: " in notes[0]
    with pytest.raises(DataError, match=r"noise\.txt: no text in it to train on \(1 file"):
        read(tmp_path / "noise.txt")
    with pytest.raises(UsageError, match="no such file or folder"):
        read(tmp_path / "gone.txt")


def test_a_text_is_held_out_in_whatever_file_it_stands(read, corpus, tmp_path):
    training, held_out, counts, _ = read(corpus, lines=True, held_out=0.3)
    assert sorted(training + held_out) == sorted(TEXTS)
    assert counts.held_out == len(held_out) and 8 < len(held_out) < 40
    (tmp_path / "again.jsonl").write_text("\n".join(json.dumps({"text": one.upper()}) for one in TEXTS[::-1]))
    _, again, _, _ = read(tmp_path / "again.jsonl", held_out=0.3)
    assert sorted(again) == sorted(one.upper() for one in held_out)


def test_nothing_to_hold_out_is_said(read, tmp_path):
    (tmp_path / "one.txt").write_text("The moon.")
    with pytest.raises(DataError, match="none of the 1 texts is among the 1% that are held out"):
        read(tmp_path / "one.txt", held_out=0.01)


def test_only_the_first_texts_are_read(read, corpus):
    assert read(corpus, lines=True, limit=3)[0] == TEXTS[:3]


def test_rows_of_the_hub_are_streamed(read, monkeypatch):
    asked = []

    def load_dataset(*given: object, **options: object) -> object:
        asked.append((given, options))
        return datasets.Dataset.from_list([{"body": "One."}, {"body": ""}, {"body": "Two."}]).to_iterable_dataset()

    monkeypatch.setattr(datasets, "load_dataset", load_dataset)
    assert read("owner/name:raw", text_field="body", split="validation")[0] == ["One.", "Two."]
    assert asked == [(("owner/name", "raw"), {"split": "validation", "streaming": True})]
    with pytest.raises(UsageError, match="rows have no text 'text' but body"):
        read("owner/name")


def test_a_dataset_that_the_hub_does_not_give(read):
    with pytest.raises(UsageError, match="no dataset 'owner/name': there is no such file or folder, and the hub"):
        read("owner/name")


def test_long_texts_are_cut_at_lines():
    text = "".join(f"line {number}\n" for number in range(1000))
    parts = list(texts.pieces(text, 100))
    assert "".join(parts) == text
    assert all(len(part) <= 100 and part.endswith("\n") for part in parts)
