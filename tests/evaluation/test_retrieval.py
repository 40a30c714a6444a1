"""Four questions that a reader can count by hand, and ranx where it is installed."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from odqa.evaluation.retrieval import ndcg, recall, reciprocal_rank

# Places of the relevant passages that were found, and how many there are.
FIRST = ([1], 1)
THIRD = ([3], 1)
NONE = ([], 1)
TWO_OF_THREE = ([4, 2], 3)


@pytest.mark.parametrize(
    ("case", "k", "expected"),
    [(FIRST, 1, 1), (THIRD, 1, 0), (THIRD, 3, 1), (NONE, 100, 0), (TWO_OF_THREE, 2, 1 / 3), (TWO_OF_THREE, 9, 2 / 3)],
)
def test_recall(case: tuple[list[int], int], k: int, expected: float) -> None:
    assert recall(*case, k) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("case", "k", "expected"),
    [(FIRST, 10, 1), (THIRD, 10, 1 / 3), (THIRD, 2, 0), (NONE, 10, 0), (TWO_OF_THREE, 10, 0.5)],
)
def test_reciprocal_rank(case: tuple[list[int], int], k: int, expected: float) -> None:
    assert reciprocal_rank(case[0], k) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("case", "k", "expected"),
    [
        (FIRST, 10, 1),
        (THIRD, 10, 1 / 2),  # 1 / log2(4), and the best order has 1 / log2(2) = 1
        (THIRD, 2, 0),
        (NONE, 10, 0),
        (TWO_OF_THREE, 10, (1 / math.log2(3) + 1 / math.log2(5)) / (1 + 1 / math.log2(3) + 1 / 2)),
        (TWO_OF_THREE, 2, (1 / math.log2(3)) / (1 + 1 / math.log2(3))),
    ],
)
def test_ndcg(case: tuple[list[int], int], k: int, expected: float) -> None:
    assert ndcg(*case, k) == pytest.approx(expected)


RUNS = st.lists(st.tuples(st.permutations(range(12)), st.sets(st.integers(0, 15), min_size=1)), min_size=1, max_size=6)


@given(runs=RUNS, k=st.integers(1, 12))
def test_every_metric_lies_between_0_and_1_and_a_perfect_order_has_1(
    runs: list[tuple[list[int], set[int]]], k: int
) -> None:
    for order, relevant in runs:
        ranks = [rank for rank, row in enumerate(order, start=1) if row in relevant]
        for value in (recall(ranks, len(relevant), k), reciprocal_rank(ranks, k), ndcg(ranks, len(relevant), k)):
            assert 0 <= value <= 1 + 1e-9
    assert recall([1, 2], 2, 2) == reciprocal_rank([2, 1], 1) == ndcg([2, 1], 2, 5) == 1


def test_the_metrics_are_those_of_ranx() -> None:
    ranx = pytest.importorskip("ranx")
    orders = {"a": [3, 1, 2, 7], "b": [5, 6, 0, 9], "c": [8, 4, 2, 1], "d": [0, 1, 2, 3]}
    relevant = {"a": {3}, "b": {0, 9, 11}, "c": {7}, "d": {1, 2, 14}}
    run = ranx.Run({name: {str(row): float(-at) for at, row in enumerate(rows)} for name, rows in orders.items()})
    qrels = ranx.Qrels({name: {str(row): 1 for row in rows} for name, rows in relevant.items()})
    ranks = {name: [at for at, row in enumerate(orders[name], 1) if row in relevant[name]] for name in orders}
    for k in (1, 2, 3, 10):
        ours = {
            f"recall@{k}": [recall(ranks[name], len(relevant[name]), k) for name in orders],
            f"mrr@{k}": [reciprocal_rank(ranks[name], k) for name in orders],
            f"ndcg@{k}": [ndcg(ranks[name], len(relevant[name]), k) for name in orders],
        }
        for metric, values in ours.items():
            assert ranx.evaluate(qrels, run, metric) == pytest.approx(sum(values) / len(values)), metric
