"""A trained reader and the one that it started from go in, their weighted mean comes out. Knows no data and no loop.

Fine-tuning moves weights within one basin of the loss, where their mean is better than either end on data that
neither was trained on: it keeps what the base knew and unlearns some of what was merely memorised (Wortsman et al.
2022, "Robust fine-tuning of zero-shot models", section 3).
"""

from __future__ import annotations

from typing import Any

from odqa.models import ResolvedModel
from odqa.reader.weights import load_model


def load_base(start: ResolvedModel) -> Any:
    """The reader that a run starts from. Raises ModelError where it has no span head, and so nothing to keep."""
    return load_model(start.folder, head_required=True)[0]


def interpolate(model: Any, base: Any, share: float) -> Any:
    """Make the model's weights ``share`` · the base's + (1 - ``share``) · its own, in place, and return the model."""
    import torch

    with torch.no_grad():
        for weight, before in zip(model.parameters(), base.parameters(), strict=True):
            weight.lerp_(before.to(weight), share)
    return model
