"""Pairs go in, the loss of an encoder that tells a question's passage from others comes out. Knows no search, no file.

The loss is sentence-transformers': the cross entropy of the right passage among those of a batch and the hard
negatives, by their cosines times ``scale`` (Henderson et al. 2017; van den Oord et al. 2018), with gradients cached so
that a batch may be larger than the memory (Gao et al. 2021), where it is larger than a mini-batch. With a teacher it is

    (1 - weight) * cross entropy + weight * T^2 * KL(teacher || encoder),

the divergence being over each question's own passages, both sides' scores divided by the temperature T.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import cycle
from typing import Any

from odqa.retriever_training.limit import reading
from odqa.retriever_training.recipe import RetrieverRecipe


@dataclass(frozen=True, slots=True)
class Texts:
    """Questions and their passages, one each, as the encoder reads them. Equal ``keys`` are those of one passage."""

    questions: Sequence[str]
    passages: Sequence[str]
    keys: Sequence[str]


@dataclass(frozen=True, slots=True)
class Round:
    """What was found for the epochs of a round: each question's negatives and, with a teacher, its scores.

    The scores of a question are those of its right passage and of the negatives, in this order.
    """

    negatives: Sequence[Sequence[str]]
    scores: Sequence[Sequence[float]] = ()


@dataclass(slots=True)
class Contrastive:
    """What a retriever learns. ``model`` cuts texts into tokens, ``prompts`` are put before a question and a passage.

    ``find`` gives the negatives of a round, by its number from 0 and the model as it is; None where there are none.
    """

    recipe: RetrieverRecipe
    model: Any
    prompts: tuple[str, str]
    training: Texts
    others: Texts
    find: Callable[[int, Any], Round] | None
    number: int = -1
    round: Round = field(default_factory=lambda: Round(()))
    _losses: dict[int, tuple[Any, Any]] = field(default_factory=dict)

    @property
    def items(self) -> range:
        """The numbers of the pairs."""
        return range(len(self.training.questions))

    @property
    def held_out(self) -> bool:
        """Whether there are pairs to score the encoder on."""
        return bool(self.others.questions)

    @property
    def memory(self) -> None:
        """Nothing that a checkpoint would have to keep."""
        return

    def begin(self, epoch: int, model: Any) -> None:
        """Find the negatives of the epoch's round, where it is the first of it that is seen."""
        number = epoch * self.recipe.rounds // self.recipe.epochs
        if self.find is not None and number != self.number:
            self.round, self.number = self.find(number, model), number

    def order(self, epoch: int) -> list[list[int]]:
        """The batches of an epoch."""
        return batches(self.training.keys, self.recipe.batch_size, f"{self.recipe.seed}/{epoch}")

    def collate(self, some: Sequence[int]) -> dict[str, Any]:
        """The questions of some pairs as tensors, and under ``others`` their passages and negatives.

        With a teacher there are its scores under ``labels``, and those whose scores they are under ``scored``.
        """
        import torch

        if not self.round.negatives:
            return self._batch(self.training, some)
        negatives = [self.round.negatives[at] for at in some]
        batch = self._batch(self.training, some, *zip(*apart(self._right(some), negatives), strict=True))
        if self.round.scores:
            batch["labels"] = torch.tensor([self.round.scores[at] for at in some], dtype=torch.float32)
            batch["scored"] = self._batch(self.training, some, *zip(*negatives, strict=True))["others"]
        return batch

    def loss(self, model: Any, batch: dict[str, Any]) -> Any:
        """The loss of the module's formula."""
        hard, soft = self._losses_of(model)
        value = hard(_columns(batch, "others"), None)
        if "labels" not in batch:
            return value
        weight = self.recipe.distill_weight
        return (1 - weight) * value + weight * soft(_columns(batch, "scored"), batch["labels"])

    def evaluate(self, model: Any) -> dict[str, float]:
        """The loss over the held-out pairs, in the same batches every time, without negatives of their own."""
        import torch
        from accelerate.utils import send_to_device

        hard, _ = self._losses_of(model)
        total, device = 0.0, model.device
        for some in batches(self.others.keys, self.recipe.batch_size, "held out"):
            columns = send_to_device(_columns(self._batch(self.others, some), "others"), device)
            with torch.no_grad():  # In float32: bfloat16 would round the cosines that tell one epoch from another.
                total += float(hard(columns, None)) * len(some)
        return {"loss": round(total / len(self.others.questions), 6)}

    def _right(self, some: Sequence[int]) -> list[str]:
        """The passages of some pairs as the encoder reads them."""
        return [self.training.passages[at] for at in some]

    def _batch(self, texts: Texts, some: Sequence[int], *negatives: Sequence[str]) -> dict[str, Any]:
        """The features of a batch: those of the questions, and under ``others`` those of the other columns."""
        question, passage = self.prompts
        with reading(self.model, self.recipe.max_length):
            first = self._features([texts.questions[at] for at in some], question)
            others = [[texts.passages[at] for at in some], *map(list, negatives)]
            return {**first, "others": [self._features(column, passage) for column in others]}

    def _features(self, texts: list[str], prompt: str) -> dict[str, Any]:
        return dict(self.model.preprocess(texts, prompt=prompt or None))

    def _losses_of(self, model: Any) -> tuple[Any, Any]:
        """The two losses over a model: the one that is trained, or its float32 master."""
        if id(model) not in self._losses:
            self._losses[id(model)] = _losses(self.recipe, model)
        return self._losses[id(model)]


