"""How fast is it? Cold and warm answers, batches, reading, indexing, beside other work, and beside its peers.

    python benchmarks/speed.py --data ../shared/data --index runs/speed/index

Every figure comes from a process of its own, and what is compared takes turns: each round runs each contender once. A
table gives medians over rounds, so that a ratio holds where the machine has other work; the figures themselves need a
quiet one. ``--steps`` picks some of the steps:

- ``cold``: `odqa ask "…"` in a new process, beside one that only imports torch and transformers. The first round only
  warms the files' caches up, and stands in the JSON alone.
- ``warm``: an open Pipeline, one question at a time, by stage; ``k``: the same for several k; ``scale``: the same for
  indexes of 1,000 to a million passages, which `scale.py` grows: real paragraphs first, then copies with a tenth of
  their words changed and noise on their vectors, so the larger ones are synthetic.
- ``batch``: questions a second of `ask_many`.
- ``reader``: windows a second on SQuAD v2 dev, each question with its own paragraph, and the share that this is of how
  fast the machine multiplies matrices of the reader's shapes (see `speed_flops.py`).
- ``index``: `build_index` beside SentenceTransformer.encode with its defaults, over the same texts, which are the first
  passages of the index, without titles.
- ``busy``: indexing and asking beside one process that computes, over the same without it.
- ``peers``: Haystack and txtai (see `speed_peer_work.py`), in environments below ``--peers`` that are made from PyPI
  where they are not there. Their indexes are kept below ``--out``.
- ``size``: the wheel, and a fresh environment with `pip install odqa[cpu]`, in which documents are indexed and a
  question is asked, and then with `odqa[cpu,train]`. It takes minutes; only where it is named.

Ways of running odqa are compared where there are several: ``--backend torch,openvino``, and ``--exhaustive`` for each
also with all passages read. Each step prints its table and writes all that was measured to STEP.json in ``--out``. An
index that is not there is made of the datasets. `speed_plot.py` draws what ``k`` and ``scale`` found.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from statistics import median
from typing import Any

from speed_bench import DEV, ROOT, WARM_UP, Bench, Result, table
from speed_machine import Spent, busy, machine, named, percentile, run
from speed_peers import TORCH, peers

# What an index is made of: SQuAD v2 dev, which the questions are about, and whatever else there is in English.
CORPUS = (
    DEV,
    "squad_v2/train-slices.json",
    "squad_v2/train-unanswerable.json",
    "squad_v1",
    "squadshifts",
    "docs_qa",
    "policyqa.json",
    "quoref-contrast.json",
)
KS = (5, 20, 50, 100)
IMPORTS = "import torch, transformers"
STAGES = ("total", "encode", "search", "read", "rank")


def cold(bench: Bench) -> Result:
    """New processes, one after another."""
    count = bench.options.cold
    questions = [one["question"] for one in bench.questions(count + 1)]
    spent: dict[str, list[Spent]] = {}
    for question in questions:
        commands = {f"`odqa ask`, {way.name}": bench.ask_command(way, question) for way in bench.ways}
        commands[f'`python -c "{IMPORTS}"`'] = [sys.executable, "-c", IMPORTS]
        for name, command in commands.items():
            spent.setdefault(name, []).append(run(command, bench.environment))
    rows = [
        (
            name,
            *(f"{percentile([one.wall for one in some[1:]], share):.2f}" for share in (0.5, 0.95)),
            f"{median(one.user for one in some[1:]):.2f}",
            f"{median(one.memory for one in some[1:]):,.0f}",
        )
        for name, some in spent.items()
    ]
    head = (f"a new process, {count} times", "wall p50, s", "p95, s", "user p50, s", "peak memory, MB")
    return {name: [asdict(one) for one in some] for name, some in spent.items()}, table(head, rows)


def asked(bench: Bench, cases: dict[str, dict[str, Any]], count: int) -> dict[str, list[dict[str, float]]]:
    """The seconds of each question, of all rounds together, for each case, whose jobs take turns."""
    drawn = [one["question"] for one in bench.questions(count + WARM_UP)]
    found: dict[str, list[dict[str, float]]] = {name: [] for name in cases}
    for _ in range(bench.rounds):
        for name, job in cases.items():
            found[name] += bench.work("warm", warm_up=drawn[:WARM_UP], questions=drawn[WARM_UP:], **job)["rows"]
    return found


def milliseconds(rows: Sequence[dict[str, float]], stage: str) -> list[str]:
    """The p50, p95 and p99 of a stage."""
    return [f"{1000 * percentile([row[stage] for row in rows], share):,.1f}" for share in (0.5, 0.95, 0.99)]


def warm(bench: Bench) -> Result:
    """One question at a time, by stage."""
    found = asked(bench, {way.name: bench.asking(way) for way in bench.ways}, bench.options.warm)
    rows = [(name, stage, *milliseconds(some, stage)) for name, some in found.items() for stage in STAGES]
    return {"rows": found}, table(("", "stage", "p50, ms", "p95, ms", "p99, ms"), rows) + passages(found)


def passages(found: dict[str, list[dict[str, float]]]) -> list[str]:
    """How many passages were read, where that is counted."""
    counts = {name: [row["passages read"] for row in some if "passages read" in row] for name, some in found.items()}
    return [f"\nPassages read a question, {name}: {sum(some) / len(some):.1f}" for name, some in counts.items() if some]


def several_k(bench: Bench) -> Result:
    """The same for several k."""
    cases = {(k, way.name): bench.asking(way, k) for k in KS for way in bench.ways}
    found = asked(bench, {f"{name}, k = {k}": job for (k, name), job in cases.items()}, bench.options.each)
    rows = [
        (k, name, *milliseconds(some, "total"), f"{1000 * median(row['read'] for row in some):,.1f}")
        for (k, name), some in zip(cases, found.values(), strict=True)
    ]
    points = [{"k": k, "way": name, "rows": found[f"{name}, k = {k}"]} for k, name in cases]
    head = ("k", "", "p50, ms", "p95, ms", "p99, ms", "of which reading")
    return {"points": points}, table(head, rows) + passages(found)


def scale(bench: Bench) -> Result:
    """The same for growing indexes."""
    made, cases = [], {}
    for size in bench.options.sizes:
        target = bench.options.grown / str(size) / "index"
        if not (target / "manifest.json").exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            job = {"data": bench.options.data, "target": target, "size": size, "vectors": bench.options.vectors}
            made.append(bench.work("grow", **job) | {"size": size})
        for way in bench.ways:
            cases[size, way.name] = bench.asking(way, index=target)
    found = asked(bench, {f"{name}, {size:,} passages": job for (size, name), job in cases.items()}, bench.options.each)
    points = [{"size": size, "way": name, "rows": found[f"{name}, {size:,} passages"]} for size, name in cases]
    rows = [
        (f"{one['size']:,}", one["way"], *milliseconds(one["rows"], "total"), milliseconds(one["rows"], "search")[0])
        for one in points
    ]
    head = ("passages", "", "p50, ms", "p95, ms", "p99, ms", "of which searching")
    return {"points": points, "made": made}, table(head, rows)


def batch(bench: Bench) -> Result:
    """Many questions at once."""
    drawn = [one["question"] for one in bench.questions(bench.options.batch + 16)]
    seconds: dict[str, list[float]] = {way.name: [] for way in bench.ways}
    for _ in range(bench.rounds):
        for way in bench.ways:
            job = {"warm_up": drawn[:16], "questions": drawn[16:], **bench.asking(way)}
            seconds[way.name].append(bench.work("batch", **job)["seconds"])
    rows = [(name, f"{len(drawn[16:]) / median(some):.2f}") for name, some in seconds.items()]
    lines = table((f"{len(drawn[16:])} questions", "questions/s"), rows)
    return {"seconds": seconds, "questions": len(drawn[16:])}, lines


def reader(bench: Bench) -> Result:
    """Reading, beside the products of matrices that it is made of."""
    drawn = bench.questions(bench.options.windows)
    ways = bench.distinct("Reader.load")
    runtimes = ["torch", *(["openvino"] if "openvino" in machine()["versions"] else [])]
    products = {f"{runtime}, {dtype}": (runtime, dtype) for runtime in runtimes for dtype in ("bfloat16", "float32")}
    found: dict[str, list[dict[str, float]]] = {name: [] for name in ways}
    rates: dict[str, list[dict[str, float]]] = {name: [] for name in products}
    for _ in range(bench.rounds):
        for name, load in ways.items():
            found[name].append(bench.work("read", questions=drawn, load=load))
        for name, (runtime, dtype) in products.items():
            rates[name].append(bench.work("products", runtime=runtime, dtype=dtype, seconds=bench.options.rate_seconds))
    best = {name: max(median(one[shape] for one in some) for shape in some[0]) for name, some in rates.items()}
    limits = {dtype: max(best[f"{runtime}, {dtype}"] for runtime in runtimes) for dtype in ("bfloat16", "float32")}
    rows = []
    for name, some in found.items():
        rate = median(one["flops"] / one["seconds"] for one in some)
        speed = median(one["windows"] / one["seconds"] for one in some)
        shares = (f"{rate / limits[dtype]:.0%}" for dtype in ("bfloat16", "float32"))
        rows.append((name, f"{speed:.1f}", f"{rate / 1e9:.0f}", *shares))
    one = next(iter(found.values()))[0]
    head = (
        f"{one['windows']:,} windows of {one['tokens'] / one['windows']:.0f} tokens, "
        f"{one['flops'] / one['windows'] / 1e9:.2f} GFLOP each",
        *("windows/s", "GFLOP/s", "of the bfloat16 limit", "of the float32 limit"),
    )
    speeds = [(name, f"{rate / 1e9:.0f}") for name, rate in best.items()]
    lines = [*table(head, rows), "", *table(("products of the reader's matrices", "GFLOP/s"), speeds)]
    return {"readings": found, "rates": rates, "limits": limits}, lines


def index(bench: Bench) -> Result:
    """Indexing beside encoding alone."""
    count = bench.options.passages
    folder = bench.index.resolve()
    with tempfile.TemporaryDirectory() as work:
        source = Path(work) / "passages.jsonl"
        bench.work("export", index=folder, count=count, target=source)
        texts = [json.loads(line)["text"] for line in source.read_text(encoding="utf-8").splitlines()]
        source.write_text("".join(json.dumps({"id": str(at), "text": text}) + "\n" for at, text in enumerate(texts)))
        encoder = bench.work("models", index=folder)["encoder"]
        jobs: dict[str, tuple[str, dict[str, Any]]] = {
            f"build_index, {name}": ("index", {"target": Path(work) / "made", "build": taken})
            for name, taken in bench.distinct("build_index").items()
        }
        theirs = "SentenceTransformer.encode"
        jobs[theirs] = ("encode", {"encoder": encoder})
        runs: dict[str, list[dict[str, float]]] = {name: [] for name in jobs}
        for _ in range(bench.rounds):
            for name, (what, job) in jobs.items():
                result, spent = bench.measured(what, passages=source, **job)
                runs[name].append({**result, **asdict(spent)})
    rows = []
    for name, some in runs.items():
        # Loading is not within the seconds of the one, and within those of the other.
        inner = [one["seconds"] - (one["load"] if "encode" in one else 0) for one in some]
        outside = [1 - one["encode"] / own for one, own in zip(some, inner, strict=True) if "encode" in one]
        ratio = median(other["seconds"] / own for other, own in zip(runs[theirs], inner, strict=True))
        whole = median(other["wall"] / one["wall"] for other, one in zip(runs[theirs], some, strict=True))
        share = f"{median(outside):.1%}" if outside else "–"
        rate, all_in = len(texts) / median(inner), len(texts) / median(one["wall"] for one in some)
        rows.append((name, f"{rate:.1f}", f"{ratio:.2f}", share, f"{all_in:.1f}", f"{whole:.2f}"))
    head = (f"{len(texts):,} passages", "passages/s", f"times {theirs}", "outside the encoder", "with loading", "times")
    return {"runs": runs, "texts": len(texts)}, table(head, rows)


def beside_work(bench: Bench) -> Result:
    """Whole processes on a quiet machine, and beside one that computes."""
    questions = bench.questions(bench.options.each + WARM_UP)
    drawn = [one["question"] for one in questions]
    with tempfile.TemporaryDirectory() as work:
        source = Path(work) / "passages.jsonl"
        bench.work("export", index=bench.index, count=bench.options.busy_passages, target=source)
        found: dict[tuple[str, str], dict[bool, list[float]]] = {}
        for _ in range(bench.rounds):
            for way in bench.ways:
                job = {"target": Path(work) / "made", "build": way.options["build_index"]}
                for loaded in (False, True):
                    with busy(int(loaded)):
                        spent = bench.work("index", passages=source, **job)
                        asked = bench.work(
                            "warm", warm_up=drawn[:WARM_UP], questions=drawn[WARM_UP:], **bench.asking(way)
                        )["rows"]
                        start = run(bench.ask_command(way, drawn[0]), bench.environment)
                    for what, seconds in (
                        ("indexing", spent["seconds"] - spent["load"]),
                        ("a warm question, p50", percentile([row["total"] for row in asked], 0.5)),
                        ("a warm question, p95", percentile([row["total"] for row in asked], 0.95)),
                        ("a cold `odqa ask`", start.wall),
                    ):
                        found.setdefault((way.name, what), {False: [], True: []})[loaded].append(seconds)
    rows = [
        (
            *name,
            *(f"{median(seconds[loaded]):.3f}" for loaded in (False, True)),
            f"{median(b / a for a, b in zip(seconds[False], seconds[True], strict=True)):.2f}",
        )
        for name, seconds in found.items()
    ]
    raw = [{"way": way, "what": what, "quiet": s[False], "busy": s[True]} for (way, what), s in found.items()]
    return {"runs": raw}, table(("", "", "quiet, s", "beside one busy process, s", "ratio"), rows)


def size(bench: Bench) -> Result:
    """The wheel and a fresh environment, in MB on the disk; that it answers, too."""
    whole, seconds, parts = {}, {}, {}
    with tempfile.TemporaryDirectory() as work:
        environment, wheels = Path(work) / "environment", Path(work) / "wheels"
        run([sys.executable, "-m", "venv", environment])
        python = environment / "bin" / "python"
        before = megabytes(environment)
        run([python, "-m", "pip", "wheel", "--no-deps", "--wheel-dir", wheels, ROOT])
        (wheel,) = wheels.glob("*.whl")
        for extras in ("cpu", "cpu,train"):
            took = run([python, "-m", "pip", "install", TORCH, f"{wheel}[{extras}]"])
            (packages,) = environment.glob("lib/python*/site-packages")
            parts[extras] = {path.name: megabytes(path) for path in packages.iterdir() if path.is_dir()}
            whole[extras], seconds[extras] = megabytes(environment) - before, took.wall
            if extras == "cpu":
                answers(environment / "bin" / "odqa", Path(work))
        small = wheel.stat().st_size / 1e6
    largest = sorted(parts["cpu"].items(), key=lambda item: -item[1])[:12]
    names = ", ".join(f"{name} {part:,.0f}" for name, part in largest)
    rows = [("wheel", f"{small:,.1f}"), *((f"`pip install odqa[{name}]`", f"{mb:,.0f}") for name, mb in whole.items())]
    raw = {"wheel": small, "environment": whole, "parts": parts, "seconds": seconds}
    return raw, [*table(("", "MB"), rows), "", f"The largest packages: {names}."]


def answers(odqa: Path, work: Path) -> None:
    """Index this project's pages and ask them a question. Raises SystemExit where that fails."""
    index = ("--index", work / "index")
    alone = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    alone |= {"HF_HUB_OFFLINE": "1", "XDG_CACHE_HOME": str(work / "cache")}
    run([odqa, "index", ROOT / "README.md", ROOT / "docs", *index], alone)
    run([odqa, "ask", "How many passages does the reader read by default?", *index], alone)


