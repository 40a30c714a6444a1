"""Wrapped lines fit, keep their words, and begin with the indent."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from odqa.reports.wrapping import wrapped

STYLES = re.compile("\x1b\\[[0-9;]*m")


def test_a_short_line_stays_as_it_is() -> None:
    assert list(wrapped("1. Paris  (98.7%)", 80, "   ")) == ["1. Paris  (98.7%)"]
    assert list(wrapped("", 80, "   ")) == [""]


def test_styles_take_no_room() -> None:
    line = "   one two \x1b[1;32mthree four\x1b[0m five"
    assert list(wrapped(line, 26, "   ")) == [line]
    assert list(wrapped(line, 20, "   ")) == ["   one two \x1b[1;32mthree", "   four\x1b[0m five"]


def test_a_word_longer_than_a_line_is_broken_and_wide_letters_count_twice() -> None:
    assert list(wrapped("   " + "x" * 40, 20, "   ")) == ["   " + "x" * 17, "   " + "x" * 17, "   " + "x" * 6]
    assert list(wrapped("   " + "東" * 10, 20, "   ")) == ["   " + "東" * 8, "   " + "東" * 2]


@given(st.text("ab 東é\u0301", max_size=120), st.integers(1, 60))
def test_every_line_fits_and_nothing_is_lost(text: str, width: int) -> None:
    lines = list(wrapped("   " + text, width, "   "))
    assert all(cell_len(STYLES.sub("", line)) <= max(width, 20) for line in lines)
    assert all(line.startswith("   ") for line in lines) or not text.strip()
    assert "".join("".join(lines).split()) == "".join(text.split())
