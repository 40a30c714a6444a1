"""What the training loop asks of what is trained: the settings that it obeys, batches, a loss, scores. Only types."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from odqa.training.memory import Memory


class Schedule(Protocol):
    """The settings of a recipe that the loop obeys, whatever is learned."""

    @property
    def epochs(self) -> int:
        """Passes over the data."""

    @property
    def accumulate(self) -> int:
        """Batches for each optimiser step."""

    @property
    def learning_rate(self) -> float:
        """The highest learning rate."""

    @property
    def warmup(self) -> float:
        """The share of the steps in which the learning rate rises."""

    @property
    def weight_decay(self) -> float:
        """AdamW's weight decay of matrices."""

    @property
    def max_gradient_norm(self) -> float:
        """The norm to which longer gradients are clipped."""

    @property
    def precision(self) -> str:
        """The arithmetic of training: auto, float32, bfloat16, pure-bfloat16 or float16."""

    @property
    def keep(self) -> str:
        """The epoch to keep: best or last."""

    @property
    def save_every(self) -> int:
        """Optimiser steps between checkpoints."""

    @property
    def seed(self) -> int:
        """The seed of everything random."""

    @property
    def track(self) -> str:
        """Where the run is logged; empty for nowhere."""


class Items(Protocol):
    """What has a length, and items by their positions."""

    def __len__(self) -> int: ...

    def __getitem__(self, at: int, /) -> Any: ...


class Task(Protocol):
    """What is learned, and from what. Batches are made of ``items`` by their positions."""

    @property
    def items(self) -> Items:
        """All that is trained on."""

    @property
    def held_out(self) -> bool:
        """Whether there is something to score the model on after an epoch."""

    @property
    def memory(self) -> Memory | None:
        """What a checkpoint keeps besides weights, optimiser and random states."""

    def begin(self, epoch: int, model: Any) -> None:
        """What an epoch needs that depends on the model as it is, such as negatives that it finds; often nothing."""

    def order(self, epoch: int) -> list[list[int]]:
        """The batches of an epoch, as positions in ``items``: a pure function of the seed and the epoch."""

    def collate(self, some: Sequence[Any]) -> dict[str, Any]:
        """Some of the items as tensors of a batch, ``input_ids`` (items, padded length) among them.

        Where an item has several texts, ``others`` has such a batch for each text after the first.
        """

    def loss(self, model: Any, batch: dict[str, Any]) -> Any:
        """The mean loss of a batch, in float32. What is random in it is drawn from torch's own generator."""

    def evaluate(self, model: Any) -> dict[str, float]:
        """The scores of a model on what is held out, by name: ``f1`` or ``loss`` among them, which says the best."""