def megabytes(path: Path) -> float:
    """What a folder's files take."""
    return sum(file.lstat().st_size for file in path.rglob("*") if file.is_file()) / 1e6


STEPS: dict[str, Callable[[Bench], Result]] = {
    "cold": cold,
    "warm": warm,
    "batch": batch,
    "reader": reader,
    "index": index,
    "busy": beside_work,
    "k": several_k,
    "scale": scale,
    "peers": peers,
    "size": size,
}
USUAL = ",".join(name for name in STEPS if name != "size")


def parsed() -> argparse.Namespace:
    """The options of the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", default=USUAL, help=f"which ones, with commas, of {', '.join(STEPS)}")
    parser.add_argument("--data", type=Path, required=True, help="folder of the datasets")
    parser.add_argument("--index", type=Path, default=Path("runs/speed/index"), help="it holds SQuAD v2 dev")
    parser.add_argument("--out", type=Path, default=Path("runs/speed"), help="folder of what was measured")
    parser.add_argument("--peers", type=Path, default=Path("runs/peers"), help="folder of the peers' environments")
    parser.add_argument("--grown", type=Path, default=Path("runs/scale"), help="folder of the indexes of scale")
    parser.add_argument("--vectors", type=Path, default=Path("runs/retrieval"), help="folder of their vectors")
    parser.add_argument("--reader", default="odqa/default-reader")
    parser.add_argument("--backend", default="", help="backends to compare, with commas; else odqa's choice")
    parser.add_argument("--threads", type=int, default=0, help="threads of each process; else odqa's choice")
    parser.add_argument("--exhaustive", action="store_true", help="compare with reading all passages")
    parser.add_argument("--rounds", type=int, default=3, help="times that each contender of a step runs")
    parser.add_argument("-k", type=int, default=20)
    parser.add_argument("--cold", type=int, default=20, help="processes of cold")
    parser.add_argument("--warm", type=int, default=200, help="questions of warm, a round")
    parser.add_argument("--each", type=int, default=50, help="questions of k, scale and busy, a round, for each case")
    parser.add_argument("--batch", type=int, default=500, help="questions of batch")
    parser.add_argument("--windows", type=int, default=2000, help="questions of reader, each with its paragraph")
    parser.add_argument("--rate-seconds", type=float, default=3.0, help="how long products are timed, each of 4 shapes")
    parser.add_argument("--passages", type=int, default=10_000, help="texts of index")
    parser.add_argument("--busy-passages", type=int, default=1000, help="texts of busy")
    parser.add_argument("--sizes", type=int, nargs="+", default=(1000, 10_000, 100_000, 1_000_000), help="of scale")
    parser.add_argument("--peer-questions", type=int, default=200)
    parser.add_argument("--peer-dtypes", default="float32,bfloat16", help="precisions of the peers' readers")
    options = parser.parse_args()
    options.steps = options.steps.split(",")
    if unknown := set(options.steps) - set(STEPS):
        parser.error(f"no such step: {', '.join(sorted(unknown))}")
    return options


def main() -> None:
    """Run the steps, and print a table and write a file for each."""
    options = parsed()
    options.out.mkdir(parents=True, exist_ok=True)
    bench = Bench(options)
    if not (options.index / "manifest.json").exists() and set(options.steps) - {"size", "reader", "scale"}:
        print(f"Indexing {options.data} into {options.index}…", flush=True)
        files = [options.data / name for name in CORPUS]
        how = ("--index", options.index, "--on-duplicate", "skip")
        run([sys.executable, "-m", "odqa", "index", *files, *how], bench.environment)
    print(named(machine()))
    for step in options.steps:
        here = machine()
        measured, lines = STEPS[step](bench)
        about = {"step": step, "machine": here, "options": vars(options), "known": bench.known}
        (options.out / f"{step}.json").write_text(json.dumps(about | measured, indent=1, default=str))
        print("", f"**{step}**, load {here['load_before']:.1f} before", "", *lines, sep="\n", flush=True)


if __name__ == "__main__":
    main()
