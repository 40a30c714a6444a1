"""How much of the batch rate a server keeps when many people ask at once, and whether its memory stays what it was.

    python benchmarks/serve.py --seconds 60

First ``ask_many`` answers questions over this project's own documents in this process; then a server of the same index
is started, and so many clients ask it over the loopback, each its next question as soon as the last one is answered;
then they search, many thousand times. The clients take the processor from the server that they ask. The index is built
in runs/serve if it is not there.
"""

from __future__ import annotations

import argparse
import itertools
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter
from urllib.request import urlopen

import numpy as np

from odqa import Pipeline, build_index
from odqa.errors import OdqaError
from odqa.serve.client import Client

QUESTIONS = (
    "How many passages does the reader read by default?",
    "What happens when two documents have the same id?",
    "How long may a question be?",
    "What is a passage?",
    "Which exit code means a mistake in the request?",
    "How is an index compacted?",
    "Where does odqa tune keep what it fitted?",
    "What is the null score?",
    "Which process reads PDF files?",
    "How many bytes does a paragraph of Wikipedia take?",
    "What is BM25?",
    "Who painted the Mona Lisa?",
    "What does --min-confidence do?",
    "How are copies of a passage treated?",
    "Which file holds the manifest?",
    "What is the capital of France?",
    "How many tokens do neighbouring windows share?",
    "How are checksums compared?",
    "What is never unpickled?",
    "What does abstain mean?",
    "Which Python version is needed?",
    "What is a margin?",
    "How does dense search find passages?",
    "What was the first man on the moon called?",
)


@dataclass
class Tally:
    """What became of requests: seconds of each that was answered, errors, and how long all of it took."""

    seconds: list[float] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    wall: float = 0.0

    def row(self, name: str) -> str:
        """A line of the table."""
        p50, p95, p99 = np.percentile(self.seconds, (50, 95, 99)) if self.seconds else (np.nan,) * 3
        rate = len(self.seconds) / self.wall
        return (
            f"| {name} | {len(self.seconds):,} | {rate:.1f} | {p50:.3f} | {p95:.3f} | {p99:.3f} | {len(self.errors)} |"
        )


def batch_rate(index: Path, questions: int) -> float:
    """Questions a second of ``ask_many`` in this process, after a first batch that warms up."""
    with Pipeline.open(index) as pipeline:
        list(pipeline.ask_many(QUESTIONS[:16]))
        begun = perf_counter()
        count = sum(1 for _ in pipeline.ask_many(itertools.islice(itertools.cycle(QUESTIONS), questions)))
        return count / (perf_counter() - begun)


@contextmanager
def started(index: Path) -> Iterator[str]:
    """The URL of a server of the index, which is stopped in the end, and has to end well."""
    command = [sys.executable, "-m", "odqa", "serve", "--index", f"docs={index}", "--port", "0"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        url = next(found[0] for line in process.stderr if (found := re.search(r"http://\S+?(?=;)", line)))
        threading.Thread(target=lambda: sys.stderr.writelines(process.stderr or ()), daemon=True).start()
        try:
            yield url
        finally:
            process.send_signal(signal.SIGTERM)
            assert process.wait() == 0, "the server did not end well"


def load(url: str, clients: int, go_on: Callable[[], bool], ask: Callable[[Client, str], object]) -> Tally:
    """Have so many clients ask, each one question after another, as long as they are to go on."""
    tally = Tally()

    def one(number: int) -> None:
        with Client(url) as client:
            for question in itertools.islice(itertools.cycle(QUESTIONS), number, None):
                if not go_on():
                    return
                begun = perf_counter()
                try:
                    ask(client, question)
                    tally.seconds.append(perf_counter() - begun)
                except OdqaError as error:
                    tally.errors.append(str(error))

    begun = perf_counter()
    with ThreadPoolExecutor(clients) as pool:
        list(pool.map(one, range(clients)))
    tally.wall = perf_counter() - begun
    return tally


def memory(url: str) -> float:
    """The megabytes that a server holds."""
    with urlopen(f"{url}/metrics") as response:
        found = re.search(r"^process_resident_memory_bytes (\S+)$", response.read().decode(), re.MULTILINE)
    assert found
    return float(found[1]) / 1e6


def main() -> None:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--index", type=Path, default=Path("runs/serve/docs"), help="index; built if it is not there")
    parser.add_argument("--seconds", type=float, default=60.0, help="how long clients ask")
    parser.add_argument("--clients", type=int, default=32)
    parser.add_argument("--searches", type=int, default=10_000, help="searches after that, for the memory")
    parser.add_argument("--batch-questions", type=int, default=160, help="questions of ask_many")
    options = parser.parse_args()
    if not options.index.exists():
        build_index(["README.md", "docs"], options.index)
    rate = batch_rate(options.index, options.batch_questions)
    with started(options.index) as url:
        warm = load(url, options.clients, iter([True] * options.clients + [False] * options.clients).__next__, _ask)
        before = memory(url)
        end = perf_counter() + options.seconds
        asked = load(url, options.clients, lambda: perf_counter() < end, _ask)
        after = memory(url)
        left = iter(range(options.searches))
        searched = load(url, options.clients, lambda: next(left, None) is not None, _search)
        last = memory(url)
    print(f"ask_many, batches of 16: {rate:.2f} questions a second")
    print(f"{options.clients} clients: {len(asked.seconds) / asked.wall / rate:.0%} of that")
    print("| requests | number | a second | p50 s | p95 s | p99 s | errors |\n|---|---|---|---|---|---|---|")
    print(asked.row("/ask"))
    print(searched.row("/search"))
    print(f"memory: {before:.0f} MB after {len(warm.seconds)} questions, {after:.0f} MB after asking, ", end="")
    print(f"{last:.0f} MB after {options.searches:,} searches")
    for error in sorted({*warm.errors, *asked.errors, *searched.errors}):
        print("error:", error)


def _ask(client: Client, question: str) -> None:
    client.ask(question)


def _search(client: Client, question: str) -> None:
    client.search(question)


if __name__ == "__main__":
    main()
