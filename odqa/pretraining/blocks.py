"""Texts and a tokenizer go in, blocks of tokens of equal length come out, in a file. Knows no masks and no model.

The texts stand one after the other, a separator after each, and are cut where a block is full: the packing of RoBERTa's
full sentences across documents (Liu et al. 2019, section 4.2), by tokens instead of sentences.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from odqa.errors import DataError
from odqa.pretraining.tokens import beginning, separator

AT_A_TIME = 1000  # Texts that are cut into tokens together.
START = 1 << 30  # Is set in a token with which a word begins.


@dataclass(frozen=True, slots=True)
class Blocks:
    """Blocks of tokens, (blocks, length) in int32, as they lie in a file; only what is asked for is in memory."""

    tokens: NDArray[np.int32]

    @property
    def length(self) -> int:
        """Tokens of a block."""
        return int(self.tokens.shape[1])

    def __len__(self) -> int:
        return len(self.tokens)

    def __getitem__(self, at: int) -> NDArray[np.int32]:
        row: NDArray[np.int32] = self.tokens[at]
        return row


def write(path: Path, tokenizer: Any, texts: Iterable[str], length: int) -> int:
    """Pack the texts into blocks of ``length`` tokens, the last one padded; how many blocks there are.

    Each block is between the tokenizer's tokens for a text's begin and end. What looks like a special token in a text
    is text.
    """
    first, last = beginning(tokenizer), separator(tokenizer)
    before, after = [] if first is None else [first], [last]
    body, count, waiting = length - len(before) - len(after), 0, np.empty(0, dtype=np.int32)
    with path.open("wb") as stream:

        def put(some: NDArray[np.int32]) -> None:
            rows = np.full((len(some), length), last, dtype="<i4")
            rows[:, : len(before)] = first or 0
            rows[:, len(before) : len(before) + body] = some
            stream.write(rows.tobytes())

        for tokens in _tokens(tokenizer, texts):
            waiting = np.concatenate([waiting, tokens])
            full = len(waiting) // body
            put(waiting[: full * body].reshape(full, body))
            count, waiting = count + full, waiting[full * body :]
        if len(waiting):
            row = [*before, *waiting.tolist(), *after]
            stream.write(np.array(row + [tokenizer.pad_token_id] * (length - len(row)), dtype="<i4").tobytes())
            count += 1
    return count


def read(path: Path, length: int) -> Blocks:
    """The blocks of a file that :func:`write` wrote. Raises DataError where it holds no whole number of them."""
    size = path.stat().st_size
    if not size or size % (4 * length):
        raise DataError(f"{path}: {size:,} bytes are not blocks of {length} tokens; train again without --resume")
    return Blocks(np.memmap(path, dtype="<i4", mode="r", shape=(size // (4 * length), length)))


def split(some: NDArray[np.int32]) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """The numbers of the tokens, and with which of them a word begins; both of the shape of ``some``."""
    return (some & (START - 1)).astype(np.int64), (some & START) > 0


def _tokens(tokenizer: Any, texts: Iterable[str]) -> Iterator[NDArray[np.int32]]:
    """The tokens of a few texts at a time, with their marks of words and a separator after each text."""
    backend, end = tokenizer.backend_tokenizer, separator(tokenizer)
    before = backend.encode_special_tokens
    backend.encode_special_tokens = True
    backend.no_truncation()
    backend.no_padding()
    try:
        left = iter(texts)
        while some := list(islice(left, AT_A_TIME)):
            found: list[int] = []
            for one in backend.encode_batch(some, add_special_tokens=False):
                words = one.word_ids
                found += [
                    token | (START if word is None or not at or word != words[at - 1] else 0)
                    for at, (token, word) in enumerate(zip(one.ids, words, strict=True))
                ]
                found.append(end)
            yield np.array(found, dtype=np.int32)
    finally:
        backend.encode_special_tokens = before
