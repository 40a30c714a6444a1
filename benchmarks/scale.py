"""How does an index grow? Build time, bytes, opening, memory, latency and recall at 10,000 to a million passages.

    python benchmarks/scale.py --data ../shared/data --plot docs/scale.svg

Real paragraphs are repeated, each time with a tenth of their words changed for others of the same corpus and with
noise added to their vectors, so that clusters of passages stay what they are. Questions are those of SQuAD v2 dev.
Recall is that of the 20 nearest vectors, against a comparison with all of them. Building counts neither reading nor
encoding. Each index is opened and searched in a process of its own, after the operating system has forgotten its files
as far as it lets us; a question is one call, encoding not counted.

Indexes and vectors are kept in runs/scale, so that a second run only measures.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from retrieval import DEV, OTHERS, Corpus, VectorCache

from odqa.corpus import ChunkOptions, ReadOptions
from odqa.index.build import new_manifest
from odqa.index.change import changing
from odqa.index.ingest import OnDuplicate, Rules, Storage
from odqa.index.manifest import read_manifest
from odqa.index.search import Index
from odqa.index.segment import BATCH, SegmentWriter
from odqa.models import DEFAULT_ENCODER
from odqa.retrieval.encoder import Encoder
from odqa.retrieval.names import KEYWORDS
from odqa.types import Document, Passage

SIZES = (10_000, 30_000, 100_000, 1_000_000)
K = 20
QUESTIONS = 500
CHANGED = 0.1  # Of a repeated paragraph's words.
# The length of the noise beside the vector's own, 1: the cosine of a copy with its original is about 0.9, which is
# that of two paragraphs that say nearly the same.
NOISE = 0.5


def copies(corpus: Corpus, vectors: NDArray[np.float32], size: int) -> Iterator[tuple[list[Passage], NDArray[Any]]]:
    """``size`` passages with their vectors, in blocks: the corpus, then changed copies of it."""
    words = np.array([word for passage in corpus.passages for word in passage.text.split()], object)
    for start in range(0, size, BATCH):
        random = np.random.default_rng(start)
        rows = np.arange(start, min(start + BATCH, size))
        sources = rows % len(corpus.passages)
        made = []
        for row, source in zip(rows.tolist(), sources.tolist(), strict=True):
            original = corpus.passages[source]
            text = np.array(original.text.split(), object)
            if row >= len(corpus.passages):
                changed = random.random(len(text)) < CHANGED
                text[changed] = random.choice(words, int(changed.sum()))
            made.append(Passage(f"{row}#0", str(row), original.title, " ".join(text), 0, "scale"))
        noise = random.normal(size=(len(rows), vectors.shape[1])) * (NOISE / np.sqrt(vectors.shape[1]))
        noisy = vectors[sources] + noise * (rows >= len(corpus.passages))[:, None]
        yield made, (noisy / np.linalg.norm(noisy, axis=1, keepdims=True)).astype(np.float32)


def build(
    folder: Path, corpus: Corpus, vectors: NDArray[np.float32], size: int, encoder: Encoder, factory: str
) -> float:
    """Write an index of ``size`` passages; the seconds that took, without those of making texts and vectors."""
    rules = Rules(ReadOptions(), ChunkOptions(), Storage(factory), OnDuplicate.ERROR, strict=True)
    again = copies(corpus, vectors, size)
    seconds = 0.0

    def encode(block: Sequence[Passage]) -> NDArray[np.float32]:
        nonlocal seconds
        started = time.perf_counter()
        _, made = next(again)
        seconds -= time.perf_counter() - started
        assert len(made) == len(block)
        return made

    with changing(folder) as change, SegmentWriter(change.new_segment(), encoder.dimension, "en") as writer:
        for passages, _ in copies(corpus, vectors, size):
            started = time.perf_counter()
            for passage in passages:
                writer.add(Document(passage.document_id, passage.title, passage.text, "scale"), [passage])
            seconds += time.perf_counter() - started
        started = time.perf_counter()
        record = writer.finish(encode, factory or None, Storage().recall)
        change.commit(new_manifest(encoder, rules), [record])
        seconds += time.perf_counter() - started
    return seconds


def nearest(corpus: Corpus, vectors: NDArray[np.float32], size: int, queries: NDArray[np.float32]) -> NDArray[np.int64]:
    """The rows of the ``K`` nearest of all vectors for each query, (q, K)."""
    scores = np.zeros((len(queries), 0), np.float32)
    rows = np.zeros((len(queries), 0), np.int64)
    done = 0
    for _, some in copies(corpus, vectors, size):
        scores = np.concatenate([scores, queries @ some.T], axis=1)
        rows = np.concatenate([rows, np.broadcast_to(np.arange(done, done + len(some)), (len(queries), len(some)))], 1)
        kept = np.argpartition(-scores, K - 1, axis=1)[:, :K]
        scores, rows = np.take_along_axis(scores, kept, 1), np.take_along_axis(rows, kept, 1)
        done += len(some)
    return rows


def measure(folder: Path) -> dict[str, Any]:
    """Open the index in ``folder``, which this process has not touched, and search it."""
    questions = json.loads((folder / "questions.json").read_text())
    queries, exact = np.load(folder / "queries.npy"), np.load(folder / "nearest.npy")
    import faiss  # noqa: F401  # A library is loaded once, whatever it opens.

    from odqa.retrieval import keywords  # noqa: F401

    before = resident()
    started = time.perf_counter()
    index = Index.open(folder / "index")
    opened = time.perf_counter() - started
    index.search(questions[:1], K, queries[:1])
    first = time.perf_counter() - started - opened
    result: dict[str, Any] = {"open_s": opened, "open_mb": resident() - before, "first_s": first}
    index.close()
    for mode in ("dense", "bm25", "hybrid"):
        with Index.open(folder / "index", mode=mode) as index:
            seconds, hits = [], 0
            for question, query, rows in zip(questions, queries, exact, strict=True):
                started = time.perf_counter()
                (found,) = index.search([question], K, query[None])
                seconds.append(time.perf_counter() - started)
                hits += len({int(hit.passage.document_id) for hit in found} & set(rows.tolist()))
            result[mode] = dict(zip(("p50", "p95", "p99"), np.percentile(seconds, (50, 95, 99)).tolist(), strict=True))
            if mode == "dense":
                result["recall"] = hits / exact.size
    result["after_mb"] = resident() - before
    return result


def resident() -> float:
    """The memory of this process that is in use, in MB; file pages that are mapped count while they are there."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 1e6


