"""What a server is like when many people ask at once: how fast, how large, and whether anything fails or is lost.

    python benchmarks/serve.py                           # about 3 minutes
    python benchmarks/serve.py --asks 10000              # about 16 minutes, at 10.5 questions a second
    python benchmarks/serve.py --replace --seconds 180   # about 4 minutes, with some twelve changes
    python benchmarks/serve.py --kill 3                  # about 3 minutes

First ``ask_many`` answers questions over this project's own documents in this process; then a server of the same index
is started, and so many clients ask it over the loopback, each its next question as soon as the last one is answered;
then they search, many thousand times. The clients take the processor from the server that they ask. The index is built
in runs/serve if it is not there.

With --asks they ask so many questions, and the server's memory is looked at after every tenth of them. With --replace
the index that is served, a copy, is built again, added to and removed from by turns while they ask and search. With
--kill they say of each answer that it is right, the server is killed (SIGKILL) so many times and started again at the
same address, and the file of feedback is compared with what was acknowledged.
"""

from __future__ import annotations

import argparse
import itertools
import json
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPException
from pathlib import Path
from time import perf_counter, sleep
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

import numpy as np

from odqa import Pipeline, build_index
from odqa.errors import OdqaError
from odqa.serve.client import Client
from odqa.serve.feedback import read

DOCUMENTS = ("README.md", "docs")
PARTS = 10  # Of the questions of --asks; the memory is looked at after each.
HEAD = "| requests | number | a second | p50 s | p95 s | p99 s | errors |\n|---|---|---|---|---|---|---|"
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
def started(index: Path, *options: str) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """The URL of a server of the index, and its process, which is stopped in the end, and has to end well."""
    command = [sys.executable, "-m", "odqa", "serve", "--index", f"docs={index}", *(options or ("--port", "0"))]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        url = next(found[0] for line in process.stderr if (found := re.search(r"http://\S+?(?=;)", line)))
        threading.Thread(target=lambda: sys.stderr.writelines(process.stderr or ()), daemon=True).start()
        try:
            yield url, process
        finally:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
            assert process.wait() in (0, -signal.SIGKILL), "the server did not end well"


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


def times(number: int) -> Callable[[], bool]:
    """What is true so many times, whoever asks."""
    left = iter(range(number))
    return lambda: next(left, None) is not None


def until(seconds: float) -> Callable[[], bool]:
    """What is true for so many seconds."""
    end = perf_counter() + seconds
    return lambda: perf_counter() < end


def measure_rate(options: argparse.Namespace) -> None:
    """The rate beside that of ``ask_many``, and the memory after searches."""
    rate = batch_rate(options.index, options.batch_questions)
    with started(options.index) as (url, _):
        warm = load(url, options.clients, times(options.clients), _ask)
        before = memory(url)
        asked = load(url, options.clients, until(options.seconds), _ask)
        after = memory(url)
        searched = load(url, options.clients, times(options.searches), _search)
        last = memory(url)
    print(f"ask_many, batches of 16: {rate:.2f} questions a second")
    print(f"{options.clients} clients: {len(asked.seconds) / asked.wall / rate:.0%} of that")
    print(HEAD, asked.row("/ask"), searched.row("/search"), sep="\n")
    print(f"memory: {before:.0f} MB after {len(warm.seconds)} questions, {after:.0f} MB after asking, ", end="")
    print(f"{last:.0f} MB after {options.searches:,} searches")
    _print_errors(warm, asked, searched)


def measure_memory(options: argparse.Namespace) -> None:
    """The memory along so many questions."""
    with started(options.index) as (url, _):
        load(url, options.clients, times(options.clients), _ask)
        print(f"{memory(url):.0f} MB after {options.clients} questions")
        print(HEAD.replace("errors |", "errors | MB |") + "---|")
        parts = []
        for part in range(PARTS):
            number = options.asks * (part + 1) // PARTS - options.asks * part // PARTS
            parts.append(load(url, options.clients, times(number), _ask))
            print(parts[-1].row("/ask"), f"{memory(url):.0f} |", flush=True)
    _print_errors(*parts)


