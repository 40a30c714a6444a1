"""A torch model goes in, a model that runs where that lies comes out: on a GPU, or on the threads of a CPU."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any

import torch

from odqa.forking import check_device, this_process
from odqa.runtime.network import Inputs, Outputs
from odqa.runtime.spread import MOST, spread

_BATCH_TOKENS = {"cpu": 8192, "cuda": 65536}
_AT_ONCE = 64  # Batches that are handed to the threads together.


class TorchNetwork:
    """A model of transformers whose outputs called ``names`` are wanted."""

    backend = "torch"

    def __init__(self, model: Any, names: Sequence[str], dtype: torch.dtype) -> None:
        self.model = model
        self.names = tuple(names)
        self.dtype = dtype
        self.device = str(model.device.type)
        self.precision = str(dtype).removeprefix("torch.")
        self.streams = min(MOST, torch.get_num_threads()) if self.device == "cpu" else 1
        self.batch_tokens = _BATCH_TOKENS.get(self.device, _BATCH_TOKENS["cpu"])
        self._process = this_process()

    def run(self, batches: Iterable[Inputs]) -> Iterator[Outputs]:
        """Give the outputs of each batch, in order. Raises what torch does where inputs and model do not fit."""
        check_device(self._process, self.device)
        if self.device != "cpu":
            yield from map(self._forward, batches)
            return
        remaining = iter(batches)
        while some := list(islice(remaining, _AT_ONCE)):
            yield from spread(self._forward, some)

    def _forward(self, inputs: Inputs) -> Outputs:
        tensors = {name: torch.from_numpy(values).to(self.model.device) for name, values in inputs.items()}
        mixed = self.dtype != torch.float32
        with torch.inference_mode(), torch.autocast(self.device, self.dtype, enabled=mixed):
            output = self.model(**tensors)
        return tuple(getattr(output, name).float().cpu().numpy() for name in self.names)
