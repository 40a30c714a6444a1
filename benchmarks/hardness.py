"""Does any changed file, of all kinds that odqa opens, raise, crash, stall or take much memory? A bounded search.

Small real files are changed at random (``mutations.py``) and opened as the product opens them, each kind in a
process of its own. Whatever comes out must be a child of OdqaError, or for a document an Unusable. The table has, by
kind, the inputs tried, how many were refused, the findings, the slowest input and the most memory. Offending inputs are
kept, with the seed that makes them again. Exit code 1 where something was found.

    python benchmarks/hardness.py --seconds 600
    python benchmarks/hardness.py --seconds 300 --only loaders --seed 7 --keep found

A new kind is one line in KINDS: its name, its group, a function that makes the files to begin with, one that opens a
changed one.
"""

from __future__ import annotations

import argparse
import contextlib
import csv
import io
import json
import multiprocessing
import os
import random
import resource
import shutil
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from mutations import mutate

from odqa.errors import OdqaError

ROOT = Path(__file__).parents[1]
WORDS = "The tower was built in Paris by the engineer Gustave. Who paid for it? Nobody knows (1889)."


@dataclass(slots=True)
class Outcome:
    """What an input came to. ``problem`` is empty where all is well."""

    problem: str
    refused: bool
    seconds: float
    megabytes: float


@dataclass(slots=True)
class Row:
    """What a kind came to."""

    inputs: int = 0
    refused: int = 0
    problems: dict[str, list[str]] = field(default_factory=dict)
    seconds: float = 0.0
    megabytes: float = 0.0


# The files to begin with.


def _texts(suffix: str, folder: Path) -> list[Path]:
    table = io.StringIO()
    csv.writer(table).writerows([("id", "title", "text"), *((n, "T", WORDS) for n in range(5))])
    squad = {"data": [{"title": "T", "paragraphs": [{"context": WORDS, "qas": _questions()}] * 2}]}
    content = {
        ".txt": f"{WORDS}\n\n{WORDS}\n",
        ".md": f"---\ntitle: T\n---\n# A [link](x) {{#a}}\n\n{WORDS}\n\nB\n---\n\n- {WORDS}\n\n```\ncode\n```\n",
        ".rst": f"=====\nTitle\n=====\n\n{WORDS}\n\nA :ref:`b <c>`\n------------\n\n{WORDS}\n",
        ".html": f"<!DOCTYPE html><html><head><meta charset=utf-8><title>T</title></head><body><nav class=toc>N</nav>"
        f"<main><h1 id=t>T</h1><p>{WORDS}</p><table><tr><th>a<th>b<tr><td>1<td>2</table><pre>\nx\n</pre><svg></svg>"
        f"<ul><li>{WORDS}</ul><div class=header><a href='#x'>y</a></div></main><!-- c --></body></html>",
        ".jsonl": "".join(
            json.dumps({"id": n, "title": "T", "text": WORDS, "tags": [{"a": 1.5}]}) + "\n" for n in range(5)
        ),
        ".csv": table.getvalue(),
        ".tsv": table.getvalue().replace(",", "\t"),
        ".json": json.dumps(squad),
    }[suffix]
    path = folder / f"first{suffix}"
    path.write_text(content, encoding="utf-8")
    real = sorted(ROOT.glob(f"*{suffix}")) + sorted((ROOT / "docs").rglob(f"*{suffix}"))
    return [path, *(file for file in real if file.stat().st_size < 20_000)]


def _questions() -> list[dict[str, Any]]:
    answer = {"text": "Paris", "answer_start": WORDS.index("Paris")}
    return [{"id": f"q{n}", "question": "Where?", "answers": [answer], "is_impossible": False} for n in range(2)]


def _pdfs(folder: Path) -> list[Path]:
    from tests.corpus.files import write_pdf

    return [
        write_pdf(folder / "a.pdf", [WORDS, WORDS], title="T"),
        write_pdf(folder / "b.pdf", ["", WORDS], password=""),
    ]


def _words(folder: Path) -> list[Path]:
    from tests.corpus.files import write_docx
    from tests.corpus.hostile import paragraph, word_xml, write_word

    small = write_word(folder / "b.docx", word_xml(f"<w:tbl><w:tr><w:tc>{paragraph(WORDS)}</w:tc></w:tr></w:tbl>"))
    return [write_docx(folder / "a.docx", [("H", "Heading 1"), (WORDS, None)], title="T"), small]


