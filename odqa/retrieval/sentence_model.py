"""A sentence-transformers folder goes in, its vectors by torch come out, or what a graph of it is made from."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from sentence_transformers import SentenceTransformer

from odqa import model_configs
from odqa.device import has_bfloat16, pick_device
from odqa.errors import ModelError
from odqa.forking import check_device, this_process
from odqa.models import DEFAULT_ENCODER
from odqa.retrieval.bfloat16 import SAMPLES, alike, faithful, lowered
from odqa.retrieval.embedders import Facts, Kind, Vectors, prepare
from odqa.runtime.export import Made, NotExportable, check_tokens
from odqa.runtime.network import Outputs
from odqa.runtime.quiet import quiet
from odqa.runtime.tokens import FastTokenizer, untouched

_REMEDY = f"name a sentence-transformers model, for example {DEFAULT_ENCODER}"
_UNSET = 1_000_000  # Tokenizers without a limit of their own report a number far above this one.
_USUAL_LIMIT = 512  # The longest input of nearly every encoder; taken where a model states none.
_MOST_TOKENS = 65536  # Of one batch, padding counted.
_KINDS = {"query": ("query",), "document": ("document", "passage", "corpus")}  # Names of prompts, best first.


class SentenceModel:
    """An encoder that torch computes: questions in float32, passages in bfloat16 where that is fast and faithful."""

    backend = "torch"
    streams = 1

    def __init__(self, model: Any, name: str, dimension: int) -> None:
        """Wrap a SentenceTransformer that is loaded already. Raises ModelError for one without a fast tokenizer."""
        from tokenizers import Tokenizer

        # A table of word vectors has one of the tokenizers library itself.
        if not isinstance(model.tokenizer, Tokenizer) and not getattr(model.tokenizer, "is_fast", False):
            raise ModelError(f"the encoder {name} has no fast tokenizer (tokenizer.json); {_REMEDY}")
        self.tokenizer = untouched(model.tokenizer)
        self.model = model
        self.facts = Facts(
            dimension=dimension,
            max_tokens=_limit(model),
            pooling=_pooling(model),
            prompts={kind: prompt for kind, prompt in model.prompts.items() if prompt},
            before={kind: _before(model, names) for kind, names in _KINDS.items()},
            lower=bool(getattr(model[0], "do_lower_case", False)),
        )
        self.device = str(model.device.type)
        self.batch_tokens = _batch_tokens(self.device)
        self._process = this_process()

    def embed(self, batches: Iterable[Sequence[str]], kind: Kind) -> Iterator[Vectors]:
        """Give the vectors of each batch of texts, (texts, dimension), in order."""
        check_device(self._process, self.device)
        encode = self.model.encode_query if kind == "query" else self._fast.encode_document
        for texts in batches:
            yield np.asarray(encode(list(texts), batch_size=len(texts), show_progress_bar=False), np.float32)

    @cached_property
    def _fast(self) -> Any:
        """What encodes passages: the model's twin in bfloat16 where that is fast and faithful, else the model."""
        if not has_bfloat16(self.device):
            return self.model
        twin = lowered(self.model)
        return twin if faithful(self.model, twin) else self.model


def load(folder: Path, name: str, device: str) -> SentenceModel:
    """Load an encoder in float32.

    Raises ModelError when the folder holds no usable encoder, UsageError for a device that is not available.
    """
    target = str(pick_device(device))
    with quiet():
        try:
            model_configs.check(folder)
            model = SentenceTransformer(
                str(folder), device=target, local_files_only=True, trust_remote_code=False
            ).float()
            model_configs.check_tokenizer(model.tokenizer)
            dimension = model.encode_query(["?"], show_progress_bar=False).shape[1]
        # Damaged weights, configurations and tokenizers surface as a dozen unrelated types of error.
        except Exception as error:
            reason = model_configs.reason(error)
            raise ModelError(f"{folder} cannot be loaded as an encoder: {reason}; {_REMEDY}") from None
    return SentenceModel(model, name, dimension)


def make(folder: Path) -> Made:
    """Load the encoder for a graph that takes tokens and gives vectors.

    Raises ModelError as :func:`load` does, NotExportable for one that does other things with its input.
    """
    found = load(folder, str(folder), "cpu")
    first = found.model[0]
    tokenizer = found.model.tokenizer
    if not hasattr(first, "auto_model") or not getattr(tokenizer, "is_fast", False):
        raise NotExportable("it is no transformer")
    if any(not getattr(module, "include_prompt", True) for module in found.model):
        raise NotExportable("it leaves its prompt out of its vectors")
    tokens = FastTokenizer.of(tokenizer)
    check_tokens(tokens, first.auto_model)
    trial = prepare(tokens, found.facts, SAMPLES, "document")
    wanted = np.asarray(found.model.encode_document(list(SAMPLES), show_progress_bar=False), np.float32)
    return Made(_Vectors(found.model), tokens, asdict(found.facts), trial, (wanted,), _bears)


def _bears(wanted: Outputs, lowered: Outputs) -> bool:
    return alike(wanted[0], lowered[0])


class _Vectors(torch.nn.Module):
    def __init__(self, model: Any) -> None:
        super().__init__()
        self.model = model

    def forward(self, inputs: dict[str, torch.Tensor]) -> tuple[torch.Tensor]:
        return (self.model(inputs)["sentence_embedding"],)


def _before(model: Any, names: Sequence[str]) -> str:
    """The prompt that the model puts before a text of a kind; empty where it has none."""
    name = next((name for name in names if name in model.prompts), model.default_prompt_name)
    return model.prompts.get(name) or ""


def _limit(model: Any) -> int:
    """The longest input in tokens: what the model states, else what its position embeddings allow."""
    stated = model.max_seq_length
    if stated is not None and stated < _UNSET:
        return int(stated)
    transformer = getattr(model[0], "auto_model", None)
    positions = getattr(getattr(transformer, "config", None), "max_position_embeddings", _USUAL_LIMIT)
    limit = min(_USUAL_LIMIT, int(positions))
    if transformer is not None:
        model.max_seq_length = limit  # Or a longer question would run past the position embeddings.
    return limit


def _batch_tokens(device: str) -> int:
    """How many tokens to compute at once: what fills a GPU; on a CPU what every core can hold close to itself.

    Larger batches are slower there: their activations fall out of the caches, and the allocator gives tensors of tens
    of megabytes back to the system after each layer. Smaller ones pay more often for a call's fixed costs.
    """
    import torch

    return _MOST_TOKENS if device == "cuda" else min(_MOST_TOKENS, 1024 * max(2, torch.get_num_threads()))


def _pooling(model: Any) -> str:
    """How token vectors become one: the pooling modes joined by ``+``, or the module that does without."""
    for module in model:
        mode = getattr(module, "pooling_mode", None)
        if mode:
            return mode if isinstance(mode, str) else "+".join(mode)
    return type(model[0]).__name__
