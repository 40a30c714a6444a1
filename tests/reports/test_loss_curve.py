"""The loss curve: a file of its own that is well-formed, with a point for each loss where it belongs."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

from odqa.reports import loss_curve, plots

SVG = "{http://www.w3.org/2000/svg}"


def drawn(path: Path) -> ElementTree.Element:
    return ElementTree.fromstring(path.read_text(encoding="utf-8"))


def test_a_line_for_training_and_one_for_what_is_held_out(tmp_path: Path):
    path = tmp_path / "loss.svg"
    loss_curve.write(path, [(0, 10.0), (50, 5.0), (100, 2.5)], [(50, 5.0), (100, 0.0)])
    found = drawn(path)
    lines = [one.get("points") for one in found.iter(f"{SVG}polyline")]
    # From the corner of the axes, up to 10 and right to 100, which both end at a tick.
    assert lines == [
        f"{plots.LEFT},{plots.TOP} 220,130 {plots.RIGHT},185",
        f"220,130 {plots.RIGHT},{plots.BOTTOM}",
    ]
    assert len(list(found.iter(f"{SVG}circle"))) == 5
    assert {"in training", "held out"} <= {one.text for one in found.iter(f"{SVG}text")}
    assert found.find(f"{SVG}style") is not None


def test_a_run_that_has_just_begun_has_axes_alone(tmp_path: Path):
    loss_curve.write(tmp_path / "loss.svg", [])
    assert [one.get("points") for one in drawn(tmp_path / "loss.svg").iter(f"{SVG}polyline")] == [""]