def _written(name: str, content: str, folder: Path) -> list[Path]:
    path = folder / name
    path.write_text(content, encoding="utf-8")
    return [path]


ROW = {
    "id": "a",
    "title": "T",
    "context": WORDS,
    "question": "Who?",
    "answers": {"text": ["Paris"], "answer_start": [24]},
}


def _flat(folder: Path) -> list[Path]:
    return _written("a.jsonl", (json.dumps(ROW) + "\n") * 3, folder)


def _parquet(folder: Path) -> list[Path]:
    import pyarrow
    import pyarrow.parquet

    pyarrow.parquet.write_table(pyarrow.Table.from_pylist([ROW] * 3), folder / "a.parquet")
    return [folder / "a.parquet"]


def _shipped(pattern: str, folder: Path) -> list[Path]:
    """Files of that name among those of this repository and of the installed reader."""
    from odqa.models import DEFAULT_READER, resolve

    place = ROOT if "/" in pattern else resolve(DEFAULT_READER).folder
    found = sorted(place.glob(pattern))
    return [Path(shutil.copy(path, folder / f"{number}{path.suffix}")) for number, path in enumerate(found[:3])]


def _reports(folder: Path) -> list[Path]:
    from tests.reports.reports import REPORT

    return _written("report.json", json.dumps(REPORT.as_json()), folder)


def _index(folder: Path) -> list[Path]:
    """A small index of two segments, some of it deleted; its files are what is changed."""
    os.environ["HF_HUB_OFFLINE"] = "1"
    from odqa.index.build import add, build_index
    from odqa.index.removal import remove
    from tests import tiny

    encoder, docs, index = tiny.make_encoder(folder / "encoder"), folder / "docs", folder / "index"
    docs.mkdir()
    for number in range(6):
        (docs / f"{number}.txt").write_text(f"{WORDS} The moon orbits the earth in {number} days.")
    build_index([docs], index, encoder=encoder, device="cpu")
    (folder / "more.txt").write_text("The capital of Germany is Berlin on the river Spree.")
    add([folder / "more.txt"], index, encoder=encoder, device="cpu")
    remove(index, [str(docs / "1.txt")])
    return sorted(path for path in index.rglob("*") if path.is_file() and not path.name.startswith("."))


# How a changed file is opened. Gives whether it was refused; raises where that is not as it should be.


def _read(path: Path) -> bool:
    from odqa.corpus import ReadLimits, Unusable, read_file, split
    from tests.corpus.invariants import words

    refused = False
    for found in read_file(path, limits=ReadLimits(seconds=LIMIT_S)):
        if isinstance(found, Unusable):
            refused = True
            if any(sign in found.reason for sign in ("parser crashed", "takes more than", "of memory")):
                raise AssertionError(f"contained: {found.reason}")
            continue
        json.dumps(dict(found.metadata), allow_nan=False)
        found.id.encode(), found.text.encode(), found.title.encode()
        split(found, words)
    return refused


def _dataset(path: Path) -> bool:
    from odqa.squad import load_examples

    load_examples(path)
    return False


def _predictions(path: Path) -> bool:
    from odqa.evaluation.predictions import read_predictions

    read_predictions(path)
    return False


def _report(path: Path) -> bool:
    from odqa.evaluation.compare import compare
    from odqa.evaluation.report import read_report

    report = read_report(path)
    compare(report, report, names=("a", "b"))
    return False


def _fit(path: Path) -> bool:
    from odqa.answering.fit_file import read

    read(path)
    return False


def _settings(path: Path) -> bool:
    from odqa.reader.model import read_settings

    path.rename(path.with_name("reader.json"))
    read_settings(path.parent)
    return False


def _recipe(path: Path) -> bool:
    from odqa.training.recipe import make_recipe, read_recipe

    make_recipe(read_recipe(path))
    return False


