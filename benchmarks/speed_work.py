"""What is timed inside a process: a job in JSON goes in, figures in JSON come out. `speed.py` starts one for each run.

    python benchmarks/speed_work.py JOB.json

Each function is one kind of job; its first line says what it gives.
"""

from __future__ import annotations

import inspect
import json
import shutil
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

Job = dict[str, Any]


def options(job: Job) -> Job:
    """Which of the options that ways of running can name each function and command here has."""
    from odqa import Pipeline, build_index
    from odqa.cli.ask import ask
    from odqa.cli.index import index
    from odqa.reader.model import Reader

    functions: dict[str, Callable[..., Any]] = {
        "Pipeline.open": Pipeline.open,
        "Pipeline.ask_many": Pipeline.ask_many,
        "Reader.load": Reader.load,
        "build_index": build_index,
        "odqa ask": ask,
        "odqa index": index,
    }
    return {
        name: sorted(set(job["names"]) & set(inspect.signature(function).parameters))
        for name, function in functions.items()
    }


def draw(job: Job) -> Job:
    """Questions of a SQuAD file with their contexts and reference answers, ``count`` of them, always the same ones."""
    import numpy as np

    from odqa.squad import load_examples

    everything = load_examples(job["data"])
    drawn = np.random.default_rng(0).permutation(len(everything))[: job["count"]]
    return {
        "questions": [
            {
                "question": everything[at].question,
                "context": everything[at].context,
                "references": [one.text for one in everything[at].references],
            }
            for at in drawn
        ]
    }


def models(job: Job) -> Job:
    """The folders of the encoder and the reader, and the length of the encoder's vectors."""
    from odqa.index.manifest import read_manifest
    from odqa.models import resolve

    manifest = read_manifest(job["index"])
    return {
        "encoder": str(resolve(manifest.encoder).folder),
        "reader": str(resolve(job["reader"]).folder),
        "dimension": manifest.dimension,
        "passages": manifest.passages,
    }


def export(job: Job) -> Job:
    """Write the passages of an index, ``count`` of them or all (0), as JSONL: id, title, text."""
    from odqa.index.search import Index

    with Index.open(job["index"], mode="bm25") as index, Path(job["target"]).open("w", encoding="utf-8") as target:
        written = 0
        for segment in index.segments:
            rows = range(segment.store.passages)
            for start in range(0, len(rows), 1000):
                for passage in segment.store.fetch(rows[start : start + 1000]).values():
                    if written < (job["count"] or len(index)):
                        row = {"id": passage.id, "title": passage.title, "text": passage.text}
                        target.write(json.dumps(row) + "\n")
                        written += 1
    return {"passages": written}


def warm(job: Job) -> Job:
    """Questions one at a time to a Pipeline that has answered some before: seconds by stage of each, and outside."""
    from odqa import Pipeline

    with Pipeline.open(job["index"], reader=job["reader"], **job["open"]) as pipeline:
        for question in job["warm_up"]:
            pipeline.ask(question, k=job["k"], **job["ask"])
        rows = []
        for question in job["questions"]:
            began = time.perf_counter()
            response = pipeline.ask(question, k=job["k"], **job["ask"])
            total = time.perf_counter() - began
            row = {"total": total, **{stage: spent for stage, spent in response.timings.items() if stage != "total"}}
            rows.append(row | ({"passages read": response.passages_read} if job["counted"] else {}))
    return {"rows": rows}


def batch(job: Job) -> Job:
    """All questions to ``ask_many``: seconds, and the best answer to each with the answer given, "" for none."""
    from odqa import Pipeline

    with Pipeline.open(job["index"], reader=job["reader"], **job["open"]) as pipeline:
        list(pipeline.ask_many(job["warm_up"], k=job["k"], **job["ask"]))
        began = time.perf_counter()
        responses = list(pipeline.ask_many(job["questions"], k=job["k"], **job["ask"]))
        seconds = time.perf_counter() - began
    best = [next(iter(response.answers or response.withheld), None) for response in responses]
    given = [next(iter(response.answers), None) for response in responses]
    return {
        "seconds": seconds,
        "answers": [(a.text if a else "", b.text if b else "") for a, b in zip(best, given, strict=True)],
    }


