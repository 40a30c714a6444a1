"""Joint decoding against the plain double loop, and the joining of windows by hand."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from odqa.reader.decode import best_pairs, join, trim
from odqa.types import Span


def arrays(values, kind=np.float32):
    return np.array(values, dtype=kind)


def every_pair(start, end, allowed, max_tokens, length_penalty=0.0):
    """All valid pairs, best first, equals by position: slow and plain."""
    penalty = np.float32(length_penalty)
    pairs = [
        (i, j, float(start[i] + end[j] - np.float32(j - i) * penalty))
        for i in range(len(start))
        for j in range(i, min(i + max_tokens, len(start)))
        if allowed[i] and allowed[j]
    ]
    return sorted(pairs, key=lambda pair: (-pair[2], pair[0], pair[1]))


# Whole numbers, so that equal scores are common, and floats, so that they are rare.
logits = st.one_of(st.integers(-3, 3), st.floats(-20, 20, width=32))
tokens = st.lists(st.tuples(logits, logits, st.booleans()), max_size=12)


@given(tokens, st.integers(1, 15), st.integers(1, 15), st.sampled_from([0.0, 0.1, 1.0]))
def test_the_best_pairs_are_those_of_the_double_loop(tokens, n_best, max_tokens, penalty):
    start, end = (arrays([token[at] for token in tokens]) for at in (0, 1))
    allowed = arrays([token[2] for token in tokens], bool)
    found = best_pairs(start, end, allowed, n_best=n_best, max_tokens=max_tokens, length_penalty=penalty)
    assert found == every_pair(start, end, allowed, max_tokens, penalty)[:n_best]


def test_start_and_end_are_chosen_together():
    # The best start alone is 3, the best end alone is 0: no span. The best valid pair is (0, 0).
    start, end = arrays([4, 0, 0, 5]), arrays([5, 0, 0, 1])
    assert best_pairs(start, end, arrays([1, 1, 1, 1], bool), n_best=2, max_tokens=4) == [(0, 0, 9.0), (3, 3, 6.0)]


def test_a_length_penalty_prefers_the_shorter_span():
    start, end, allowed = arrays([4, 0, 0, 0]), arrays([1, 0, 0, 2]), arrays([1, 1, 1, 1], bool)
    assert best_pairs(start, end, allowed, n_best=1, max_tokens=4) == [(0, 3, 6.0)]
    # Three tokens after the first one, half a logit each.
    found = best_pairs(start, end, allowed, n_best=2, max_tokens=4, length_penalty=0.5)
    assert found == [(0, 0, 5.0), (0, 3, 4.5)]


def test_a_limit_of_one_token():
    found = best_pairs(arrays([1, 2]), arrays([5, 1]), arrays([1, 1], bool), n_best=9, max_tokens=1)
    assert found == [(0, 0, 6.0), (1, 1, 3.0)]


def test_nothing_is_allowed():
    assert best_pairs(arrays([1, 2]), arrays([1, 2]), arrays([0, 0], bool), n_best=3, max_tokens=3) == []


def test_impossible_starts_leave_nothing():
    # As logarithms of probabilities that are 0.
    start = arrays([-np.inf, -np.inf])
    assert best_pairs(start, arrays([1, 2]), arrays([1, 1], bool), n_best=3, max_tokens=3) == []


@given(st.text("ab \n\u00a0", max_size=8), st.integers(0, 8), st.integers(0, 8))
def test_white_space_is_trimmed(text, one, other):
    start, end = sorted((min(one, len(text)), min(other, len(text))))
    first, last = trim(text, start, end)
    assert start <= first <= last <= end
    assert text[first:last] == text[start:end].strip()


def test_windows_are_joined():
    context = "the Seine in Paris"
    first = ([Span(4, 9, 3.0), Span(0, 9, 2.0)], -1.0)
    second = ([Span(3, 9, 4.0), Span(13, 18, 3.5), Span(9, 10, 9.0)], -2.5)  # The last one is a space alone.
    reading = join(context, [first, second], n_best=2)
    assert reading.spans == (Span(4, 9, 4.0), Span(13, 18, 3.5))
    assert reading.null_score == -2.5
    assert reading.windows == 2


def test_equal_scores_are_in_the_order_of_the_text():
    reading = join("a b c", [([Span(4, 5, 1.0), Span(0, 1, 1.0), Span(0, 3, 1.0)], 0.0)], n_best=3)
    assert [(span.start, span.end) for span in reading.spans] == [(0, 1), (0, 3), (4, 5)]


windows = st.lists(
    st.tuples(
        st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9), st.integers(-3, 3)), max_size=5), st.floats(-9, 9)
    ),
    min_size=1,
    max_size=4,
)


@given(st.text("ab \n", min_size=10, max_size=10), windows)
def test_a_joined_reading_has_each_place_once_and_no_outer_space(context, found):
    given_spans = [([Span(min(a, b), max(a, b), float(s)) for a, b, s in spans], null) for spans, null in found]
    reading = join(context, given_spans, n_best=20)
    assert len({(span.start, span.end) for span in reading.spans}) == len(reading.spans)
    texts = [context[span.start : span.end] for span in reading.spans]
    assert all(text and text == text.strip() for text in texts)
    scores = [span.score for span in reading.spans]
    assert scores == sorted(scores, reverse=True)
    assert reading.null_score == min(null for _, null in found)
