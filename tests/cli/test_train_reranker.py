"""``odqa train-reranker`` through the program's own entry point, and a search that is given what it makes."""

from __future__ import annotations

import json
from dataclasses import fields
from pathlib import Path

import pytest
from typer.testing import CliRunner

from odqa.cli import app
from odqa.reranker_training.recipe import RerankerRecipe
from odqa.squad import write_examples
from tests.pairs.made import examples


def odqa(*arguments: object):
    return CliRunner().invoke(app, [str(one) for one in arguments])


@pytest.fixture
def flags(tiny_encoder: Path, tmp_path: Path) -> list[object]:
    """A run of a few steps into tmp_path/out, from an encoder, as it is by default."""
    write_examples(tmp_path / "mine.jsonl", examples())
    small = ["--epochs", 1, "--batch-size", 8, "--held-out", 0.3, "--precision", "float32", "--device", "cpu"]
    models = ["--base", tiny_encoder, "--encoder", tiny_encoder]
    return ["--train", tmp_path / "mine.jsonl", *models, "--output", tmp_path / "out", *small]


def test_a_run_and_a_search_that_gets_its_reranker(flags, tmp_path, asked):
    result = odqa("train-reranker", *flags)
    assert result.exit_code == 0, result.stderr
    output = tmp_path / "out"
    use = f"The reranker is in {output}. Use it: odqa ask QUESTION --index INDEX --reranker {output}"
    assert use in result.stdout
    for said in ("pairs to train on", "questions without an answer left out", "pairs/s", "search: ndcg@20"):
        assert said in result.stderr
    here = ("--index", asked.index, "--device", "cpu", "--json")
    alone = odqa("search", "what orbits the earth", *here)
    reranked = odqa("search", "what orbits the earth", *here, "--reranker", output)
    assert reranked.exit_code == 0, reranked.stderr
    found, before = (sorted(hit["passage_id"] for hit in json.loads(one.stdout)["hits"]) for one in (reranked, alone))
    assert found == before


def test_a_recipe_and_flags_over_it_and_the_record_as_one_json_object(flags, tmp_path):
    recipe = tmp_path / "r.toml"
    recipe.write_text('seed = 4\nnegatives = 3\naccumulate = 2\n[[train]]\npath = "mine.jsonl"\nlicense = "MIT"\n')
    result = odqa("train-reranker", "--recipe", recipe, *flags[2:], "--seed", 5, "--json", "--quiet")
    assert result.exit_code == 0, result.stderr
    assert result.stderr == ""
    record = json.loads(result.stdout)
    assert record == json.loads((tmp_path / "out" / "run.json").read_text(encoding="utf-8"))
    found = record["recipe"]
    assert (found["seed"], found["negatives"], found["accumulate"]) == (5, 3, 2)
    assert "licence: MIT" in (tmp_path / "out" / "README.md").read_text()


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        ([], 2, "no training data: give --train FILE"),
        (["--train", "gone.json"], 2, "no such dataset file: gone.json"),
        (["--from-documents", "gone"], 2, "no such file or folder: gone"),
        (["--train", "mine.jsonl", "--base", "./gone"], 1, "no model at ./gone"),
        (["--train", "mine.jsonl", "--encoder", "./gone"], 1, "no model at ./gone"),
        (["--train", "mine.jsonl", "--index", "gone"], 1, "gone is not an index"),
        (["--train", "mine.jsonl", "--device", "tpu0"], 2, "no such device"),
        (["--train", "mine.jsonl", "--negatives", 0], 2, "negatives is 0; it must be at least 1"),
        (["--recipe", "gone.toml"], 2, "no such recipe"),
        (["--recipe", "r.toml"], 1, "unknown setting 'rounds'"),
    ],
    ids=str,
)
def test_bad_input_is_one_line(arguments, code, said, flags, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("r.toml").write_text("rounds = 2\n")
    result = odqa("train-reranker", *arguments, "--output", "out")
    assert result.exit_code == code, result.stderr
    assert said in " ".join(result.stderr.split())
    assert not (tmp_path / "out").exists()


def test_help_has_every_setting_and_examples():
    shown = CliRunner().invoke(app, ["train-reranker", "--help"], terminal_width=1000).stdout
    for one in fields(RerankerRecipe):
        assert f"--{one.name.replace('_', '-')}" in shown
    assert "odqa train-reranker --train mine.json --output runs/reranker" in shown
