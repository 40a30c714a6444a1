"""Draws what `speed.py` found for several k and for growing indexes. Needs matplotlib and nothing else.

    python benchmarks/speed_plot.py runs/speed docs/speed.svg

The first is the folder with k.json and scale.json.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import matplotlib as mpl
from speed_machine import percentile


def lines(points: list[dict[str, Any]], across: str) -> dict[str, list[tuple[float, float, float]]]:
    """For each way of running odqa, the place on the axis and the p50 and p95 in milliseconds, from left to right."""
    found: dict[str, list[tuple[float, float, float]]] = {}
    for point in sorted(points, key=lambda point: point[across]):
        seconds = [row["total"] for row in point["rows"]]
        values = (1000 * percentile(seconds, share) for share in (0.5, 0.95))
        found.setdefault(point["way"], []).append((point[across], *values))
    return found


def main(folder: Path, target: Path) -> None:
    """Draw the two side by side."""
    mpl.use("svg")
    mpl.rcParams.update({"svg.fonttype": "none", "svg.hashsalt": "odqa"})
    from matplotlib import pyplot

    figure, both = pyplot.subplots(1, 2, figsize=(9, 4), layout="constrained", sharey=True)
    for axes, (name, across, label) in zip(
        both, (("k", "k", "passages to read, k"), ("scale", "size", "passages in the index")), strict=True
    ):
        points = json.loads((folder / f"{name}.json").read_text())["points"]
        for way, values in lines(points, across).items():
            places, middle, high = zip(*values, strict=True)
            (line,) = axes.plot(places, middle, marker="o", label=f"{way}, p50")
            axes.plot(places, high, ":", color=line.get_color(), label="p95")
        axes.set(xscale="log", xlabel=label, ylim=(0, None))
        axes.grid(alpha=0.3)
        axes.legend()
    both[0].set(ylabel="ms a question", xscale="linear")
    figure.savefig(target, metadata={"Date": None})


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
