"""A teacher's memory: each window is read once, whatever batch it comes in, and a checkpoint brings it back."""

from __future__ import annotations

from typing import Any

import torch
from safetensors.torch import load_file, save_file

from odqa.training.memory import Memory

ROWS = [[2, 7, 3], [2, 8, 9, 3], [2, 7, 3]]


def batch(*rows: list[int]) -> dict[str, Any]:
    width = max(map(len, rows)) + 1
    ids = torch.tensor([row + [0] * (width - len(row)) for row in rows])
    return {"input_ids": ids, "attention_mask": (ids > 0).long()}


class Reader:
    """Says of a token a third of its number and a seventh, which float16 has to round; remembers what it was given."""

    def __init__(self) -> None:
        self.read: list[list[int]] = []

    def __call__(self, given: dict[str, Any]) -> tuple[torch.Tensor, torch.Tensor]:
        self.read += given["input_ids"].tolist()
        return given["input_ids"] / 3, given["input_ids"] / 7


def test_a_window_is_read_once_and_padding_says_nothing():
    memory, reader = Memory(), Reader()
    first = memory.logits(batch(ROWS[0], ROWS[1]), reader)
    assert [row[:4] for row in reader.read] == [[2, 7, 3, 0], [2, 8, 9, 3]]
    again = memory.logits(batch(ROWS[1], [2, 5, 3], ROWS[0]), reader)
    assert len(reader.read) == 3
    for before, after in zip(first, again, strict=True):
        assert before.shape == (2, 5)
        assert before.dtype == torch.float32
        assert before[0, 3:].tolist() == [0, 0]
        assert torch.equal(before[1], after[0])
        assert torch.equal(before[0], after[2])
    assert first[0][1, :4].tolist() == (torch.tensor(ROWS[1]) / 3).half().tolist()
    assert len(memory) == 3


def test_it_comes_back_from_a_checkpoint(tmp_path):
    memory, reader = Memory(), Reader()
    wanted = memory.logits(batch(*ROWS[:2]), reader)
    save_file(memory.state_dict(), tmp_path / "memory")
    other = Memory()
    other.load_state_dict(load_file(tmp_path / "memory"))
    found = other.logits(batch(*ROWS[:2]), reader)
    assert len(reader.read) == 2
    assert all(torch.equal(one, two) for one, two in zip(wanted, found, strict=True))
    other.load_state_dict(Memory().state_dict())
    assert len(other) == 0
