from __future__ import annotations

import pytest

from odqa.corpus.read import read_file
from odqa.corpus.text.rst import outline
from odqa.corpus.text.rst_blocks import rst_blocks

GUIDE = """\
=======
 Guide
=======

Intro.

First
=====

A literal block::

    Not a title
    -----------

Part ``one`` of :ref:`that <x>`
-------------------------------
Text.

----

Second
======

=====  =====
A      B
=====  =====
1      2
=====  =====
"""


def test_the_text_is_the_file_and_sections_are_its_headings(tmp_path):
    path = tmp_path / "guide.rst"
    path.write_text(GUIDE)
    (document,) = read_file(path)
    assert document.text == GUIDE
    assert document.title == "Guide"
    assert [(document.text[s.start :].split("\n")[0], s.headings) for s in document.sections] == [
        ("=======", ("Guide",)),
        ("First", ("Guide", "First")),
        ("Part ``one`` of :ref:`that <x>`", ("Guide", "First", "Part one of that")),
        ("Second", ("Guide", "Second")),
    ]


def test_levels_are_the_order_in_which_adornments_come():
    text = "A\n~~~~\n\nB\n^^^^\n\nC\n~~~~\n"
    assert [s.headings for s in outline(text)[1]] == [("A",), ("A", "B"), ("C",)]


def test_headings_may_follow_each_other_closely():
    text = "A\n====\nB\n----\nText.\n"
    assert [s.headings for s in outline(text)[1]] == [("A",), ("A", "B")]


@pytest.mark.parametrize("text", ["a\nb\n----\n", "----\n", "longer title\n--\n", "text\n\n----\n\nmore\n", ""])
def test_what_looks_like_a_heading_and_is_none(text):
    assert outline(text)[1] == ()


def shown(text: str) -> list[tuple[str, str]]:
    """(kind, text in one line) of each block."""
    return [(b.kind.value, " ".join(text[b.start : b.end].split())) for b in rst_blocks(text)]


@pytest.mark.parametrize("mark", ["*", "-", "1.", "#.", "(a)"])
def test_code_in_an_item_ends_where_its_text_goes_on(mark):
    under = " " * (len(mark) + 1)
    text = f"{mark} Run this::\n\n{under}   make\n\n{under} all\n\n{under}Then look at it.\n\n{mark} Next.\n"
    assert shown(text) == [
        ("item", "Run this::"),
        ("code", "make all"),
        ("paragraph", "Then look at it."),
        ("item", "Next."),
    ]


def test_the_last_cell_of_a_row_goes_on():
    text = """\
======= =====================
Name    Meaning, in words of
        everyday
======= =====================
timeout The number of seconds
        that the client waits
        for an answer
retry   * how often
        * how long

        One more.
======= =====================
"""
    assert [(text[b.start : b.end].split(), b.labels) for b in rst_blocks(text)] == [
        (["Name"], ()),
        ("Meaning, in words of everyday".split(), ()),
        (["timeout"], ("Name",)),
        (
            "The number of seconds that the client waits for an answer".split(),
            ("Meaning, in words of everyday",),
        ),
        (["retry"], ("Name",)),
        *((cell.split(), ("Meaning, in words of everyday",)) for cell in ("* how often", "* how long", "One more.")),
    ]
