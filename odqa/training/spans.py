"""Labelled windows go in, the loss of a reader on batches of them and its scores on held-out questions come out.

Span loss: half the negative log of the probability of the window's answers, P(start) P(end) added up over all of them
(the marginal likelihood of Clark and Gardner 2018, section 3.2, inside a window). With one answer that is the mean of
the cross entropies of start and end (Devlin et al. 2019, section 4.2); the null position is the label of windows
without an answer (section 4.3).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from odqa.evaluation.reader import evaluate
from odqa.training import data
from odqa.training.data import LabelledWindow
from odqa.training.distill import Teacher, distillation_loss
from odqa.training.masking import hide
from odqa.training.memory import Memory
from odqa.training.recipe import Recipe
from odqa.training.tuning import as_reader, epoch_metrics
from odqa.training.watch import reading
from odqa.types import Example


@dataclass(frozen=True, slots=True)
class Spans:
    """What a reader learns: the spans of answers in ``items``, and a teacher's, None where nothing is distilled.

    ``examples`` are the held-out questions; ``note`` is told how many of them are read.
    """

    recipe: Recipe
    tokenizer: Any
    accelerator: Any
    teacher: Teacher | None
    items: Sequence[LabelledWindow]
    examples: Sequence[Example]
    note: Callable[[str], None]

    @property
    def held_out(self) -> bool:
        """Whether there are questions to score the reader on."""
        return bool(self.examples)

    @property
    def memory(self) -> Memory | None:
        """What the teacher has read."""
        return self.teacher.memory if self.teacher else None

    def begin(self, epoch: int, model: Any) -> None:
        """Nothing: all epochs have the same data."""

    def order(self, epoch: int) -> list[list[int]]:
        """The batches of an epoch."""
        recipe, lengths = self.recipe, [item.window.length for item in self.items]
        return data.epoch_order(lengths, recipe.batch_size, recipe.seed, epoch, group=recipe.group_by_length)

    def collate(self, some: Sequence[LabelledWindow]) -> dict[str, Any]:
        """One padded batch as tensors; see :func:`odqa.training.data.collate`."""
        import torch

        return {name: torch.from_numpy(values) for name, values in data.collate(self.tokenizer, some).items()}

    def loss(self, model: Any, batch: dict[str, Any]) -> Any:
        """The loss of a batch, in float32 whatever the logits are."""
        labels = batch["start_positions"], batch["end_positions"]
        given = {name: values for name, values in batch.items() if not name.endswith("_positions")}
        if self.recipe.token_dropout:
            given["input_ids"] = hide(batch["input_ids"], self.tokenizer, self.recipe.token_dropout)
        outputs = model(**given)
        logits = outputs.start_logits.float(), outputs.end_logits.float()
        hard = span_loss(logits, labels)
        if self.teacher is None:
            return hard
        with self.accelerator.autocast():
            wanted = self.teacher.logits(batch)
        own, recipe = batch["attention_mask"].bool(), self.recipe
        return distillation_loss(
            hard, logits, wanted, own, weight=recipe.distill_weight, temperature=recipe.distill_temperature
        )

    def evaluate(self, model: Any) -> dict[str, float]:
        """The scores of :func:`odqa.training.tuning.epoch_metrics`."""
        reader = as_reader(model, self.tokenizer, self.recipe, "training")
        progress = reading(self.note, len(self.examples), "evaluating")
        return epoch_metrics(evaluate(self.examples, reader, progress, language=self.recipe.language))


def span_loss(logits: Sequence[Any], labels: Sequence[Any]) -> Any:
    """The loss of the module's formula, a mean over windows.

    Start and end logits are each (windows, padded length), start and end labels (windows, answers), -1 where a window
    has fewer.
    """
    import torch

    missing = labels[0] < 0
    start, end = (
        torch.log_softmax(scores, dim=-1).gather(1, label.clamp(min=0))
        for scores, label in zip(logits, labels, strict=True)
    )
    return -torch.logsumexp((start + end).masked_fill(missing, -torch.inf), dim=-1).mean() / 2
