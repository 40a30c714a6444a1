"""Recipes: read, checked, refused by name, and compared; and those of the repository."""

from __future__ import annotations

import math
import os
import shutil
import subprocess
from dataclasses import MISSING, fields
from pathlib import Path

import pytest

from odqa.errors import DataError, OdqaError, UsageError
from odqa.files import sha256
from odqa.models import DEFAULT_ENCODER
from odqa.training.recipe import Recipe, Source, as_dict, differences, make_recipe, read_recipe, setting_of

TEXT = """
base = "some/base"
epochs = 3
learning_rate = 2e-4
warmup = 0
group_by_length = false

[[train]]
path = "data.json"
part = [0, 0.75]
keep = "answerable"
negatives = ["entity", "all"]
negatives_ratio = 1

[[train]]
path = "owner/name"

[[eval]]
path = "owner/name"
limit = 5

[[tune]]
path = "owner/name"
split = "test"
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    (tmp_path / "data.json").write_text("{}")
    path = tmp_path / "recipe.toml"
    path.write_text(TEXT)
    return path


def write(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


def recipe(**settings: object) -> Recipe:
    return make_recipe({"train": (Source("x.json"),)} | settings)


def test_a_recipe_is_read(file):
    found = make_recipe(read_recipe(file))
    assert found == Recipe(
        base="some/base",
        epochs=3,
        learning_rate=2e-4,
        warmup=0,
        group_by_length=False,
        train=(
            Source(
                str(file.parent / "data.json"),
                part=(0.0, 0.75),
                keep="answerable",
                negatives=("entity", "all"),
                negatives_ratio=1,
            ),
            Source("owner/name", split="train"),
        ),
        eval=(Source("owner/name", split="validation", limit=5),),
        tune=(Source("owner/name", split="test"),),
    )
    assert found.max_length == 384


def test_a_path_is_looked_for_from_the_current_folder_first(file, tmp_path, monkeypatch):
    here = tmp_path / "here"
    here.mkdir()
    (here / "data.json").write_text("{}")
    monkeypatch.chdir(here)
    assert read_recipe(file)["train"][0].path == "data.json"
    (here / "data.json").unlink()
    assert read_recipe(file)["train"][0].path == str(tmp_path / "data.json")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("epoch = 1", "recipe.toml: unknown setting 'epoch'; known: train, eval, tune, base"),
        ("epochs = 1.5", "recipe.toml: epochs must be int, not 1.5"),
        ("epochs = true", "recipe.toml: epochs must be int, not True"),
        ('learning_rate = "high"', "recipe.toml: learning_rate must be float, not 'high'"),
        ("base = 1", "recipe.toml: base must be str, not 1"),
        ("group_by_length = 1", "recipe.toml: group_by_length must be bool, not 1"),
        ('train = "data.json"', "recipe.toml: train must be tables: [[train]] with a path each"),
        ('train = ["data.json"]', "recipe.toml: train must be tables: [[train]] with a path each"),
        ('[train]\npath = "data.json"', "recipe.toml: train must be tables: [[train]] with a path each"),
        ("[[eval]]\nlimit = 3", "recipe.toml: eval[0]: no path; give a SQuAD-format file or a hub id"),
        ('[[eval]]\npath = "x"\nkeeps = "all"', "recipe.toml: eval[0]: unknown setting 'keeps'; known: path, sha256"),
        ('[[train]]\npath = "x"\n[[train]]\npath = 7', "recipe.toml: train[1]: path must be str, not 7"),
        (
            '[[train]]\npath = "x"\npart = [0, "1"]',
            "recipe.toml: train[0]: part must be a list of numbers, not [0, '1']",
        ),
        ('[[train]]\npath = "x"\npart = 0.5', "recipe.toml: train[0]: part must be a list of numbers, not 0.5"),
        ("epochs = ", "recipe.toml is not TOML: "),
        ("epochs = 1\nepochs = 2", "recipe.toml is not TOML: "),
        ("a = " + "[" * 9_000, "recipe.toml cannot be read: it is nested too deeply"),
    ],
)
def test_what_is_wrong_in_a_recipe_is_named(tmp_path, text, said):
    with pytest.raises(DataError) as error:
        read_recipe(write(tmp_path / "recipe.toml", text))
    assert f"{tmp_path}/{said}" in str(error.value)


def test_a_recipe_that_is_not_text(tmp_path):
    path = tmp_path / "recipe.toml"
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(DataError, match=r"recipe\.toml: not UTF-8"):
        read_recipe(path)


def test_a_recipe_is_not_read_beyond_a_limit(tmp_path):
    """Python would take minutes over one dotted key of some hundred thousand bytes."""
    with pytest.raises(UsageError, match=r"recipe\.toml is larger than 20,000 bytes; it holds settings alone"):
        read_recipe(write(tmp_path / "recipe.toml", "a" + ".a" * 10_000 + " = 1"))


def test_a_missing_recipe_is_a_usage_error(tmp_path):
    with pytest.raises(UsageError, match=r"no such recipe: .*absent\.toml"):
        read_recipe(tmp_path / "absent.toml")


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"train": ()}, "no training data"),
        ({"epochs": 0}, "epochs is 0; it must be at least 1"),
        ({"batch_size": -1}, "batch_size is -1"),
        ({"accumulate": 0}, "accumulate is 0"),
        ({"save_every": 0}, "save_every is 0"),
        ({"stride": 0}, "stride is 0"),
        ({"stride": 384}, "stride is 384 but max_length only 384"),
        ({"learning_rate": 0.0}, "learning_rate is 0.0; it must be above 0"),
        ({"learning_rate": math.nan}, "learning_rate is nan"),
        ({"learning_rate": math.inf}, "learning_rate is inf"),
        ({"warmup": 10.0}, "warmup is 10.0; it must be at least 0 and at most 1"),
        ({"dropout": 1.0}, "dropout is 1.0"),
        ({"token_dropout": 1.0}, "token_dropout is 1.0; it must be at least 0 and below 1"),
        ({"frozen_layers": -1}, "frozen_layers is -1"),
        ({"base_weight": 1.0}, "base_weight is 1.0"),
        ({"weight_decay": -0.1}, "weight_decay is -0.1"),
        ({"max_gradient_norm": -1.0}, "max_gradient_norm is -1.0"),
        ({"distill_weight": 1.5}, "distill_weight is 1.5"),
        ({"distill_temperature": 0.0}, "distill_temperature is 0.0"),
        ({"seed": -1}, "seed is -1"),
        (
            {"precision": "int8"},
            "precision is 'int8'; it must be one of auto, float32, bfloat16, pure-bfloat16, float16",
        ),
        ({"save_precision": "bfloat16"}, "save_precision is 'bfloat16'; it must be one of float32, float16"),
        ({"keep": "first"}, "keep is 'first'; it must be one of best, last"),
        ({"track": "wandb"}, "track is 'wandb'; it must be one of tensorboard, mlflow"),
        ({"base": "first.toml"}, "base is the recipe first.toml"),
        ({"distill": "teacher.toml"}, "train that recipe first (odqa train-reader --recipe teacher.toml"),
    ],
    ids=str,
)
def test_a_setting_that_makes_no_sense_is_refused_by_name(settings, said):
    with pytest.raises(UsageError) as error:
        recipe(**settings)
    assert said in str(error.value)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"keep": "no"}, "keep is 'no'; it must be one of all, answerable, unanswerable"),
        ({"limit": -1}, "limit is -1"),
        ({"negatives_ratio": -0.5}, "negatives_ratio is -0.5"),
        ({"negatives_ratio": math.inf}, "negatives_ratio is inf"),
        ({"negatives": ("antonyms",)}, "no such kind of negatives: 'antonyms'"),
        ({"part": (0.8, 0.2)}, "part is [0.8, 0.2]"),
        ({"part": (0.8,)}, "part is [0.8]"),
        ({"part": (0.0, math.nan)}, "part is [0.0, nan]"),
    ],
    ids=str,
)
def test_a_source_that_makes_no_sense_is_refused_with_its_path(settings, said):
    with pytest.raises(UsageError) as error:
        Source("x.json", **settings)
    assert str(error.value).startswith("x.json: ")
    assert said in str(error.value)


def test_every_setting_has_help_and_a_default_within_its_limits():
    for kind in (Recipe, Source):
        for one in fields(kind):
            setting = setting_of(kind, one.name)
            assert setting.help
            assert one.default is MISSING or not setting.fault(one.default)


def test_a_pinned_file_must_be_what_it_was(tmp_path):
    path = write(tmp_path / "data.json", "{}")
    digest = sha256(path)
    assert recipe(train=(Source(str(path), sha256=digest),)).train[0].sha256 == digest
    with pytest.raises(DataError) as error:
        recipe(tune=(Source(str(path), sha256="0" * 64),))
    assert str(error.value) == f"{path}: its SHA-256 is {digest}, the recipe was made for {'0' * 64}"


def test_differences_are_named_with_both_values():
    one, other = as_dict(recipe(epochs=2)), as_dict(recipe(epochs=3, seed=1))
    assert differences(one, one) == []
    assert differences(one, other) == ["epochs: 2 → 3", "seed: 0 → 1"]


def test_the_default_base_is_the_default_encoder():
    assert recipe().base == DEFAULT_ENCODER


RECIPES = Path(__file__).parent.parent.parent / "recipes"
OTHERS = ("from-scratch", "retriever-docs")  # Of a language model and of a retriever.
OF_READERS = sorted(path for path in RECIPES.glob("*.toml") if path.stem not in OTHERS)


@pytest.mark.parametrize("path", OF_READERS, ids=lambda path: path.stem)
def test_the_recipes_of_the_repository_are_recipes(path):
    settings = read_recipe(path)
    try:
        found = make_recipe(settings)
    except OdqaError as error:  # Its data may be another version here; nothing else may be wrong.
        assert "SHA-256" in str(error)
    else:
        assert found.save_precision == "float16"
        assert all(source.sha256 for source in (*found.train, *found.tune))


def ran(tmp_path: Path, script: str, cases: str, times: int, *arguments: str) -> tuple[list[int], list[list[str]]]:
    """The exit codes of a script that runs several times, and the commands that it gives, as words.

    ``odqa`` and ``python`` are programs that note how they are called, and do what the shell's ``cases`` say.
    """
    for name in ("recipes", "bin"):
        (tmp_path / name).mkdir()
    shutil.copy(RECIPES / script, tmp_path / "recipes")
    for name in ("odqa", "python"):
        program = tmp_path / "bin" / name
        program.write_text(f'#!/bin/sh\necho {name} "$@" >> log\ncase "$*" in\n{cases}\nesac\n')
        program.chmod(0o755)
    env = {**os.environ, "PATH": f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}"}
    command = [tmp_path / "recipes" / script, *arguments]
    codes = [subprocess.run(command, env=env, timeout=60, check=False).returncode for _ in range(times)]
    return codes, [line.split() for line in (tmp_path / "log").read_text().splitlines()]


@pytest.mark.skipif(not shutil.which("bash"), reason="no bash here")
@pytest.mark.parametrize(
    ("which", "reader", "converted", "written"),
    [
        ("", "default-reader", "e5_small.py", "e5-small/config.json"),
        ("larger", "larger-reader", "mpnet.py", "all-mpnet-base-v2/modules.json"),
    ],
)
def test_the_script_of_the_shipped_reader_makes_base_and_data_trains_and_goes_on_where_it_stopped(
    which, reader, converted, written, tmp_path
):
    # What converts writes its files; the first training is stopped after a checkpoint, the second one ends, and is
    # stopped while it removes that.
    cases = f"""
  *{converted}*) mkdir -p runs/{written.partition("/")[0]}; touch runs/{written} ;;
  *squad_v2_train.py*) mkdir -p runs/data; touch runs/data/squad-v2-train.json ;;
  *--resume) rm runs/{reader}/checkpoint/files.json; touch runs/{reader}/config.json ;;
  *train-reader*) mkdir -p runs/{reader}/checkpoint; touch runs/{reader}/checkpoint/files.json; exit 1 ;;
