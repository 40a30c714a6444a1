"""A reader and the address of a Ray cluster go in; a reader whose texts are read there comes out."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TypeAlias

from odqa.cluster.join import joined
from odqa.cluster.pool import Pool
from odqa.cluster.same import check_same, differs
from odqa.models import content_hash
from odqa.reader.model import Reader, checked_pairs
from odqa.types import Reading
from odqa.views import Context

_PAIRS = 64  # Questions with their texts that a worker reads at a time: a second or two of a core.

Piece: TypeAlias = tuple[Sequence[str], Sequence[Context], int, int]
"""Questions, their texts, the number of spans, and of windows at once."""


@contextmanager
def spread(reader: Reader, address: str | None, device: str = "auto") -> Iterator[Reader]:
    """A block in which a reader reads on a cluster, by its GPUs where it has some, else its cores; None is here.

    ``reader`` is one that was loaded from a folder, which the nodes must have as well; it may run on any device. The
    answers are the same within rounding. Raises what :func:`odqa.cluster.join.joined` raises, and UsageError for a
    device that the cluster has not.
    """
    if address is None:
        yield reader
        return
    with joined(address) as cluster:
        on = cluster.device(device)
        backend = reader.network.backend if on == "cpu" else None
        whole = reader.content_hash  # Raises where there is no folder.
        assert reader.folder is not None
        with Pool(cluster, on, _load, reader.name, content_hash(reader.folder), whole, on, backend) as pool:
            yield _Spread(reader, pool, on)


class _Spread(Reader):
    """A reader whose texts the workers of a pool read."""

    def __init__(self, reader: Reader, pool: Pool[Piece, list[Reading]], device: str) -> None:
        super().__init__(
            reader.network,
            reader.tokenizer,
            name=reader.name,
            no_answer_threshold=reader.no_answer_threshold,
            temperature=reader.temperature,
            length_penalty=reader.length_penalty,
            max_length=reader.max_length,
            stride=reader.stride,
            folder=reader.folder,
        )
        self._pool = pool
        self._device = device
        self.workers = len(pool)

    @property
    def precision(self) -> str:
        """As that of the reader it was made from, on the CPU; of GPUs it is not known here."""
        return super().precision if self._device == "cpu" else f"ray-{self._device}"

    def read(
        self,
        questions: Sequence[str],
        contexts: Sequence[str | Context],
        *,
        n_best: int = 20,
        batch_size: int = 32,
        progress: Callable[[int], None] | None = None,
    ) -> list[Reading]:
        """As :meth:`Reader.read`; ``progress`` is called for each piece that a worker has read."""
        # Here, as pieces that are cut from lists of different lengths are of one length.
        questions, texts = checked_pairs(questions, contexts, n_best=n_best, batch_size=batch_size)
        size = max(1, min(_PAIRS, math.ceil(len(texts) / max(1, self.workers))))
        pieces: list[Piece] = [
            (questions[start : start + size], texts[start : start + size], n_best, batch_size)
            for start in range(0, len(texts), size)
        ]
        readings: list[Reading] = []
        for some in self._pool.map(pieces):
            readings += some
            if progress:
                progress(sum(reading.windows for reading in some))
        return readings


def _load(
    name: str, files: str, with_settings: str, device: str, backend: str | None
) -> Callable[[Piece], list[Reading]]:
    """What reads a piece, on a node. Raises ModelError where the reader's files or settings are other ones there."""
    check_same("reader", name, files)
    reader = Reader.load(name, device=device, backend=backend)
    if reader.content_hash != with_settings:
        raise differs("reader", name)

    def read(piece: Piece) -> list[Reading]:
        questions, texts, n_best, batch_size = piece
        return reader.read(questions, texts, n_best=n_best, batch_size=batch_size)

    return read
