"""``--push-to-hub``: what was trained is on the hub, whole and with its card, and works from there by its name."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from odqa.squad import write_examples
from tests.cli.started import Started, started
from tests.hub import LocalHub, running
from tests.pretraining.conftest import TEXTS
from tests.retriever_training.made import examples as pairs
from tests.training.conftest import examples

# What each of the commands takes seconds to import.
IMPORTED = (
    *("accelerate", "transformers"),
    *("odqa.training.train", "odqa.retriever_training.train", "odqa.pretraining.pretrain"),
)


@pytest.fixture(scope="module")
def one_hub() -> Iterator[LocalHub]:
    with running() as found:
        yield found


@pytest.fixture(scope="module")
def process(one_hub: LocalHub, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Started]:
    with started(*IMPORTED, environment=one_hub.environment(tmp_path_factory.mktemp("home"))) as found:
        yield found


@pytest.fixture
def hub(one_hub: LocalHub) -> LocalHub:
    """The hub, of which nothing was asked yet and which has nothing."""
    one_hub.repositories.clear()
    one_hub.asked.clear()
    one_hub.refuses = ""
    return one_hub


@pytest.fixture
def odqa(process: Started, tmp_path: Path):
    """The program itself, with that hub."""
    return lambda *arguments: process.run(*map(str, arguments), cwd=tmp_path)


@pytest.fixture
def reader_flags(tiny_base: Path, tmp_path: Path) -> list[object]:
    write_examples(tmp_path / "train.jsonl", examples())
    small = ["--max-length", 64, "--stride", 16, "--epochs", 1, "--batch-size", 4, "--precision", "float32"]
    return ["train-reader", "--train", "train.jsonl", "--base", tiny_base, "--output", "out", "--device", "cpu", *small]


def same(files: dict[str, bytes], folder: Path) -> bool:
    """Whether a repository has the files of a folder, byte for byte, and no others."""
    here = {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    return files == here


def telling(files: dict[str, bytes], where: Path) -> list[str]:
    """The files of a repository that name a folder of this machine."""
    return [name for name, content in files.items() if str(where).encode() in content]


def metadata(card: bytes) -> dict[str, object]:
    _, found, _ = card.decode().split("---\n", 2)
    made: dict[str, object] = yaml.safe_load(found)
    return made


def test_a_reader_its_card_and_its_use_from_there(odqa, hub, reader_flags, tmp_path, tmp_path_factory):
    reader_flags[2] = tmp_path / "train.jsonl"
    done = odqa(*reader_flags, "--push-to-hub", "me/reader")
    assert done.returncode == 0, done.stderr
    files = hub.repositories["me/reader"]
    assert same(files, tmp_path / "out")
    assert {
        "model.safetensors",
        "config.json",
        "tokenizer.json",
        "reader.json",
        "run.json",
        "README.md",
    } <= files.keys()
    assert not any("checkpoint" in name for name in files)
    assert "question-answering" in metadata(files["README.md"])["tags"]
    assert b"train.jsonl" in files["README.md"] and b'"train.jsonl"' in files["run.json"]
    assert telling(files, tmp_path_factory.getbasetemp()) == []
    (tmp_path / "text.txt").write_text("The tower is in Paris.", encoding="utf-8")
    asked = odqa("ask", "where is the tower", "--context", "text.txt", "--reader", "me/reader", "--json")
    assert asked.returncode == 0, asked.stderr
    assert json.loads(asked.stdout)["question"] == "where is the tower"
    assert any(one.startswith("GET /me/reader/resolve/") for one in hub.asked)


def test_a_language_model_its_card_and_its_use_from_there(odqa, hub, tmp_path, tmp_path_factory):
    (tmp_path / "texts.txt").write_text("\n".join(TEXTS), encoding="utf-8")
    size = ["--vocab-size", 320, "--layers", 1, "--hidden", 32, "--heads", 2, "--positions", 34, "--max-length", 32]
    run = ["--lines", "--epochs", 1, "--batch-size", 8, "--precision", "float32", "--device", "cpu"]
    done = odqa("pretrain", tmp_path / "texts.txt", "--output", "out", *size, *run, "--push-to-hub", "me/model")
    assert done.returncode == 0, done.stderr
    files = hub.repositories["me/model"]
    assert same(files, tmp_path / "out")
    assert not any("prepared" in name or "checkpoint" in name for name in files)
    assert b'"texts.txt"' in files["pretraining.json"] and telling(files, tmp_path_factory.getbasetemp()) == []
    assert metadata(files["README.md"])["pipeline_tag"] == "fill-mask"
    filled = odqa("fill-mask", "me/model", "Paris has a <mask>.", "--json")
    assert filled.returncode == 0, filled.stderr
    assert len(json.loads(filled.stdout)["masks"][0]) == 5


def test_a_retriever_its_card_and_its_use_from_there(odqa, hub, tiny_encoder, tmp_path, tmp_path_factory):
    write_examples(tmp_path / "mine.jsonl", pairs())
    run = ["--epochs", 1, "--batch-size", 8, "--held-out", 0.3, "--precision", "float32", "--device", "cpu"]
    data = ["--train", tmp_path / "mine.jsonl", "--base", tiny_encoder, "--output", "out"]
    done = odqa("train-retriever", *data, *run, "--push-to-hub", "me/retriever")
    assert done.returncode == 0, done.stderr
    files = hub.repositories["me/retriever"]
    assert same(files, tmp_path / "out")
    assert b"mine.jsonl" in files["README.md"] and telling(files, tmp_path_factory.getbasetemp()) == []
    assert metadata(files["README.md"])["library_name"] == "sentence-transformers"
    (tmp_path / "text.txt").write_text("The tower is in Paris.", encoding="utf-8")
    indexed = odqa("index", "text.txt", "--index", "index", "--encoder", "me/retriever", "--device", "cpu")
    assert indexed.returncode == 0, indexed.stderr
    assert any(one.startswith("GET /me/retriever/resolve/") for one in hub.asked)


def test_a_hub_that_refuses_is_told_in_one_line_and_the_reader_stays(odqa, hub, reader_flags, tmp_path):
    hub.refuses = "You have no right to write for me"
    done = odqa(*reader_flags, "--push-to-hub", "me/reader", "--quiet")
    assert done.returncode == 1
    (line,) = done.stderr.strip().splitlines()
    assert line.startswith("odqa: the reader is whole in out, but me/reader could not be uploaded: ") and "403" in line
    assert (tmp_path / "out" / "model.safetensors").exists()
    assert hub.repositories == {}
