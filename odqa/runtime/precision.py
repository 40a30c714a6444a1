"""The precision that a reader computes in: its span head in float32, the layers below in what was asked for."""

from __future__ import annotations

from types import MethodType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch


def span_head(model: Any) -> Any:
    """The layer that gives the start and end logits; None where a model has none of the known names."""
    return getattr(model, "qa_outputs", None) or getattr(model, "classifier", None)  # ModernBERT's name for it.


def exact_logits(model: Any) -> None:
    """Compute the span head in float32 whatever the precision of the layers below it.

    In bfloat16 a logit of 8 has a resolution of 1/16: different spans would tie. The head costs next to nothing.
    """
    head = span_head(model)
    if head is not None:
        # Bound to the head, not closed over it: a copy of the model gets a head of its own.
        head.forward = MethodType(_in_float32, head)


def exact_logits_in_graph(model: Any) -> None:
    """As :func:`exact_logits`, for OpenVINO: it lowers matrix products alone, so the layer is written without one."""
    import torch

    head = span_head(model)
    if isinstance(head, torch.nn.Linear):
        head.forward = MethodType(_without_product, head)  # type: ignore[method-assign]


def lower(model: Any) -> Any:
    """Turn the model's weights into bfloat16, in place, and return it. Its span head stays in float32.

    Autocast would convert the weights again at every call, which on a CPU costs more than a quarter of the time.
    Buffers keep their type: the frequencies of rotary positions are worth nothing in bfloat16.
    """
    import torch

    for weight in model.parameters():
        weight.data = weight.data.to(torch.bfloat16)
    head = span_head(model)
    if head is not None:
        head.float()
    return model


def _in_float32(head: Any, hidden: torch.Tensor) -> Any:
    import torch

    with torch.autocast(hidden.device.type, enabled=False):
        return type(head).forward(head, hidden.float())


def _without_product(head: Any, hidden: torch.Tensor) -> Any:
    found = (hidden.unsqueeze(-2) * head.weight).sum(-1)
    return found if head.bias is None else found + head.bias
