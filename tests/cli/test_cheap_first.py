"""Mistakes that can be seen at once are told before a model, or the library of one, is loaded."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.started import Started
from tests.tiny.asked import Asked

HEAVY = {"torch", "transformers", "sentence_transformers", "datasets", "sklearn"}


@pytest.fixture
def folder(work: Path, asked: Asked) -> Path:
    (work / "asked.json").write_bytes(asked.dataset.read_bytes())
    (work / "bad.toml").write_text('epochz = 2\n[[train]]\npath = "asked.json"\n')
    (work / "gone.toml").write_text('[[train]]\npath = "gone.json"\n')
    (work / "photo.png").write_bytes(b"\x89PNG")
    (work / "broken.json").write_text("{")
    return work


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("ask q --filter lnag=en", ["'lnag'", "did you mean 'lang'?"]),
        ("ask q --reader ./gone", ["gone", "model"]),
        ("ask q --ranking evidnce", ["'evidnce'", "did you mean 'evidence'?"]),
        ("ask q --min-confidence 80", ["80 %"]),
        ("ask q --answerable 80", ["80 % is 0.8"]),
        ("ask q --answerable 1", ["--min-confidence 0"]),
        ("ask q --index gone", ["gone is not an index"]),
        ("ask q --device gpu", ["'cuda'"]),
        ("ask q --context gone.pdf", ["gone.pdf does not exist"]),
        ("search q --filter lnag=en", ["'lnag'"]),
        ("search q --filter lang", ["operator"]),
        ("search q -k 0", ["at least 1"]),
        ("remove --filter lnag=en", ["'lnag'"]),
        ("index photo.png", ["photo.png"]),
        ("index gone", ["gone"]),
        ("index docs --max-tokens 10 --overlap 20", ["overlap"]),
        ("add gone", ["gone"]),
        ("update docs --index gone", ["gone is not an index"]),
        ("verify gone", ["gone is not an index"]),
        ("tune --dataset gone.json", ["gone.json"]),
        ("tune --dataset asked.json --index gone", ["gone is not an index"]),
        ("tune --dataset asked.json --reader ./gone", ["gone", "model"]),
        ("eval --dataset broken.json", ["broken.json"]),
        ("eval --dataset asked.json --index gone", ["gone is not an index"]),
        ("eval --dataset asked.json --index index --ranking evidnce", ["'evidence'?"]),
        ("eval --dataset asked.json --index index --answerable 0", ["between 0 and 1"]),
        ("eval --dataset asked.json --answerable 0.5", ["--answerable goes with --index"]),
        ("eval --dataset asked.json --language english", ["'english'"]),
        ("compare gone gone", ["gone"]),
        ("train-reader --recipe bad.toml", ["epochz", "did you mean 'epochs'?"]),
        ("train-reader --recipe gone.toml", ["gone.json"]),
        ("train-reader --train asked.json --base ./gone", ["gone", "model"]),
        ("train-reader --train asked.json --epochs 0", ["epochs"]),
        ("make-negatives asked.json --kinds entty", ["did you mean 'entity'?"]),
    ],
)
def test_it_is_told_at_once(typed: str, words: list[str], folder: Path, program: Started) -> None:
    done = program.run(*typed.split(), cwd=folder, environment={"ODQA_INDEX": "index"})
    assert done.returncode in (1, 2), done.stderr
    assert all(word in done.stderr for word in words), done.stderr
    assert "odqa.cli" in done.modules
    assert not done.modules & HEAVY
