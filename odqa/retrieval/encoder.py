"""Texts go in, unit vectors come out, by a bi-encoder. Knows nothing of files and stored vectors."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from odqa.errors import ModelError
from odqa.model_configs import MODULES
from odqa.models import DEFAULT_ENCODER, ResolvedModel, content_hash, resolve
from odqa.retrieval.embedders import Embedder, GraphEmbedder, Kind
from odqa.runtime.backend import Choice, choose
from odqa.runtime.export import graph_of, maker
from odqa.runtime.network import batches
from odqa.types import Backend, Passage
from odqa.views import context_of_passage, heading_path, plain, view_of


class Encoder:
    """A loaded encoder. Its vectors have length 1, so that their inner product is the cosine.

    ``name`` and ``content_hash`` say which model it is; ``dimension`` is the length of its vectors, ``max_tokens``
    the longest input it reads (prompt and special tokens included), ``pooling`` how token vectors become one,
    ``prompts`` what the model puts before a text, by kind of text, ``device`` where it runs and ``backend`` by what.
    """

    def __init__(self, embedder: Embedder, name: str, content_hash: str) -> None:
        """Wrap an embedder; ``Encoder.load`` makes one of a model's folder."""
        facts = embedder.facts
        self._embedder = embedder
        self._tokenizer = embedder.tokenizer
        self.name = name
        self.content_hash = content_hash
        self.dimension = facts.dimension
        self.max_tokens = facts.max_tokens
        self.pooling = facts.pooling
        self.prompts = dict(facts.prompts)
        self.device = embedder.device
        self.backend = embedder.backend

    @classmethod
    def load(cls, name: str | Path = DEFAULT_ENCODER, device: str = "auto", *, backend: str | None = None) -> Encoder:
        """Load the encoder called ``name`` (see ``odqa.models.resolve``).

        ``backend`` is auto, openvino or torch. On a CPU OpenVINO computes, by a graph that is made of the model the
        first time that it is loaded, torch elsewhere and where a model cannot be made into one. Raises ModelError when
        it cannot be found or is not an encoder, UsageError for a device that is not available and for a backend that is
        none.
        """
        found = resolve(name, MODULES)
        if not (found.folder / MODULES).is_file():
            raise ModelError(
                f"{found.folder} is not an encoder: it has no {MODULES}; name a sentence-transformers model, for "
                f"example {DEFAULT_ENCODER}"
            )
        return cls(_embedder(found, choose(device, backend)), found.name, content_hash(found.folder))

    @property
    def room(self) -> int:
        """The tokens of a passage's text that the model reads when nothing is put before them."""
        special = self._tokenizer.num_special_tokens_to_add(is_pair=False)
        return self.max_tokens - int(special) - len(self.token_offsets(self.before("document")))

    @property
    def passage_budget(self) -> int:
        """The longest passage, in tokens, that still leaves a quarter of ``max_tokens`` for title and headings."""
        return max(1, self.room - self.max_tokens // 4)

    def before(self, kind: Kind) -> str:
        """What the model puts before a question ("query") or a passage ("document"); empty where it is nothing."""
        return self._embedder.facts.before[kind]

    @property
    def tokenizer_json(self) -> str:
        """Its tokenizer, as the text of a tokenizer.json: cuts texts into tokens where the model is not loaded."""
        return str(self._tokenizer.to_str())

    def token_offsets(self, text: str) -> list[tuple[int, int]]:
        """The character span of every token of ``text``, special tokens left out."""
        offsets: list[tuple[int, int]] = self._tokenizer.encode(text, add_special_tokens=False).offsets
        return offsets

    def lengths(self, texts: Sequence[str]) -> list[int]:
        """The number of tokens of each text, special tokens left out."""
        return [len(one.ids) for one in self._tokenizer.encode_batch(list(texts), add_special_tokens=False)]

    def encode_queries(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Vectors of questions, float32 (n, dimension). Raises ModelError for a vector that is not finite."""
        if not texts:
            return np.zeros((0, self.dimension), np.float32)
        read = [plain(text) for text in texts]
        rows = list(batches([len(text) // 4 + 1 for text in read], self._embedder.batch_tokens))
        vectors = np.zeros((len(texts), self.dimension), np.float32)
        computed = self._embedder.embed(([read[row] for row in some] for some in rows), "query")
        for some, found in zip(rows, computed, strict=True):
            vectors[some] = _unit(found, [f"the question {texts[row][:80]!r}" for row in some], self.name)
        return vectors

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
        texts, lengths = self.inputs(passages)
        cut = list(batches(lengths, self._embedder.batch_tokens, least=self._embedder.streams))
        computed = self._embedder.embed(([texts[row] for row in rows] for rows in cut), "document")
        for rows, found in zip(cut, computed, strict=True):
            vectors[rows] = _unit(found, [f"passage {passages[row].id}" for row in rows], self.name)
            if progress:
                progress(len(rows))
        return vectors

    def inputs(self, passages: Sequence[Passage]) -> tuple[list[str], list[int]]:
        """What the model reads for each passage, and about how many tokens that is, special ones and prompt included.

        That is ``Title > Heading > Subheading. `` and the view of its text; the prompt is not in it. The text comes
        first: title and headings get what it leaves free, a quarter of the input at most.
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


def _embedder(model: ResolvedModel, choice: Choice) -> Embedder:
    """The model as it runs."""
    if choice.backend is Backend.OPENVINO:
        graph = graph_of(model, "encoder", maker("odqa.retrieval.sentence_model"))
        if graph is not None:
            return GraphEmbedder(graph, choice.precision)
    from odqa.retrieval.sentence_model import load

    return load(model.folder, model.name, choice.device)


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
