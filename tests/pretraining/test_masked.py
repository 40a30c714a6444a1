"""The loss of hidden tokens and the scores on held-out blocks, against plain computations of them."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import accelerate
import numpy as np
import pytest
import torch
from transformers import AutoModelForMaskedLM

from odqa.pretraining import blocks
from odqa.pretraining.growth import Growing
from odqa.pretraining.masked import MaskedTokens
from odqa.pretraining.masking import Masker
from odqa.pretraining.model import make
from tests.pretraining.conftest import TEXTS
from tests.reader import families


@pytest.fixture
def task(recipe, tokenizer, tmp_path):
    blocks.write(tmp_path / "tokens", tokenizer, TEXTS[:20], 32)
    read = blocks.read(tmp_path / "tokens", 32)
    accelerate.state.AcceleratorState._reset_state(reset_partial_state=True)
    masker = Masker.of(tokenizer, 0.15, whole_word=False)
    return MaskedTokens(
        recipe(), accelerate.Accelerator(cpu=True), masker, tokenizer.pad_token_id, Growing(read, 0.0), read
    )


def plain(model: Any, task: MaskedTokens, batch: dict[str, torch.Tensor]) -> float:
    """The library's own loss, of all logits, for the same hidden tokens."""
    ids = batch["input_ids"]
    hidden, chosen = task.masker.hide(ids, batch["starts"])
    attention = (ids != task.padding).long()
    return model(input_ids=hidden, attention_mask=attention, labels=ids.masked_fill(~chosen, -100)).loss.item()


def test_the_loss_is_the_library_s_though_only_hidden_tokens_have_logits(task, recipe, tokenizer):
    model = make(recipe(), tokenizer).eval()
    batch = task.collate([task.items[at] for at in range(4)])
    torch.manual_seed(5)
    found = task.loss(model, batch).item()
    torch.manual_seed(5)
    assert found == pytest.approx(plain(model, task, batch), rel=1e-5)
    assert found == pytest.approx(math.log(320), rel=0.1)  # Chance: it has learned nothing.


@pytest.mark.parametrize("family", ["bert", "distilbert", "mpnet", "modernbert", "xlm-roberta"])
def test_so_it_is_for_other_families(task, family, tmp_path):
    folder = families.make(family, tmp_path / family, head=False)
    model = AutoModelForMaskedLM.from_pretrained(folder).eval()
    tokenizer = families.tokenizer_of(family)
    masker = Masker(0.3, False, tuple(tokenizer.all_special_ids), tokenizer.mask_token_id, len(tokenizer))
    ids = torch.arange(10, 42).reshape(2, 16)
    other = MaskedTokens(task.recipe, task.accelerator, masker, tokenizer.pad_token_id, task.items, None)
    batch = {"input_ids": ids, "starts": ids > 0, "length": 16}
    torch.manual_seed(2)
    found = other.loss(model, batch).item()
    torch.manual_seed(2)
    assert found == pytest.approx(plain(model, other, batch), rel=1e-4)


def test_nothing_hidden_is_no_loss(task, recipe, tokenizer):
    model = make(recipe(), tokenizer)
    only_special = {
        "input_ids": torch.tensor([[0, 2, 1, 1]]),
        "starts": torch.zeros((1, 4), dtype=torch.bool),
        "length": 4,
    }
    assert task.loss(model, only_special).item() == 0


def test_scores_are_the_same_each_time_and_disturb_no_draws(task, recipe, tokenizer):
    model = make(recipe(), tokenizer).eval()
    before = torch.get_rng_state()
    one, other = task.evaluate(model), task.evaluate(model)
    assert one == other
    assert torch.equal(torch.get_rng_state(), before)
    assert one["perplexity"] == pytest.approx(math.exp(one["loss"]), rel=1e-3)
    assert 0 <= one["accuracy"] <= 1


def test_batches_are_a_function_of_seed_and_epoch(task):
    assert task.order(0) == task.order(0) != task.order(1)
    assert sorted(at for batch in task.order(0) for at in batch) == list(range(len(task.items)))


def test_the_blocks_are_read_in_pieces_first_and_each_once_an_epoch(task):
    growing = replace(task, items=Growing(task.items.blocks, 0.6))
    orders = [growing.order(epoch) for epoch in range(growing.recipe.epochs)]
    lengths = [{growing.items[at][1] for at in batch} for order in orders for batch in order]
    assert lengths == [{16}] * (want := math.ceil(0.6 * len(lengths))) + [{32}] * (len(lengths) - want)
    count = len(task.items)
    assert all(sorted(at % count for batch in order for at in batch) == list(range(count)) for order in orders)


class SecondToken:
    """Hides the second token of every block."""

    def hide(self, ids: torch.Tensor, starts: torch.Tensor, generator: object = None) -> Any:
        chosen = torch.zeros_like(ids, dtype=torch.bool)
        chosen[:, 1] = True
        return ids.masked_fill(chosen, 4), chosen


@pytest.mark.parametrize("length", [4, 16])
def test_padding_is_not_attended_to(task, recipe, tokenizer, length):
    """Neither that of a block nor that of its last piece: the loss is that of the block alone."""
    model = make(recipe(), tokenizer).eval()
    fixed = replace(task, masker=SecondToken())
    alone = np.array([0, 50, 60, 2], dtype=np.int32)
    padded = np.concatenate([alone, np.full(4, task.padding, dtype=np.int32)])
    whole, cut = (fixed.loss(model, fixed.collate([one])) for one in ((alone, 4), (padded, length)))
    assert whole.item() == pytest.approx(cut.item(), rel=1e-5)
