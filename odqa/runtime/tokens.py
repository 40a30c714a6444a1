"""A tokenizer goes in, token numbers and character spans come out, by the tokenizers library alone.

The attributes have the names that transformers gives its own tokenizers, so that either may cut texts into windows.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from odqa.runtime.network import Inputs

if TYPE_CHECKING:
    from tokenizers import Tokenizer

_SETTINGS = (
    "model_max_length",
    "model_input_names",
    "cls_token_id",
    "pad_token_id",
    "pad_token_type_id",
)


class FastTokenizer:
    """A tokenizer that neither cuts nor pads, and what a model wants to know of it."""

    is_fast = True

    def __init__(self, backend: Tokenizer, settings: dict[str, Any]) -> None:
        self.backend_tokenizer = backend
        self.model_max_length: int = settings["model_max_length"]
        self.model_input_names: list[str] = settings["model_input_names"]
        self.cls_token_id: int | None = settings["cls_token_id"]
        self.pad_token_id: int | None = settings["pad_token_id"]
        self.pad_token_type_id: int = settings["pad_token_type_id"]

    @classmethod
    def of(cls, tokenizer: Any) -> FastTokenizer:
        """That of a fast tokenizer of transformers."""
        settings = {name: getattr(tokenizer, name, 0) for name in _SETTINGS}
        settings["model_max_length"] = int(settings["model_max_length"])
        return cls(untouched(tokenizer), settings | {"model_input_names": list(tokenizer.model_input_names)})

    @classmethod
    def from_json(cls, text: str, settings: dict[str, Any]) -> FastTokenizer:
        """What :meth:`to_json` and :attr:`settings` gave. Raises Exception, as tokenizers does, or KeyError."""
        from tokenizers import Tokenizer

        return cls(Tokenizer.from_str(text), settings)

    def to_json(self) -> str:
        """The text of a tokenizer.json."""
        return str(self.backend_tokenizer.to_str())

    @property
    def settings(self) -> dict[str, Any]:
        """All but the tokenizer itself, as plain values."""
        return {name: getattr(self, name) for name in _SETTINGS}


def padded(tokenizer: Any, rows: Sequence[Mapping[str, Any]], width: int) -> Inputs:
    """A model's inputs by name, each filled up behind its rows to (rows, width)."""
    fill = {
        "input_ids": tokenizer.pad_token_id if tokenizer.pad_token_id is not None else 0,
        "token_type_ids": getattr(tokenizer, "pad_token_type_id", 0),
    }
    inputs = {}
    for name in rows[0]:
        inputs[name] = np.full((len(rows), width), fill.get(name, 0), dtype=np.int64)
        for row, values in enumerate(rows):
            inputs[name][row, : len(values[name])] = values[name]
    return inputs


def inputs_of(tokenizer: Any, encoding: Any) -> dict[str, list[int]]:
    """The values of an encoding that the model reads, by name."""
    values = {
        "input_ids": encoding.ids,
        "token_type_ids": encoding.type_ids,
        "attention_mask": encoding.attention_mask,
    }
    return {name: values[name] for name in tokenizer.model_input_names if name in values}


@lru_cache(maxsize=4)
def untouched(tokenizer: Any) -> Tokenizer:
    """The tokenizer itself, set neither to cut nor to pad: a copy, where that of transformers may be set to."""
    if isinstance(tokenizer, FastTokenizer):
        return tokenizer.backend_tokenizer
    backend: Tokenizer = copy.deepcopy(getattr(tokenizer, "backend_tokenizer", tokenizer))
    backend.no_truncation()
    backend.no_padding()
    return backend
