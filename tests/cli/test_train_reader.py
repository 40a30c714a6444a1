"""``odqa train-reader`` through the program's own entry point, on twelve questions and a tiny base."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from dataclasses import MISSING, fields
from pathlib import Path

import pytest
from typer.testing import CliRunner

from odqa.cli import app, train_reader, training
from odqa.squad import write_examples
from odqa.training import checkpoint
from odqa.training.recipe import Recipe, Source, setting_of
from tests.reader import families
from tests.training.conftest import examples


def odqa(*arguments: object):
    return CliRunner().invoke(app, ["train-reader", *map(str, arguments)])


@pytest.fixture
def train_file(tmp_path: Path) -> Path:
    path = tmp_path / "train.jsonl"
    write_examples(path, examples())
    return path


@pytest.fixture
def flags(train_file: Path, tiny_base: Path, tmp_path: Path) -> list[object]:
    """A run of 3 steps into tmp_path/out."""
    small = ["--max-length", 64, "--stride", 16, "--epochs", 1, "--batch-size", 4, "--precision", "float32"]
    return ["--train", train_file, "--base", tiny_base, "--output", tmp_path / "out", "--device", "cpu", *small]


def test_help_has_examples():
    result = odqa("--help")
    assert result.exit_code == 0
    for example in (
        "odqa train-reader --train rajpurkar/squad_v2 --eval rajpurkar/squad_v2",
        "odqa train-reader --train mine.json --negatives all --output runs/mine",
        "odqa train-reader --recipe recipes/default-reader.toml --output runs/mine",
        "odqa train-reader --train mine.json --distill runs/large --output runs/small",
    ):
        assert f"  {example}\n" in result.stdout  # Each on a line of its own, to be copied.


def test_help_has_every_setting_of_a_recipe_with_its_help_choices_and_default():
    shown = CliRunner().invoke(app, ["train-reader", "--help"], terminal_width=1000).stdout
    lines = {match[1]: match[0] for match in re.finditer(r"^ +--([\w-]+).*\n(?: {20,}.*\n)?", shown, re.MULTILINE)}
    of_sources = [one for one in fields(Source) if one.name in ("negatives", "negatives_ratio")]
    for kind, one in [*((Recipe, one) for one in fields(Recipe)), *((Source, one) for one in of_sources)]:
        option, setting = lines[one.name.replace("_", "-")], setting_of(kind, one.name)
        assert setting.help in option
        assert all(choice in option for choice in setting.choices)
        if one.default not in (MISSING, "", ()):
            default = {True: "on", False: "off"}[one.default] if isinstance(one.default, bool) else one.default
            (said,) = re.findall(r"\[([^\]]*)\]$", option.strip())
            assert said == default if isinstance(default, str) else float(said) == default


@pytest.mark.parametrize(
    ("flags", "given"),
    [
        ((), {}),
        (("--warmup", "0", "--frozen-layers", "3"), {"warmup": 0.0, "frozen_layers": 3}),
        (("--plausible-answers", "--no-group-by-length"), {"plausible_answers": True, "group_by_length": False}),
        (
            ("--train", "a/b", "--train", "c/d", "--tune", "e/f"),
            {
                "train": (Source("a/b", split="train"), Source("c/d", split="train")),
                "tune": (Source("e/f", split="validation"),),
            },
        ),
    ],
    ids=str,
)
def test_flags_become_settings(monkeypatch, flags, given):
    """What is not given is not there, so that the recipe's file or the default stands."""
    chosen = {}
    monkeypatch.setattr(train_reader, "make_recipe", lambda settings: chosen.update(settings) or exit(0))
    odqa(*flags)
    assert chosen == {"train": ()} | given


def test_a_run_says_where_the_reader_is(flags, tmp_path):
    result = odqa(*flags)
    assert result.exit_code == 0, result.stderr
    output = tmp_path / "out"
    assert result.stdout == f"The reader is in {output}. Try it: odqa eval --reader {output} --dataset FILE\n"
    assert "12 questions (8 answerable; offsets: 0 repaired, 0 questions dropped), 12 windows" in result.stderr
    assert "step 3 of 3: loss " in result.stderr
    assert (output / "config.json").exists()


def test_the_record_as_one_json_object(flags, tmp_path, train_file):
    flags += ["--no-group-by-length"]
    result = odqa(*flags, "--negatives", "negation, deleted,", "--seed", 3, "--eval", train_file, "--json")
    assert result.exit_code == 0, result.stderr
    record = json.loads(result.stdout)
    assert record == json.loads((tmp_path / "out" / "run.json").read_text())
    assert record["recipe"]["group_by_length"] is False
    assert record["recipe"]["seed"] == 3
    assert record["recipe"]["train"][0]["negatives"] == ["negation", "deleted"]
    assert record["recipe"]["train"][0]["negatives_ratio"] == 0.5
    assert record["questions"] == 15  # Twelve, and one of each of four but for one that has no verb to negate.
    assert len(record["evaluations"]) == 1
    assert "epoch 1: exact_match " in result.stderr


def test_flags_override_the_recipe(flags, tmp_path, train_file):
    recipe = tmp_path / "recipe.toml"
    recipe.write_text(f'epochs = 7\nlearning_rate = 1e-3\nseed = 5\n[[train]]\npath = "{train_file}"\nlimit = 4\n')
    without_train = flags[2:]
    result = odqa(
        "--recipe", recipe, *without_train, "--seed", 6, "--negatives", "negation,deleted", "--negatives-ratio", 1
    )
    assert result.exit_code == 0, result.stderr
    found = json.loads((tmp_path / "out" / "run.json").read_text())["recipe"]
    assert (found["epochs"], found["learning_rate"], found["seed"]) == (1, 1e-3, 6)
    assert found["train"] == [
        {
            "path": train_file.name,
            "sha256": "",
            "split": "",
            "part": [0.0, 1.0],
            "keep": "all",
            "limit": 4,
            "titled": True,
        }
        | {"negatives": ["negation", "deleted"], "negatives_ratio": 1.0, "license": ""}
    ]


