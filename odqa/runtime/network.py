"""What a model is to the rest of the product: batches of numbered tokens go in, arrays come out. Knows no library."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Inputs = dict[str, NDArray[np.int64]]  # By name, each (rows, padded length).
Outputs = tuple[NDArray[np.float32], ...]  # Each with a row for each row of the inputs.


class Network(Protocol):
    """A model on a device.

    ``backend`` is the library that computes (``openvino`` or ``torch``), ``device`` the kind of device (cpu, cuda,
    mps), ``precision`` that of the matrix products (float32, bfloat16, float16). ``streams`` batches are computed at
    once, of ``batch_tokens`` tokens at best.
    """

    backend: str
    device: str
    precision: str
    streams: int
    batch_tokens: int

    def run(self, batches: Iterable[Inputs]) -> Iterator[Outputs]:
        """Give the outputs of each batch, in order. Raises what the library does where inputs and model do not fit."""
        ...


def batches(lengths: Sequence[int], tokens: int, *, rows: int | None = None, least: int = 1) -> Iterator[list[int]]:
    """The rows, longest first, in batches of at most ``tokens`` tokens when padded to the longest; one row at least.

    None has more than ``rows`` rows, and there are about ``least`` batches or more, so that all streams have work.

    >>> list(batches([2, 9, 3, 3, 12], 10))
    [[4], [1], [2, 3, 0]]
    >>> list(batches([4, 4, 4, 4], 100, least=2))
    [[0, 1], [2, 3]]
    """
    order = sorted(range(len(lengths)), key=lambda row: -lengths[row])
    tokens = min(tokens, math.ceil(sum(lengths) / least))
    start = 0
    while start < len(order):
        size = max(1, tokens // max(1, lengths[order[start]]))
        size = min(size, rows or size)
        yield order[start : start + size]
        start += size