def _open_index(path: Path) -> bool:
    """Open and search the index that a changed file belongs to, as dense, by words and hybrid; verify it."""
    import numpy as np

    from odqa.index.search import Index
    from odqa.index.verification import verify

    folder = next(parent for parent in path.parents if parent.name == "index")
    refused = False
    for mode in ("bm25", "dense", "hybrid"):
        try:
            with contextlib.closing(Index.open(folder, mode)) as index:
                vectors = np.ones((1, index.manifest.dimension), np.float32)
                index.search(["where was the tower built"], 3, None if mode == "bm25" else vectors)
        except OdqaError:
            refused = True
    with contextlib.suppress(OdqaError):
        verify(folder, None)
    return refused


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of file. ``whole`` says that a changed file stands in a copy of the folder of the first ones."""

    name: str
    group: str
    first: Callable[[Path], list[Path]]
    open: Callable[[Path], bool]
    whole: bool = False


PREDICTIONS = json.dumps({f"q{n}": "Paris" for n in range(5)})
KINDS = (
    *(Kind(suffix, "loaders", partial(_texts, suffix), _read) for suffix in (".txt", ".md", ".rst", ".html")),
    *(Kind(suffix, "loaders", partial(_texts, suffix), _read) for suffix in (".jsonl", ".csv", ".tsv", ".json")),
    Kind(".pdf", "loaders", _pdfs, _read),
    Kind(".docx", "loaders", _words, _read),
    Kind("dataset .json", "files", partial(_texts, ".json"), _dataset),
    Kind("dataset .jsonl", "files", _flat, _dataset),
    Kind("dataset .parquet", "files", _parquet, _dataset),
    Kind("predictions", "files", partial(_written, "a.json", PREDICTIONS), _predictions),
    Kind("report.json", "files", _reports, _report),
    Kind("ranking.json", "files", partial(_shipped, "ranking.json"), _fit),
    Kind("reader.json", "files", partial(_shipped, "reader.json"), _settings),
    Kind("recipe", "files", partial(_shipped, "recipes/*.toml"), _recipe),
    Kind("index", "index", _index, _open_index, whole=True),
)
LIMIT_S = 10  # --limit-seconds, in the processes.


# One process a kind.


def _measured(kind: Kind, path: Path) -> Outcome:
    before = _resident("VmRSS")
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")  # The peak begins again here.
    began, problem, refused = time.perf_counter(), "", False
    try:
        refused = kind.open(path)
    except OdqaError:
        refused = True
    except BaseException as error:
        last = traceback.extract_tb(error.__traceback__)[-1]
        problem = f"{type(error).__name__} in {Path(last.filename).name}:{last.lineno}: {str(error)[:150]}"
    return Outcome(problem, refused, time.perf_counter() - began, max(0.0, _resident("VmHWM") - before))


def _resident(name: str) -> float:
    for line in Path("/proc/self/status").read_text(encoding="utf-8").splitlines():
        if line.startswith(name):
            return int(line.split()[1]) / 1e3
    return 0.0


def _serve(kind: Kind, memory: int, limit: int, connection: Connection) -> None:
    global LIMIT_S
    LIMIT_S = limit
    sys.path.append(str(ROOT))
    null = os.open(os.devnull, os.O_RDWR)
    os.dup2(null, 1)
    os.dup2(null, 2)
    _, most = resource.getrlimit(resource.RLIMIT_DATA)
    resource.setrlimit(resource.RLIMIT_DATA, (8 * memory * 1_000_000 + 2_000_000_000, most))
    while path := connection.recv():
        connection.send(_measured(kind, path))


class Process:
    """The process of a kind, started again after each input that ended it."""

    def __init__(self, kind: Kind, memory: int, limit: int) -> None:
        self._arguments = (kind, memory, limit)
        self._limit = limit
        self._start()

    def _start(self) -> None:
        context = multiprocessing.get_context("spawn")
        self._ours, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(*self._arguments, theirs))
        self._process.start()
        theirs.close()

    def run(self, path: Path) -> Outcome:
        """Open a changed file."""
        self._ours.send(path)
        patience = 3 * self._limit + 60
        try:
            if self._ours.poll(patience):
                return self._ours.recv()  # type: ignore[no-any-return]
            problem = f"no end within {patience} s"
        except (EOFError, ConnectionResetError):
            self._process.join()
            problem = f"the process ended ({self._process.exitcode})"
        self.close()
        self._start()
        return Outcome(problem, False, float(patience) if "no end" in problem else 0.0, 0.0)

    def close(self) -> None:
        """End the process."""
        self._ours.close()
        self._process.kill()
        self._process.join()


def _inputs(kind: Kind, folder: Path, seed: int) -> Iterator[tuple[Path, str]]:
    """Changed files, each in a folder of its own that is gone afterwards, and the number that makes each again."""
    (folder / "first").mkdir()
    first = kind.first(folder / "first")
    contents = [path.read_bytes() for path in first]
    for number in range(10**9):
        chance = random.Random(f"{kind.name} {seed} {number}")
        at = chance.randrange(len(first))
        near = contents if not kind.whole else [contents[at]]
        place = folder / "input"
        if kind.whole:
            shutil.copytree(folder / "first", place)
            path = place / first[at].relative_to(folder / "first")
        else:
            place.mkdir()
            path = place / f"input{first[at].suffix}"
        path.write_bytes(mutate(contents[at], chance, near))
        if kind.whole and chance.random() < 0.7:
            _state_again(path)
        yield path, f"{seed} {number}"
        shutil.rmtree(place)


def _state_again(path: Path) -> None:
    """Write the changed file's size and checksum into the manifest, as one would who changed it on purpose."""
    from odqa.files import sha256

    manifest = next(parent for parent in path.parents if parent.name == "index") / "manifest.json"
    if path == manifest:
        return
    value = json.loads(manifest.read_text(encoding="utf-8"))
    for segment in value["segments"]:
        if segment["name"] == path.parent.name and path.name in segment["files"]:
            segment["files"][path.name] = {"size": path.stat().st_size, "sha256": sha256(path)}
    manifest.write_text(json.dumps(value), encoding="utf-8")


