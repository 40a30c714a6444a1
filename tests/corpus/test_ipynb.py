from __future__ import annotations

import json

import pytest

from odqa.types import BlockKind
from tests.corpus.files import loaded, the_document


def write_notebook(path, *cells):
    path.write_text(json.dumps({"nbformat": 4, "cells": cells}))
    return path


def test_a_notebook_reads_as_markdown(tmp_path):
    cells = (
        {"cell_type": "markdown", "source": ["# Ferry\n", "It sails daily."]},
        {
            "cell_type": "code",
            "source": "print('```')",
            "outputs": [
                {"output_type": "stream", "text": ["\x1b[31m9:00\x1b[0m\n"]},
                {"output_type": "display_data", "data": {"image/png": "AAAA", "text/plain": "<Figure>"}},
                {"output_type": "error", "ename": "ValueError", "evalue": "no ship"},
                {"output_type": "stream", "text": "line\n" * 1_000},
            ],
        },
        {"cell_type": "markdown", "source": "## Fares\nFree."},
    )
    document = the_document(write_notebook(tmp_path / "a.ipynb", *cells))
    assert document.text.startswith("# Ferry\nIt sails daily.\n\n````\nprint('```')\n````\n\n```\n9:00\n```\n\n")
    assert "```\nValueError: no ship\n```" in document.text
    assert "AAAA" not in document.text
    assert 300 < document.text.count("line\n") < 500
    assert [section.headings for section in document.sections] == [("Ferry",), ("Ferry", "Fares")]
    assert document.title == "Ferry"


@pytest.mark.parametrize(
    ("cells", "headings"),
    [
        (["# Intro\n```python\nx", "# Second\n\nText.", "## Third"], [("Intro",), ("Second",), ("Second", "Third")]),
        (["---\n# Intro", "Some text\n---\nmore", "# Load"], [("Intro",), ("Intro", "Some text"), ("Load",)]),
        (["# Intro\n<!-- todo", "# Second -->\n", "# Third"], [("Intro",), ("Second -->",), ("Third",)]),
        (["<pre>\n# x", "# Second"], [("Second",)]),
        (["Term", "---"], []),
    ],
)
def test_what_a_cell_leaves_open_ends_with_it(cells, headings, tmp_path):
    written = ({"cell_type": "markdown", "source": cell} for cell in cells)
    document = the_document(write_notebook(tmp_path / "a.ipynb", *written))
    assert [section.headings for section in document.sections] == headings
    assert sum(block.kind is BlockKind.HEADING for block in document.blocks) == len(headings)


@pytest.mark.parametrize(("kind", "title"), [("raw", "Ferry"), ("markdown", "a")])
def test_a_raw_cell_may_be_front_matter(kind, title, tmp_path):
    cells = {"cell_type": kind, "source": "---\ntitle: Ferry\n---"}, {"cell_type": "markdown", "source": "Text."}
    document = the_document(write_notebook(tmp_path / "a.ipynb", *cells))
    assert document.title == title
    assert document.text.endswith("Text.\n\n")


@pytest.mark.parametrize("before", ["", "\n \n"])
def test_of_an_output_of_one_long_line_the_beginning_is_read(tmp_path, before):
    cell = {"cell_type": "code", "source": "a", "outputs": [{"output_type": "stream", "text": before + "x" * 3_000}]}
    document = the_document(write_notebook(tmp_path / "a.ipynb", cell))
    assert document.text.count("x") == 2_000 - len(before)


def test_what_cannot_be_read_is_told(tmp_path):
    path = tmp_path / "a.ipynb"
    for content, reason in (("", "empty"), ("{", "broken"), ("[1]", "format 4"), ("[" * 100_000, "broken")):
        path.write_text(content)
        assert reason in loaded(path)[0].reason
    assert "empty" in loaded(write_notebook(path))[0].reason
    odd = (1, {}, {"cell_type": "code", "outputs": 3, "source": {"a": 1}}, {"cell_type": "code", "outputs": [1, {}]})
    loaded(write_notebook(path, *odd))
