"""An encoder of a few lines, for tests of files and processes: it loads no model and imports no torch."""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from odqa.retrieval.encoder import Encoder
from odqa.types import Passage


class WordEncoder(Encoder):
    """A text's vector is the sum of its words' vectors, each of which is drawn by the word, scaled to length 1."""

    room = 62  # type: ignore[assignment]

    def __init__(self) -> None:
        self.name = "words"
        self.content_hash = "0" * 64
        self.dimension = 32
        self.max_tokens = 64
        self.pooling = "sum"
        self.prompts = {}
        self.device = "cpu"

    def token_offsets(self, text: str) -> list[tuple[int, int]]:
        return [match.span() for match in re.finditer(r"\w+", text)]

    def encode_queries(self, texts: Sequence[str]) -> NDArray[np.float32]:
        vectors = np.zeros((len(texts), self.dimension), np.float32)
        for row, text in enumerate(texts):
            for word in text.lower().split():
                vectors[row] += np.random.default_rng(zlib.crc32(word.encode())).standard_normal(self.dimension)
        return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)

    def encode_passages(
        self, passages: Sequence[Passage], progress: Callable[[int], None] | None = None
    ) -> NDArray[np.float32]:
        if progress:
            progress(len(passages))
        return self.encode_queries([passage.text for passage in passages])
