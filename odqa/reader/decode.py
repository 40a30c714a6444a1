"""From the logits of windows to the best spans of a context. Pure; knows nothing of models or tokenizers.

A span begins and ends with a whole unit, so the start logit of a unit is the best of its tokens', and its end logit
likewise. Start and end are decoded jointly: every pair with start ≤ end ≤ start + limit in one segment competes, none
is left out by taking the best starts and the best ends apart. The score of a span is its start logit + its end logit,
and the null score is the same sum at the null position (Devlin et al. 2019, section 4.3). From a span's score a penalty
may be taken for each unit after its first one: a geometric prior of the length, which the two logits, each for a single
place, know nothing of.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from odqa.reader.features import Window
from odqa.reader.units import Units, balanced
from odqa.types import Reading, Span

Array = NDArray[np.float32]
Whole = NDArray[np.int32]

SPARE = 2  # How many times the wanted spans are decoded, as some hold half a pair of brackets.


def spans_of(
    window: Window,
    units: Units,
    text: str,
    start: Array,
    end: Array,
    *,
    n_best: int,
    max_units: int,
    length_penalty: float = 0.0,
) -> list[Span]:
    """The ``n_best`` spans of one window, best first; ``start`` and ``end`` are its logits, (window.length,).

    ``units`` are those of the whole context, whose characters are ``text``. Units that the window cuts are left out.
    """
    first, last, starts, ends = pooled(window, units, start, end)
    pairs = best_pairs(
        starts,
        ends,
        units.segments[first],
        n_best=SPARE * n_best,
        max_units=max_units,
        length_penalty=length_penalty,
    )
    spans: list[Span] = []
    for begin, stop, score in pairs:
        if len(spans) == n_best:
            break
        if place := balanced(text, int(units.starts[first[begin]]), int(units.stops[last[stop]])):
            spans.append(Span(*place, score))
    return spans


def pooled(window: Window, units: Units, start: Array, end: Array) -> tuple[Whole, Whole, Array, Array]:
    """What a window says of the units that are whole in it: their first and last numbers, start and end logits.

    A token that covers several units (of a script without spaces) makes one of them.
    """
    tokens = np.flatnonzero(window.places[:, 1] > window.places[:, 0])
    begins, ends = window.places[tokens].T
    low = np.searchsorted(units.ends, begins, "right")
    high = np.searchsorted(units.begins, ends, "left") - 1
    some = low <= high
    tokens, begins, ends, low, high = tokens[some], begins[some], ends[some], low[some], high[some]
    if not len(tokens):
        return low, high, start[:0], end[:0]
    groups = np.flatnonzero(np.append(True, low[1:] > high[:-1]))
    lasts = np.append(groups[1:], len(tokens)) - 1
    first, last = low[groups], high[lasts]
    whole = (begins[groups] <= units.begins[first]) & (ends[lasts] >= units.ends[last])
    starts, stops = (np.maximum.reduceat(logits[tokens], groups) for logits in (start, end))
    return first[whole], last[whole], starts[whole], stops[whole]


def best_pairs(
    start: Array,
    end: Array,
    segments: Whole,
    *,
    n_best: int,
    max_units: int,
    length_penalty: float = 0.0,
) -> list[tuple[int, int, float]]:
    """The ``n_best`` pairs (first unit, last unit, score), best first; ties by position.

    ``start``, ``end`` and ``segments`` are (units,); a span has at most ``max_units`` units, all in one segment.
    ``length_penalty`` is in logits for each unit after the first. Fewer pairs come back where fewer are valid.
    """
    if not len(start):
        return []
    # Row i, column j holds the score of the span of units i … i + j: a band, not the whole square.
    max_units = min(max_units, len(start))  # There is no longer span, and memory grows with the limit.
    after = max_units - 1
    ends = np.concatenate([end, np.full(after, -np.inf, dtype=np.float32)])
    beside = np.concatenate([segments, np.full(after, -1, dtype=segments.dtype)])
    band = start[:, None] + np.lib.stride_tricks.sliding_window_view(ends, max_units)
    band[np.lib.stride_tricks.sliding_window_view(beside, max_units) != segments[:, None]] = -np.inf
    scores = (band - np.arange(max_units, dtype=np.float32) * np.float32(length_penalty)).ravel()
    count = min(n_best, int(np.isfinite(scores).sum()))
    if not count:
        return []
    # All that reach the last of the best scores, so that among equals the position decides which ones are left out.
    best = np.flatnonzero(scores >= np.partition(scores, -count)[-count])
    best = best[np.lexsort((best, -scores[best]))][:count]
    rows, columns = np.divmod(best, max_units)
    return [
        (int(row), int(row + column), float(scores[at])) for at, row, column in zip(best, rows, columns, strict=True)
    ]


def trim(text: str, start: int, end: int) -> tuple[int, int]:
    """Move a span's ends inward past whitespace: some tokenizers count the space before a word to its token.

    >>> trim("in Paris, ", 2, 8)
    (3, 8)
    """
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    return start, end


def join(found: Iterable[tuple[list[Span], float]], n_best: int) -> Reading:
    """Join the windows of one context: each gives its spans (characters) and its null score.

    The same place found in two overlapping windows is one span with its better score. The null score is the
    minimum over the windows: an answer seen in one window is not taken back by a window that does not hold it.
    """
    best: dict[tuple[int, int], float] = {}
    null, count = float("inf"), 0
    for spans, null_score in found:
        null, count = min(null, null_score), count + 1
        for span in spans:
            place = span.start, span.end
            best[place] = max(span.score, best.get(place, -np.inf))
    ranked = sorted(best.items(), key=lambda item: (-item[1], item[0]))[:n_best]
    return Reading(tuple(Span(start, end, score) for (start, end), score in ranked), null, count)
