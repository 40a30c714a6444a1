"""What was gained by a fit goes in; how much of it to believe comes out, in words. Knows no metric."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from odqa.answering.deciders import READERS_OWN

FEW = 100  # Questions below which a fit follows chance more than what it was fitted on.


def believe(gain: Mapping[str, Any], *, same_questions: bool = False) -> list[str]:
    """Sentences on the ``gain`` of a fit (:func:`odqa.fitting.gain.gain`).

    ``same_questions`` says that what was there before was fitted on these questions too.
    """
    low, high = gain["interval"]
    if low > 0:
        verdict = "better than what you had"
    elif high < 0:
        verdict = "worse than what you had"
    else:
        verdict = "not different from what you had, as far as these questions can tell"
    had = f"{READERS_OWN} rule" if gain["over"] == READERS_OWN else f"the ranking {gain['over']}, fitted before"
    lines = [
        f"Token F1 {gain['after']:.3f}, where what you had ({had}) has {gain['before']:.3f}: "
        f"{gain['difference']:+.3f}, 95 % interval {low:+.3f} to {high:+.3f} over {gain['questions']:,} questions.",
        f"That is {verdict}.",
    ]
    if same_questions:
        lines.append("What you had was fitted on these very questions, which flatters it.")
    return lines


def few(questions: int) -> str:
    """A warning where questions are few; empty where they are not."""
    if questions >= FEW:
        return ""
    return (
        f"{questions:,} questions are few to fit on: below {FEW} the result depends on which ones you happened to "
        "write; write more (odqa questions helps), and tune again"
    )
