"""Recipes: read, checked, refused by name, and told apart."""

from __future__ import annotations

from pathlib import Path

import pytest

from odqa.errors import DataError, OdqaError, UsageError
from odqa.files import sha256
from odqa.models import DEFAULT_ENCODER
from odqa.training.recipe import Recipe, Source, as_dict, differences, make_recipe, read_recipe

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
        ("epochs = ", "recipe.toml: not a recipe in TOML: "),
        ("epochs = 1\nepochs = 2", "recipe.toml: not a recipe in TOML: "),
    ],
)
def test_what_is_wrong_in_a_recipe_is_named(tmp_path, text, said):
    with pytest.raises(DataError) as error:
        read_recipe(write(tmp_path / "recipe.toml", text))
    assert f"{tmp_path}/{said}" in str(error.value)


def test_a_recipe_that_is_no_text(tmp_path):
    path = tmp_path / "recipe.toml"
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(DataError, match=r"recipe\.toml: not a recipe in TOML"):
        read_recipe(path)


def test_a_missing_recipe_is_a_usage_error(tmp_path):
    with pytest.raises(UsageError, match=r"no such recipe: .*absent\.toml"):
        read_recipe(tmp_path / "absent.toml")


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"train": ()}, "no training data: give --train FILE"),
        ({"epochs": 0}, "epochs is 0; it must be at least 1"),
        ({"batch_size": -1}, "batch_size is -1; it must be at least 1"),
        ({"accumulate": 0}, "accumulate is 0; it must be at least 1"),
        ({"save_every": 0}, "save_every is 0; it must be at least 1"),
        ({"stride": 0}, "stride is 0; it must be at least 1"),
        ({"stride": 384}, "stride is 384 but max_length only 384"),
        ({"learning_rate": 0.0}, "learning_rate is 0.0; it must be above 0"),
        ({"learning_rate": float("nan")}, "learning_rate is nan; it must be above 0"),
        ({"warmup": 10.0}, "warmup is 10.0; it is a share of the steps, from 0 to 1"),
        ({"dropout": 1.0}, "dropout is 1.0; it must be below 1"),
        ({"token_dropout": 1.0}, "token_dropout is 1.0; it is a share of the tokens, from 0 to below 1"),
        ({"frozen_layers": -1}, "frozen_layers is -1; it must not be negative"),
        ({"base_weight": 1.0}, "base_weight is 1.0; it is a share of the weights, from 0 to below 1"),
        ({"weight_decay": -0.1}, "weight_decay is -0.1; it must not be negative"),
        ({"seed": -1}, "seed is -1; it must not be negative"),
        (
            {"precision": "int8"},
            "precision is 'int8'; it must be one of auto, float32, bfloat16, pure-bfloat16, float16",
        ),
        ({"save_precision": "bfloat16"}, "save_precision is 'bfloat16'; it must be one of float32, float16"),
        ({"keep": "first"}, "keep is 'first'; it must be one of best, last"),
        ({"track": "wandb"}, "track is 'wandb'; it must be one of tensorboard, mlflow"),
        ({"train": (Source("x.json", keep="no"),)}, "x.json: keep is 'no'; it must be all, answerable or unanswerable"),
        (
            {"eval": (Source("y.json", limit=-1),)},
            "y.json: limit is -1 and negatives_ratio 0.5; neither may be negative",
        ),
        (
            {"train": (Source("x.json", part=(0.8, 0.2)),)},
            "x.json: part is [0.8, 0.2]; it is two shares of the articles",
        ),
        ({"train": (Source("x.json", part=(0.8,)),)}, "x.json: part is [0.8]; it is two shares of the articles"),
        ({"train": (Source("x.json", part=(0.0, float("nan"))),)}, "x.json: part is [0.0, nan]; it is two shares"),
        ({"train": (Source("x.json", negatives_ratio=-0.5),)}, "x.json: limit is 0 and negatives_ratio -0.5"),
    ],
    ids=str,
)
def test_numbers_and_names_that_make_no_sense_are_refused(settings, said):
    with pytest.raises(UsageError) as error:
        recipe(**settings)
    assert said in str(error.value)


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


def test_the_recipe_of_the_repository_is_a_recipe():
    settings = read_recipe(Path(__file__).parent.parent.parent / "recipes" / "default-reader.toml")
    try:
        found = make_recipe(settings)
    except OdqaError as error:  # Its data may be another version here; nothing else may be wrong.
        assert "SHA-256" in str(error)
    else:
        assert found.save_precision == "float16"
        assert all(source.sha256 for source in (*found.train, *found.tune))
