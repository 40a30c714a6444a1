"""Texts go in, unit vectors come out, by a sentence-transformers model. Knows nothing of files and stored vectors."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from odqa import model_configs
from odqa.device import has_bfloat16, pick_device
from odqa.errors import ModelError
from odqa.forking import check_device, this_process
from odqa.models import DEFAULT_ENCODER, content_hash, resolve
from odqa.retrieval.bfloat16 import faithful, lowered
from odqa.types import Passage
from odqa.views import context_of_passage, heading_path, plain, view_of

_UNSET = 1_000_000  # Tokenizers without a limit of their own report a number far above this one.
_USUAL_LIMIT = 512  # The longest input of nearly every encoder; taken where a model states none.
_MOST_TOKENS = 65536  # Of one batch, padding counted.
_REMEDY = f"name a sentence-transformers model, for example {DEFAULT_ENCODER}"


class Encoder:
    """A loaded encoder. Its vectors have length 1, so that their inner product is the cosine.

    ``name`` and ``content_hash`` say which model it is; ``dimension`` is the length of its vectors, ``max_tokens``
    the longest input it reads (prompt and special tokens included), ``pooling`` how token vectors become one,
    ``prompts`` what the model puts before a text, by kind of text, and ``device`` where it runs.
    """

    def __init__(self, model: Any, name: str, content_hash: str, dimension: int) -> None:
        """Wrap a SentenceTransformer that is loaded already; ``Encoder.load`` does both."""
        from tokenizers import Tokenizer

        backend = getattr(model.tokenizer, "backend_tokenizer", model.tokenizer)
        if not isinstance(backend, Tokenizer):
            raise ModelError(f"the encoder {name} has no fast tokenizer (tokenizer.json); {_REMEDY}")
        # A copy of our own: the model switches truncation and padding on and off in its tokenizer as it goes.
        self._tokenizer = Tokenizer.from_str(backend.to_str())
        self._tokenizer.no_truncation()
        self._tokenizer.no_padding()
        self._model = model
        self.name = name
        self.content_hash = content_hash
        self.dimension = dimension
        self.max_tokens = _limit(model)
        self.pooling = _pooling(model)
        self.prompts: dict[str, str] = {kind: prompt for kind, prompt in model.prompts.items() if prompt}
        self.device = str(model.device.type)
        self._batch_tokens = _batch_tokens(self.device)
        self._process = this_process()

    @classmethod
    def load(cls, name: str | Path = DEFAULT_ENCODER, device: str = "auto") -> Encoder:
        """Load the encoder called ``name`` (see ``odqa.models.resolve``) in float32.

        Raises ModelError when it cannot be found or is not an encoder, UsageError for a device that is not available.
        """
        found = resolve(name)
        if not (found.folder / "modules.json").is_file():
            raise ModelError(f"{found.folder} is not an encoder: it has no modules.json; {_REMEDY}")
        target = str(pick_device(device))
        from sentence_transformers import SentenceTransformer

        with _quiet():
            try:
                model_configs.check(found.folder)
                model = SentenceTransformer(
                    str(found.folder), device=target, local_files_only=True, trust_remote_code=False
                ).float()
                dimension = model.encode_query(["?"], show_progress_bar=False).shape[1]
            # Damaged weights, configurations and tokenizers surface as a dozen unrelated types of error.
            except Exception as error:
                reason = model_configs.reason(error)
                raise ModelError(f"{found.folder} cannot be loaded as an encoder: {reason}; {_REMEDY}") from None
        return cls(model, found.name, content_hash(found.folder), dimension)

    @property
    def room(self) -> int:
        """The tokens of a passage's text that the model reads when nothing is put before them."""
        kind = next((kind for kind in ("document", "passage", "corpus") if kind in self._model.prompts), None)
        prompt = self._model.prompts.get(kind or self._model.default_prompt_name) or ""
        special = self._tokenizer.num_special_tokens_to_add(is_pair=False)
        return self.max_tokens - int(special) - len(self.token_offsets(prompt))

    @property
    def passage_budget(self) -> int:
        """The longest passage, in tokens, that still leaves a quarter of ``max_tokens`` for title and headings."""
        return max(1, self.room - self.max_tokens // 4)

    def token_offsets(self, text: str) -> list[tuple[int, int]]:
        """The character span of every token of ``text``, special tokens left out."""
        return self._tokenizer.encode(text, add_special_tokens=False).offsets

    def encode_queries(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Vectors of questions, float32 (n, dimension). Raises ModelError for a vector that is not finite."""
        if not texts:
            return np.zeros((0, self.dimension), np.float32)
        check_device(self._process, self.device)
        vectors = self._model.encode_query([plain(text) for text in texts], show_progress_bar=False)
        return _unit(vectors, [f"the question {text[:80]!r}" for text in texts], self.name)

    def encode_passages(
        self, passages: Sequence[Passage], progress: Callable[[int], None] | None = None
    ) -> NDArray[np.float32]:
        """Vectors of passages in their order, float32 (n, dimension), each read with its title and headings.

        The longest are read first, in batches of like length, so that little is spent on padding; ``progress`` is
        called with the number of passages done since its last call. The transformer computes in bfloat16 where the
        device has it and the model bears it, which moves a vector by less than 0.001 in cosine. Raises ModelError,
        naming the passage, for a vector that is not finite.
        """
        vectors = np.zeros((len(passages), self.dimension), np.float32)
        if not passages:
            return vectors
        texts, lengths = self._inputs(passages)
        for rows in batches(lengths, self._batch_tokens):
            some = self._fast.encode_document(
                [texts[row] for row in rows], batch_size=len(rows), show_progress_bar=False
            )
            vectors[rows] = _unit(some, [f"passage {passages[row].id}" for row in rows], self.name)
            if progress:
                progress(len(rows))
        return vectors

    @cached_property
    def _fast(self) -> Any:
        """What encodes passages: the model's twin in bfloat16 where that is fast and faithful, else the model."""
        if not has_bfloat16(self.device):
            return self._model
        twin = lowered(self._model)
        return twin if faithful(self._model, twin) else self._model

    def _inputs(self, passages: Sequence[Passage]) -> tuple[list[str], list[int]]:
        """What the model reads for each passage, and about how many tokens that is, special ones and prompt included.

        That is ``Title > Heading > Subheading. `` and the view of its text. The text comes first: title and headings
        get what it leaves free, a quarter of the input at most.
        """
        contexts = [context_of_passage(passage) for passage in passages]
        views = [view_of(context).text for context in contexts]
        encodings = self._tokenizer.encode_batch(views, add_special_tokens=False)

        @lru_cache(maxsize=1024)  # Neighbours share their headings.
        def path(parts: tuple[str, ...], limit: int) -> tuple[str, int]:
            found = heading_path(parts, limit, self.token_offsets)
            return found, len(self.token_offsets(found))

        room = self.room
        around = self.max_tokens - room
        texts, lengths = [], []
        for context, view, encoding in zip(contexts, views, encodings, strict=True):
            before, tokens = path(context.path, min(self.max_tokens // 4, room - len(encoding.ids)))
            texts.append(before + view)
            lengths.append(min(self.max_tokens, around + tokens + len(encoding.ids)))
        return texts, lengths


def batches(lengths: Sequence[int], tokens: int) -> Iterator[list[int]]:
    """The rows, longest first, in batches of at most ``tokens`` tokens when padded to the longest; one row at least."""
    order = sorted(range(len(lengths)), key=lambda row: -lengths[row])
    start = 0
    while start < len(order):
        size = max(1, tokens // max(1, lengths[order[start]]))
        yield order[start : start + size]
        start += size


def _unit(vectors: Any, names: Sequence[str], encoder: str) -> NDArray[np.float32]:
    """The rows scaled to length 1 (a row of zeros stays one); ``names`` say whose vector a row is."""
    vectors = np.asarray(vectors, np.float32)
    broken = np.flatnonzero(~np.isfinite(vectors).all(axis=1))
    if len(broken):
        raise ModelError(
            f"the encoder {encoder} gives no finite vector for {names[broken[0]]}: its weights are damaged; "
            f"use another encoder"
        )
    norms = np.linalg.norm(vectors, axis=1, keepdims=True)
    return cast("NDArray[np.float32]", vectors / np.maximum(norms, np.finfo(np.float32).tiny))


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


@contextmanager
def _quiet() -> Iterator[None]:
    """Hold back the libraries' bars and remarks while a model loads; their errors are raised all the same."""
    from transformers.utils import logging

    verbosity, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(verbosity)
        if bars:
            logging.enable_progress_bar()
