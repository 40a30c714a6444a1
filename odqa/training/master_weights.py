"""A float32 model goes in; one in bfloat16 and its float32 master come out. Knows no loss, no data, no optimiser.

The bfloat16 model computes the gradients, the float32 one (the master) is what the optimiser moves and what is saved:
an update of less than 1/256 of a weight would be lost in bfloat16 (Micikevicius et al. 2018, section 3.1).
"""

from __future__ import annotations

import copy
from functools import partial
from typing import Any

from odqa.runtime.precision import lower


def split(model: Any) -> Any:
    """Lower the model, in place, and return its float32 master, a copy."""
    master = copy.deepcopy(model)
    lower(model)
    return master


def hand_gradients(model: Any, master: Any) -> None:
    """Add the model's gradients to those of its master, in float32, and forget them in the model."""
    for weight, low in zip(master.parameters(), model.parameters(), strict=True):
        if low.grad is not None:
            _hand(weight, low)


def hand_at_once(model: Any, master: Any) -> None:
    """From now on hand every gradient as soon as a backward pass has made it.

    So those of a loss that goes through the model several times, as one with cached gradients does, add up in float32
    too. Not for a model whose gradients are averaged over processes first.
    """
    for weight, low in zip(master.parameters(), model.parameters(), strict=True):
        if low.requires_grad:
            low.register_post_accumulate_grad_hook(partial(_hand, weight))


def hand_weights(master: Any, model: Any) -> None:
    """Round the master's weights into the model's."""
    import torch

    with torch.no_grad():
        for weight, low in zip(master.parameters(), model.parameters(), strict=True):
            low.copy_(weight)


def _hand(weight: Any, low: Any) -> None:
    given = low.grad.float()
    weight.grad = given if weight.grad is None else weight.grad.add_(given)
    low.grad = None
