"""Questions and contexts in; the answers that transformers' removed pipeline made of the same logits out.

Its score is softmax(start) x softmax(end) inside a window, added up over equal texts, which cannot be compared between
windows or passages; ``Reader.read`` gives scores that can. Two things differ: an answer never begins or ends with white
space, and a word that the edge of a window cuts is whole.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias, TypedDict

import numpy as np
from numpy.typing import NDArray

from odqa.reader import decode
from odqa.reader.features import Window
from odqa.runtime.tokens import untouched
from odqa.views import Context, view_of

Words: TypeAlias = dict[tuple[int, int], tuple[int, int]]
Logits: TypeAlias = Callable[..., Iterator[tuple[Window, decode.Array, decode.Array]]]


class Answer(TypedDict):
    """An answer as the pipeline gave it: ``start`` and ``end`` are characters of the context."""

    score: float
    start: int
    end: int
    answer: str


Answers: TypeAlias = Answer | list[Answer]
"""What one question gets: an answer, or several with ``top_k`` above 1, where its context has more than one."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What the options of the pipeline come to; ``max_length`` and ``stride`` are those of windows, in tokens."""

    top_k: int
    stride: int
    max_length: int
    max_answer_len: int
    impossible: bool
    whole_words: bool
    batch_size: int


def answers(
    tokenizer: Any, logits: Logits, questions: Sequence[str], contexts: Sequence[str], settings: Settings
) -> list[Answers]:
    """Answer each question from its context; ``tokenizer`` and ``logits`` are those of an ``odqa.Reader``.

    An answer may reach over the blocks of a context. Where the tokenizer makes no token of it, there is none.
    """
    # Spans that widen to the same words are added up, so the pipeline took more of them than it was asked for.
    n_best = 2 * settings.top_k + 10 if settings.whole_words else settings.top_k
    text = ""
    words: Words = {}
    found: list[list[Answer]] = [[] for _ in questions]
    null = [1e6] * len(questions)
    # Without blocks, as the pipeline knew none; words are found in the same view, or their places would not be those of
    # the windows' tokens.
    read = [Context(context) for context in contexts]
    windows = logits(questions, read, settings.batch_size, max_length=settings.max_length, stride=settings.stride)
    for window, start, end in sorted(windows, key=lambda item: (item[0].pair, _begin(item[0]))):
        inside = window.offsets[:, 0] >= 0
        starts, ends, impossible = _probabilities(window, inside, start, end)
        null[window.pair] = min(null[window.pair], impossible)
        if settings.whole_words and contexts[window.pair] != text:
            words = _words(tokenizer, contexts[window.pair])
        text = contexts[window.pair]
        with np.errstate(divide="ignore"):
            tokens = np.flatnonzero(inside)
            pairs = decode.best_pairs(
                np.log(starts[tokens]),
                np.log(ends[tokens]),
                np.zeros(len(tokens), np.int32),
                n_best=n_best,
                max_units=settings.max_answer_len,
            )
        for first, last, score in pairs:
            (begin, _), (_, after) = (_widened(window, tokens[token], words) for token in (first, last))
            begin, after = decode.trim(text, begin, after)
            if begin < after:
                _add(found[window.pair], text[begin:after], begin, float(np.exp(score)))
    if settings.impossible:
        for some, impossible in zip(found, null, strict=True):
            some.append({"score": impossible, "start": 0, "end": 0, "answer": ""})
    return [_best(some, settings.top_k) for some in found]


def _begin(window: Window) -> int:
    inside = window.offsets[window.answerable]
    return int(inside[0, 0]) if len(inside) else 0


def _probabilities(
    window: Window, inside: NDArray[np.bool_], start: decode.Array, end: decode.Array
) -> tuple[NDArray[np.float64], NDArray[np.float64], float]:
    """Softmax over the context's tokens and the null position, which competes but cannot be an answer."""
    competing = inside.copy()
    competing[window.null] = True
    probabilities = []
    for logits in (start, end):
        exponentials = np.where(competing, np.exp(logits.astype(np.float64) - logits[competing].max()), 0.0)
        probabilities.append(exponentials / exponentials.sum())
    impossible = float(probabilities[0][window.null] * probabilities[1][window.null])
    return probabilities[0], probabilities[1], impossible


def _words(tokenizer: Any, text: str) -> Words:
    """For the characters of each token those of its word; what a word is, the tokenizer says before it cuts it up."""
    view = view_of(Context(text))
    encoding = untouched(tokenizer).encode(view.text, add_special_tokens=False)
    begins: dict[int | None, int] = {}
    ends: dict[int | None, int] = {}
    for word, (begin, end) in zip(encoding.word_ids, encoding.offsets, strict=True):
        begins.setdefault(word, begin)
        ends[word] = end
    return {
        place: (int(view.begins[begins[word]]), int(view.ends[ends[word] - 1]))
        for word, place in zip(encoding.word_ids, encoding.offsets, strict=True)
        if word is not None and begins[word] < ends[word]
    }


def _widened(window: Window, token: int, words: Words) -> tuple[int, int]:
    """The characters of a token's word, or its own where it belongs to none."""
    begin, end = (int(at) for at in window.places[token])
    return words.get((begin, end)) or (int(window.offsets[token, 0]), int(window.offsets[token, 1]))


def _best(found: list[Answer], top_k: int) -> Answers:
    """The answers of the largest score, best first; a single one stands alone."""
    best = sorted(found, key=lambda item: item["score"], reverse=True)[:top_k]
    return best[0] if len(best) == 1 else best


def _add(found: list[Answer], answer: str, start: int, score: float) -> None:
    """Add an answer, or its score to one of the same text in another place, as the pipeline did."""
    for known in found:
        if known["answer"].lower() == answer.lower():
            known["score"] += score
            return
    found.append({"score": score, "start": start, "end": start + len(answer), "answer": answer})
