"""From the logits of windows to the best spans of a context. Pure; knows nothing of models or tokenizers.

Start and end are decoded jointly: every pair with start ≤ end ≤ start + limit competes, none is left out by taking
the best starts and the best ends apart. The score of a span is its start logit + its end logit, and the null
score is the same sum at the null position (Devlin et al. 2019, section 4.3). From a span's score a penalty may be
taken for each token after its first one: a geometric prior of the length, which the two logits, each for
a single place, know nothing of.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from odqa.types import Reading, Span

Array = NDArray[np.float32]


def best_pairs(
    start: Array,
    end: Array,
    allowed: NDArray[np.bool_],
    *,
    n_best: int,
    max_tokens: int,
    length_penalty: float = 0.0,
) -> list[tuple[int, int, float]]:
    """The ``n_best`` pairs (first token, last token, score) of one window, best first; ties by position.

    ``start``, ``end`` and ``allowed`` are (length,); a span has at most ``max_tokens`` tokens, both of its ends
    are allowed. ``length_penalty`` is in logits for each token after the first. Fewer pairs come back where fewer are
    valid.
    """
    first = np.flatnonzero(allowed)
    if not len(first):
        return []
    # Row i, column j holds the score of the span of tokens i … i + j: a band, not the whole square.
    ends = np.where(allowed, end, -np.inf).astype(np.float32)
    ends = np.concatenate([ends, np.full(max_tokens - 1, -np.inf, dtype=np.float32)])
    band = start[first, None] + np.lib.stride_tricks.sliding_window_view(ends, max_tokens)[first]
    scores = (band - np.arange(max_tokens, dtype=np.float32) * np.float32(length_penalty)).ravel()
    count = min(n_best, int(np.isfinite(scores).sum()))
    if not count:
        return []
    # All that reach the last of the best scores, so that among equals the position decides which ones are left out.
    best = np.flatnonzero(scores >= np.partition(scores, -count)[-count])
    best = best[np.lexsort((best, -scores[best]))][:count]
    rows, columns = np.divmod(best, max_tokens)
    return [
        (int(first[row]), int(first[row] + column), float(scores[at]))
        for at, row, column in zip(best, rows, columns, strict=True)
    ]


def trim(text: str, start: int, end: int) -> tuple[int, int]:
    """Move a span's ends inward past whitespace: some tokenizers count the space before a word as part of its token."""
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    return start, end


def join(context: str, found: Iterable[tuple[list[Span], float]], n_best: int) -> Reading:
    """Join the windows of one context: each gives its spans (characters) and its null score.

    The same place found in two overlapping windows is one span with its better score. The null score is the
    minimum over the windows: an answer seen in one window is not taken back by a window that does not hold it.
    """
    best: dict[tuple[int, int], float] = {}
    null, count = float("inf"), 0
    for spans, null_score in found:
        null, count = min(null, null_score), count + 1
        for span in spans:
            place = trim(context, span.start, span.end)
            if place[0] < place[1]:
                best[place] = max(span.score, best.get(place, -np.inf))
    ranked = sorted(best.items(), key=lambda item: (-item[1], item[0]))[:n_best]
    return Reading(tuple(Span(start, end, score) for (start, end), score in ranked), null, count)
