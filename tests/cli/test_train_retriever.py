"""``odqa train-retriever`` through the program's own entry point, and an index that is given its encoder."""

from __future__ import annotations

import json
from dataclasses import fields
from pathlib import Path

import pytest
from typer.testing import CliRunner

from odqa.cli import app
from odqa.retriever_training.recipe import RetrieverRecipe
from odqa.serve.feedback import Feedback, Verdict, append
from odqa.serve.feedback import Spans as Said
from odqa.squad import write_examples
from tests.retriever_training.made import examples


def odqa(*arguments: object):
    return CliRunner().invoke(app, [str(one) for one in arguments])


@pytest.fixture
def flags(tiny_encoder: Path, tmp_path: Path) -> list[object]:
    """A run of a few steps into tmp_path/out."""
    write_examples(tmp_path / "mine.jsonl", examples())
    small = ["--epochs", 1, "--batch-size", 8, "--held-out", 0.3, "--precision", "float32", "--device", "cpu"]
    return ["--train", tmp_path / "mine.jsonl", "--base", tiny_encoder, "--output", tmp_path / "out", *small]


def test_a_run_and_an_index_that_gets_its_encoder(flags, tmp_path, asked):
    result = odqa("train-retriever", *flags)
    assert result.exit_code == 0, result.stderr
    output, index = tmp_path / "out", tmp_path / "index"
    assert f"The encoder is in {output}. Use it: odqa update --encoder {output} --index INDEX" in result.stdout
    for said in ("pairs to train on", "questions without an answer left out", "pairs/s", "dense: ndcg@20", "hybrid: "):
        assert said in result.stderr
    found = odqa("index", asked.dataset, "--index", index, "--encoder", output, "--device", "cpu")
    assert found.exit_code == 0, found.stderr
    assert odqa("search", "what orbits the earth", "--index", index, "--device", "cpu").exit_code == 0


def test_the_record_as_one_json_object(flags, tmp_path):
    result = odqa("train-retriever", *flags, "--json", "--quiet", "--matryoshka", "8, 16", "--symmetric")
    assert result.exit_code == 0, result.stderr
    assert result.stderr == ""
    record = json.loads(result.stdout)
    assert record == json.loads((tmp_path / "out" / "run.json").read_text(encoding="utf-8"))
    assert (record["recipe"]["matryoshka"], record["recipe"]["symmetric"]) == ([8, 16], True)


def test_a_recipe_and_flags_over_it(flags, tmp_path):
    recipe = tmp_path / "r.toml"
    recipe.write_text('seed = 4\nscale = 10\nmatryoshka = [8]\n[[train]]\npath = "mine.jsonl"\nlicense = "MIT"\n')
    result = odqa("train-retriever", "--recipe", recipe, *flags[2:], "--seed", 5, "--json")
    assert result.exit_code == 0, result.stderr
    found = json.loads(result.stdout)["recipe"]
    assert (found["seed"], found["scale"], found["matryoshka"]) == (5, 10.0, [8])
    assert "licence: MIT" in (tmp_path / "out" / "README.md").read_text()


def test_what_people_said_at_the_server_is_data(flags, tmp_path):
    said = tmp_path / "feedback.jsonl"
    for number, one in enumerate(examples()[:12]):
        verdict = Verdict.RIGHT if number else Verdict.WRONG
        answers = Said((one.references[0].text,), (one.references[0].start,)) if number else None
        append(
            said,
            Feedback(
                id=str(number),
                question=one.question,
                verdict=verdict,
                time="2026-11-01T00:00:00+00:00",
                context=one.context,
                title=one.title,
                headings=one.headings,
                answers=answers,
            ),
        )
    result = odqa("train-retriever", "--train", said, *flags[2:], "--json")
    assert result.exit_code == 0, result.stderr
    record = json.loads(result.stdout)
    assert record["pairs"] + record["held_out"] == 11


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        ([], 2, "no training data: give --train FILE"),
        (["--train", "gone.json"], 2, "no such dataset file: gone.json"),
        (["--from-documents", "gone"], 2, "no such file or folder: gone"),
        (["--train", "mine.jsonl", "--base", "./gone"], 1, "no model at ./gone"),
        (["--train", "mine.jsonl", "--matryoshka", "a,b"], 2, "'a,b' is no list of whole numbers"),
        (["--train", "mine.jsonl", "--index", "gone"], 1, "gone is not an index"),
        (["--train", "mine.jsonl", "--device", "tpu0"], 2, "no such device"),
        (["--train", "mine.jsonl", "--margin", 1.5], 2, "margin is 1.5; it must be above 0 and at most 1"),
        (["--recipe", "gone.toml"], 2, "no such recipe"),
    ],
    ids=str,
)
def test_bad_input_is_one_line(arguments, code, said, flags, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = odqa("train-retriever", *arguments, "--output", "out")
    assert result.exit_code == code, result.stderr
    assert said in " ".join(result.stderr.split())
    assert not (tmp_path / "out").exists()


def test_help_has_every_setting():
    shown = CliRunner().invoke(app, ["train-retriever", "--help"], terminal_width=1000).stdout
    for one in fields(RetrieverRecipe):
        assert f"--{one.name.replace('_', '-')}" in shown
