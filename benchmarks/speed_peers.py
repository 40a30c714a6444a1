"""The step `peers` of `speed.py`: the same questions to us and to Haystack and txtai, with scores.

Here environments are made, jobs handed out and answers scored; `speed_peer_work.py` asks.
"""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

from speed_bench import HERE, WARM_UP, Bench, Result, table
from speed_machine import run

TORCH = "torch==2.13.0"  # As in the Makefile: its wheels for a CPU are small where there are such.
# Environments, and what is installed into each besides torch.
PACKAGES = {
    "haystack": ("haystack-ai", "transformers-haystack", "sentence-transformers-haystack", "faiss-haystack"),
    "txtai": ("txtai",),
}
PEERS = {"haystack": "haystack", "txtai": "txtai", "txtai-each": "txtai"}  # Peer -> environment.


def made_peer(bench: Bench, environment: str) -> Path:
    """The Python of a peer's environment, which is made where it is not there."""
    folder = bench.options.peers / environment
    python = folder / "bin" / "python"
    if not python.exists():
        run([sys.executable, "-m", "venv", folder])
        run([python, "-m", "pip", "install", "--disable-pip-version-check", TORCH, *PACKAGES[environment]])
    return python


def versions(python: Path) -> str:
    """The versions of an environment's packages that matter here."""
    names = [*sum(PACKAGES.values(), ()), "transformers", "torch", "faiss-cpu", "numpy"]
    code = (
        f"from importlib.metadata import distributions as d\nprint(', '.join(sorted({{f'{{one.name}} {{one.version}}' "
        f"for one in d() if one.name in {names}}})))"
    )
    return subprocess.run([python, "-c", code], check=True, capture_output=True, text=True).stdout.strip()


def stores(bench: Bench, models: dict[str, Any]) -> tuple[Path, dict[str, Any]]:
    """The folder of what peers made of the index's passages, once for each index; and how long that took them."""
    known = hashlib.sha256((bench.index / "manifest.json").read_bytes()).hexdigest()[:12]
    kept = bench.options.out / "peers" / known
    kept.mkdir(parents=True, exist_ok=True)
    exported = kept / "passages.jsonl"
    if not exported.exists():
        part = exported.with_suffix(".part")
        bench.work("export", index=bench.index, count=0, target=part)
        part.rename(exported)
    built = {}
    for environment in PACKAGES:
        record = kept / f"{environment}.json"
        if not record.exists():
            job = {**models, "peer": environment, "store": kept / environment, "passages": exported}
            record.write_text(json.dumps(bench.measured("build", program(bench, environment), **job)[0]))
        built[environment] = json.loads(record.read_text())
    return kept, built


def program(bench: Bench, environment: str) -> list[str | Path]:
    """What works off a peer's job."""
    return [made_peer(bench, environment), HERE / "speed_peer_work.py"]


def contenders(
    bench: Bench, models: dict[str, Any], kept: Path, texts: Sequence[str]
) -> dict[str, Callable[[], dict[str, Any]]]:
    """All that answer the questions: each way of running odqa, in batches and one at a time, then each peer."""
    jobs: dict[str, Callable[[], dict[str, Any]]] = {}
    for way in bench.ways:
        job = {**bench.asking(way), "warm_up": texts[:WARM_UP], "questions": texts}
        for name, ask in (("`ask_many`", job["ask"]), ("one at a time", {**job["ask"], "batch": 1})):
            jobs[f"{way.name}, {name}"] = partial(bench.work, "batch", **{**job, "ask": ask})
    for peer, environment in PEERS.items():
        for dtype in bench.options.peer_dtypes.split(","):
            job = {**models, "peer": peer, "store": kept / environment, "dtype": dtype, "k": bench.options.k}
            job |= {"warm_up": 1, "questions": texts}
            jobs[f"{peer}, {dtype}"] = partial(_asked, bench, program(bench, environment), job)
    return jobs


def _asked(bench: Bench, program: Sequence[str | Path], job: dict[str, Any]) -> dict[str, Any]:
    return bench.measured("ask", program, **job)[0]


def peers(bench: Bench) -> Result:
    """The same questions to us and to others, with scores."""
    models = bench.work("models", index=bench.index)
    kept, built = stores(bench, models)
    questions = bench.questions(bench.options.peer_questions)
    jobs = contenders(bench, models, kept, [one["question"] for one in questions])
    runs: dict[str, list[dict[str, Any]]] = {name: [] for name in jobs}
    for _ in range(bench.rounds):
        for name, job in jobs.items():
            runs[name].append(job())
    first = next(iter(runs))
    rows, scores = [], {}
    for name, some in runs.items():
        scores[name] = bench.work("score", questions=questions, answers=some[0]["answers"])
        ratio = median(one["seconds"] / own["seconds"] for one, own in zip(some, runs[first], strict=True))
        speed = len(questions) / median(one["seconds"] for one in some)
        rows.append((name, f"{speed:.2f}", f"{ratio:.1f}", *scored(scores[name])))
    head = (
        *(f"{len(questions)} questions, k = {bench.options.k}", "questions/s", f"times as long as {first}"),
        *("ROUGE-1 F1, answerable", "exact, answerable", "ROUGE-1 F1, all"),
    )
    installed = {name: versions(made_peer(bench, name)) for name in PACKAGES}
    notes = ["", *(f"{name}: {found}" for name, found in installed.items())]
    raw = {"runs": runs, "scores": scores, "versions": installed, "built": built, "questions": questions}
    return raw, table(head, rows) + notes


def scored(scores: dict[str, dict[str, Sequence[float]]]) -> list[str]:
    """The cells of the scores, each with half its interval."""
    wanted = (("answerable", "ROUGE-1 F1"), ("answerable", "exact"), ("all", "ROUGE-1 F1"))
    cells = [scores[kind].get(name) for kind, name in wanted]
    return [f"{cell[0]:.3f} ± {(cell[2] - cell[1]) / 2:.3f}" if cell else "–" for cell in cells]
