"""Batches of texts go in, raw vectors come out: what an encoder is made of, and how OpenVINO does it without torch."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from odqa.runtime.export import Graph
from odqa.runtime.network import Inputs, Network
from odqa.runtime.tokens import FastTokenizer, inputs_of, padded

Kind = Literal["query", "document"]
Vectors = NDArray[np.float32]
_STEP = 8  # Batches are padded to multiples of it: for every new width kernels are compiled.


@dataclass(frozen=True, slots=True)
class Facts:
    """What is to be known of an encoder.

    ``dimension`` is the length of its vectors, ``max_tokens`` the longest input it reads (prompt and special tokens
    included), ``pooling`` how token vectors become one, ``prompts`` what the model puts before a text, by kind of text,
    and ``before`` the two that it does put before a question and a passage. ``lower`` says that it reads texts in lower
    case.
    """

    dimension: int
    max_tokens: int
    pooling: str
    prompts: Mapping[str, str]
    before: Mapping[str, str]
    lower: bool = False


class Embedder(Protocol):
    """A model that gives vectors. ``batch_tokens`` is how many tokens it had best get at once, padding counted."""

    facts: Facts
    tokenizer: Any  # Of the tokenizers library; it neither cuts nor pads.
    backend: str
    device: str
    batch_tokens: int
    streams: int

    def embed(self, batches: Iterable[Sequence[str]], kind: Kind) -> Iterator[Vectors]:
        """Give the vectors of each batch of texts, (texts, dimension), in order."""
        ...


class GraphEmbedder:
    """An encoder whose graph takes tokens and gives vectors."""

    backend = "openvino"

    def __init__(self, graph: Graph, precision: str) -> None:
        self._network: Network = graph.network(precision)
        self._tokens = graph.tokenizer
        self.facts = Facts(**graph.about)
        self.tokenizer = graph.tokenizer.backend_tokenizer
        self.device = self._network.device
        self.batch_tokens = self._network.batch_tokens
        self.streams = self._network.streams

    def embed(self, batches: Iterable[Sequence[str]], kind: Kind) -> Iterator[Vectors]:
        """Give the vectors of each batch of texts, (texts, dimension), in order."""
        for (vectors,) in self._network.run(prepare(self._tokens, self.facts, texts, kind) for texts in batches):
            yield vectors


def prepare(tokenizer: FastTokenizer, facts: Facts, texts: Sequence[str], kind: Kind) -> Inputs:
    """The texts as the model reads them: after the kind's prompt, cut to ``max_tokens``, padded to one length."""
    read = [facts.before[kind] + text.strip() for text in texts]
    if facts.lower:
        read = [text.lower() for text in read]
    room = facts.max_tokens - tokenizer.backend_tokenizer.num_special_tokens_to_add(is_pair=False)
    cut = tokenizer.backend_tokenizer.encode_batch(read, add_special_tokens=False)
    for encoding in cut:
        encoding.truncate(room)
    whole = [tokenizer.backend_tokenizer.post_process(encoding) for encoding in cut]
    width = -(-max(len(encoding) for encoding in whole) // _STEP) * _STEP
    width = min(width, max(facts.max_tokens, 1))
    return padded(tokenizer, [inputs_of(tokenizer, encoding) for encoding in whole], width)
