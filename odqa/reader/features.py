"""(Question, context) pairs go in, windows of tokens and padded batches come out. Knows nothing of models.

A context is read after its title and headings, which no answer may touch. One that does not fit beside its question
is read in windows that overlap by ``stride`` tokens (Devlin et al. 2019, appendix A; the "doc stride" of their code,
counted here, as tokenizers do, as the overlap); title and headings stand in each of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from odqa.errors import ModelError, UsageError
from odqa.runtime.tokens import inputs_of, padded, untouched
from odqa.views import Context, View, heading_path, plain, view_of

PAIRS_AT_A_TIME = 512  # What the tokenizer gets at once: enough to use all cores, little enough to stream.
PATH_SHARE = 4  # Title and headings get a quarter of a window at most.
LEAST_ROOM = 16  # Tokens of a window that a question has to leave.
LEAST_STEP = 8  # Tokens by which windows move on; where a long question leaves fewer, they share half of the room.


@dataclass(frozen=True, slots=True)
class Window:
    """One window over one pair, unpadded.

    ``inputs`` are the model's inputs by name, each of ``length`` token values. ``places`` (length, 2) are the
    character span of each token in the view, and ``offsets`` (length, 2) in the context; tokens that are not context
    have (-1, -1), those of what the view puts in cover no character of the context. ``null`` is the position that
    stands for "no answer": the [CLS] token, or the first token where a model has none. ``second`` is the position of
    the first token after the question.
    """

    pair: int
    inputs: dict[str, NDArray[np.int32]]
    places: NDArray[np.int32]
    offsets: NDArray[np.int32]
    null: int
    second: int

    @property
    def length(self) -> int:
        """The number of tokens."""
        return len(self.offsets)

    @property
    def answerable(self) -> NDArray[np.bool_]:
        """(length,) True where a span may begin or end: a context token that covers at least one character."""
        return self.offsets[:, 1] > self.offsets[:, 0]


def windows(
    tokenizer: Any, questions: Sequence[str], contexts: Sequence[Context], *, max_length: int, stride: int
) -> Iterator[Window]:
    """Give the windows of each pair, in the order of the pairs.

    Raises UsageError where a question leaves no room for its context, and ModelError where the tokenizer is slow
    (it gives no character offsets).
    """
    backend = _backend(tokenizer)
    if not 0 <= stride < max_length:
        raise UsageError(f"stride is {stride} and max length {max_length}: it must hold 0 <= stride < max length")
    special = backend.num_special_tokens_to_add(is_pair=True)

    @lru_cache(maxsize=PAIRS_AT_A_TIME)  # Neighbours share their headings.
    def before(path: tuple[str, ...], limit: int) -> Any:
        text = heading_path(path, limit, lambda part: backend.encode(part, add_special_tokens=False).offsets)
        return backend.encode(text, add_special_tokens=False)

    for begin in range(0, len(questions), PAIRS_AT_A_TIME):
        # Some tokenizers turn the spaces before a question into tokens of their own, which only cost room.
        some = [plain(question).strip() for question in questions[begin : begin + PAIRS_AT_A_TIME]]
        views = [view_of(context) for context in contexts[begin : begin + PAIRS_AT_A_TIME]]
        asked = backend.encode_batch(some, add_special_tokens=False)
        texts = backend.encode_batch([view.text for view in views], add_special_tokens=False)
        for at, (question, text) in enumerate(zip(asked, texts, strict=True)):
            room = _room(some[at], len(question), max_length - special, stride, max_length)
            overlap = stride if room - stride >= LEAST_STEP else room // 2
            # Title and headings take half of each step at most: else the windows of a long text are legion.
            path = before(contexts[begin + at].path, min(max_length // PATH_SHARE, (room - overlap) // 2))
            text.truncate(room - len(path), stride=overlap)
            for piece in (text, *text.overflowing):
                yield _window(tokenizer, begin + at, backend, question, path, piece, views[at])


def lengths(tokenizer: Any, max_length: int, stride: int) -> tuple[int, int]:
    """The tokens of a window and those that two windows share, as a reader has them that was asked for these.

    A window has no more tokens than the tokenizer allows, and it shares at most a third of them.
    """
    longest = min(max_length, tokenizer.model_max_length)
    return longest, min(stride, longest // 3)


def check_question(tokenizer: Any, question: str, *, max_length: int, stride: int) -> None:
    """Raise UsageError where a question leaves no room for any context, and ModelError, as :func:`windows` does."""
    backend = _backend(tokenizer)
    text = plain(question).strip()
    length = len(backend.encode(text, add_special_tokens=False))
    _room(text, length, max_length - backend.num_special_tokens_to_add(is_pair=True), stride, max_length)


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
    return padded(tokenizer, [window.inputs for window in some], width)


def _backend(tokenizer: Any) -> Any:
    """What cuts texts into tokens. Raises ModelError for a slow tokenizer."""
    if not getattr(tokenizer, "is_fast", False):
        raise ModelError(
            f"{type(tokenizer).__name__} is not a fast tokenizer and gives no character offsets; use a model whose "
            "folder has a tokenizer.json"
        )
    return untouched(tokenizer)


def _window(tokenizer: Any, pair: int, backend: Any, question: Any, path: Any, piece: Any, view: View) -> Window:
    merged = type(piece).merge([path, piece], growing_offsets=False) if len(path) else piece
    encoding = backend.post_process(question, merged)
    sides = np.array([-1 if side is None else side for side in encoding.sequence_ids], dtype=np.int32)
    second = int(np.argmax(sides == 1)) if (sides == 1).any() else len(sides)
    places = np.full((len(sides), 2), -1, dtype=np.int32)
    offsets = places.copy()
    own = np.flatnonzero(sides == 1)[len(path) :]
    # Not those of the whole: some post-processors take the space off the front of every token's span once more.
    places[own] = np.array(piece.offsets, dtype=np.int32).reshape(-1, 2)
    filled = own[places[own, 1] > places[own, 0]]
    offsets[own] = 0
    offsets[filled] = np.stack([view.begins[places[filled, 0]], view.ends[places[filled, 1] - 1]], axis=1)
    inputs = {name: np.array(values, dtype=np.int32) for name, values in inputs_of(tokenizer, encoding).items()}
    return Window(pair, inputs, places, offsets, _null_position(inputs["input_ids"], tokenizer.cls_token_id), second)


def _room(question: str, tokens: int, whole: int, stride: int, max_length: int) -> int:
    """The tokens that a question of so many leaves of ``whole``. Raises UsageError where they are too few."""
    room = whole - tokens
    if room < min(stride + 1, LEAST_ROOM):
        raise UsageError(
            f"a question of {tokens} tokens leaves no room for its context in windows of {max_length} tokens: "
            f"{question[:60]!r}…; shorten it or raise the max length"
        )
    return room


def _null_position(ids: NDArray[np.int32], cls: int | None) -> int:
    return int(np.argmax(ids == cls)) if cls is not None else 0
