"""Tokens go in, the same ones with some hidden come out, and which of them are to be guessed. Knows no model, no loss.

Of the tokens that are chosen 80 % become the mask token, 10 % a token at random, and 10 % stay what they are, so that
a model cannot rely on what it sees (Devlin et al. 2019, section 3.1). They are drawn anew whenever a block is read
(Liu et al. 2019, section 4.1).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch

MASKED, RANDOM = 0.8, 0.1


@dataclass(frozen=True, slots=True)
class Masker:
    """How tokens are hidden: the ``share`` to choose, by whole words or one by one, and what is known of the tokens.

    ``special`` are the numbers of those that are never chosen, ``mask`` that of the mask token, ``vocabulary`` how many
    there are in all.
    """

    share: float
    whole_word: bool
    special: tuple[int, ...]
    mask: int
    vocabulary: int

    @classmethod
    def of(cls, tokenizer: Any, share: float, *, whole_word: bool) -> Masker:
        """The masker for the tokens of a tokenizer."""
        special = tuple(tokenizer.all_special_ids)
        return cls(share, whole_word, special, tokenizer.mask_token_id, len(tokenizer))

    def hide(
        self, ids: torch.Tensor, starts: torch.Tensor, generator: torch.Generator | None = None
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """The tokens with some hidden, and True where one is to be guessed, both (blocks, length) like ``ids``.

        ``starts`` is True where a word begins. Draws from torch's own generator, which a checkpoint keeps, or from the
        given one; on the CPU, so that every device reads the same.
        """
        import torch

        own = ~torch.isin(ids, torch.tensor(self.special, device=ids.device))
        drawn = torch.rand(ids.shape, generator=generator)
        kind = torch.rand(ids.shape, generator=generator).to(ids.device)
        others = torch.randint(self.vocabulary, ids.shape, generator=generator).to(ids.device)
        if self.whole_word:  # All tokens of a word share the number that was drawn for the first one so many.
            words = (starts | ~own).long().cumsum(dim=1) - 1
            drawn = drawn.gather(1, words.clamp(min=0).cpu())
        chosen = (drawn.to(ids.device) < self.share) & own
        hidden = ids.masked_fill(chosen & (kind < MASKED), self.mask)
        return torch.where(chosen & (kind >= 1 - RANDOM), others, hidden), chosen
