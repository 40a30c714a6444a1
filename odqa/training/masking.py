"""Token ids go in, the same ids with some of them masked come out (word dropout). Knows no model and no loss.

Iyyer et al. 2015 ("Deep Unordered Composition Rivals Syntactic Methods", section 2.2) leave words out at random; here
their places stay, so that spans do, under the mask token that the base knows from its pretraining.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from odqa.errors import UsageError

if TYPE_CHECKING:
    import torch


def check(tokenizer: Any, base: str) -> None:
    """Raise UsageError unless the tokenizer of ``base`` has a mask token."""
    if tokenizer.mask_token_id is None:
        raise UsageError(f"token_dropout needs a mask token, which {base} does not have; leave it out")


def hide(ids: torch.Tensor, tokenizer: Any, share: float) -> torch.Tensor:
    """``ids`` (windows, padded length) with each token replaced by the mask token at the chance ``share``.

    Special tokens, padding among them, stay: they tell question and passage apart. Draws from torch's own generator,
    which a checkpoint keeps.
    """
    import torch

    special = torch.isin(ids, torch.tensor(tokenizer.all_special_ids, device=ids.device))
    hidden = torch.rand(ids.shape).to(ids.device) < share
    return ids.masked_fill(hidden & ~special, tokenizer.mask_token_id)
