"""Text that a terminal would obey is shown as an escape; all other text stays as it is."""

from __future__ import annotations

import json
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from odqa.reports.markdown import as_markdown
from odqa.reports.tables import aligned
from odqa.reports.visible import brief, one_line, visible, visible_json
from tests.reports.reports import REPORT, report

OBEYED = "\x1b\x07\x08\r\x7f\x9b\u2028\u2029\u202e\u2066\ud800"


def obeyed(text: str) -> set[str]:
    """What of a text a terminal would obey, but for the ends of lines."""
    return {one for one in text if unicodedata.category(one) in {"Cc", "Cs", "Zl", "Zp"} or one in OBEYED} - {"\n"}


@given(st.text())
def test_nothing_that_a_terminal_obeys_is_left(text: str) -> None:
    for shown in (visible(text), one_line(text), brief(text, 5)):
        assert not obeyed(shown) and "\n" not in shown
    assert not obeyed(aligned([[text, "1"]]))


@pytest.mark.parametrize("one", OBEYED)
def test_what_is_obeyed_becomes_its_escape(one: str) -> None:
    assert one_line(f"a{one}b") == f"a{ascii(one)[1:-1]}b"


@given(st.text())
def test_json_keeps_its_value(text: str) -> None:
    line = visible_json(json.dumps({"text": text}, ensure_ascii=False))
    assert not obeyed(line)
    assert json.loads(line) == {"text": text}
    line.encode("utf-8")


def test_a_name_without_end_is_cut() -> None:
    assert brief("x" * 500) == "x" * 500
    assert brief("x" * 501) == "x" * 500 + " …"


def test_a_report_in_markdown_can_be_read_on_a_terminal() -> None:
    assert "# a\\\\x1b\\[2Jb\n" in as_markdown(report(dataset="a\x1b[2Jb"))
    assert not obeyed(as_markdown(report(dataset=OBEYED, reader=OBEYED)))
    assert not obeyed(as_markdown(REPORT))
