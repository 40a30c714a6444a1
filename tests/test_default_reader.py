"""The reader that ships: it is whole, within its size, and reads."""

from __future__ import annotations

import json

import pytest

from odqa.answering import fit_file
from odqa.models import DEFAULT_READER, resolve
from odqa.reader.model import Reader

TEXT = (
    "The Amber Bridge over the Lune was opened in 1887. It was designed by the engineer Ada Merrow and cost 42,000 "
    "pounds. Its single arch spans 96 metres. In 1931 the bridge was closed to motor traffic after a flood."
)


@pytest.fixture(scope="module")
def reader() -> Reader:
    return Reader.load(device="cpu")


def test_it_ships_with_its_card_and_settings_in_at_most_70_megabytes() -> None:
    folder = resolve(DEFAULT_READER).folder
    names = {path.name for path in folder.iterdir()}
    assert {"model.safetensors", "config.json", "tokenizer.json", "README.md", "reader.json", "run.json"} <= names
    assert sum(path.stat().st_size for path in folder.iterdir()) <= 70_000_000
    record = json.loads((folder / "run.json").read_text())
    assert (record["base"], record["base_run"], record["teacher"]) == ("e5-small", None, None), "one run made it"
    assert "tune.json" in record["data_sha256"]
    assert "dev-v2.0.json" not in record["data_sha256"], "the evaluation set trained and tuned nothing"


def test_what_was_fitted_for_ranking_is_this_readers(reader: Reader) -> None:
    fit = fit_file.load(reader)
    assert fit is not None
    assert fit.record["dataset"] != "dev-v2.0.json", "the evaluation set tuned nothing"
    assert fit.get(None).name == fit.default


def test_it_finds_plain_facts(reader: Reader) -> None:
    facts = {
        "When was the Amber Bridge opened?": "1887",
        "Who designed the bridge?": "Ada Merrow",
        "How long is the arch?": "96 metres",
    }
    for reading, answer in zip(reader.read(list(facts), [TEXT] * 3), facts.values(), strict=True):
        best = reading.spans[0]
        assert answer in TEXT[best.start : best.end]
        assert best.score - reading.null_score > reader.no_answer_threshold


def test_it_abstains_where_the_text_is_about_something_else(reader: Reader) -> None:
    (reading,) = reader.read(["What do penguins eat?"], [TEXT])
    assert reading.spans[0].score - reading.null_score <= reader.no_answer_threshold
