"""Bases that cannot be trained, and chains of recipes that lead nowhere."""

from __future__ import annotations

from pathlib import Path

import pytest

from odqa.errors import DataError, ModelError, UsageError
from odqa.models import resolve
from odqa.training.base import Plan, freeze, load, plan, positions
from odqa.training.recipe import Recipe, Source, make_recipe, read_recipe
from tests import tiny
from tests.reader import families

TRAIN = '[[train]]\npath = "owner/name"\n'


def chain(recipe: Recipe) -> list[tuple[str, Recipe]]:
    """The plans of the bases, nearest first, each as its path and its recipe."""
    found, one = [], plan(recipe).base
    while one:
        found.append((one.path, one.recipe))
        one = one.base
    return found


def recipe(base: object) -> Recipe:
    return Recipe(train=(Source("owner/name"),), base=str(base))


def write(path: Path, base: object, more: str = "") -> Path:
    path.write_text(f'base = "{base}"\n{more}{TRAIN}')
    return path


def test_a_base_that_is_a_model_has_no_chain():
    assert chain(recipe("owner/model")) == []


def test_a_chain_is_followed_to_its_model(tmp_path):
    """Paths are looked for beside the recipe that names them."""
    write(tmp_path / "first.toml", "owner/model", "epochs = 1\n")
    second = write(tmp_path / "second.toml", "first.toml", "epochs = 3\n")
    found = chain(recipe(second))
    assert [(path, one.epochs, one.base) for path, one in found] == [
        (str(second), 3, str(tmp_path / "first.toml")),
        (str(tmp_path / "first.toml"), 1, "owner/model"),
    ]


def test_a_teacher_can_have_a_recipe_and_a_chain_of_its_own(tmp_path):
    write(tmp_path / "first.toml", "owner/model")
    taught = write(tmp_path / "teacher.toml", "first.toml")
    start = write(tmp_path / "start.toml", "owner/model", 'distill = "teacher.toml"\n')
    made = make_recipe(read_recipe(start))
    assert chain(made) == []
    found = plan(made).teacher or Plan(made)
    assert (found.path, found.recipe.base) == (str(taught), str(tmp_path / "first.toml"))
    assert found.root == "owner/model"
    assert plan(made).paths == [str(taught), str(tmp_path / "first.toml")]
    assert plan(recipe("owner/model")).teacher is None


def test_a_teacher_that_its_student_has_to_teach_is_refused(tmp_path):
    one = write(tmp_path / "one.toml", "owner/model", 'distill = "two.toml"\n')
    two = write(tmp_path / "two.toml", "one.toml")
    with pytest.raises(UsageError, match=rf"needs itself first \({one} → {two} → {one}\)"):
        chain(recipe(one))


def test_a_missing_teacher_recipe_is_named(tmp_path):
    start = write(tmp_path / "start.toml", "owner/model", f'distill = "{tmp_path / "absent.toml"}"\n')
    with pytest.raises(UsageError, match=r"the teacher is the recipe .*absent\.toml, which cannot be used: no such"):
        plan(make_recipe(read_recipe(start)))


def test_a_missing_base_recipe_is_named(tmp_path):
    with pytest.raises(UsageError) as error:
        chain(recipe(tmp_path / "absent.toml"))
    path = tmp_path / "absent.toml"
    assert str(error.value) == f"the base is the recipe {path}, which cannot be used: no such recipe: {path}"


def test_a_recipe_that_is_its_own_base_is_refused(tmp_path):
    path = write(tmp_path / "a.toml", "a.toml")
    with pytest.raises(UsageError) as error:
        chain(recipe(path))
    assert str(error.value) == (
        f"the recipe {path} needs itself first ({path} → {path}); a chain of recipes must end in a model: change base, "
        "or distill, in one of them"
    )


def test_a_circle_of_recipes_is_refused_without_the_way_to_it(tmp_path):
    one, two = write(tmp_path / "one.toml", "two.toml"), write(tmp_path / "two.toml", "one.toml")
    start = write(tmp_path / "start.toml", "one.toml")
    with pytest.raises(UsageError, match=rf"needs itself first \({one} → {two} → {one}\)"):
        chain(recipe(start))


