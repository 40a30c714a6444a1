"""How fast are passages encoded, and at what cost? By OpenVINO and by torch, beside SentenceTransformer.encode.

    python benchmarks/encoding.py --data ../shared/data/squad_v2/dev-v2.0.json

Passages are the paragraphs of a SQuAD file, cut as `odqa index` cuts them. Three ways of encoding take turns on them:

- SentenceTransformer.encode as it comes: float32, 32 passages at a time;
- Encoder.encode_passages by torch, which also puts title and headings before each passage and sees that both fit;
- the same by OpenVINO.

A ratio is the median over rounds in which each of the three runs once, so that it holds where the machine has other
work; the passages a second do not. The vectors of the first and the third are then compared, and searched with the
file's answerable questions, as each encodes them: to be found is a passage that holds one of the reference answers
whole.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median

import numpy as np
import sentence_transformers
import torch
from numpy.typing import NDArray
from sentence_transformers import SentenceTransformer

from odqa.corpus import ChunkOptions, split
from odqa.evaluation.metrics import recall
from odqa.index.ingest import fit_chunk
from odqa.models import DEFAULT_ENCODER, resolve
from odqa.retrieval.encoder import Encoder
from odqa.squad import load_examples
from odqa.training.hardware import describe
from odqa.types import Document, Example, Passage

DATA = Path("../shared/data/squad_v2/dev-v2.0.json")
CUTS = (1, 5)


def load(path: Path, encoder: Encoder, paragraphs: int) -> tuple[list[Passage], list[str], list[set[int]]]:
    """The passages of so many paragraphs (0 for all), drawn once for all runs, with questions and what answers them.

    The last are the rows of the passages that hold a reference answer whole; a question without any is left out.
    """
    asked: dict[str, list[Example]] = {}
    for example in load_examples(path):
        asked.setdefault(example.context, []).append(example)
    drawn = np.random.default_rng(0).permutation(len(asked))[: paragraphs or None]
    contexts, chunk = list(asked), fit_chunk(ChunkOptions(), encoder)
    passages: list[Passage] = []
    questions, gold = [], []
    for at in sorted(drawn):
        examples = asked[contexts[at]]
        title = examples[0].title.replace("_", " ")
        first = len(passages)
        passages += split(Document(str(at), title, contexts[at], path.name), encoder.token_offsets, chunk)
        for example in examples:
            spans = [(reference.start, reference.start + len(reference.text)) for reference in example.references]
            rows = {
                row
                for row in range(first, len(passages))
                if any(passages[row].start <= start and end <= passages[row].end for start, end in spans)
            }
            if rows:
                questions.append(example.question)
                gold.append(rows)
    return passages, questions, gold


def take_turns(
    ways: dict[str, Callable[[], NDArray[np.float32]]], rounds: int
) -> tuple[dict[str, list[float]], dict[str, NDArray[np.float32]]]:
    """The seconds that each way takes in each round, after one to warm up, and the vectors it makes."""
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    vectors = {}
    for number in range(rounds + 1):
        for name, run in ways.items():
            started = time.perf_counter()
            vectors[name] = run()
            if number:
                seconds[name].append(time.perf_counter() - started)
    return seconds, vectors


def places(vectors: NDArray[np.float32], queries: NDArray[np.float32], gold: Sequence[set[int]]) -> list[int]:
    """The place, counted from 1, at which each question finds the first passage that answers it."""
    found = []
    for query, rows in zip(queries, gold, strict=True):
        scores = vectors @ query
        found.append(1 + int((scores > scores[list(rows)].max()).sum()))
    return found


def main() -> None:
    """Print the machine, a table of speeds, and what became of the vectors."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=DATA, help="a file in SQuAD format")
    parser.add_argument("--encoder", default=DEFAULT_ENCODER)
    parser.add_argument("--paragraphs", type=int, default=0, help="take so many of the file's, drawn; 0 is all")
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()

    load_before = os.getloadavg()[0]
    folder = resolve(options.encoder).folder
    plain = SentenceTransformer(str(folder), device="cpu", local_files_only=True)
    encoders = {name: Encoder.load(options.encoder, "cpu", backend=name) for name in ("torch", "openvino")}
    passages, questions, gold = load(options.data, encoders["torch"], options.paragraphs)
    texts, lengths = encoders["torch"].inputs(passages)
    machine = describe(torch.device("cpu"), 1)
    print(
        f"{machine.name}, {machine.threads} threads, load {load_before:.1f} before; torch {torch.__version__}, "
        f"sentence-transformers {sentence_transformers.__version__}; {options.encoder}\n"
        f"{len(passages):,} passages of {np.mean(lengths):.0f} tokens on average; rounds: {options.rounds}\n"
    )

    theirs, ours = "SentenceTransformer.encode, float32", "Encoder.encode_passages, openvino"
    seconds, vectors = take_turns(
        {
            theirs: lambda: plain.encode(texts, show_progress_bar=False),
            "Encoder.encode_passages, torch": lambda: encoders["torch"].encode_passages(passages),
            ours: lambda: encoders["openvino"].encode_passages(passages),
        },
        options.rounds,
    )
    print("| | passages/s | times SentenceTransformer.encode |\n|---|---|---|")
    for name, times in seconds.items():
        ratio = median(other / own for other, own in zip(seconds[theirs], times, strict=True))
        print(f"| {name} | {len(passages) / median(times):,.1f} | {ratio:.2f} |")

    exact = vectors[theirs] / np.linalg.norm(vectors[theirs], axis=1, keepdims=True)
    cosines = (exact * vectors[ours]).sum(axis=1)
    print(f"\ncosine to float32: least {cosines.min():.6f}, mean {cosines.mean():.6f}, {len(passages):,} passages")
    print(f"\n| {len(questions):,} questions | " + " | ".join(f"recall@{k}" for k in CUTS) + " |")
    print("|---" * (1 + len(CUTS)) + "|")
    asked = {theirs: encoders["torch"].encode_queries(questions), ours: encoders["openvino"].encode_queries(questions)}
    for name, some in ((theirs, exact), (ours, vectors[ours])):
        queries = asked[name]
        found = places(some, queries, gold)
        shares = (np.mean([recall([place], 1, k) for place in found]) for k in CUTS)
        print(f"| {name} | " + " | ".join(f"{share:.4f}" for share in shares) + " |")


if __name__ == "__main__":
    main()
