"""Bases that cannot be trained, and which of their weights are."""

from __future__ import annotations

import pytest

from odqa.errors import ModelError, UsageError
from odqa.models import resolve
from odqa.training.base import freeze, load, positions
from tests import tiny
from tests.reader import families


def test_a_base_without_a_fast_tokenizer_is_refused(tmp_path):
    """ByT5 reads bytes; its tokenizer is written in Python and gives no offsets."""
    from transformers import ByT5Tokenizer

    tiny.make_base(tmp_path)
    for path in tmp_path.glob("tokenizer*"):
        path.unlink()
    ByT5Tokenizer().save_pretrained(tmp_path)
    with pytest.raises(ModelError) as error:
        load(resolve(tmp_path), 64)
    assert str(error.value) == (
        f"{tmp_path}: its tokenizer (ByT5Tokenizer) is not a fast one and gives no character offsets, so no answer "
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
