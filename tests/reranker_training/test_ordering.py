"""The loss of an order, checked against sentence-transformers' own, and the scores of an epoch, counted by hand."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from sentence_transformers.cross_encoder.losses import ListNetLoss

from odqa.models import resolve
from odqa.reranker_training.ordering import Lists, Ordering
from odqa.reranker_training.recipe import RerankerRecipe
from odqa.retrieval.reranker import load_model

LISTS = Lists(
    ["who built the tower", "what orbits the earth"],
    [["the engineer Gustave", "the moon", "a river in Paris"], ["the moon orbits", "the sun", "the Louvre museum"]],
    [[3.0, 1.0, -2.0], [0.5, 0.0, 1.0]],
)


@pytest.fixture
def model(tiny_reranker: Path) -> Any:
    return load_model(resolve(tiny_reranker), "cpu", labels=1).float().eval()


def ordering(recipe: Callable[..., RerankerRecipe], model: Any, lists: Lists, **settings: object) -> Ordering:
    return Ordering(recipe(**settings), None, model, lists, lists)


def test_the_loss_is_that_of_list_net(recipe, model):
    """Labels far apart make the one that is right all of its distribution."""
    task = ordering(recipe, model, Lists(LISTS.questions, LISTS.passages))
    wanted = ListNetLoss(model)([LISTS.questions, LISTS.passages], [torch.tensor([99.0, 0, 0])] * 2)
    assert task.loss(model, task.collate([0, 1])).item() == pytest.approx(wanted.item(), rel=1e-5)


def test_a_teacher_s_part_is_that_of_list_net_but_for_the_teacher_s_entropy(recipe, model):
    task = ordering(recipe, model, LISTS, distill="a", distill_weight=1.0, distill_temperature=1.0)
    wanted = ListNetLoss(model)([LISTS.questions, LISTS.passages], [torch.tensor(one) for one in LISTS.worth])
    entropy = torch.distributions.Categorical(logits=torch.tensor(LISTS.worth)).entropy().mean()
    assert task.loss(model, task.collate([0, 1])).item() == pytest.approx((wanted - entropy).item(), rel=1e-4)


def test_both_parts_are_weighed(recipe, model):
    hard, soft, both = (
        ordering(recipe, model, LISTS, distill="a", distill_weight=weight) for weight in (0.0, 1.0, 0.25)
    )
    losses = [task.loss(model, task.collate([0, 1])).item() for task in (hard, soft, both)]
    assert losses[2] == pytest.approx(0.75 * losses[0] + 0.25 * losses[1], rel=1e-5)


def test_no_more_tokens_are_read_than_are_asked_for(recipe, model):
    task = ordering(recipe, model, LISTS, max_length=6)
    assert task.collate([0])["input_ids"].shape == (3, 6)
    assert model.max_seq_length > 6, "as it was"


def test_an_epoch_s_scores_by_hand(recipe):
    """A model whose score is the length of the passage, so that one of the two right ones comes first."""
    found = {"a": 1.0, "aaa": 3.0, "aa": 2.0}
    lists = Lists(["?", "?"], [["aaa", "a", "aa"], ["aa", "aaa", "a"]])

    class Lengths:
        device, max_seq_length = torch.device("cpu"), None

        def preprocess(self, pairs: list[tuple[str, str]]) -> dict[str, Any]:
            return {"input_ids": torch.tensor([[found[passage]] for _, passage in pairs])}

        def __call__(self, batch: dict[str, Any]) -> dict[str, Any]:
            return {"scores": batch["input_ids"]}

    model = Lengths()
    no_cast = SimpleNamespace(autocast=lambda: torch.autocast("cpu", enabled=False))
    task = Ordering(recipe(), no_cast, model, lists, lists)
    scores = torch.tensor([[3.0, 1.0, 2.0], [2.0, 3.0, 1.0]])
    assert task.evaluate(model) == {
        "loss": pytest.approx(float(-scores.log_softmax(1)[:, 0].mean()), abs=1e-6),
        "first": 0.5,
    }
