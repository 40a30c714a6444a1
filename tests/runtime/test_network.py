"""Batches, and that both libraries give the outputs of each in order."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from odqa.runtime.network import batches


def test_batches_are_counted_by_hand() -> None:
    assert list(batches([2, 9, 3, 3, 12], 10)) == [[4], [1], [2, 3, 0]]
    assert list(batches([], 10)) == []
    assert list(batches([0, 0, 5], 5)) == [[2], [0, 1]]
    assert list(batches([1, 1, 1], 5, rows=2)) == [[0, 1], [2]]
    assert list(batches([4, 4, 4, 4], 100, least=2)) == [[0, 1], [2, 3]]


@given(
    st.lists(st.integers(0, 30), max_size=40),
    st.integers(1, 100),
    st.none() | st.integers(1, 5),
    st.integers(1, 4),
)
def test_batches_hold_every_row_once_the_longest_first_within_their_tokens(
    lengths: list[int], tokens: int, rows: int | None, least: int
) -> None:
    found = list(batches(lengths, tokens, rows=rows, least=least))
    order = [row for batch in found for row in batch]
    assert sorted(order) == list(range(len(lengths)))
    assert [lengths[row] for row in order] == sorted(lengths, reverse=True)
    for batch in found:
        assert len(batch) == 1 or len(batch) * lengths[batch[0]] <= tokens
        assert len(batch) <= (rows or len(batch))
    if sum(lengths) and len(lengths) >= least:
        assert len(found) >= min(least, sum(length > 0 for length in lengths)) or max(lengths) * least > sum(lengths)
