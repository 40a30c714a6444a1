"""(Question, context) pairs go in, windows of tokens and padded batches come out. Knows nothing of models.

A context that does not fit beside its question is read in windows that overlap by ``stride`` tokens
(Devlin et al. 2019, appendix A; the "doc stride" of their code, counted here, as tokenizers do, as the overlap).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from odqa.errors import ModelError, UsageError

PAIRS_AT_A_TIME = 512  # What the tokenizer gets at once: enough to use all cores, little enough to stream.


@dataclass(frozen=True, slots=True)
class Window:
    """One window over one pair, unpadded.

    ``inputs`` are the model's inputs by name, each of ``length`` token values. ``offsets`` (length, 2) are the
    character span of each token in the context; tokens that are not context have (-1, -1). ``null`` is the
    position that stands for "no answer": the [CLS] token, or the first token where a model has none.
    """

    pair: int
    inputs: dict[str, NDArray[np.int32]]
    offsets: NDArray[np.int32]
    null: int

    @property
    def length(self) -> int:
        """The number of tokens."""
        return len(self.offsets)

    @property
    def answerable(self) -> NDArray[np.bool_]:
        """(length,) True where a span may begin or end: a context token that covers at least one character."""
        return self.offsets[:, 1] > self.offsets[:, 0]


def windows(
    tokenizer: Any, questions: Sequence[str], contexts: Sequence[str], *, max_length: int, stride: int
) -> Iterator[Window]:
    """Give the windows of each pair, in the order of the pairs.

    Raises UsageError where a question leaves no room for its context, and ModelError where the tokenizer is slow
    (it gives no character offsets).
    """
    if not getattr(tokenizer, "is_fast", False):
        raise ModelError(
            f"{type(tokenizer).__name__} is not a fast tokenizer and gives no character offsets; use a model whose "
            "folder has a tokenizer.json"
        )
    if not 0 <= stride < max_length:
        raise UsageError(f"stride is {stride} and max length {max_length}: it must hold 0 <= stride < max length")
    for begin in range(0, len(questions), PAIRS_AT_A_TIME):
        # Some tokenizers turn the spaces before a question into tokens of their own, which only cost room.
        some = [question.strip() for question in questions[begin : begin + PAIRS_AT_A_TIME]]
        _check_room(tokenizer, some, max_length, stride)
        encoded = tokenizer(
            some,
            list(contexts[begin : begin + PAIRS_AT_A_TIME]),
            truncation="only_second",
            max_length=max_length,
            stride=stride,
            padding=False,
            return_overflowing_tokens=True,
            return_offsets_mapping=True,
        )
        names = [name for name in tokenizer.model_input_names if name in encoded]
        for at, encoding in enumerate(encoded.encodings):
            offsets = np.array(encoding.offsets, dtype=np.int32).reshape(-1, 2)
            in_context = np.array([sequence == 1 for sequence in encoding.sequence_ids])
            offsets[~in_context] = -1
            inputs = {name: np.array(encoded[name][at], dtype=np.int32) for name in names}
            yield Window(
                pair=begin + encoded["overflow_to_sample_mapping"][at],
                inputs=inputs,
                offsets=offsets,
                null=_null_position(inputs["input_ids"], tokenizer.cls_token_id),
            )


def batches(lengths: Sequence[int], batch_size: int) -> list[list[int]]:
    """Group positions into batches of like length, longest first, so that there is little padding."""
    order = sorted(range(len(lengths)), key=lambda at: (-lengths[at], at))
    return [order[at : at + batch_size] for at in range(0, len(order), batch_size)]


def pad(tokenizer: Any, some: Sequence[Window], multiple: int = 32) -> dict[str, NDArray[np.int64]]:
    """Pad windows to one length, a multiple of ``multiple``: the inputs by name, each (windows, padded length).

    Padding always follows the window, whatever the tokenizer's side: there the attention mask takes it out
    entirely, while in front it would shift the absolute positions of the window's tokens, and its logits with them.
    Lengths in steps keep the CPU's memory allocator from holding a buffer for every length that ever occurred.
    """
    longest = max(window.length for window in some)
    width = -(-longest // multiple) * multiple
    limit = tokenizer.model_max_length
    if longest <= limit < width:
        width = limit
    fill = {
        "input_ids": tokenizer.pad_token_id if tokenizer.pad_token_id is not None else 0,
        "token_type_ids": getattr(tokenizer, "pad_token_type_id", 0),
    }
    padded = {}
    for name in some[0].inputs:
        values = np.full((len(some), width), fill.get(name, 0), dtype=np.int64)
        for row, window in enumerate(some):
            values[row, : window.length] = window.inputs[name]
        padded[name] = values
    return padded


def _check_room(tokenizer: Any, questions: Sequence[str], max_length: int, stride: int) -> None:
    encoded = tokenizer(list(questions), add_special_tokens=False, return_attention_mask=False)["input_ids"]
    room = max_length - tokenizer.num_special_tokens_to_add(pair=True) - stride
    for question, tokens in zip(questions, encoded, strict=True):
        if len(tokens) >= room:
            raise UsageError(
                f"a question of {len(tokens)} tokens leaves no room for its context in windows of {max_length} "
                f"tokens with a stride of {stride}: {question[:60]!r}…; shorten it or raise the max length"
            )


def _null_position(ids: NDArray[np.int32], cls: int | None) -> int:
    return int(np.argmax(ids == cls)) if cls is not None else 0
