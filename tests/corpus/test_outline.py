from __future__ import annotations

from odqa.corpus.outline import Outline
from odqa.types import Section


def test_a_heading_closes_those_of_its_level_and_below():
    outline = Outline()
    for start, (level, title) in enumerate([(2, "A"), (3, "B"), (5, "C"), (3, " D \n e"), (1, "F"), (4, "")]):
        outline.heading(start, level, title)
    assert outline.sections == (
        Section(0, ("A",)),
        Section(1, ("A", "B")),
        Section(2, ("A", "B", "C")),
        Section(3, ("A", "D e")),
        Section(4, ("F",)),
    )
    assert outline.title == "F"


def test_without_headings_there_is_nothing():
    assert Outline().title == ""
    assert Outline().sections == ()
