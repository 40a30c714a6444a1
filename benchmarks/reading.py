"""How fast does a reader read, and what does the speed cost? Weights in bfloat16 beside autocast and float32.

    python benchmarks/reading.py --data ../shared/data/squad_v1/dev-v1.1-other-articles.json

Three ways of reading take turns on the same questions, drawn once, each with its own paragraph:

- float32;
- autocast: weights in float32, matrix products in bfloat16;
- Reader.load as it comes, with weights in bfloat16 besides.

A ratio is the median over rounds in which each of the three runs once, so that it holds where the machine has other
work; the windows a second do not. How often the best span is that of float32, and how far span - null is from it, is
printed beside. Needs a machine that multiplies bfloat16.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median

import numpy as np

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


def beside(exact: Sequence[Reading], other: Sequence[Reading]) -> tuple[float, float]:
    """How often the best span is the same, and the mean distance of span - null, over what has spans in both."""
    pairs = [(one, two) for one, two in zip(exact, other, strict=True) if one.spans and two.spans]
    same = [(a.spans[0].start, a.spans[0].end) == (b.spans[0].start, b.spans[0].end) for a, b in pairs]
    margins = [[some.spans[0].score - some.null_score for some in pair] for pair in pairs]
    return float(np.mean(same)), float(np.mean([abs(one - two) for one, two in margins]))


def main() -> None:
    """Time the three ways in turn and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=DATA, help="a SQuAD file")
    parser.add_argument("--reader", default=DEFAULT_READER)
    parser.add_argument("--questions", type=int, default=600, help="0 for all")
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()

    everything = load_examples(given.data)
    drawn = np.random.default_rng(0).permutation(len(everything))[: given.questions or None]
    examples = [everything[at] for at in drawn]
    exact, autocast = (Reader.load(given.reader, device="cpu", dtype="float32") for _ in range(2))
    lowered = Reader.load(given.reader, device="cpu", dtype="bfloat16")
    autocast.dtype = lowered.dtype
    readers = {"float32": exact, "autocast": autocast, "as it comes": lowered}
    seconds: dict[str, list[float]] = {name: [] for name in readers}
    found: dict[str, list[Reading]] = {}
    for _ in range(given.rounds):
        for name, reader in readers.items():
            spent, found[name] = timed(reader, examples)
            seconds[name].append(spent)
    count = sum(reading.windows for reading in found["float32"])
    machine = describe(autocast.device, 1)
    print(f"{machine.name}, {machine.threads} threads; {autocast.name}")
    print(f"{len(examples):,} questions, {count:,} windows, {given.rounds} rounds")
    print(f"{'':14}{'windows/s':>10}{'ratio':>8}{'same span':>11}{'distance':>10}")
    for name, spent in seconds.items():
        ratio = median(slow / own for slow, own in zip(seconds["float32"], spent, strict=True))
        same, distance = beside(found["float32"], found[name])
        print(f"{name:14}{count / min(spent):10.1f}{ratio:8.2f}{same:11.3f}{distance:10.3f}")


if __name__ == "__main__":
    main()