def measure_replace(options: argparse.Namespace) -> None:
    """Whether a request fails while the index is built again, added to and removed from by turns."""
    with tempfile.TemporaryDirectory() as folder:
        index = Path(folder) / "docs"
        shutil.copytree(options.index, index)
        with started(index) as (url, _), ThreadPoolExecutor() as pool:
            running = until(options.seconds)
            asking = pool.submit(load, url, options.clients, running, _ask)
            searching = pool.submit(load, url, options.clients, running, _search)
            changes = itertools.cycle((("index", *DOCUMENTS), ("add", "CHANGELOG.md"), ("remove", "CHANGELOG.md")))
            made = 0
            while running():
                subprocess.run(
                    [sys.executable, "-m", "odqa", *next(changes), "--index", str(index), "--quiet"],
                    check=True, stdout=subprocess.DEVNULL,
                )  # fmt: skip
                made += 1
            asked, searched = asking.result(), searching.result()
            sleep(2)  # The server looks every second.
            with urlopen(f"{url}/metrics") as response:
                reloads = re.findall(r"^odqa_index_\w+.* \S+$", response.read().decode(), re.MULTILINE)
    print(f"{made} changes, of which each third one built the index again", *reloads, sep="\n")
    print(HEAD, asked.row("/ask"), searched.row("/search"), sep="\n")
    _print_errors(asked, searched)


def measure_kill(options: argparse.Namespace) -> None:
    """Whether feedback is lost or broken when the server is killed while many give it."""
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(1) as pool:
        file = Path(folder) / "feedback.jsonl"
        ended, acknowledged, port = threading.Event(), list[str](), 0
        giving = None
        try:
            for round in range(options.kill + 1):
                with started(options.index, "--feedback", str(file), "--port", str(port)) as (url, process):
                    port = urlsplit(url).port or 0
                    judge = _judge(url, acknowledged)
                    giving = giving or pool.submit(load, url, options.clients, lambda: not ended.is_set(), judge)
                    sleep(options.seconds / (options.kill + 1))
                    if round < options.kill:
                        process.kill()
                        process.wait()
                    else:
                        ended.set()
                        tally = giving.result()
        finally:
            ended.set()
        kept = [record.id for record in read(file)]
        whole = file.read_bytes().endswith(b"\n")
    lost = set(acknowledged) - set(kept)
    print(f"{options.kill} times killed; {len(tally.errors)} attempts met no server")
    print(f"{len(acknowledged)} judgements acknowledged, {len(lost)} of them lost; {len(kept)} whole lines")
    assert not lost and whole and len(kept) == len(set(kept))


def main() -> None:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--index", type=Path, default=Path("runs/serve/docs"), help="index; built if it is not there")
    parser.add_argument("--seconds", type=float, default=60.0, help="how long clients ask")
    parser.add_argument("--clients", type=int, default=32)
    parser.add_argument("--searches", type=int, default=10_000, help="searches after that, for the memory")
    parser.add_argument("--batch-questions", type=int, default=160, help="questions of ask_many")
    parser.add_argument("--asks", type=int, help="ask so many questions instead, and look at the memory")
    parser.add_argument("--replace", action="store_true", help="change the index meanwhile instead")
    parser.add_argument("--kill", type=int, help="kill the server so many times instead")
    options = parser.parse_args()
    if not options.index.exists():
        build_index(list(DOCUMENTS), options.index)
    if options.asks:
        measure_memory(options)
    elif options.replace:
        measure_replace(options)
    elif options.kill:
        measure_kill(options)
    else:
        measure_rate(options)


def _ask(client: Client, question: str) -> None:
    client.ask(question)


def _search(client: Client, question: str) -> None:
    client.search(question)


def _judge(url: str, acknowledged: list[str]) -> Callable[[Client, str], None]:
    """What asks a question, says that the first answer is right, and notes the id by which that is acknowledged."""

    def judge(client: Client, question: str) -> None:
        try:
            answer = client.ask(question, k=2, min_confidence=0.0).answers[0]
            place = {"document": answer.passage.document_id, "start": answer.start, "end": answer.end}
            value = {"question": question, "verdict": "right", "text": answer.text} | place
            request = Request(f"{url}/feedback", json.dumps(value).encode(), {"Content-Type": "application/json"})
            with urlopen(request, timeout=90) as response:
                acknowledged.append(json.load(response)["id"])
        except (OdqaError, OSError, HTTPException) as error:
            sleep(0.2)  # Until there is a server again.
            raise OdqaError(str(error)) from None

    return judge


def _print_errors(*tallies: Tally) -> None:
    for error in sorted({error for tally in tallies for error in tally.errors}):
        print("error:", error)


if __name__ == "__main__":
    main()
