from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from odqa.retrieval.fusion import fuse

SCORES = st.lists(st.tuples(st.integers(-99, 99), st.integers(0, 99)), min_size=1, max_size=12)


def arrays(pairs: list[tuple[int, int]]) -> tuple[np.ndarray, np.ndarray]:
    return np.array([dense for dense, _ in pairs], np.float32) / 100, np.array([bm25 for _, bm25 in pairs], np.float32)


def test_a_fusion_counted_by_hand() -> None:
    # Means 0.4 and 4, standard deviations 0.2 and 4: standard scores -1, 1, -1, 1 and 1, -1, -1, 1.
    fused = fuse(np.array([0.2, 0.6, 0.2, 0.6], np.float32), np.array([8, 0, 0, 8], np.float32))
    assert fused.tolist() == pytest.approx([0, 0, -1, 1])


@pytest.mark.parametrize("constant", [0.0, 7.3])
def test_a_retriever_that_tells_no_difference_has_no_say(constant: float) -> None:
    dense = np.array([0.1, 0.5, 0.3], np.float32)
    same = np.full(3, constant, np.float32)
    assert np.argsort(fuse(dense, same)).tolist() == [0, 2, 1]
    assert np.argsort(fuse(same, dense)).tolist() == [0, 2, 1]
    assert fuse(same, same).tolist() == [0, 0, 0]


@given(pairs=SCORES)
def test_unit_and_zero_of_a_retriever_s_scores_do_not_matter(pairs: list[tuple[int, int]]) -> None:
    dense, bm25 = arrays(pairs)
    assert fuse(0.8 + dense / 8, 3 * bm25) == pytest.approx(fuse(dense, bm25), abs=1e-4)


@given(pairs=SCORES)
def test_what_both_put_first_is_first(pairs: list[tuple[int, int]]) -> None:
    dense, bm25 = arrays([*pairs, (100, 100)])
    fused = fuse(dense, bm25)
    assert fused[-1] == fused.max()
    assert np.isfinite(fused).all()
