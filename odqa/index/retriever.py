"""An open index with its encoder: questions go in, hits come out. Knows no reader and no answer."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Self

import numpy as np
from numpy.typing import NDArray

from odqa.addresses import Address
from odqa.arguments import check_count, check_texts
from odqa.closing import Closing
from odqa.index.copies import search_distinct
from odqa.index.filters import Filters
from odqa.index.interface import OpenIndex
from odqa.index.stores import store_at
from odqa.types import Hit, Mode

if TYPE_CHECKING:
    from odqa.retrieval.encoder import Encoder


class Retriever(Closing):
    """What it takes to search an index. Use it as a context manager, or close it.

    ``encoder`` is None where the index is searched by words alone.
    """

    def __init__(self, index: OpenIndex, encoder: Encoder | None) -> None:
        self.index = index
        self.encoder = encoder

    @classmethod
    def open(
        cls,
        index: str | Address,
        *,
        mode: Mode | str = Mode.HYBRID,
        encoder: str | Path | None = None,
        device: str = "auto",
        backend: str | None = None,
    ) -> Self:
        """Open an index and load its encoder; ``encoder`` None means the one the index was built with.

        In the mode ``bm25`` no encoder is loaded and no vector read. Raises IndexFolderError for a missing or damaged
        index or another encoder, ModelError for a model that cannot be found, UsageError for an unknown mode or a
        device that is not available.
        """
        opened = store_at(index).open(mode, device)
        try:
            if opened.mode is Mode.BM25:
                return cls(opened, None)
            from odqa.retrieval.encoder import Encoder

            name = opened.manifest.encoder if encoder is None else encoder
            loaded = Encoder.load(name, device=device, backend=backend)
            opened.check_encoder(loaded)
            return cls(opened, loaded)
        except BaseException:
            opened.close()
            raise

    @property
    def fallback(self) -> str | None:
        """Why passages are searched on the CPU although questions are encoded on a GPU; None where they are not."""
        return self.index.why_not_gpu if self.encoder is not None and self.encoder.device == "cuda" else None

    def encode(self, questions: Sequence[str]) -> NDArray[np.float32] | None:
        """The questions' vectors, float32 (questions, dimension); None where none are needed."""
        return None if self.encoder is None else self.encoder.encode_queries(questions)

    def search(self, questions: Sequence[str], k: int, filters: Filters = ()) -> list[list[Hit]]:
        """The ``k`` best passages of distinct texts for each question, each with its copies, as ``OpenIndex.search``.

        Raises UsageError for k below 1.
        """
        check_texts("questions", questions, "give a list of one for one question")
        return self.find(questions, self.encode(questions), k, filters)

    def find(
        self, questions: Sequence[str], vectors: NDArray[np.float32] | None, k: int, filters: Filters = ()
    ) -> list[list[Hit]]:
        """As :meth:`search`, for questions that :meth:`encode` has made ``vectors`` of."""
        check_count("k", k)

        def search(wanted: Sequence[int], depth: int) -> list[list[Hit]]:
            some = vectors if vectors is None or depth == k else vectors[list(wanted)]
            return self.index.search([questions[at] for at in wanted], depth, some, filters)

        return search_distinct(search, len(questions), k)

    def close(self) -> None:
        """Close the index; it cannot be searched again."""
        self.index.close()
