"""Does a second worker double it? Passages indexed a second on a Ray cluster of 1, 2, … cores.

    python benchmarks/scale_out.py docs README.md --workers 1,2 --rounds 3

For each number of workers a cluster with so many cores is started on this machine, and the same files are indexed on it
and, by turns, without Ray on as many threads. The cluster's start and the loading of the driver's own encoder are not
counted, the workers' start is. Efficiency is the passages a second of n workers over n times those of one. Time outside
the encoder is that of a run less that of encoding its passages in this process, on as many threads as there are
workers, divided by the run's. Each figure is the median of the rounds, with the smallest and the largest.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from odqa import threads
from odqa.cluster.join import joined
from odqa.index.build import build_index
from odqa.index.manifest import read_manifest
from odqa.index.segment import Segment
from odqa.models import DEFAULT_ENCODER
from odqa.retrieval.encoder import Encoder
from odqa.types import Passage


def main() -> None:
    """Measure, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("paths", nargs="+", type=Path, help="files and folders to index")
    parser.add_argument("--workers", default="1,2", help="numbers of workers, by commas")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--encoder", default=DEFAULT_ENCODER)
    arguments = parser.parse_args()
    numbers = [int(number) for number in arguments.workers.split(",")]
    runs: dict[tuple[str, int], list[float]] = {}
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(arguments.rounds):
            for workers in numbers:
                passages = measure(arguments.paths, Path(folder), arguments.encoder, workers, runs)
    print(f"{passages:,} passages; medians of {arguments.rounds} rounds (smallest – largest), passages a second")
    print(
        "| workers | on Ray | efficiency | outside the encoder | without Ray, as many threads |\n|---|---|---|---|---|"
    )
    one = statistics.median(runs["ray", numbers[0]]) * numbers[0]
    for workers in numbers:
        ray, alone, bare = (runs[name, workers] for name in ("ray", "alone", "bare"))
        efficiency = one / (statistics.median(ray) * workers)
        outside = 1 - statistics.median(bare) / statistics.median(ray)
        print(f"| {workers} | {rate(passages, ray)} | {efficiency:.0%} | {outside:.0%} | {rate(passages, alone)} |")


def measure(
    paths: list[Path], folder: Path, encoder: str, workers: int, runs: dict[tuple[str, int], list[float]]
) -> int:
    """Index with Ray and without, encode the passages alone, and note the seconds; how many passages there are."""
    threads.limit(workers)
    loaded = Encoder.load(encoder, "cpu")

    def note(name: str, work: Callable[[], object]) -> None:
        began = time.perf_counter()
        work()
        runs.setdefault((name, workers), []).append(time.perf_counter() - began)

    with joined("local"):  # Of as many cores as there are threads.
        note("ray", lambda: build_index(paths, folder / "ray", encoder=loaded, ray="local"))
    note("alone", lambda: build_index(paths, folder / "alone", encoder=loaded))
    passages = stored(folder / "alone")
    note("bare", lambda: loaded.encode_passages(passages))
    return len(passages)


def stored(index: Path) -> list[Passage]:
    """The passages of an index that was just built, which has one segment."""
    (record,) = read_manifest(index).segments
    segment = Segment.open(index, record, None)
    try:
        return [passage for rows in segment.rows() for passage in segment.store.fetch(rows).values()]
    finally:
        segment.close()


def rate(passages: int, seconds: list[float]) -> str:
    """Passages a second: of the median run, and of the slowest and the fastest."""
    median, slowest, fastest = (passages / one for one in (statistics.median(seconds), max(seconds), min(seconds)))
    return f"{median:,.0f} ({slowest:,.0f} – {fastest:,.0f})"


if __name__ == "__main__":
    main()
