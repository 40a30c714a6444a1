"""Blocks of tokens go in, and how long the pieces are in which a run reads them: short, then longer, in the end whole.

A hidden token is guessed from its neighbours before it is guessed from anything else, and in the beginning attention
looks at all tokens of a block alike: of 512 the neighbours are two. A small model with little text would hardly learn
more than how frequent each token is; in pieces of 16 it finds the neighbours (docs/decisions/short-pieces-first.md has
what was measured). BERT read blocks of 128 tokens for the first 90 % of its steps, to save time (Devlin et al. 2019,
appendix A.2).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from odqa.pretraining.blocks import Blocks

if TYPE_CHECKING:
    import torch

SHORT = (16, 64)  # Tokens of a piece, at most; those that are shorter than a block have as many steps each.


@dataclass(frozen=True, slots=True)
class Growing:
    """Blocks that are read in pieces for the first ``share`` of a run, and whole from then on.

    An item is a block and the length of its pieces. Its number says both: ``stage · blocks + row``.
    """

    blocks: Blocks
    share: float

    @property
    def lengths(self) -> tuple[int, ...]:
        """The lengths of all stages, in tokens: the last one is that of a block, which the others cut evenly."""
        whole = self.blocks.length
        counts = (math.ceil(whole / short) for short in SHORT if self.share and short < whole)
        return (*(math.ceil(whole / count) for count in counts), whole)

    def __len__(self) -> int:
        return len(self.blocks) * len(self.lengths)

    def __getitem__(self, number: int) -> tuple[NDArray[np.int32], int]:
        stage, row = divmod(number, len(self.blocks))
        return self.blocks[row], self.lengths[stage]

    def number(self, row: int, done: float) -> int:
        """The number of a block at a moment of the run, of which the share ``done`` is over."""
        last = len(self.lengths) - 1
        stage = int(done / self.share * last) if done < self.share else last
        return min(stage, last) * len(self.blocks) + row


def pieces(ids: torch.Tensor, starts: torch.Tensor, length: int, padding: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Cut blocks and their words' starts, (blocks, tokens), into pieces, (pieces, ``length``), the last ones padded.

    A piece of padding alone is left out. With each piece a word begins: of one that was cut the rest is one.
    """
    import torch

    missing = -ids.shape[1] % length
    cut = torch.nn.functional.pad(ids, (0, missing), value=padding).reshape(-1, length)
    words = torch.nn.functional.pad(starts, (0, missing), value=False).reshape(-1, length)
    words[:, 0] = True
    full = (cut != padding).any(dim=1)
    return cut[full], words[full]