@pytest.mark.parametrize(
    ("text", "kind", "said"),
    [
        ("epochs = ", DataError, "base.toml: not a recipe in TOML"),
        ("epoch = 1", DataError, "base.toml: unknown setting 'epoch'"),
        (f"epochs = 0\n{TRAIN}", UsageError, "epochs is 0; it must be at least 1"),
        ("epochs = 1", UsageError, "no training data"),
    ],
)
def test_a_broken_base_recipe_is_named_with_its_fault(tmp_path, text, kind, said):
    path = tmp_path / "base.toml"
    path.write_text(text)
    with pytest.raises(kind) as error:
        chain(recipe(path))
    assert str(error.value).startswith(f"the base is the recipe {path}, which cannot be used: ")
    assert said in str(error.value)


def test_a_base_without_a_fast_tokenizer_is_refused(tmp_path):
    """CANINE reads characters; its tokenizer is written in Python and gives no offsets."""
    from transformers import CanineConfig, CanineModel, CanineTokenizer

    size = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 1, "intermediate_size": 16}
    config = CanineConfig(**size, num_hash_buckets=8, num_hash_functions=1, max_position_embeddings=64)
    CanineModel(config).save_pretrained(tmp_path)
    CanineTokenizer().save_pretrained(tmp_path)
    with pytest.raises(ModelError) as error:
        load(resolve(tmp_path), 64)
    assert str(error.value) == (
        f"{tmp_path}: its tokenizer (CanineTokenizer) is not a fast one and gives no character offsets, so no answer "
        "could be found in a text; use a base whose folder has a tokenizer.json"
    )


def test_a_tokenizer_without_a_limit_takes_the_model_s(tmp_path):
    tiny.make_base(tmp_path)
    tiny.make_tokenizer(model_max_length=10**30).save_pretrained(tmp_path)
    _, tokenizer = load(resolve(tmp_path), 128)
    assert tokenizer.model_max_length == 128
    with pytest.raises(UsageError) as error:
        load(resolve(tmp_path), 129)
    assert str(error.value) == (
        f"{tmp_path}: the model has 128 positions, fewer than the 129 tokens of a window; use --max-length 128 "
        "(max_length = 128 in a recipe)"
    )


def test_a_tokenizer_with_a_limit_bounds_the_window(tiny_base):
    _, tokenizer = load(resolve(tiny_base), 384)
    assert tokenizer.model_max_length == 128


@pytest.mark.parametrize("family", families.FAMILIES)
def test_frozen_layers_and_all_below_them_get_no_gradient(tmp_path, family):
    model, tokenizer = load(resolve(families.make(family, tmp_path / family, head=False)), 64)
    freeze(model, 1)
    output = model(**tokenizer("who", "the louvre is in paris", return_tensors="pt"))
    (output.start_logits.sum() + output.end_logits.sum()).backward()
    moved = {name for name, weight in model.named_parameters() if weight.grad is not None}
    kept = {name for name, weight in model.named_parameters() if not weight.requires_grad}
    assert not moved & kept
    assert all(name in kept for name, _ in model.named_parameters() if "embedding" in name or ".0." in name)
    assert any(".1." in name for name in moved)
    assert not any(".1." in name for name in kept)


def test_a_layer_is_left_to_train(tiny_base):
    model, _ = load(resolve(tiny_base), 64)
    freeze(model, 0)
    assert all(weight.requires_grad for weight in model.parameters())
    with pytest.raises(UsageError) as error:
        freeze(model, 2)
    assert str(error.value) == "frozen_layers is 2, but the base has 2 layers; leave at least one to train"


@pytest.mark.parametrize("family", families.FAMILIES)
def test_positions_of_the_families(tmp_path, family):
    """RoBERTa's table has 130 rows, of which padding takes two; relative and rotary positions have no table."""
    folder = families.make(family, tmp_path / family, head=False)
    model, _ = load(resolve(folder), 64)
    assert positions(model) == (None if family in ("deberta-v2", "modernbert") else 128)
