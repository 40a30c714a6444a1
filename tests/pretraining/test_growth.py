"""The pieces of blocks, counted by hand, and that no token is lost in any."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as some

from odqa.pretraining.blocks import Blocks
from odqa.pretraining.growth import SHORT, Growing, pieces

PADDING = 1


def blocks(count: int, length: int) -> Blocks:
    return Blocks(np.arange(10, 10 + count * length, dtype=np.int32).reshape(count, length))


@pytest.mark.parametrize(
    ("share", "length", "lengths"),
    [
        (0.8, 512, (16, 64, 512)),
        (0.8, 64, (16, 64)),
        (0.8, 16, (16,)),
        (0.8, 8, (8,)),
        (0.0, 512, (512,)),
        (0.8, 65, (13, 33, 65)),
    ],
)
def test_pieces_are_shorter_than_blocks(share: float, length: int, lengths: tuple[int, ...]) -> None:
    assert Growing(blocks(3, length), share).lengths == lengths


def test_they_grow_while_the_run_goes_on() -> None:
    growing = Growing(blocks(2, 128), 0.5)
    moments = (0.0, 0.24, 0.26, 0.49, 0.5, 0.99)
    assert [growing[growing.number(1, done)][1] for done in moments] == [16, 16, 64, 64, 128, 128]
    for done in moments:
        assert growing[growing.number(1, done)][0].tolist() == list(range(138, 266))
    assert len(growing) == 6


@given(share=some.floats(0, 0.999), done=some.floats(0, 1), length=some.integers(4, 200))
def test_every_moment_has_a_stage_and_pieces_never_become_shorter(share: float, done: float, length: int) -> None:
    growing = Growing(blocks(2, length), share)
    now, later = (growing[growing.number(0, moment)][1] for moment in (done, min(done * 1.1, 1.0)))
    assert now <= later <= length
    assert (done < share and length > SHORT[0]) or now == length


def test_the_last_piece_is_padded_and_padding_alone_is_left_out() -> None:
    ids = torch.tensor([[5, 6, 7, 8, 9, 2, PADDING], [5, 2, *[PADDING] * 5]])
    starts = ids == 7
    cut, words = pieces(ids, starts, 3, PADDING)
    assert cut.tolist() == [[5, 6, 7], [8, 9, 2], [5, 2, PADDING]]
    assert words.tolist() == [[True, False, True], [True, False, False], [True, False, False]]


@given(
    rows=some.integers(1, 4).flatmap(
        lambda wide: some.lists(some.lists(some.integers(2, 50), min_size=wide, max_size=wide), min_size=1, max_size=4)
    ),
    length=some.integers(1, 6),
)
def test_no_token_is_lost(rows: list[list[int]], length: int) -> None:
    ids = torch.tensor(rows)
    cut, words = pieces(ids, ids % 2 == 0, length, PADDING)
    assert cut.shape[1] == length
    assert cut[cut != PADDING].tolist() == ids.flatten().tolist()
    began = torch.zeros_like(ids, dtype=torch.bool)
    began[:, ::length] = True
    assert words[cut != PADDING].tolist() == (began | (ids % 2 == 0)).flatten().tolist()