def components(folder: Path) -> dict[str, float]:
    """Bytes a passage of each component."""
    manifest = read_manifest(folder)
    sizes = {"vectors": 0, "passages": 0, "keywords": 0}
    for segment in manifest.segments:
        for name, record in segment.files.items():
            kind = "keywords" if name in KEYWORDS else "vectors" if name.startswith("vectors") else "passages"
            sizes[kind] += record.size
    return {kind: size / manifest.passages for kind, size in sizes.items()}


def forget(folder: Path) -> None:
    """Ask the operating system to drop its copy of the files' pages."""
    for path in folder.rglob("*"):
        if path.is_file() and hasattr(os, "posix_fadvise"):
            with path.open("rb") as stream:
                os.posix_fadvise(stream.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def table(results: Sequence[dict[str, Any]]) -> Iterator[str]:
    """The lines of a Markdown table, a column a size."""
    yield "| passages | " + " | ".join(f"{result['size']:,}" for result in results) + " |"
    yield "|---" * (len(results) + 1) + "|"
    rows = {
        "factory": lambda r: r["factory"],
        "search parameters": lambda r: ", ".join(f"{name} {value}" for name, value in r["parameters"].items()) or "–",
        "recall@20 against Flat": lambda r: f"{r['recall']:.3f}",
        "recall@20 as the build measured it": lambda r: "–" if r["own_recall"] is None else f"{r['own_recall']:.3f}",
        "build, s": lambda r: f"{r['build_s']:,.0f}" if r["build_s"] else "–",
        "bytes a passage: vectors / passages / keywords": lambda r: " / ".join(
            f"{r['bytes'][kind]:,.0f}" for kind in ("vectors", "passages", "keywords")
        ),
        "vectors on the disk, MB": lambda r: f"{r['bytes']['vectors'] * r['size'] / 1e6:,.0f}",
        "open, ms": lambda r: f"{r['open_s'] * 1e3:,.0f}",
        "memory to open and ask once, MB": lambda r: f"{r['open_mb']:,.0f}",
        "first question, ms": lambda r: f"{r['first_s'] * 1e3:,.0f}",
        **{
            f"{mode}, p50 / p95 / p99 ms": lambda r, mode=mode: " / ".join(
                f"{r[mode][name] * 1e3:,.1f}" for name in ("p50", "p95", "p99")
            )
            for mode in ("dense", "bm25", "hybrid")
        },
    }
    for name, cell in rows.items():
        yield f"| {name} | " + " | ".join(cell(result) for result in results) + " |"


def plot(results: Sequence[dict[str, Any]], path: Path) -> None:
    """Latency by size, both logarithmic."""
    import matplotlib as mpl

    mpl.use("svg")
    mpl.rcParams.update({"svg.fonttype": "none", "svg.hashsalt": "odqa"})
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(7, 4), layout="constrained")
    sizes = [result["size"] for result in results]
    for mode in ("dense", "bm25", "hybrid"):
        (line,) = axes.plot(sizes, [result[mode]["p50"] * 1e3 for result in results], marker="o", label=f"{mode}, p50")
        axes.plot(sizes, [result[mode]["p99"] * 1e3 for result in results], ":", color=line.get_color(), label="p99")
    axes.set(xscale="log", yscale="log", xlabel="passages", ylabel="ms a question")
    axes.grid(alpha=0.3)
    axes.legend(ncols=3)
    figure.savefig(path, metadata={"Date": None})


