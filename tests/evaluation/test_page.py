from __future__ import annotations

import errno
import json
import os
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from odqa.evaluation.page import as_html, write_report
from odqa.evaluation.pipeline_table import tables
from tests.evaluation.reports import HOSTILE, LEVEL, report

SECTIONS = ["levels", "confidence", "passages", "questions", "failures", "audit", "ablation"]
VOID = {"meta", "br", "hr", "img", "input", "link"}


class Outline(HTMLParser):
    """The elements of a page with their attributes; every one must be closed where it was opened."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self._open: list[str] = []
        self.feed(page)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]


@pytest.fixture(scope="module")
def page() -> str:
    return as_html(report())


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
    shown = {title for title, _ in tables(report())} - {"What went wrong"}
    regions = {one["aria-label"] for one in Outline(page).all("div") if one.get("role") == "region"}
    assert regions == shown
    assert '<tr><th scope="row">which</th><td class="n">2</td><td class="n">0.500</td>' in page
    assert '<th scope="row" class="sub">best of its first five answers</th>' in page


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
    assert "Calibration error <b>0.062</b>" in page
    assert "<b>0.188</b>; 0 is best" in page


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


def hostile(value: Any) -> Any:
    """The same report with hostile text in the place of every text."""
    if isinstance(value, dict):
        return {name: hostile(one) for name, one in value.items()}
    if isinstance(value, list):
        return [hostile(one) for one in value]
    return f"""{HOSTILE}<img onerror='x'>"' onclick="x" """ if isinstance(value, str) else value


def test_no_text_of_a_report_becomes_an_element_or_an_attribute():
    calm, wild = Outline(as_html(report())), Outline(as_html(hostile(report())))
    assert {tag for tag, _ in wild.elements} <= {tag for tag, _ in calm.elements}
    assert {name for _, names in wild.elements for name in names} <= {n for _, names in calm.elements for n in names}


def test_what_was_not_measured_is_a_dash():
    nothing = dict.fromkeys(LEVEL) | {"intervals": dict.fromkeys(LEVEL["intervals"])}
    changed = report(
        questions={"questions": 1, "answerable": 0, "unanswerable": 1},
        slices={"question word": [], "answer type": []},
        failures={"counts": dict.fromkeys(report()["failures"]["counts"], 0), "worst": []},
        audit={"count": 0, "candidates": [], "without": None},
        ablation=None,
    )
    changed["levels"]["reader"] = nothing
    changed["levels"]["pipeline"] = nothing | {"top5": dict.fromkeys(("rouge1_f1", "exact_match", "f1"))}
    for name in ("recall@1", "recall@5", "recall@20", "mrr@10"):
        changed["levels"]["retrieval"][name] = changed["levels"]["retrieval"]["intervals"][name] = None
    page = as_html(changed)
    assert [one.get("id") for one in Outline(page).all("section")] == SECTIONS[:-1]
    assert "None" not in page
    for said in ("No question is answerable.", "Nothing: every decision was right.", "No unanswerable question has"):
        assert said in page


def test_a_report_is_three_files_in_a_folder_that_is_made(tmp_path: Path):
    folder = tmp_path / "reports" / "cities"
    write_report(folder, report())
    assert sorted(path.name for path in folder.iterdir()) == ["report.html", "report.json", "report.md"]
    assert json.loads((folder / "report.json").read_text()) == report()
    assert (folder / "report.md").read_text(encoding="utf-8").startswith("# cities.json\n")
    assert (folder / "report.html").read_text(encoding="utf-8") == as_html(report())


@pytest.mark.parametrize("name", ["report.json", "report.md", "report.html"])
def test_where_writing_fails_all_that_was_there_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str):
    write_report(tmp_path, report(dataset="old.json"))
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    write = Path.write_text

    def full(path: Path, text: str, **options: str) -> int:
        if name in path.name:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
        return write(path, text, **options)

    monkeypatch.setattr(Path, "write_text", full)
    with pytest.raises(OSError, match="No space left"):
        write_report(tmp_path, report(dataset="new.json"))
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_half_a_surrogate_pair_costs_nobody_the_report(tmp_path: Path):
    write_report(tmp_path, report(dataset="half \ud83d.json"))
    assert "half \\ud83d.json" in (tmp_path / "report.html").read_text(encoding="utf-8")
    assert json.loads((tmp_path / "report.json").read_text())["dataset"] == "half \ud83d.json"
