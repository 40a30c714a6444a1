"""A masked language model and a text with masks go in, the likeliest tokens for each mask come out. Trains nothing."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from odqa.errors import UsageError
from odqa.training.base import positions

WRITTEN = re.compile(r"<mask>|\[MASK\]")  # How people write a mask, whatever the model's own is.


@dataclass(frozen=True, slots=True)
class Guess:
    """A token for a mask: its text, its probability, and the whole text with it in the mask's place.

    Other masks of the text stay masks.
    """

    token: str
    score: float
    text: str


def fill(model: Any, tokenizer: Any, text: str, k: int = 5) -> list[list[Guess]]:
    """The ``k`` likeliest tokens for each mask of a text, the likeliest first.

    A mask is written as the model's own or as ``<mask>`` or ``[MASK]``. Raises UsageError for a text without one, for
    one that is longer than the model reads, and for a ``k`` that is no number of tokens.
    """
    import torch

    mask = tokenizer.mask_token
    text = WRITTEN.sub(lambda _: mask, text)
    if mask not in text:
        raise UsageError(f"no mask in {_short(text)}; write <mask> where a word is missing: 'Paris is <mask>.'")
    if not 1 <= k <= len(tokenizer):
        raise UsageError(f"k is {k}; it must be from 1 to the {len(tokenizer):,} tokens of the model's vocabulary")
    inputs = tokenizer(text, return_tensors="pt", verbose=False)
    ids = inputs["input_ids"][0]
    room = min(filter(None, (positions(model), tokenizer.model_max_length)))
    if len(ids) > room:
        raise UsageError(f"the text has {len(ids):,} tokens, and the model reads at most {room:,}; give a shorter one")
    places = (ids == tokenizer.mask_token_id).nonzero().flatten().tolist()
    with torch.no_grad():
        given = {name: values.to(model.device) for name, values in inputs.items()}
        shares = model(**given).logits[0, places].float().softmax(dim=-1)
    best, tokens = shares.topk(k, dim=-1)
    return [
        [_guess(tokenizer, ids.tolist(), place, token, score) for token, score in zip(some, scores, strict=True)]
        for place, some, scores in zip(places, tokens.tolist(), best.tolist(), strict=True)
    ]


def _guess(tokenizer: Any, ids: list[int], place: int, token: int, score: float) -> Guess:
    """A token in its place, between what stands around it without the tokens of the text's begin and end."""
    ends = {tokenizer.cls_token_id, tokenizer.sep_token_id, tokenizer.bos_token_id, tokenizer.eos_token_id}
    whole = [*ids[:place], token, *ids[place + 1 :]]
    kept = [one for at, one in enumerate(whole) if at == place or one not in ends]
    return Guess(tokenizer.decode([token]), score, tokenizer.decode(kept).strip())


def _short(text: str) -> str:
    return repr(text if len(text) <= 60 else f"{text[:59]}…")
