"""Joint decoding against the plain double loop, and the joining of windows by hand."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from odqa.reader.decode import best_pairs, join, spans_of, trim
from odqa.reader.features import windows
from odqa.reader.units import units_of
from odqa.types import Block, BlockKind, Span
from odqa.views import Context
from tests import tiny


def arrays(values, kind=np.float32):
    return np.array(values, dtype=kind)


def every_pair(start, end, segments, max_units, length_penalty=0.0):
    """All valid pairs, best first, equals by position: slow and plain."""
    penalty = np.float32(length_penalty)
    pairs = [
        (i, j, float(start[i] + end[j] - np.float32(j - i) * penalty))
        for i in range(len(start))
        for j in range(i, min(i + max_units, len(start)))
        if segments[i] == segments[j]
    ]
    return sorted(pairs, key=lambda pair: (-pair[2], pair[0], pair[1]))


def pairs(start, end, segments=None, **limits):
    segments = [0] * len(start) if segments is None else segments
    return best_pairs(arrays(start), arrays(end), arrays(segments, np.int32), **limits)


# Whole numbers, so that equal scores are common, and floats, so that they are rare.
logits = st.one_of(st.integers(-3, 3), st.floats(-20, 20, width=32))
units = st.lists(st.tuples(logits, logits, st.booleans()), max_size=12)


@given(units, st.integers(1, 15), st.integers(1, 15), st.sampled_from([0.0, 0.1, 1.0]))
def test_the_best_pairs_are_those_of_the_double_loop(units, n_best, max_units, penalty):
    start, end = (arrays([unit[at] for unit in units]) for at in (0, 1))
    segments = np.cumsum([unit[2] for unit in units], dtype=np.int32)
    found = best_pairs(start, end, segments, n_best=n_best, max_units=max_units, length_penalty=penalty)
    assert found == every_pair(start, end, segments, max_units, penalty)[:n_best]


def test_start_and_end_are_chosen_together():
    # The best start alone is 3, the best end alone is 0: no span. The best valid pair is (0, 0).
    assert pairs([4, 0, 0, 5], [5, 0, 0, 1], n_best=2, max_units=4) == [(0, 0, 9.0), (3, 3, 6.0)]


def test_no_span_crosses_a_boundary():
    # 4 + 5 would win, from one segment into the next.
    found = pairs([4, 0, 1, 0], [0, 2, 0, 5], [0, 0, 1, 1], n_best=2, max_units=4)
    assert found == [(0, 1, 6.0), (2, 3, 6.0)]


def test_a_length_penalty_prefers_the_shorter_span():
    start, end = [4, 0, 0, 0], [1, 0, 0, 2]
    assert pairs(start, end, n_best=1, max_units=4) == [(0, 3, 6.0)]
    # Three units after the first one, half a logit each.
    assert pairs(start, end, n_best=2, max_units=4, length_penalty=0.5) == [(0, 0, 5.0), (0, 3, 4.5)]


def test_a_limit_of_one_unit():
    assert pairs([1, 2], [5, 1], n_best=9, max_units=1) == [(0, 0, 6.0), (1, 1, 3.0)]


def test_a_limit_far_beyond_the_units_needs_no_memory():
    start, end, segments = [4, 0, 1], [1, 5, 2], [0, 0, 1]
    without = pairs(start, end, segments, n_best=9, max_units=10**12, length_penalty=0.5)
    assert without == pairs(start, end, segments, n_best=9, max_units=3, length_penalty=0.5)
    assert without[0] == (0, 1, 8.5)


def test_nothing_to_choose_from():
    assert pairs([], [], n_best=3, max_units=3) == []


def test_impossible_starts_leave_nothing():
    # As logarithms of probabilities that are 0.
    assert pairs([-np.inf, -np.inf], [1, 2], n_best=3, max_units=3) == []


def read(text, starts, ends, *, blocks=(), n_best=5, **limits):
    """The spans of a text in one window, from logits for some of its tokens (by text; all others have -9)."""
    context = Context(text, (), blocks)
    tokenizer = tiny.make_tokenizer()
    (window,) = windows(tokenizer, ["Who?"], [context], max_length=128, stride=8)
    logits = np.full((2, window.length), -9, np.float32)
    tokens = [text[begin:end] for begin, end in window.offsets.tolist()]
    for row, given_logits in enumerate((starts, ends)):
        for token, value in given_logits.items():
            logits[row, tokens.index(token)] = value
    units = units_of(context)
    found = spans_of(window, units, text, *logits, n_best=n_best, max_units=30, **limits)
    return [text[span.start : span.end] for span in found]


def test_an_answer_is_never_cut_inside_a_word():
    text = "Write to museum.tower@paris.city now."
    # The reader is surest of a part of the address; the unit is the whole of it.
    assert read(text, {"museum": 5}, {"paris": 5})[0] == "museum.tower@paris.city"
    assert read(text, {"tower": 5}, {"tower": 5})[0] == "museum.tower@paris.city"


def test_signs_and_bullets_are_no_answers():
    text = "1. Use the tower (in Paris)."
    found = read(text, {"1": 9, ".": 8, "(": 7, "Paris": 1}, {"1": 9, ".": 8, ")": 7, "Paris": 1}, n_best=50)
    assert found[0] == "Paris"
    assert all(answer[0].isalpha() for answer in found)


def test_half_a_pair_of_brackets_is_made_whole_or_no_answer():
    text = "the tower (in Paris) is high"
    assert read(text, {"tower": 5}, {"Paris": 5})[0] == "tower (in Paris)"
    assert "tower (in" not in read(text, {"tower": 5}, {"in": 5, "tower": 1}, n_best=50)


def test_no_answer_reaches_over_a_block_or_a_cell():
    text = "tower | Paris\n\nmuseum | city"
    blocks = (Block(0, 13, BlockKind.ROW), Block(15, 28, BlockKind.ROW))
    assert read(text, {"tower": 5}, {"Paris": 5, "tower": 1}, blocks=blocks)[0] == "tower"
    found = read(text, dict.fromkeys(text.split(), 1), dict.fromkeys(text.split(), 1), blocks=blocks, n_best=50)
    assert sorted(found) == ["Paris", "city", "museum", "tower"]


@given(st.text("ab \n\u00a0", max_size=8), st.integers(0, 8), st.integers(0, 8))
def test_white_space_is_trimmed(text, one, other):
    start, end = sorted((min(one, len(text)), min(other, len(text))))
    first, last = trim(text, start, end)
    assert start <= first <= last <= end
    assert text[first:last] == text[start:end].strip()


def test_windows_are_joined():
    first = ([Span(4, 9, 3.0), Span(0, 9, 2.0)], -1.0)
    second = ([Span(4, 9, 4.0), Span(13, 18, 3.5)], -2.5)
    reading = join([first, second], n_best=2)
    assert reading.spans == (Span(4, 9, 4.0), Span(13, 18, 3.5))
    assert reading.null_score == -2.5
    assert reading.windows == 2


def test_equal_scores_are_in_the_order_of_the_text():
    reading = join([([Span(4, 5, 1.0), Span(0, 1, 1.0), Span(0, 3, 1.0)], 0.0)], n_best=3)
    assert [(span.start, span.end) for span in reading.spans] == [(0, 1), (0, 3), (4, 5)]


found_in_windows = st.lists(
    st.tuples(
        st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9), st.integers(-3, 3)), max_size=5), st.floats(-9, 9)
    ),
    min_size=1,
    max_size=4,
)


@given(found_in_windows)
def test_a_joined_reading_has_each_place_once(found):
    given_spans = [([Span(min(a, b), max(a, b), float(s)) for a, b, s in spans], null) for spans, null in found]
    reading = join(given_spans, n_best=20)
    assert len({(span.start, span.end) for span in reading.spans}) == len(reading.spans)
    scores = [span.score for span in reading.spans]
    assert scores == sorted(scores, reverse=True)
    assert reading.null_score == min(null for _, null in found)
