"""Which tokens are hidden, how often, and what they become."""

from __future__ import annotations

import pytest
import torch

from odqa.pretraining.masking import Masker

# 0 and 1 are special, 9 is the mask, of 50 tokens.
MASKER = Masker(0.15, whole_word=False, special=(0, 1, 9), mask=9, vocabulary=50)


def generator() -> torch.Generator:
    return torch.Generator().manual_seed(3)


def test_of_15_percent_80_are_masked_10_random_and_10_the_same():
    ids = torch.full((200, 500), 20)
    hidden, chosen = MASKER.hide(ids, torch.ones_like(ids, dtype=torch.bool), generator())
    assert chosen.float().mean().item() == pytest.approx(0.15, abs=0.005)
    assert torch.equal(hidden[~chosen], ids[~chosen])
    masked, same = hidden[chosen] == 9, hidden[chosen] == 20
    # A random token is the mask, or the same one, once in 50 times.
    assert masked.float().mean().item() == pytest.approx(0.8 + 0.002, abs=0.01)
    assert same.float().mean().item() == pytest.approx(0.1 + 0.002, abs=0.01)
    assert len(hidden[chosen].unique()) == 50


def test_special_tokens_are_never_chosen():
    ids = torch.tensor([[0, 20, 21, 1, 9]]).repeat(500, 1)
    hidden, chosen = MASKER.hide(ids, torch.ones_like(ids, dtype=torch.bool), generator())
    assert not chosen[:, [0, 3, 4]].any()
    assert torch.equal(hidden[:, [0, 3, 4]], ids[:, [0, 3, 4]])
    assert chosen[:, [1, 2]].any()


def test_whole_words_are_chosen_whole():
    masker = Masker(0.3, whole_word=True, special=(0, 1, 9), mask=9, vocabulary=50)
    ids = torch.tensor([[0, 20, 21, 22, 30, 31, 1]]).repeat(1000, 1)
    starts = torch.tensor([[False, True, False, False, True, False, False]]).repeat(1000, 1)
    _, chosen = masker.hide(ids, starts, generator())
    first, second = chosen[:, 1:4], chosen[:, 4:6]
    assert torch.equal(first.all(dim=1), first.any(dim=1)) and torch.equal(second.all(dim=1), second.any(dim=1))
    assert not torch.equal(first[:, 0], second[:, 0])
    assert first[:, 0].float().mean().item() == pytest.approx(0.3, abs=0.05)


def test_a_word_that_began_in_the_block_before_is_chosen_too():
    masker = Masker(0.5, whole_word=True, special=(0, 1, 9), mask=9, vocabulary=50)
    ids = torch.tensor([[20, 21]]).repeat(100, 1)
    _, chosen = masker.hide(ids, torch.zeros_like(ids, dtype=torch.bool), generator())
    assert chosen.any() and torch.equal(chosen[:, 0], chosen[:, 1])


def test_it_is_drawn_anew_each_time_and_the_same_from_the_same_state():
    ids = torch.full((4, 100), 20)
    starts = torch.ones_like(ids, dtype=torch.bool)
    torch.manual_seed(1)
    one, other = MASKER.hide(ids, starts)[1], MASKER.hide(ids, starts)[1]
    torch.manual_seed(1)
    assert torch.equal(MASKER.hide(ids, starts)[1], one)
    assert not torch.equal(one, other)