"""
    codes, done = ran(tmp_path, "default-reader.sh", cases, 3, *filter(None, [which]))
    assert codes == [1, 0, 0]
    assert [line[1] for line in done] == [
        "-m", f"recipes/{converted}", "-m", "recipes/squad_v2_train.py", "train-reader", "train-reader",
    ]  # fmt: skip
    assert done[-1][-5:] == ["--recipe", f"recipes/{reader}.toml", "--output", f"runs/{reader}", "--resume"]


@pytest.mark.skipif(not shutil.which("bash"), reason="no bash here")
def test_the_script_of_the_shipped_reader_makes_nothing_for_a_word_that_it_does_not_know():
    done = subprocess.run(
        [RECIPES / "default-reader.sh", "large"], capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stderr) == (2, "there is no reader 'large'; say nothing, or: larger, own-words\n")


@pytest.mark.skipif(not shutil.which("bash"), reason="no bash here")
def test_the_script_of_the_shipped_reader_makes_an_index_to_train_on_for_own_words(tmp_path):
    cases = """
  *squad_v2_train.py*) mkdir -p runs/data; touch runs/data/squad-v2-train.json ;;
  index*) mkdir -p runs/own-words; touch runs/own-words/manifest.json ;;
  *train-reader*) mkdir -p runs/own-words-reader; touch runs/own-words-reader/config.json ;;
