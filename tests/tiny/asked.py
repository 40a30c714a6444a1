"""A small indexed dataset whose right answers the tiny reader finds: they are its own best spans."""

from __future__ import annotations

import json
from contextlib import chdir
from dataclasses import dataclass
from pathlib import Path

CONTEXTS = [
    "The tower was built by the engineer Gustave. It is in Paris, by the river Seine.",
    "The Louvre is a museum in Paris. The painting of Mona Lisa is in the museum.",
    "The moon orbits the earth in days. The light of the sun has a speed.",
    "The capital of Germany is Berlin on the river Spree.",
    "The policy has twenty days of vacation. The manager approves the request.",
    "Water boils at thirty degrees. The painting of Leonardo da Vinci is in France.",
]
# A question, the number of its context, and whether that answers it.
QUESTIONS = [
    ("who built the tower", 0, True),
    ("where is the tower", 0, True),
    ("which river is by the tower", 0, True),
    ("what is in the museum", 1, True),
    ("which city is the tower in", 0, True),
    ("what orbits the earth", 2, True),
    ("what has a speed", 2, True),
    ("what is the capital of germany", 3, True),
    ("what is the speed of light", 2, True),
    ("what did leonardo do", 5, True),
    ("what boils", 5, True),
    ("who painted the moon", 2, False),
    ("where is the engineer of berlin", 3, False),
    ("which policy has the louvre", 1, False),
]


@dataclass(frozen=True, slots=True)
class Asked:
    """Paths: an index, a dataset, a reader, a folder for readings."""

    index: Path
    dataset: Path
    reader: Path
    cache: Path


def make_asked(folder: Path, encoder_folder: Path, reader_folder: Path) -> Asked:
    """Write the dataset, of the reader's own best spans, and build its index."""
    from odqa.index.build import build_index
    from odqa.reader.model import Reader
    from odqa.views import Context

    reader = Reader.load(reader_folder, device="cpu", dtype="float32")
    contexts = [Context(CONTEXTS[at], ("Tiny",)) for _, at, _ in QUESTIONS]
    found = reader.read([text for text, _, _ in QUESTIONS], contexts)
    paragraphs: list[dict[str, object]] = [{"context": context, "qas": []} for context in CONTEXTS]
    for number, ((text, at, answerable), reading) in enumerate(zip(QUESTIONS, found, strict=True)):
        best = reading.spans[0]
        answer = {"text": CONTEXTS[at][best.start : best.end], "answer_start": best.start}
        asked_of: list[dict[str, object]] = paragraphs[at]["qas"]  # type: ignore[assignment]
        asked_of.append(
            {
                "id": f"q{number}",
                "question": text,
                "answers": [answer] if answerable else [],
                "is_impossible": not answerable,
            }
        )
    dataset = folder / "asked.json"
    dataset.write_text(json.dumps({"data": [{"title": "Tiny", "paragraphs": paragraphs}]}))
    with chdir(folder):
        build_index(["asked.json"], "index", encoder=encoder_folder, device="cpu")
    return Asked(folder / "index", dataset, reader_folder, folder / "readings")
