"""Blocks of tokens go in, the loss of a model that guesses the hidden ones comes out, and its scores on others.

The loss is the mean cross entropy, in nats, over the tokens to be guessed (Devlin et al. 2019, section 3.1); perplexity
is its exponential.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from odqa.pretraining import blocks
from odqa.pretraining.blocks import Blocks
from odqa.pretraining.masking import Masker
from odqa.pretraining.recipe import LanguageRecipe
from odqa.training import start
from odqa.training.data import epoch_order


@dataclass(frozen=True, slots=True)
class MaskedTokens:
    """What a language model learns: the hidden tokens of ``items``. ``others`` are held out, None where nothing is."""

    recipe: LanguageRecipe
    accelerator: Any
    masker: Masker
    padding: int
    items: Blocks
    others: Blocks | None

    @property
    def held_out(self) -> bool:
        """Whether there are blocks to score the model on."""
        return self.others is not None

    @property
    def memory(self) -> None:
        """Nothing that a checkpoint would have to keep."""
        return

    def begin(self, epoch: int, model: Any) -> None:
        """Nothing: all epochs have the same data."""

    def order(self, epoch: int) -> list[list[int]]:
        """The batches of an epoch."""
        return epoch_order(range(len(self.items)), self.recipe.batch_size, self.recipe.seed, epoch, group=False)

    def collate(self, some: Sequence[NDArray[np.int32]]) -> dict[str, Any]:
        """Some blocks as tensors: ``input_ids``, ``attention_mask`` and where words begin, ``starts``."""
        import torch

        ids, starts = map(torch.from_numpy, blocks.split(np.stack(some)))
        return {"input_ids": ids, "attention_mask": (ids != self.padding).long(), "starts": starts}

    def loss(self, model: Any, batch: dict[str, Any]) -> Any:
        """The mean loss over the hidden tokens of a batch, in float32; 0 where none is hidden."""
        import torch

        hidden, chosen = self.masker.hide(batch["input_ids"], batch["starts"])
        logits = self._logits(model, hidden, batch["attention_mask"], chosen)
        wanted = batch["input_ids"][chosen]
        return torch.nn.functional.cross_entropy(logits, wanted, reduction="sum") / max(len(wanted), 1)

    def evaluate(self, model: Any) -> dict[str, float]:
        """Loss, perplexity and accuracy over the held-out blocks, the same tokens of them hidden every time."""
        import torch

        assert self.others is not None
        generator, device = torch.Generator().manual_seed(self.recipe.seed), model.device
        loss, right, guessed = 0.0, 0, 0
        for at in range(0, len(self.others), self.recipe.batch_size):
            rows = [self.others[row] for row in range(at, min(at + self.recipe.batch_size, len(self.others)))]
            batch = {name: values.to(device) for name, values in self.collate(rows).items()}
            hidden, chosen = self.masker.hide(batch["input_ids"], batch["starts"], generator)
            wanted = batch["input_ids"][chosen]
            with torch.no_grad(), start.autocast(self.recipe, self.accelerator, device.type):
                logits = self._logits(model, hidden, batch["attention_mask"], chosen)
            loss += torch.nn.functional.cross_entropy(logits, wanted, reduction="sum").item()
            right += int((logits.argmax(dim=-1) == wanted).sum())
            guessed += len(wanted)
        mean = loss / max(guessed, 1)
        # Beyond e^700 there is no float.
        return {
            "loss": round(mean, 6),
            "perplexity": round(math.exp(min(mean, 700.0)), 4),
            "accuracy": round(right / max(guessed, 1), 6),
        }

    def _logits(self, model: Any, ids: Any, attention: Any, chosen: Any) -> Any:
        """The logits of the chosen tokens alone, (chosen, vocabulary) in float32.

        The last layer, as large as the vocabulary, would cost more than a small model's others if it saw all tokens.
        """
        last = self.accelerator.unwrap_model(model).get_output_embeddings()
        handle = (
            last.register_forward_pre_hook(lambda _, given: (given[0][chosen], *given[1:]))
            if last is not None
            else None
        )
        try:
            logits = model(input_ids=ids, attention_mask=attention).logits
        finally:
            if handle is not None:
                handle.remove()
        return (logits if logits.ndim == 2 else logits[chosen]).float()
