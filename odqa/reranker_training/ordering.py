"""Questions, each with its passage and wrong ones, go in; the loss of a cross-encoder that puts it first comes out.

The loss is the cross entropy of the right passage among those of its question, by their scores s (the localised
contrastive estimation of Gao, Dai and Callan 2021, "Rethink Training of BERT Rerankers in Multi-Stage Retrieval
Pipeline", equation 6):

    -log(exp(s_right) / sum of exp(s)).

With a teacher it is (1 - weight) times that + weight * T^2 * KL(teacher || cross-encoder), both sides' scores divided
by the temperature T. Both are what sentence-transformers' ListNetLoss gives for a CrossEncoder, but for a constant;
that one takes texts, and so would cut into tokens again what a batch has cut already, to count it.

Knows no search and no file.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from odqa.pairs.limit import reading
from odqa.reranker_training.recipe import RerankerRecipe
from odqa.training import data, start


@dataclass(frozen=True, slots=True)
class Lists:
    """Questions and the passages of each, the right one first, as many of each; with a teacher, its scores of them."""

    questions: Sequence[str]
    passages: Sequence[Sequence[str]]
    worth: Sequence[Sequence[float]] = ()


@dataclass(frozen=True, slots=True)
class Ordering:
    """What a reranker learns. ``model`` cuts pairs of texts into tokens."""

    recipe: RerankerRecipe
    accelerator: Any
    model: Any
    training: Lists
    others: Lists

    @property
    def items(self) -> range:
        """The numbers of the questions."""
        return range(len(self.training.questions))

    @property
    def held_out(self) -> bool:
        """Whether there are questions to score the cross-encoder on."""
        return bool(self.others.questions)

    @property
    def memory(self) -> None:
        """Nothing that a checkpoint would have to keep."""
        return

    def begin(self, epoch: int, model: Any) -> None:
        """Nothing: what is wrong was found by a search, which does not change with the model."""

    def order(self, epoch: int) -> list[list[int]]:
        """The batches of an epoch, questions whose texts are of similar length together."""
        return self._batches(self.training, epoch)

    def collate(self, some: Sequence[int]) -> dict[str, Any]:
        """The questions, each with every passage of its own, as tensors, (questions * passages, padded length)."""
        return self._batch(self.training, some)

    def loss(self, model: Any, batch: dict[str, Any]) -> Any:
        """The loss of the module's formula."""
        import torch
        from torch.nn.functional import cross_entropy, kl_div

        scores, labels = self._scores(model, batch), batch.get("labels")
        hard = cross_entropy(scores, torch.zeros(len(scores), dtype=torch.long, device=scores.device))
        if labels is None:
            return hard
        weight, temperature = self.recipe.distill_weight, self.recipe.distill_temperature
        learned, wanted = ((one / temperature).log_softmax(1) for one in (scores, labels))
        soft = kl_div(learned, wanted, reduction="batchmean", log_target=True)
        return (1 - weight) * hard + weight * temperature**2 * soft

    def evaluate(self, model: Any) -> dict[str, float]:
        """Of the held-out questions, the mean loss, and the share whose right passage is before all wrong ones."""
        import torch
        from accelerate.utils import send_to_device

        total, first, lists = 0.0, 0, self.others
        for some in self._batches(lists, 0):
            batch = send_to_device(self._batch(lists, some), model.device)
            with torch.no_grad(), start.autocast(self.recipe, self.accelerator, model.device.type):
                scores = self._scores(model, batch)
            right = scores[:, :1]
            total += float((scores.logsumexp(1) - right[:, 0]).sum())
            first += int((right > scores[:, 1:]).all(1).sum())
        count = len(lists.questions)
        return {"loss": round(total / count, 6), "first": round(first / count, 6)}

    def _batches(self, lists: Lists, epoch: int) -> list[list[int]]:
        lengths = [max(map(len, passages)) for passages in lists.passages]
        return data.epoch_order(lengths, self.recipe.batch_size, self.recipe.seed, epoch, group=True)

    def _batch(self, lists: Lists, some: Sequence[int]) -> dict[str, Any]:
        import torch

        pairs = [(lists.questions[at], passage) for at in some for passage in lists.passages[at]]
        with reading(self.model, self.recipe.max_length):
            batch = dict(self.model.preprocess(pairs))
        if lists.worth:
            batch["labels"] = torch.tensor([lists.worth[at] for at in some], dtype=torch.float32)
        return batch

    def _scores(self, model: Any, batch: dict[str, Any]) -> Any:
        """The logits of a batch in float32, (questions, passages)."""
        features = {name: value for name, value in batch.items() if name != "labels"}
        return model(features)["scores"].float().view(-1, 1 + self.recipe.negatives)
