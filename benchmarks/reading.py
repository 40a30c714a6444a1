"""How fast does a reader read, by what, and do they read the same? Torch and OpenVINO, in float32 and in bfloat16.

    python benchmarks/reading.py --data ../shared/data/squad_v2/dev-v2.0.json --questions 1000

The ways take turns on the same questions, drawn once, each with its own paragraph. A ratio is the median over rounds in
which each of them runs once, so that it holds where the machine has other work; the windows a second do not. How often
the best span is that of torch in float32, how often the same is answered or refused, and how far span - null is from
it, is printed beside. bfloat16 needs a machine that multiplies it.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median

import numpy as np
import torch

from odqa.models import DEFAULT_READER
from odqa.reader.model import Reader
from odqa.squad import load_examples
from odqa.training.hardware import describe
from odqa.types import Example, Reading

DATA = Path("../shared/data/squad_v1/dev-v1.1-other-articles.json")


def timed(reader: Reader, examples: Sequence[Example]) -> tuple[float, list[Reading]]:
    """Seconds, and what was read."""
    start = time.perf_counter()
    found = reader.read([one.question for one in examples], [one.context for one in examples], n_best=5)
    return time.perf_counter() - start, found


def beside(exact: Sequence[Reading], other: Sequence[Reading], threshold: float) -> tuple[float, float, float]:
    """Shares of questions with the same best span and the same decision, and the mean distance of span - null."""
    pairs = [(one, two) for one, two in zip(exact, other, strict=True) if one.spans and two.spans]
    same = [(a.spans[0].start, a.spans[0].end) == (b.spans[0].start, b.spans[0].end) for a, b in pairs]
    margins = np.array([[some.spans[0].score - some.null_score for some in pair] for pair in pairs])
    decided = (margins[:, 0] > threshold) == (margins[:, 1] > threshold)
    return float(np.mean(same)), float(np.mean(decided)), float(np.abs(margins[:, 0] - margins[:, 1]).mean())


def main() -> None:
    """Time the three ways in turn and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=DATA, help="a SQuAD file")
    parser.add_argument("--reader", default=DEFAULT_READER)
    parser.add_argument("--questions", type=int, default=600, help="0 for all")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--dtypes", nargs="+", default=["float32", "bfloat16"])
    given = parser.parse_args()

    everything = load_examples(given.data)
    drawn = np.random.default_rng(0).permutation(len(everything))[: given.questions or None]
    examples = [everything[at] for at in drawn]
    readers = {
        f"{backend}, {dtype}": Reader.load(given.reader, device="cpu", dtype=dtype, backend=backend)
        for backend in ("torch", "openvino")
        for dtype in given.dtypes
    }
    base = next(iter(readers))
    seconds: dict[str, list[float]] = {name: [] for name in readers}
    found: dict[str, list[Reading]] = {}
    for _ in range(given.rounds):
        for name, reader in readers.items():
            spent, found[name] = timed(reader, examples)
            seconds[name].append(spent)
    count = sum(reading.windows for reading in found[base])
    machine = describe(torch.device("cpu"), 1)
    print(f"{machine.name}, {machine.threads} threads; {readers[base].name}")
    print(f"{len(examples):,} questions, {count:,} windows, {given.rounds} rounds\n")
    print("| | windows/s | ratio | same best span | same decision | mean distance of span - null |")
    print("|---|---|---|---|---|---|")
    for name, spent in seconds.items():
        ratio = median(slow / own for slow, own in zip(seconds[base], spent, strict=True))
        same, decided, distance = beside(found[base], found[name], readers[base].no_answer_threshold)
        print(f"| {name} | {count / min(spent):.1f} | {ratio:.2f} | {same:.3f} | {decided:.3f} | {distance:.3f} |")


if __name__ == "__main__":
    main()
