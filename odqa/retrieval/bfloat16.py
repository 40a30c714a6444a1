"""A twin of an encoder that computes in bfloat16, and whether it may be trusted. Knows no passages and no batches.

The weights themselves are in bfloat16: autocast would convert them and the activations again at every call, which on a
CPU costs more than the faster products save.
"""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
from numpy.typing import NDArray

LEAST_COSINE = 0.999  # Between a twin's vector and that of the model in float32.

# What a twin is tried on: a title, and a passage of ordinary length.
SAMPLES = (
    "Annual leave",
    "  Ärzte in Zürich: how MANY?\n",
    "The river rises in the hills west of the town, at about 420 metres above the sea, and runs for 88 km to the "
    "north. In 1911 its lower course was straightened, which lowered the ground water by more than two metres and "
    "left the meadows dry; since 1996 three of the old bends have been opened again. The association that looks after "
    'the banks counts some 1,200 members. "Nobody believed that the beavers would come back by themselves," says its '
    "chairwoman, Dr. Annemarie Kuhn, who keeps a list of every dam between the two bridges.",
)


def lowered(model: Any) -> Any:
    """A copy of a SentenceTransformer whose transformers have weights in bfloat16; the model itself stays as it is.

    Token vectors come out of a transformer in float32, and what is made of them stays there: pooling sums hundreds of
    them, of which bfloat16 would keep three digits. Modules after the transformer and the tokenizer are shared with
    the model. Buffers keep their type: the frequencies of rotary positions are worth nothing in bfloat16.
    """
    import torch

    # deepcopy takes what is in the memo as copied already, so that there are never two copies in float32.
    memo: dict[int, Any] = {id(weight): weight for weight in model.parameters()}
    for module in _with_transformer(model):
        memo[id(module.tokenizer)] = module.tokenizer
        for weight in module.auto_model.parameters():
            if weight.is_floating_point():
                memo[id(weight)] = torch.nn.Parameter(weight.detach().to(torch.bfloat16), requires_grad=False)
    twin = copy.deepcopy(model, memo)
    for module in _with_transformer(twin):
        module.register_forward_hook(_in_float32)
    return twin


def faithful(model: Any, twin: Any) -> bool:
    """Whether the twin gives the model's vectors of a few texts, up to the rounding that ``LEAST_COSINE`` allows."""
    try:
        one, other = (some.encode_document(list(SAMPLES), show_progress_bar=False) for some in (model, twin))
    # Layers that bring numbers of their own in float32: torch refuses products of two types.
    except RuntimeError:
        return False
    return alike(one, other)


def alike(vectors: NDArray[np.float32], others: NDArray[np.float32]) -> bool:
    """Whether vectors, (n, dimension), are the same up to the rounding that ``LEAST_COSINE`` allows."""
    lengths = np.linalg.norm(vectors, axis=1) * np.linalg.norm(others, axis=1)
    return bool(((vectors * others).sum(axis=1) >= LEAST_COSINE * lengths).all() and np.isfinite(others).all())


def _with_transformer(model: Any) -> list[Any]:
    """The modules that hold a transformer; none in an encoder of word vectors."""
    import torch

    return [module for module in model.modules() if isinstance(getattr(module, "auto_model", None), torch.nn.Module)]


def _in_float32(module: Any, inputs: Any, features: dict[str, Any]) -> dict[str, Any]:
    """A hook after a transformer: its outputs in float32."""
    import torch

    return {
        name: value.float() if isinstance(value, torch.Tensor) and value.is_floating_point() else value
        for name, value in features.items()
    }
