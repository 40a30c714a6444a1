from __future__ import annotations

import re

import pytest

from odqa.reports.page import as_html
from odqa.reports.pipeline import tables
from tests.reports.outline import Outline
from tests.reports.reports import HOSTILE, REPORT, UNMEASURED, hostile

SECTIONS = ["levels", "confidence", "passages", "questions", "failures", "audit", "ablation"]


@pytest.fixture(scope="module")
def page() -> str:
    return as_html(REPORT)


def test_the_page_needs_nothing_but_itself(page):
    assert not re.search(r"https?://|src=|url\(|@import|<link|<script|<img|<iframe", page)
    assert """content="default-src 'none'; style-src 'unsafe-inline';""" in page
    assert '<meta charset="utf-8">' in page


def test_its_sections_are_linked_and_every_figure_has_a_title(page):
    outline = Outline(page)
    assert [one.get("id") for one in outline.all("section")] == SECTIONS
    assert [one["href"] for one in outline.all("a")] == [f"#{name}" for name in SECTIONS]
    assert len(outline.all("svg")) == 7
    assert len(re.findall(r"<svg [^>]*>\s*<title>[^<]+</title>", page)) == 7
    assert len(re.findall(r'class="axis"', page)) == 5 * 2 + 2  # Horizontal bars have one axis.


def test_it_begins_with_what_was_measured_and_of_what(page):
    for said in ("cities.json", "4, of them 3 answerable", "cities, 1,234 passages", "hybrid, k = 20", "12 s"):
        assert said in page
    assert "<b>0.750 <small>± 0.250</small></b><span>ROUGE-1 F1, all questions</span>" in page
    assert "<b>62.5 <small>%</small></b><span>of all questions answered</span>" in page


def test_it_holds_every_table_but_the_one_that_is_drawn(page):
    shown = {table.title for table in tables(REPORT)} - {"What went wrong"}
    regions = {one["aria-label"] for one in Outline(page).all("div") if one.get("role") == "region"}
    assert regions == shown
    assert '<tr><th scope="row">which</th><td class="n">2</td><td class="n">0.500</td>' in page
    assert '<th scope="row" class="sub">best of five answers</th>' in page


def test_figures_show_what_the_report_says(page):
    for what in (
        "whole pipeline, answer forced: 0.625",
        "retrieval, recall@20: 0.750",
        "recall, 5: 0.500",
        "confidence 0.750, right 0.625, 3 answers",
        "answered, 20: 0.625",
        "wrongly abstained: 1",
    ):
        assert f"<title>{what}</title>" in page


def test_a_question_that_looks_like_html_is_text(page):
    assert HOSTILE not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt; Which city is it?" in page


def test_an_answer_is_marked_where_it_stands(page):
    marked = "&lt;b&gt;Paris&lt;/b&gt; &amp; &quot;<mark>London</mark>&quot; are &lt;i&gt;cities&lt;/i&gt;."
    assert f'<blockquote dir="auto">{marked}</blockquote>' in page


def test_cases_tell_given_answers_from_withheld_ones_and_from_none(page):
    cases = {key: next(part for part in page.split("<details>") if f">{key}</dd>" in part) for key in "bcde"}
    assert '<dt>answer, given</dt><dd dir="auto">London' in cases["b"]
    assert 'gold passage</dt><dd dir="auto">3<' in cases["b"]
    assert '<dt>expected</dt><dd dir="auto">Paris · Paris, France<' in cases["b"]
    assert '<dt>answer, withheld</dt><dd dir="auto">London' in cases["c"]
    assert 'gold passage</dt><dd dir="auto">not found<' in cases["c"]
    assert '<dt>answer</dt><dd dir="auto">none was found' in cases["d"]
    # Nothing was found to quote but the dataset's own passage, its answer marked.
    assert cases["d"].count("<blockquote") == 1
    assert "stands before <mark>Paris</mark>." in cases["d"]
    assert '<dt>expected</dt><dd dir="auto">no answer<' in cases["e"]


def test_the_report_s_own_row_of_the_ablation_is_marked(page):
    assert page.count('<tr class="own">') == 1
    assert '<tr class="own"><th scope="row">hybrid</th><td>evidence</td><td class="n">20</td>' in page


def test_no_text_of_a_report_becomes_an_element_or_an_attribute():
    calm, wild = Outline(as_html(REPORT)), Outline(as_html(hostile(REPORT)))
    assert {tag for tag, _ in wild.elements} <= {tag for tag, _ in calm.elements}
    assert {name for _, names in wild.elements for name in names} <= {n for _, names in calm.elements for n in names}


def test_what_was_not_measured_is_a_dash():
    page = as_html(UNMEASURED)
    assert [one.get("id") for one in Outline(page).all("section")] == SECTIONS[:-1]
    assert "None" not in page
    for said in ("No question is answerable.", "Nothing: every decision was right.", "No unanswerable question has"):
        assert said in page
