"""Twelve questions over four paragraphs of two articles, in the words that the tiny tokenizer knows."""

from __future__ import annotations

from pathlib import Path

import pytest

from odqa.squad import write_examples
from odqa.types import Example, Reference

PARAGRAPHS = {
    "Paris is the capital of France. The river in Paris is the Seine. It has light.": [
        ("What is the capital of France?", "Paris"),
        ("Which river is in Paris?", "the Seine"),
        ("Who built the city?", None),
    ],
    "Berlin is the capital of Germany. The river in Berlin is the Spree. It has light.": [
        ("What is the capital of Germany?", "Berlin"),
        ("Which river is in Berlin?", "the Spree"),
        ("How many museum days does it have?", None),
    ],
    "The Eiffel tower was built by the engineer Gustave in Paris.": [
        ("Who built the Eiffel tower?", "the engineer Gustave"),
        ("Where is the tower?", "in Paris"),
        ("What is the height of the Louvre?", None),
    ],
    "The Mona Lisa by Leonardo da Vinci is in the Louvre museum.": [
        ("Where is the Mona Lisa?", "the Louvre museum"),
        ("Who has the painting?", "Leonardo da Vinci"),
        ("When did the sun have light?", None),
    ],
}


def examples() -> list[Example]:
    found: list[Example] = []
    for title, (context, questions) in zip(("City", "City", "Sight", "Sight"), PARAGRAPHS.items(), strict=True):
        for question, answer in questions:
            references = () if answer is None else (Reference(answer, context.index(answer)),)
            found.append(Example(f"q{len(found)}", question, context, references, title))
    return found


@pytest.fixture(scope="session")
def train_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("data") / "train.jsonl"
    write_examples(path, examples())
    return path
