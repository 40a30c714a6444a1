"""Where marks lie: the data area is 320 wide from 60 and 220 high from 240 upwards; horizontal bars begin at 10."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from odqa.evaluation.plots import Bar, Point, Series, bars, columns, curve, reliability, step

share = st.floats(0, 1)


def marks(svg: str, tag: str, look: str) -> list[dict[str, str]]:
    """The attributes of the elements of a class, which is left out."""
    found = [dict(one.attrib) for one in ElementTree.fromstring(svg).iter(tag)]
    return [{k: v for k, v in one.items() if k != "class"} for one in found if look in one.get("class", "").split()]


def texts(svg: str, look: str) -> list[str]:
    return [one.text or "" for one in ElementTree.fromstring(svg).iter("text") if one.get("class") == look]


@pytest.mark.parametrize(
    ("largest", "expected"), [(1, 0.2), (0.51, 0.2), (0.5, 0.1), (0.32, 0.1), (0.05, 0.01), (5, 1), (1998, 500)]
)
def test_an_axis_has_five_round_steps(largest, expected):
    assert step(largest) == pytest.approx(expected)


def test_one_column_stands_in_the_middle_and_is_as_high_as_its_value():
    svg = columns("Recall", ["5"], [Series("recall", [0.25], "c")], "k", "recall")
    # 40 wide, less 1 on either side, about 220; a quarter of 220 is 55.
    assert marks(svg, "rect", "c") == [{"x": "201", "y": "185", "width": "38", "height": "55"}]
    assert texts(svg, "value") == ["0.25"]
    assert texts(svg, "axis") == ["recall", "k"]
    assert texts(svg, "tick") == ["0", "0.2", "0.4", "0.6", "0.8", "1", "5"]


def test_columns_of_a_group_stand_side_by_side_and_what_was_not_measured_is_left_out():
    two = [Series("answered", [0.5, 1.0], "a"), Series("sure", [None, 0.5], "b")]
    svg = columns("Coverage", ["5", "20"], two, "k", "share")
    # Two groups of 160 about 140 and 300; the columns, 40 wide, meet in the middle.
    assert [(one["x"], one["y"]) for one in marks(svg, "rect", "a")] == [("101", "130"), ("261", "20")]
    assert [(one["x"], one["y"]) for one in marks(svg, "rect", "b")] == [("301", "130")]


def test_an_interval_is_a_line_with_a_stroke_at_either_end():
    svg = columns("Recall", ["5"], [Series("recall", [0.5], "c", [(0.25, 0.75)])], "k", "recall")
    assert marks(svg, "line", "whisker") == [
        {"x1": "220", "y1": "185", "x2": "220", "y2": "75"},
        {"x1": "216", "y1": "185", "x2": "224", "y2": "185"},
        {"x1": "216", "y1": "75", "x2": "224", "y2": "75"},
    ]


def test_horizontal_bars_stand_below_one_another_with_their_values_behind_them():
    svg = bars("Levels", [Bar("reader", 0.5, "b", (0.25, 0.75)), Bar("pipeline", None), Bar("both", 1.0)], "F1")
    assert marks(svg, "rect", "b") == [{"x": "10", "y": "20", "width": "160", "height": "16"}]
    assert marks(svg, "rect", "a") == [{"x": "10", "y": "108", "width": "320", "height": "16"}]
    assert marks(svg, "line", "whisker")[0] == {"x1": "90", "y1": "28", "x2": "250", "y2": "28"}
    assert texts(svg, "name") == ["reader", "pipeline", "both"]
    assert texts(svg, "value") == ["0.500", "-", "1.000"]
    assert marks(svg, "text", "value")[0]["x"] == "256"


def test_counts_have_an_axis_of_their_own():
    svg = bars("Failures", [Bar("outranked", 1200), Bar("abstained", 3)], "questions", digits=0, largest=1200)
    assert texts(svg, "tick") == ["0", "500", "1,000", "1,500", "2,000", "2,500"]
    assert texts(svg, "value") == ["1,200", "3"]
    assert marks(svg, "rect", "a")[0]["width"] == "153.6"  # 1,200 of 2,500, of 320


def test_a_point_of_the_reliability_diagram_has_an_area_as_its_count():
    svg = reliability("Reliability", [Point(0.5, 0.25, 4), Point(1.0, 1.0, 16)])
    assert marks(svg, "circle", "point") == [
        {"cx": "220", "cy": "185", "r": "6"},
        {"cx": "380", "cy": "20", "r": "12"},
    ]
    assert marks(svg, "line", "gap")[0] == {"x1": "220", "y1": "130", "x2": "220", "y2": "185"}
    assert marks(svg, "line", "ideal") == [{"x1": "60", "y1": "240", "x2": "380", "y2": "20"}]
    assert "<title>confidence 0.500, right 0.250, 4 answers</title>" in svg


def test_a_curve_encloses_the_area_below_it():
    svg = curve("Risk", [(0.5, 0.1), (1.0, 0.25)], "coverage", "risk")
    # The axis ends at 0.25: 0.1 is two fifths of it, 88 of 220.
    assert marks(svg, "polyline", "line") == [{"points": "220,152 380,20"}]
    assert marks(svg, "polygon", "under") == [{"points": "220,240 220,152 380,20 380,240"}]
    assert texts(svg, "tick")[:6] == ["0", "0.05", "0.1", "0.15", "0.2", "0.25"]


def test_without_data_there_are_axes():
    for svg in (curve("C", [], "x", "y"), reliability("R", []), columns("K", [], [Series("s", [])], "x", "y")):
        assert len(marks(svg, "line", "grid")) == 6
    assert texts(bars("B", [], "x"), "axis") == ["x"]


def test_a_curve_that_is_never_wrong_lies_on_the_axis():
    assert marks(curve("C", [(0.5, 0.0), (1.0, 0.0)], "x", "y"), "polyline", "line") == [{"points": "220,240 380,240"}]


def test_the_title_comes_first_and_all_text_is_escaped():
    svg = bars("<a> & <b>", [Bar("<script>", 0.5)], "<x>")
    assert svg.startswith('<svg viewBox="0 0 400 102" role="img">\n<title>&lt;a&gt; &amp; &lt;b&gt;</title>')
    assert "<script" not in svg
    assert texts(svg, "name") == ["<script>"]


@given(st.lists(st.tuples(share, share, st.integers(1, 10**6)), max_size=10))
def test_every_point_lies_inside_the_frame(points):
    for one in marks(reliability("R", [Point(*point) for point in points]), "circle", "point"):
        assert 60 <= float(one["cx"]) <= 380
        assert 20 <= float(one["cy"]) <= 240
        assert 3 <= float(one["r"]) <= 12


@given(st.lists(share, min_size=1, max_size=50))
def test_every_corner_of_a_curve_lies_inside_the_frame(risks):
    svg = curve("C", [(at / len(risks), risk) for at, risk in enumerate(risks, start=1)], "x", "y")
    (line,) = marks(svg, "polyline", "line")
    for corner in line["points"].split():
        across, up = map(float, corner.split(","))
        assert 60 <= across <= 380
        assert 20 <= up <= 240