def read(job: Job) -> Job:
    """Seconds to read each question against its own context; the tokens of all windows, and what they cost."""
    from speed_flops import shape_of, window_flops

    from odqa.models import resolve
    from odqa.reader.model import Reader

    reader = Reader.load(job["reader"], **job["load"])
    shape = shape_of(resolve(job["reader"]).folder)
    questions = [one["question"] for one in job["questions"]]
    contexts = [one["context"] for one in job["questions"]]
    lengths = [window.length for window, _, _ in reader.logits(questions, contexts)]  # This warms up, too.
    began = time.perf_counter()
    readings = reader.read(questions, contexts, n_best=5)
    seconds = time.perf_counter() - began
    assert sum(reading.windows for reading in readings) == len(lengths)
    return {
        "seconds": seconds,
        "windows": len(lengths),
        "tokens": sum(lengths),
        "flops": sum(window_flops(shape, length) for length in lengths),
    }


def products(job: Job) -> Job:
    """How fast this machine multiplies the reader's matrices, in operations a second."""
    from speed_flops import product_rate, shape_of

    from odqa.models import resolve

    shape = shape_of(resolve(job["reader"]).folder)
    return product_rate(shape, job["runtime"], job["dtype"], job["seconds"])


def index(job: Job) -> Job:
    """Seconds to index a JSONL of passages, of which those to load the encoder, and those within it."""
    from odqa import build_index
    from odqa.retrieval.encoder import Encoder

    spent = {"load": 0.0, "encode": 0.0}
    Encoder.load = counted(Encoder.load, spent, "load")  # type: ignore[method-assign]
    Encoder.encode_passages = counted(Encoder.encode_passages, spent, "encode")  # type: ignore[method-assign]
    began = time.perf_counter()
    report = build_index([job["passages"]], job["target"], **job["build"])
    seconds = time.perf_counter() - began
    shutil.rmtree(job["target"])
    return {"seconds": seconds, "made": report.passages, **spent}


def counted(function: Callable[..., Any], spent: dict[str, float], name: str) -> Callable[..., Any]:
    """The function, whose seconds are added to those under a name."""

    def call(*arguments: Any, **named: Any) -> Any:
        began = time.perf_counter()
        try:
            return function(*arguments, **named)
        finally:
            spent[name] += time.perf_counter() - began

    return call


def encode(job: Job) -> Job:
    """Seconds that SentenceTransformer takes to load, and to encode the texts of a JSONL, both with its defaults."""
    began = time.perf_counter()
    from sentence_transformers import SentenceTransformer

    with Path(job["passages"]).open(encoding="utf-8") as lines:
        texts = [json.loads(line)["text"] for line in lines]
    model = SentenceTransformer(job["encoder"], device="cpu", local_files_only=True)
    loaded = time.perf_counter()
    model.encode(texts)
    return {"load": loaded - began, "seconds": time.perf_counter() - loaded}


def grow(job: Job) -> Job:
    """Write an index of ``size`` passages as `scale.py` does: how long that took, and how many are real paragraphs."""
    from retrieval import DEV, OTHERS, Corpus, VectorCache
    from scale import build

    from odqa.models import DEFAULT_ENCODER
    from odqa.retrieval.encoder import Encoder

    encoder = Encoder.load(DEFAULT_ENCODER)
    corpus = Corpus()
    corpus.add(Path(job["data"]) / DEV, ask=True)
    for name in OTHERS:
        if len(corpus.passages) < job["size"]:
            corpus.add(Path(job["data"]) / name)
    vectors = VectorCache(Path(job["vectors"]), encoder).passages(corpus.passages)
    seconds = build(Path(job["target"]), corpus, vectors, job["size"], encoder, "")
    return {"seconds": seconds, "real": min(job["size"], len(corpus.passages))}


def score(job: Job) -> Job:
    """Scores of answers, each with its 95 % interval: forced ones to answerable questions, given ones to all."""
    from odqa.evaluation.bootstrap import confidence_interval
    from odqa.evaluation.metrics import exact_match, rouge1_f1

    asked = list(zip((one["references"] for one in job["questions"]), job["answers"], strict=True))
    metrics = {"ROUGE-1 F1": rouge1_f1, "exact": exact_match}
    forced = {name: [of(best, gold) for gold, (best, _) in asked if gold] for name, of in metrics.items()}
    given = {name: [of(shown, gold) for gold, (_, shown) in asked] for name, of in metrics.items()}
    return {
        kind: {name: (sum(some) / len(some), *confidence_interval(some)) for name, some in scores.items() if some}
        for kind, scores in (("answerable", forced), ("all", given))
    }


WORK: dict[str, Callable[[Job], Job]] = {
    one.__name__: one
    for one in (options, draw, models, export, warm, batch, read, products, index, encode, grow, score)
}

if __name__ == "__main__":
    given = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    result = WORK[given["what"]](given)
    Path(given["result"]).write_text(json.dumps(result), encoding="utf-8")