"""
    codes, done = ran(tmp_path, "default-reader.sh", cases, 2, "own-words")
    assert codes == [0, 0]
    assert [line[1] for line in done] == [
        "benchmarks/typed.py", "benchmarks/documentation.py", "index",
        "-m", "recipes/squad_v2_train.py", "train-reader",
    ]  # fmt: skip
    assert done[2][2:] == [
        "runs/documents/typed-train-corpus",
        "runs/documents/corpus-train",
        "--index",
        "runs/own-words",
    ]
    assert done[-1][-4:] == ["--recipe", "recipes/own-words-reader.toml", "--output", "runs/own-words-reader"]


@pytest.mark.skipif(not shutil.which("bash"), reason="no bash here")
@pytest.mark.parametrize("which", ["", "whole"])
def test_the_script_of_the_vietnamese_reader_makes_a_base_trains_and_scores_and_goes_on_where_it_stopped(
    which, tmp_path
):
    # What converts writes the model; the first training is stopped after a checkpoint.
    cases = """
  *multilingual_e5.py*) mkdir -p runs/multilingual-e5-small; touch runs/multilingual-e5-small/modules.json;
    touch runs/multilingual-e5-small/config.json ;;
  *trim-vocabulary*) mkdir -p runs/vietnamese-base; touch runs/vietnamese-base/config.json ;;
  *--resume) ;;
  *train-reader*) for reader in vietnamese-reader vietnamese-reader-whole; do
      mkdir -p runs/$reader/checkpoint; touch runs/$reader/checkpoint/files.json; done; exit 1 ;;
"""
    codes, done = ran(tmp_path, "vietnamese-reader.sh", cases, 2, *filter(None, [which]))
    assert codes == [1, 0]
    made = [
        ["python", "-m", "pip"],
        ["python", "../shared/tools/convert_e5_small.py"],
        ["python", "recipes/multilingual_e5.py"],
    ]
    assert [line[: len(wanted)] for line, wanted in zip(done, made, strict=False)] == made
    trimmed = [] if which else ["trim-vocabulary"]
    assert [line[1] for line in done[3:]] == [*trimmed, "train-reader", "train-reader", *["eval"] * 6]
    base, reader = ("multilingual-e5-small", "-whole") if which else ("vietnamese-base", "")
    last = " ".join(done[-7])
    assert last.endswith(f"--base ./runs/{base} --output runs/vietnamese-reader{reader} --resume")
