"""What figures say; where their marks lie, the browser shows (and that they lie inside the frame, a property)."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from odqa.evaluation.report import Bin
from odqa.reports.plots import BOTTOM, LEFT, RIGHT, TOP, Bar, Series, bars, columns, curve, reliability, step

share = st.floats(0, 1)


def marks(svg: str, tag: str, look: str) -> list[ElementTree.Element]:
    """The elements of a class."""
    return [one for one in ElementTree.fromstring(svg).iter(tag) if look in one.get("class", "").split()]


def texts(svg: str, look: str) -> list[str]:
    return [one.text or "" for one in marks(svg, "text", look)]


@pytest.mark.parametrize(
    ("largest", "expected"), [(1, 0.2), (0.51, 0.2), (0.5, 0.1), (0.32, 0.1), (0.05, 0.01), (5, 1), (1998, 500)]
)
def test_an_axis_has_five_round_steps(largest, expected):
    assert step(largest) == pytest.approx(expected)


def test_a_column_is_as_high_as_its_value_and_what_was_not_measured_is_left_out():
    two = [Series("answered", [0.5, 1.0], "a"), Series("sure", [None, 0.5], "b")]
    svg = columns("Coverage", ["5", "20"], two, "k", "share")
    heights = {look: [float(one.attrib["height"]) for one in marks(svg, "rect", look)] for look in "ab"}
    assert heights == {"a": [(BOTTOM - TOP) / 2, BOTTOM - TOP], "b": [(BOTTOM - TOP) / 2]}
    assert texts(svg, "value") == ["0.50", "1.00", "0.50"]
    assert texts(svg, "axis") == ["share", "k"]


def test_a_bar_is_as_long_as_its_value_and_without_one_a_dash():
    svg = bars("Levels", [Bar("reader", 0.5), Bar("pipeline", None), Bar("both", 1.0)], "F1")
    half, whole = (float(one.attrib["width"]) for one in marks(svg, "rect", "a"))
    assert whole == 2 * half
    assert texts(svg, "name") == ["reader", "pipeline", "both"]
    assert texts(svg, "value") == ["0.500", "-", "1.000"]


def test_counts_have_an_axis_of_their_own():
    svg = bars("Failures", [Bar("outranked", 1200), Bar("abstained", 3)], "questions", digits=0, largest=1200)
    assert texts(svg, "tick") == ["0", "500", "1,000", "1,500", "2,000", "2,500"]
    assert texts(svg, "value") == ["1,200", "3"]


def test_an_interval_is_drawn_where_there_is_one():
    with_one = columns("Recall", ["5"], [Series("recall", [0.5], "c", [(0.25, 0.75)])], "k", "recall")
    without = columns("Recall", ["5"], [Series("recall", [0.5], "c", [None])], "k", "recall")
    assert (len(marks(with_one, "line", "whisker")), len(marks(without, "line", "whisker"))) == (3, 0)


def test_a_point_of_the_reliability_diagram_has_an_area_as_its_count():
    svg = reliability("Reliability", [Bin(0.5, 0.25, 4), Bin(1.0, 1.0, 16)])
    small, large = (float(one.attrib["r"]) for one in marks(svg, "circle", "point"))
    assert large**2 == 4 * small**2
    assert "<title>confidence 0.500, right 0.250, 4 answers</title>" in svg


def test_without_data_there_are_axes():
    for svg in (curve("C", [], "x", "y"), reliability("R", []), columns("K", [], [Series("s", [])], "x", "y")):
        assert len(marks(svg, "line", "grid")) == 6
    assert texts(bars("B", [], "x"), "axis") == ["x"]


def test_the_title_comes_first_and_all_text_is_escaped():
    svg = bars("<a> & <b>", [Bar("<script>", 0.5)], "<x>")
    root = ElementTree.fromstring(svg)
    assert (root[0].tag, root[0].text) == ("title", "<a> & <b>")
    assert "<script" not in svg
    assert texts(svg, "name") == ["<script>"]


@given(st.lists(st.tuples(share, share, st.integers(1, 10**6)), max_size=10))
def test_every_point_lies_inside_the_frame(points):
    for one in marks(reliability("R", [Bin(*point) for point in points]), "circle", "point"):
        assert LEFT <= float(one.attrib["cx"]) <= RIGHT
        assert TOP <= float(one.attrib["cy"]) <= BOTTOM


@given(st.lists(share, min_size=1, max_size=50))
def test_every_corner_of_a_curve_lies_inside_the_frame(risks):
    svg = curve("C", [(at / len(risks), risk) for at, risk in enumerate(risks, start=1)], "x", "y")
    (line,) = marks(svg, "polyline", "line")
    for corner in line.attrib["points"].split():
        across, up = map(float, corner.split(","))
        assert LEFT <= across <= RIGHT
        assert TOP <= up <= BOTTOM
