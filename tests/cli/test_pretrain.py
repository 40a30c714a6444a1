"""``odqa pretrain`` and ``odqa fill-mask`` through the program's own entry point, on eighty texts."""

from __future__ import annotations

import json
from dataclasses import fields
from pathlib import Path

import pytest
from typer.testing import CliRunner

from odqa.cli import app
from odqa.pretraining.recipe import LanguageRecipe
from tests.pretraining.conftest import TEXTS

SIZE = ["--vocab-size", 320, "--layers", 1, "--hidden", 32, "--heads", 2, "--positions", 34, "--max-length", 32]

BASE = "sentence-transformers/all-MiniLM-L6-v2"
NO_NUMBER = ["--learning-rate", 1e30, "--warmup", 0, "--precision", "float32", "--device", "cpu"]


def odqa(*arguments: object):
    return CliRunner().invoke(app, [str(one) for one in arguments])


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    path = tmp_path / "texts.txt"
    path.write_text("\n".join(TEXTS), encoding="utf-8")
    return path


@pytest.fixture
def flags(corpus: Path, tmp_path: Path) -> list[object]:
    run = ["--lines", "--epochs", 1, "--batch-size", 8, "--precision", "float32", "--device", "cpu"]
    return ["pretrain", corpus, "--output", tmp_path / "out", *SIZE, *run]


def test_a_run_and_its_model_asked_for_a_mask(flags, tmp_path):
    result = odqa(*flags)
    assert result.exit_code == 0, result.stderr
    output = tmp_path / "out"
    assert f"The model is in {output}. Try it: odqa fill-mask {output}" in result.stdout
    for said in ("a tokenizer of 320 tokens", "blocks of 32 tokens to train on", "tokens/s", "perplexity"):
        assert said in result.stderr
    filled = odqa("fill-mask", output, "Paris has a <mask>.", "-k", 3)
    assert filled.exit_code == 0, filled.stderr
    assert len(filled.stdout.splitlines()) == 4
    assert filled.stdout.splitlines()[0].split() == ["token", "text", "score"]
    as_json = odqa("fill-mask", output, "<mask> has a <mask>.", "Rome", "<mask>", "--json")
    assert as_json.exit_code == 2 and "no mask in 'Rome'" in as_json.stderr
    found = json.loads(odqa("fill-mask", output, "<mask> has a <mask>.", "--json").stdout)
    assert [len(some) for some in found["masks"]] == [5, 5]
    assert found["masks"][0][0].keys() == {"token", "score", "text"}


def test_nothing_is_english_in_it(flags, corpus, tmp_path):
    cities = ("Hà Nội", "Huế", "Đà Nẵng", "Cần Thơ", "Hải Phòng", "Đà Lạt", "Mỹ Tho", "Vũng Tàu")
    texts = [f"{city} là thành phố của {land} ." for city in cities for land in ("Việt Nam", "nước ta", "cả nước")]
    corpus.write_text("\n".join(texts), encoding="utf-8")
    learning = ["--epochs", 60, "--learning-rate", 5e-3, "--dropout", 0, "--held-out", 0, "--seed", 3]
    result = odqa(*flags, *learning)
    assert result.exit_code == 0, result.stderr
    found = json.loads(odqa("fill-mask", tmp_path / "out", "Hà Nội là thành <mask> của Việt Nam .", "--json").stdout)
    assert found["masks"][0][0]["text"] == "Hà Nội là thành phố của Việt Nam ."


def test_the_record_as_one_json_object(flags, tmp_path):
    result = odqa(*flags, "--json", "--quiet", "--whole-word")
    assert result.exit_code == 0, result.stderr
    assert result.stderr == ""
    record = json.loads(result.stdout)
    assert record == json.loads((tmp_path / "out" / "pretraining.json").read_text(encoding="utf-8"))
    assert record["recipe"]["whole_word"] is True


def test_a_recipe_and_flags_over_it(flags, corpus, tmp_path):
    recipe = tmp_path / "r.toml"
    recipe.write_text('texts = ["texts.txt"]\npreset = "tiny"\nseed = 4\nlearning_rate = 1e-3\n')
    result = odqa("pretrain", "--recipe", recipe, *flags[2:], "--seed", 5, "--json")
    assert result.exit_code == 0, result.stderr
    found = json.loads(result.stdout)["recipe"]
    assert (found["seed"], found["learning_rate"], found["layers"], found["texts"]) == (5, 1e-3, 1, [corpus.name])


@pytest.mark.parametrize(
    ("flags", "code", "said"),
    [
        (["pretrain"], 2, "no texts: name files or folders"),
        (["pretrain", "gone.txt"], 2, "no such file or folder"),
        (["pretrain", "texts.txt", "--base", "./gone"], 1, "gone"),
        (["pretrain", "texts.txt", "--base", "b", "--layers", 2], 2, "base b settles already what layers would say"),
        (["pretrain", "texts.txt", "--base", BASE, "--max-length", 999], 2, "--max-length 512"),
        (["pretrain", "texts.txt", "--lines", *SIZE, *NO_NUMBER], 1, "Lower the learning rate (1e+30)"),
        (["pretrain", "texts.txt", "--lines"], 2, "too few for a vocabulary of 30,522 tokens"),
        (["pretrain", "texts.txt", "--lines", *SIZE, "--max-length", 99], 2, "at most 32 tokens; use --max-length 32"),
        (["pretrain", "noise.txt"], 1, "no text in it to train on"),
        (["fill-mask", "gone", "a <mask>"], 1, "no model named 'gone'"),
        (["fill-mask", "./texts.txt", "a <mask>"], 1, "is a file, not a folder"),
    ],
    ids=str,
)
def test_bad_input_is_one_line(flags, code, said, corpus, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "noise.txt").write_bytes(bytes(range(256)) * 8)
    result = odqa(*flags)
    assert result.exit_code == code
    assert said in result.stderr.splitlines()[-1]


def test_help_has_every_setting():
    shown = CliRunner().invoke(app, ["pretrain", "--help"], terminal_width=1000).stdout
    for one in fields(LanguageRecipe):
        if one.name != "texts":
            assert f"--{one.name.replace('_', '-')}" in shown