def batches(keys: Sequence[str], size: int, seed: str) -> list[list[int]]:
    """The numbers of all pairs in random order, in batches in which no two have the same key while that can be.

    A passage that belongs to two questions of a batch would be the wrong one for each of them.

    >>> [sorted(batch) for batch in batches("aabb", 2, "")] != [[0, 1], [2, 3]]
    True
    """
    order = list(range(len(keys)))
    random.Random(seed).shuffle(order)
    found: list[list[int]] = []
    while order:
        batch: list[int] = []
        seen: set[str] = set()
        left: list[int] = []
        for place, at in enumerate(order):
            if len(batch) == size:
                left += order[place:]
                break
            if keys[at] in seen:
                left.append(at)
            else:
                batch.append(at)
                seen.add(keys[at])
        found.append(batch)
        order = left
    return found


def _losses(recipe: RetrieverRecipe, model: Any) -> tuple[Any, Any]:
    from sentence_transformers.sentence_transformer import losses
    from sentence_transformers.util import pairwise_cos_sim

    both: dict[str, Any] = {"directions": ("query_to_doc", "doc_to_query"), "partition_mode": "per_direction"}
    options: dict[str, Any] = {"scale": recipe.scale, **(both if recipe.symmetric else {})}
    hard: Any
    if recipe.mini_batch_size < recipe.batch_size:
        hard = losses.CachedMultipleNegativesRankingLoss(model, mini_batch_size=recipe.mini_batch_size, **options)
    else:  # Nothing is to be cached, and each text is read once instead of twice.
        hard = losses.MultipleNegativesRankingLoss(model, **options)
    if recipe.matryoshka:
        whole = model.get_embedding_dimension()
        hard = losses.MatryoshkaLoss(model, hard, sorted({*recipe.matryoshka, whole}, reverse=True))
    soft = losses.DistillKLDivLoss(
        model,
        similarity_fct=lambda one, other: recipe.scale * pairwise_cos_sim(one, other),
        temperature=recipe.distill_temperature,
    )
    return hard, soft


def apart(right: Sequence[str], negatives: Sequence[Sequence[str]]) -> list[list[str]]:
    """The negatives of a batch's questions without those that are the right passage of another question in it.

    A batch compares each question with the negatives of all, so that one would be wrong for the question that it
    answers. In its place stands another negative of the batch, which is compared with all of them anyway; where there
    is none, it stays.

    >>> apart(["a", "b", "c"], [["b"], ["x"], ["y"]])
    [['x'], ['x'], ['y']]
    """
    taken = set(right)
    rest = cycle(list(dict.fromkeys(one for some in negatives for one in some if one not in taken)) or [None])
    return [[(next(rest) or one) if one in taken else one for one in some] for some in negatives]


def _columns(batch: dict[str, Any], others: str) -> list[dict[str, Any]]:
    """The features of the questions and of the columns ``others``, each once more: a model writes its vectors there."""
    first = {name: value for name, value in batch.items() if name not in ("others", "scored", "labels")}
    return [first, *map(dict, batch[others])]
