"""What a fit gains over what was before, question by question, counted by hand."""

from __future__ import annotations

import pytest

from odqa.answering.deciders import ReaderRule
from odqa.fitting.gain import gain
from odqa.fitting.tuning import trials_of
from tests.evaluation.made import example, over_index

PASSAGES = [("By the Seine.", {"Seine": 2.0}), ("A lake.", {"lake": 1.0})]


def test_what_is_gained_by_hand() -> None:
    answerable = trials_of(over_index(example("which", "By the Seine.", ["Seine"]), PASSAGES, gold=[1]), 1)[:1]
    none = trials_of(over_index(example("other", "By the Seine."), PASSAGES), 1)
    trials = [*answerable, *none]
    never = [ReaderRule(9.0).decide(one.question, one.candidates) for one in trials]
    # To answer both is right for the first alone, to answer neither for the second alone.
    found = gain(ReaderRule(-9.0), never, trials)
    assert (found["questions"], found["before"], found["after"], found["difference"]) == (2, 0.5, 0.5, 0.0)
    assert found["interval"] == pytest.approx([-1.0, 1.0])
    assert found["over"] == ReaderRule().name