def test_how_many_negatives_is_not_said_without_which(flags):
    result = odqa(*flags, "--negatives-ratio", 1)
    assert result.exit_code == 2
    assert "--negatives-ratio says how many; say which, too: --negatives all" in result.stderr


def test_an_unknown_kind_of_negatives(flags, train_file):
    result = odqa(*flags, "--negatives", "antonyms")
    assert result.exit_code == 2
    assert f"{train_file}: no such kind of negatives: 'antonyms'; known: negation, antonym" in result.stderr


def test_a_reader_is_distilled_from_a_teacher(flags, tmp_path, train_file, tiny_reader):
    taught = ["--distill", tiny_reader, "--distill-weight", 0.75, "--distill-temperature", 3]
    result = odqa(*flags, *taught, "--tune", train_file, "--json")
    assert result.exit_code == 0, result.stderr
    record = json.loads(result.stdout)
    assert record["teacher"]["name"] == tiny_reader.name
    assert (record["recipe"]["distill_weight"], record["recipe"]["distill_temperature"]) == (0.75, 3.0)
    settings = json.loads((tmp_path / "out" / "reader.json").read_text())
    assert settings["temperature"] == record["temperature"] > 0


def test_a_teacher_with_another_vocabulary_is_a_usage_error(flags, tmp_path):
    teacher = families.make("roberta", tmp_path / "teacher")
    result = odqa(*flags, "--distill", teacher)
    assert result.exit_code == 2
    assert f"odqa: the teacher {teacher} has another vocabulary than the base " in result.stderr
    assert "Traceback" not in result.stderr
    assert not (tmp_path / "out").exists()


def test_without_training_data_it_is_a_usage_error(tmp_path):
    result = odqa("--output", tmp_path / "out")
    assert result.exit_code == 2
    assert result.stderr.startswith("odqa: no training data: give --train FILE (")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("more", "code", "said"),
    [
        (["--train", "absent.json"], 2, "no such dataset file: absent.json"),
        (["--recipe", "absent.toml"], 2, "no such recipe: absent.toml"),
        (["--epochs", "0"], 2, "epochs is 0; it must be at least 1"),
        (["--precision", "int8"], 2, "precision is 'int8'; it must be one of auto, float32"),
        (["--device", "gpu"], 2, "no such device: 'gpu'"),
        (["--base", "./absent"], 1, "no model at"),
        (["--base", "first.toml"], 2, "base is the recipe first.toml, but it must be a model: train that recipe first"),
        (["--distill", "./absent"], 1, "no model at"),
        (["--distill-weight", "1.5"], 2, "distill_weight is 1.5; it must be at least 0 and at most 1"),
        (["--distill-temperature", "0"], 2, "distill_temperature is 0.0; it must be above 0"),
        (["--max-length", "200", "--stride", "300"], 2, "stride is 300 but max_length only 200"),
    ],
    ids=str,
)
def test_what_makes_no_sense_is_one_line(flags, tmp_path, more, code, said):
    result = odqa(*flags, *more)
    assert result.exit_code == code
    assert f"odqa: {said}" in result.stderr
    assert "Traceback" not in result.stderr
    assert result.stdout == ""
    assert not (tmp_path / "out").exists()


def test_a_missing_key_is_named_by_its_json_path(flags, tmp_path):
    path = tmp_path / "broken.json"
    path.write_text('{"data": [{"title": "x", "paragraphs": [{"context": "Paris", "qas": [{"id": "a"}]}]}]}')
    result = odqa(*flags, "--train", path)
    assert result.exit_code == 1
    assert f"odqa: {path}: data[0].paragraphs[0].qas[0]: missing key 'answers' (there is: id)" in result.stderr


def test_an_unfinished_run_is_not_written_over(flags, tmp_path):
    checkpoint.save(tmp_path / "out", checkpoint.State({}), lambda folder: None)
    result = odqa(*flags)
    assert result.exit_code == 2
    assert "holds an unfinished run; add --resume, or give another --output" in result.stderr


@pytest.mark.parametrize(("number", "exit_code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_ctrl_c_saves_and_says_how_to_go_on(flags, number, exit_code, tmp_path, monkeypatch):
    step = training.Terminal.step

    def interrupting(self, done: int, *rest: object) -> None:
        step(self, done, *rest)
        if done == 2:
            os.kill(os.getpid(), number)

    with monkeypatch.context() as patch:
        patch.setattr(training.Terminal, "step", interrupting)
        result = odqa(*flags)
    output = tmp_path / "out"
    assert result.exit_code == exit_code
    assert f"odqa: interrupted; run the same command with --resume to go on ({output})" in result.stderr
    assert checkpoint.find(output)
    again = odqa(*flags, "--resume")
    assert again.exit_code == 0, again.stderr
    assert "resumed at step 2 (epoch 1)" in again.stderr
    assert not checkpoint.find(output)


def test_a_reader_that_cannot_be_uploaded_is_whole_all_the_same(flags, tmp_path):
    result = odqa(*flags, "--push-to-hub", "nobody/reader")
    assert result.exit_code == 1
    assert (
        f"odqa: the reader is whole in {tmp_path / 'out'}, but nobody/reader could not be uploaded: " in result.stderr
    )
    assert "Traceback" not in result.stderr
    assert (tmp_path / "out" / "model.safetensors").exists()


def test_the_program_itself(flags, tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "odqa", "train-reader", *map(str, flags), "--json"],
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["steps"] == 3
    assert "Warning" not in done.stderr
