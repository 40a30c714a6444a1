"""Word dropout hides tokens of the texts and nothing else."""

from __future__ import annotations

import pytest
import torch
from transformers import AutoTokenizer

from odqa.errors import UsageError
from odqa.training.masking import check, hide


@pytest.fixture
def tokenizer(tiny_base):
    return AutoTokenizer.from_pretrained(tiny_base)


def test_a_share_of_the_tokens_is_hidden_and_special_ones_stay(tokenizer):
    start, end, padding, mask = (
        tokenizer.cls_token_id,
        tokenizer.sep_token_id,
        tokenizer.pad_token_id,
        tokenizer.mask_token_id,
    )
    word = max(set(range(len(tokenizer))) - set(tokenizer.all_special_ids))
    ids = torch.tensor([[start] + [word] * 1000 + [end] + [word] * 1000 + [end, padding, padding]] * 4)
    torch.manual_seed(1)
    found = hide(ids, tokenizer, 0.25)
    assert set(found.unique().tolist()) == {start, end, padding, word, mask}
    special = ids != word
    assert torch.equal(found[special], ids[special])
    # Four standard deviations of 8,000 draws are 0.02.
    assert (found == mask).sum() / (~special).sum() == pytest.approx(0.25, abs=0.02)
    assert torch.equal(ids[0, :2], torch.tensor([start, word])), "what the teacher reads is as it was"
    torch.manual_seed(1)
    assert torch.equal(found, hide(ids, tokenizer, 0.25))


def test_nothing_is_hidden_at_0(tokenizer):
    ids = torch.arange(len(tokenizer))[None]
    assert torch.equal(hide(ids, tokenizer, 0.0), ids)


def test_a_base_without_a_mask_token_is_refused(tokenizer):
    tokenizer.mask_token = None
    with pytest.raises(UsageError, match="token_dropout needs a mask token, which some/base does not have"):
        check(tokenizer, "some/base")
