"""The page as a browser lays it out. Debian's chromium is needed; it may be slow to start on a busy machine."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from html import escape, unescape
from typing import Any

import pytest

from odqa.evaluation.failures import ANSWERED
from odqa.reports.page import as_html
from tests.reports.reports import REPORT, SPECIMEN, report

CHROMIUM = shutil.which("chromium")
pytestmark = [
    pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium to open the page in: apt-get install chromium"),
    pytest.mark.timeout(400),
]
SECTIONS = ["levels", "confidence", "passages", "questions", "failures", "audit", "ablation"]
WIDTHS = (400, 1280)
# The page runs no script, so another one measures it, in frames of two widths.
HARNESS = """<!DOCTYPE html><meta charset="utf-8"><body>
<script>
function measure(frame) {
  const page = frame.contentDocument, root = page.documentElement, style = frame.contentWindow.getComputedStyle;
  page.querySelectorAll("details").forEach(one => one.open = true);
  const wide = [...page.querySelectorAll("body *")].filter(
    one => one.getBoundingClientRect().right > root.clientWidth + 1 && !one.parentElement.closest(".scroll, svg"));
  const found = {
    width: root.clientWidth, scrolls: root.scrollWidth, wide: wide.map(one => one.outerHTML.slice(0, 80)),
    sections: [...page.querySelectorAll("section")].map(one => one.id),
    drawn: [...page.querySelectorAll("svg")].filter(one => one.getBoundingClientRect().height > 100).length,
    marked: [...page.querySelectorAll("mark")].map(one => one.textContent),
    questions: [...page.querySelectorAll(".question bdi:first-child")].map(one => one.textContent),
    scripts: page.scripts.length, title: page.title, padding: style(page.body).paddingLeft,
  };
  const shown = document.createElement("pre");
  shown.textContent = JSON.stringify(found);
  document.body.append(shown);
}
</script>
"""


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[dict[str, Any]]]:
    folder = tmp_path_factory.mktemp("browser")
    long = replace(SPECIMEN, kind=ANSWERED, id="x" * 200, question="y" * 200, document="z" * 200)
    failures = replace(REPORT.failures, worst=(*REPORT.failures.worst, long))
    changed = report(dataset="d" * 100, reader="r" * 100, failures=failures)
    page = escape(as_html(changed))
    frames = "".join(
        f'<iframe style="width: {width}px; height: 900px; border: 0" onload="measure(this)" srcdoc="{page}"></iframe>\n'
        for width in WIDTHS
    )
    (folder / "harness.html").write_text(HARNESS + frames, encoding="utf-8")
    assert CHROMIUM is not None
    command = [CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-dev-shm-usage"]
    here = [f"--user-data-dir={folder / 'profile'}", "--dump-dom", (folder / "harness.html").as_uri()]
    run = subprocess.run([*command, *here], capture_output=True, text=True, timeout=300, check=True)
    found = [json.loads(unescape(text)) for text in re.findall(r"<pre>(.*?)</pre>", run.stdout, re.DOTALL)]
    yield sorted(found, key=lambda one: one["width"])


def test_every_section_and_figure_is_drawn_in_style(measured):
    assert len(measured) == len(WIDTHS)
    for one in measured:
        assert one["sections"] == SECTIONS
        assert one["drawn"] == 7
        assert one["title"].endswith(" – evaluation")
    assert [one["padding"] for one in measured] == ["16px", "24px"]  # The policy lets the style in.


def test_what_looks_like_a_script_is_shown_and_not_run(measured):
    for one in measured:
        assert one["scripts"] == 0
        assert one["questions"][0] == "<script>alert(1)</script> Which city is it?"
        # Each answer in its passage, and the reference in the dataset's own one.
        assert one["marked"].count("London") == 4
        assert set(one["marked"]) == {"London", "Paris"}


def test_nothing_is_wider_than_the_window_but_tables_in_their_own_boxes(measured):
    for one in measured:
        assert one["scrolls"] <= one["width"]
        assert one["wide"] == []