def search(kind: Kind, seconds: float, options: argparse.Namespace) -> Row:
    """Try changed files of a kind for so many seconds."""
    row = Row()
    with tempfile.TemporaryDirectory() as name:
        inputs = _inputs(kind, Path(name), options.seed)
        process = Process(kind, options.limit_megabytes, options.limit_seconds)
        ends = 0.0
        for path, made_by in inputs:
            ends = ends or time.monotonic() + seconds  # Once the first files are there.
            kept = path.read_bytes()
            outcome = process.run(path)
            problem = outcome.problem
            if not problem and outcome.seconds > options.limit_seconds:
                problem = f"more than {options.limit_seconds} s"
            if not problem and outcome.megabytes > options.limit_megabytes:
                problem = f"more than {options.limit_megabytes} MB"
            row.inputs += 1
            row.refused += outcome.refused
            row.seconds, row.megabytes = max(row.seconds, outcome.seconds), max(row.megabytes, outcome.megabytes)
            if problem:
                row.problems.setdefault(
                    problem.partition(":")[0] if "contained" not in problem else problem, []
                ).append(made_by)
                _keep(options.keep, kind, made_by, path.name, kept, problem)
            if time.monotonic() > ends:
                break
        inputs.close()  # type: ignore[attr-defined]
        process.close()
    return row


def _keep(folder: Path, kind: Kind, made_by: str, name: str, content: bytes, problem: str) -> None:
    place = folder / kind.name.strip(".").replace(" ", "-")
    place.mkdir(parents=True, exist_ok=True)
    stem = made_by.replace(" ", "-")
    (place / f"{stem}-{name}").write_bytes(content)
    (place / f"{stem}.reason").write_text(problem + "\n", encoding="utf-8")


def main() -> int:
    """Search, print the table, and give the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    groups = sorted({kind.group for kind in KINDS})
    parser.add_argument("--seconds", type=float, default=600, help="of the whole search")
    parser.add_argument("--only", choices=[*groups, *(kind.name for kind in KINDS)], help="a group or a kind")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--limit-seconds", type=int, default=10, help="that an input may take")
    parser.add_argument("--limit-megabytes", type=int, default=500, help="of memory that an input may take")
    parser.add_argument("--keep", type=Path, default=Path("hardness"), help="where offending inputs are kept")
    options = parser.parse_args()
    sys.path.append(str(ROOT))  # The tests make the first files of some kinds.
    kinds = [kind for kind in KINDS if options.only in (None, kind.group, kind.name)]
    print(f"{'kind':<18} {'inputs':>8} {'refused':>8} {'findings':>8} {'slowest':>9} {'most memory':>12}", flush=True)
    found = False
    for kind in kinds:
        row = search(kind, options.seconds / len(kinds), options)
        findings = sum(map(len, row.problems.values()))
        found = found or findings > 0
        print(
            f"{kind.name:<18} {row.inputs:>8,} {row.refused:>8,} {findings:>8,}"
            f" {row.seconds:>7.2f} s {row.megabytes:>9,.0f} MB",
            flush=True,
        )
        for problem, made_by in sorted(row.problems.items(), key=lambda item: -len(item[1])):
            print(f"    {len(made_by):>5,} × {problem}  (seed and number of the first: {made_by[0]})", flush=True)
    return int(found)


if __name__ == "__main__":
    sys.exit(main())