def main() -> None:
    """Build what is missing, measure, print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help="folder of the datasets")
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES)
    parser.add_argument("--factory", default="", help="a FAISS factory string in place of the automatic choice")
    parser.add_argument("--folder", type=Path, default=Path("runs/scale"), help="where indexes are kept")
    parser.add_argument("--plot", type=Path, help="an SVG file to draw the latencies into (needs matplotlib)")
    parser.add_argument("--measure", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        print(json.dumps(measure(options.measure)))
        return
    if not options.data:
        parser.error("--data is needed")

    encoder = Encoder.load(DEFAULT_ENCODER)
    cache = VectorCache(Path("runs/retrieval"), encoder)
    corpus = Corpus()
    corpus.add(options.data / DEV, ask=True)
    for name in OTHERS:
        corpus.add(options.data / name)
    corpus.draw(QUESTIONS)
    vectors, queries = cache.passages(corpus.passages), cache.questions(corpus.questions)
    results = []
    for size in options.sizes:
        folder = options.folder / f"{size}{'-' if options.factory else ''}{options.factory.replace(',', '_')}"
        if not (folder / "nearest.npy").exists():
            folder.mkdir(parents=True, exist_ok=True)
            (folder / "questions.json").write_text(json.dumps(corpus.questions))
            np.save(folder / "queries.npy", queries)
            seconds = build(folder / "index", corpus, vectors, size, encoder, options.factory)
            (folder / "build.json").write_text(json.dumps(seconds))
            np.save(folder / "nearest.npy", nearest(corpus, vectors, size, queries))
        forget(folder)
        command = [sys.executable, __file__, "--measure", str(folder)]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        (record,) = read_manifest(folder / "index").segments
        results.append(
            {
                "size": size,
                "build_s": json.loads((folder / "build.json").read_text()),
                "bytes": components(folder / "index"),
                "factory": record.vectors["factory"],
                "parameters": record.vectors["parameters"],
                "own_recall": record.vectors["recall"],
                **json.loads(done.stdout),
            }
        )
        print("\n".join(table(results)), flush=True)
    if options.plot:
        plot(results, options.plot)


if __name__ == "__main__":
    main()
