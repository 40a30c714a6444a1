"""How much of a fit to believe, in words."""

from __future__ import annotations

import pytest

from odqa.reports.tuning import believe, few


@pytest.mark.parametrize(
    ("interval", "said"),
    [([0.01, 0.05], "better than"), ([-0.05, -0.01], "worse than"), ([-0.01, 0.05], "not different from")],
)
def test_the_interval_decides_what_is_said(interval: list[float], said: str) -> None:
    gain = {"over": "prior", "questions": 1200, "before": 0.4, "after": 0.42, "difference": 0.02, "interval": interval}
    told = " ".join(believe(gain))
    assert said in told and "the ranking prior" in told and "1,200 questions" in told and "+0.020" in told
    assert "flatters" not in told and "flatters" in " ".join(believe(gain, same_questions=True))


def test_fewer_than_a_hundred_questions_are_few() -> None:
    assert "99 questions are few" in few(99) and not few(100)
