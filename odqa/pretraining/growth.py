"""Blocks of tokens go in, and how long the pieces are in which a run reads them: short, then longer, in the end whole.

A hidden token is guessed from its neighbours before it is guessed from anything else, and in the beginning attention
looks at all tokens of a block alike: of 512 the neighbours are two. A small model with little text would learn how
frequent each token is and end there; in pieces of 16 it finds the neighbours (measured: docs/pretraining.md). BERT read
blocks of 128 tokens for the first 90 % of its steps, to save time (Devlin et al. 2019, appendix A.2).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from odqa.pretraining.blocks import Blocks

if TYPE_CHECKING:
    import torch

SHORT = (16, 64)  # Tokens of a piece, each for as many steps as the other.


@dataclass(frozen=True, slots=True)
class Growing:
    """Blocks that are read in pieces for the first ``share`` of a run, and whole from then on.

    An item is a block and the length of its pieces. Its number says both: ``stage · blocks + row``.
    """

    blocks: Blocks
    share: float

    @property
    def lengths(self) -> tuple[int, ...]:
        """The lengths of all stages, in tokens: the last one is that of a block."""
        return (*(short for short in SHORT if self.share and short < self.blocks.length), self.blocks.length)

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

    A piece of padding alone is left out.
    """
    import torch

    missing = -ids.shape[1] % length
    cut = torch.nn.functional.pad(ids, (0, missing), value=padding).reshape(-1, length)
    words = torch.nn.functional.pad(starts, (0, missing), value=False).reshape(-1, length)
    full = (cut != padding).any(dim=1)
    return cut[full], words[full]
