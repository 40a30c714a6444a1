"""report.md as a Markdown reader sees it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from odqa.reports.markdown import as_markdown, escaped
from odqa.reports.pipeline import tables
from tests.reports.outline import Outline
from tests.reports.reports import REPORT, hostile, report

MarkdownIt = pytest.importorskip("markdown_it").MarkdownIt
NAME = "<img src=x onerror=alert(1)> [a](http://b) **c** `d` _e_ ~~f~~ g|h \\ & &lt; #\n# i"


def rendered(markdown: str) -> str:
    """The HTML that a reader makes of it which lets HTML through, as most do."""
    return MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"]).render(markdown)


def test_a_report_is_a_heading_and_a_table_for_each_part():
    outline = Outline(rendered(as_markdown(REPORT)))
    titles = [table.title for table in tables(REPORT)]
    assert outline.texts("h1") == ["cities.json"]
    assert outline.texts("h2") == titles
    assert len(outline.all("table")) == len(titles)
    assert outline.texts("td")[:4] == ["reader on the gold passage", "0.750 ± 0.250", "0.500 ± 0.250", "0.625 ± 0.125"]


def test_names_of_files_and_folders_stay_text():
    shown = Outline(rendered(as_markdown(report(dataset=NAME, index=replace(REPORT.index, folder=NAME)))))
    calm = Outline(rendered(as_markdown(REPORT)))
    assert shown.texts("h1") == [NAME.replace("\n", " ")]
    assert NAME.replace("\n", " ") in shown.texts("p")[0]
    assert [tag for tag, _ in shown.elements] == [tag for tag, _ in calm.elements]


def test_no_text_of_a_report_becomes_an_element():
    wild, calm = (Outline(rendered(as_markdown(made))) for made in (hostile(REPORT), REPORT))
    assert [tag for tag, _ in wild.elements] == [tag for tag, _ in calm.elements]


@given(st.text(alphabet=st.characters(codec="ascii", categories=("L", "N", "P", "S", "Zs"))))
def test_escaped_text_is_shown_as_it_is(text):
    said = " ".join(text.split())
    assert Outline(rendered(f"| head |\n|---|\n| {escaped(text)} |\n")).texts("td") == [said]
    assert Outline(rendered(f"# {escaped(text)}\n")).texts("h1") == [said]
