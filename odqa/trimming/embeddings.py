"""A model's folder and the numbers of tokens go in, the model with the rows of these tokens alone comes out.

Knows no tokenizer.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from odqa import model_configs
from odqa.errors import ModelError
from odqa.runtime.quiet import quiet


def load(folder: Path) -> tuple[Any, dict[str, list[str]]]:
    """The model of a folder by the class that its configuration names, in float32, and what it lacked.

    That is the names of weights under ``missing_keys`` and ``unexpected_keys``. Raises ModelError where it cannot be
    loaded.
    """
    import torch
    import transformers

    try:
        with quiet():
            model_configs.check(folder)
            config = transformers.AutoConfig.from_pretrained(str(folder), **model_configs.DATA_ALONE)
            kind: Any = getattr(transformers, (config.architectures or ["AutoModel"])[0], None)
            if not (isinstance(kind, type) and issubclass(kind, transformers.PreTrainedModel)):
                kind = transformers.AutoModel
            model, report = kind.from_pretrained(
                str(folder),
                dtype=torch.float32,
                output_loading_info=True,
                weights_only=True,
                **model_configs.DATA_ALONE,
            )
    except Exception as error:  # Of many types, as in odqa.reader.weights.
        raise ModelError(
            f"{folder}: this model cannot be loaded ({model_configs.reason(error)}); it needs config and weights"
        ) from None
    return model, {name: sorted(report[name]) for name in ("missing_keys", "unexpected_keys")}


def rows(model: Any, name: str) -> int:
    """How many tokens have an embedding.

    Raises ModelError where the model has none, or other weights by token than embeddings and the head over them.
    """
    try:
        count = int(model.get_input_embeddings().weight.shape[0])
    except (AttributeError, NotImplementedError, TypeError):
        raise ModelError(f"{name}: it has no embeddings of tokens; use a model that reads text") from None
    cut = {tensor.data_ptr() for tensor in _by_token(model)}
    others = [
        one for one, tensor in model.state_dict().items() if count in tensor.shape and tensor.data_ptr() not in cut
    ]
    if others:
        raise ModelError(
            f"{name}: beside embeddings and their head it has weights by token ({', '.join(others[:3])}) that odqa "
            "does not know how to cut; use another model"
        )
    return count


def before_padding(model: Any) -> range:
    """The tokens whose numbers the model counts its positions from, as RoBERTa and its kin do; of other models none."""
    import torch

    for name, module in model.named_modules():
        if name.endswith("position_embeddings") and isinstance(module, torch.nn.Embedding):
            return range(0 if module.padding_idx is None else module.padding_idx + 1)
    return range(0)


def tokens_of(config: dict[str, Any]) -> set[int]:
    """The numbers of tokens that a configuration names."""
    return {number for _, _, values in _settings(config) for number in values}


def cut(model: Any, kept: Sequence[int]) -> None:
    """Leave the model the embeddings of the tokens ``kept`` alone, in their order, and its configuration their numbers.

    A token that the configuration names and that is not among them is none any more.
    """
    import torch

    with torch.no_grad():
        for tensor in _by_token(model):
            tensor[: len(kept)] = tensor[torch.tensor(kept)]
        model.resize_token_embeddings(len(kept), mean_resizing=False)
    number = {old: new for new, old in enumerate(kept)}
    for config in filter(None, (model.config, getattr(model, "generation_config", None))):
        for name, is_list, values in _settings(config.to_dict()):
            found = [number.get(old) for old in values]
            setattr(config, name, found if is_list else found[0])


def save(model: Any, folder: Path, precisions: dict[str, str], missing: Sequence[str]) -> None:
    """Write configuration and weights, each in the precision that it had on disk, without those that it lacked."""
    import torch

    dtypes = {"F32": torch.float32, "F16": torch.float16, "BF16": torch.bfloat16}
    only = next(iter(precisions.values())) if len(set(precisions.values())) == 1 else "F32"
    state: dict[str, Any] = {}
    tied: dict[int, Any] = {}  # What is one tensor stays one, and is written once.
    for name, tensor in model.state_dict().items():
        if name not in missing:
            dtype = dtypes.get(precisions.get(name, only), torch.float32)
            whole = tied.setdefault(tensor.data_ptr(), tensor.to(dtype) if tensor.is_floating_point() else tensor)
            state[name] = whole
    model.config.name_or_path = ""
    with quiet():
        model.save_pretrained(str(folder), state_dict=state)


def precisions(folder: Path) -> dict[str, str]:
    """The precision of each weight in the safetensors files of a folder, as that format names them."""
    from safetensors import safe_open

    found: dict[str, str] = {}
    for path in sorted(folder.glob("*.safetensors")):
        with safe_open(str(path), framework="pt") as file:
            found |= {name: file.get_slice(name).get_dtype() for name in file.keys()}  # noqa: SIM118 - it is no dict.
    return found


def _by_token(model: Any) -> list[Any]:
    """The weights with a row for each token: embeddings, and the matrix and bias of a head over them, each once."""
    head = model.get_output_embeddings()
    found = [model.get_input_embeddings().weight]
    if head is not None:
        found += [one for one in (head.weight, getattr(head, "bias", None)) if one is not None]
    return list({one.data_ptr(): one.data for one in found}.values())


def _settings(config: dict[str, Any]) -> list[tuple[str, bool, list[int]]]:
    """What a configuration says of numbers of tokens: the setting, whether it is a list, the numbers."""
    found = []
    for name, value in config.items():
        if name.endswith("_token_id"):
            numbers = value if isinstance(value, list) else [value]
            if numbers and all(type(one) is int for one in numbers):
                found.append((name, isinstance(value, list), numbers))
    return found
