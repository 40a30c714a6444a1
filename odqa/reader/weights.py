"""A folder goes in, a torch model with a question-answering head and its tokenizer come out, or the reason why not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from odqa import model_configs
from odqa.device import pick_device, pick_dtype
from odqa.errors import ModelError
from odqa.runtime import precision
from odqa.runtime.quiet import quiet
from odqa.runtime.torch_network import TorchNetwork

LOGITS = ("start_logits", "end_logits")


def load_model(folder: Path, *, head_required: bool, attention: str | None = None) -> tuple[Any, Any]:
    """Load a model with a question-answering head, in float32, and its tokenizer.

    With ``head_required`` a folder whose weights hold no such head is refused; otherwise the head is new.
    ``attention`` is transformers' name of an implementation of attention; None lets it choose.
    """
    import torch
    import transformers

    try:
        with quiet():
            model_configs.check(folder)
            tokenizer = transformers.AutoTokenizer.from_pretrained(str(folder), **model_configs.DATA_ALONE)
            model_configs.check_tokenizer(tokenizer)
            model, report = transformers.AutoModelForQuestionAnswering.from_pretrained(
                str(folder),
                dtype=torch.float32,
                attn_implementation=attention,
                output_loading_info=True,
                weights_only=True,
                **model_configs.DATA_ALONE,
            )
    # Damaged files: transformers raises many types, safetensors one of its own, tokenizers a bare Exception.
    except Exception as error:
        detail = model_configs.reason(error)
        raise ModelError(
            f"{folder}: this model cannot be loaded ({detail}); it needs config, weights, tokenizer"
        ) from None
    precision.exact_logits(model)
    missing = sorted(report["missing_keys"])
    if head_required and missing:
        raise ModelError(
            f"{folder}: no question-answering head: the weights lack {', '.join(missing[:3])}; give a reader "
            "(`odqa train-reader` makes one), not an encoder or a base model"
        )
    return model, tokenizer


def torch_network(folder: Path, device: str, dtype: str) -> tuple[TorchNetwork, Any]:
    """The model on a device, in a precision, and its tokenizer. Raises UsageError where either is not there."""
    import torch

    model, tokenizer = load_model(folder, head_required=True)
    model.to(pick_device(device)).eval()
    picked = pick_dtype(dtype, model.device.type)
    if picked == torch.bfloat16:
        precision.lower(model)
    return TorchNetwork(model, LOGITS, picked), tokenizer
