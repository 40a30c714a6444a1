"""A run's losses by their steps go in, a picture of them comes out as an SVG file of its own, light and dark."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from odqa.files import whole
from odqa.reports import plots

FILE = "loss.svg"
_STYLE = """<style>
svg { background: #fff; font: 12px system-ui, sans-serif; } text { fill: #59636e; } .grid { stroke: #d9dee4; }
.line { fill: none; stroke-width: 2; } polyline.a { stroke: #2563a8; } polyline.c { stroke: #b8671a; }
circle.a, text.a { fill: #2563a8; } circle.c, text.c { fill: #b8671a; }
@media (prefers-color-scheme: dark) {
  svg { background: #14171b; } text { fill: #9aa5b1; } .grid { stroke: #333a43; }
  polyline.a { stroke: #6aa9ee; } polyline.c { stroke: #e0974c; }
  circle.a, text.a { fill: #6aa9ee; } circle.c, text.c { fill: #e0974c; }
}
</style>"""


def remove_unfinished(folder: Path) -> None:
    """Remove what a run that was killed while it drew left in its folder."""
    for path in folder.glob(f".{FILE}.*.tmp"):
        path.unlink(missing_ok=True)


def write(path: Path, training: Sequence[tuple[int, float]], held_out: Sequence[tuple[int, float]] = ()) -> None:
    """Draw the losses in training and, where there are any, on held-out data, each (step, loss)."""
    series = [plots.Line("in training", training)]
    if held_out:
        series.append(plots.Line("held out", held_out, "c"))
    drawn = plots.lines("The loss of the run", series, "optimiser steps", "loss")
    alone = drawn.replace("<svg ", '<svg xmlns="http://www.w3.org/2000/svg" ', 1).replace(">\n", f">\n{_STYLE}\n", 1)
    with whole(path) as unfinished:
        unfinished.write_text(alone + "\n", encoding="utf-8")
