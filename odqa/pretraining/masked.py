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
from odqa.pretraining.growth import Growing, pieces
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
    items: Growing
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
        """The batches of an epoch, the blocks of each in pieces as long as is their turn."""
        recipe, items = self.recipe, self.items
        batches = epoch_order(range(len(items.blocks)), recipe.batch_size, recipe.seed, epoch, group=False)
        return [
            [items.number(row, (epoch + at / len(batches)) / recipe.epochs) for row in batch]
            for at, batch in enumerate(batches)
        ]

    def collate(self, some: Sequence[tuple[NDArray[np.int32], int]]) -> dict[str, Any]:
        """Some blocks as tensors, ``input_ids`` and where words begin, ``starts``; ``length`` is that of a piece."""
        import torch

        ids, starts = map(torch.from_numpy, blocks.split(np.stack([block for block, _ in some])))
        return {"input_ids": ids, "starts": starts, "length": some[0][1]}

    def loss(self, model: Any, batch: dict[str, Any]) -> Any:
        """The mean loss over the hidden tokens of a batch, in float32; 0 where none is hidden."""
        import torch

        logits, wanted = self._guess(model, batch)
        return torch.nn.functional.cross_entropy(logits, wanted, reduction="sum") / max(len(wanted), 1)

    def evaluate(self, model: Any) -> dict[str, float]:
        """Loss, perplexity and accuracy over the whole held-out blocks, the same tokens of them hidden every time."""
        import torch

        assert self.others is not None
        generator, device = torch.Generator().manual_seed(self.recipe.seed), model.device
        loss, right, guessed = 0.0, 0, 0
        for at in range(0, len(self.others), self.recipe.batch_size):
            rows = range(at, min(at + self.recipe.batch_size, len(self.others)))
            batch = self.collate([(self.others[row], self.others.length) for row in rows])
            batch |= {name: batch[name].to(device) for name in ("input_ids", "starts")}
            with torch.no_grad(), start.autocast(self.recipe, self.accelerator, device.type):
                logits, wanted = self._guess(model, batch, generator)
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

    def _guess(self, model: Any, batch: dict[str, Any], generator: Any = None) -> tuple[Any, Any]:
        """The logits of the tokens that are hidden now, (hidden, vocabulary) in float32, and these tokens."""
        ids, starts = pieces(batch["input_ids"], batch["starts"], batch["length"], self.padding)
        hidden, chosen = self.masker.hide(ids, starts, generator)
        return self._logits(model, hidden, (ids != self.padding).long(), chosen), ids[chosen]

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
