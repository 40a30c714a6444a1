"""A folder goes in, its tokenizer as models use it comes out; and texts, their tokens. Chooses nothing."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from odqa import model_configs
from odqa.errors import ModelError

_SETTINGS = ("model_max_length", "padding_side", "truncation_side", "model_input_names")


def load(folder: Path) -> Any:
    """The tokenizer of a folder. Raises ModelError where there is no fast one."""
    import transformers

    try:
        found = transformers.AutoTokenizer.from_pretrained(str(folder), **model_configs.DATA_ALONE)
        model_configs.check_tokenizer(found)
    except Exception as error:  # Of many types, as in odqa.reader.weights.
        raise ModelError(f"{folder}: its tokenizer cannot be loaded ({model_configs.reason(error)})") from None
    if not getattr(found, "is_fast", False):
        raise ModelError(f"{folder}: its tokenizer is not a fast one; use a model whose folder has a tokenizer.json")
    return found


def rebuilt(tokenizer: Any, backend: Any) -> Any:
    """The tokenizer with other insides.

    It is of the class that takes all it does from its file: others build some of it themselves.
    """
    from transformers import PreTrainedTokenizerFast

    names: dict[str, Any] = {
        name: token for name, token in tokenizer.special_tokens_map.items() if isinstance(token, str)
    }
    if extra := list(getattr(tokenizer, "extra_special_tokens", None) or ()):
        names["extra_special_tokens"] = extra
    settings = {name: getattr(tokenizer, name) for name in _SETTINGS}
    return PreTrainedTokenizerFast(tokenizer_object=backend, **names, **settings)


def encoded(backend: Any, batch: Sequence[str]) -> Any:
    """The encodings of some texts, without special tokens."""
    return backend.encode_batch(list(batch), add_special_tokens=False)
