"""The same index in a folder and in a milvus-lite: recall side by side, and what building, opening and asking take.

    python benchmarks/milvus.py --data ../shared/data --passages 10000 30000
    python benchmarks/milvus.py --data ../shared/data --passages 100000 --files /usr/share/doc

The paragraphs of SQuAD v2 dev come first, and its answerable questions are asked; those of other datasets follow, and
then the documents of ``--files``, until there are so many passages (a few more, if the last document has several).
Recall@k is the share of questions whose own paragraph is among the first k. All are encoded once, into a folder;
``odqa copy`` makes of it the folder and the milvus-lite that are measured, so that building counts no encoding. Each is
opened in a process of its own; a question is one call, encoding not counted. ``--address milvus://HOST:PORT`` measures
a server instead of milvus-lite. Indexes are kept in runs/milvus, so that a second run only measures.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
from retrieval import DEV, OTHERS

from odqa.addresses import Address, MilvusAddress, address_of
from odqa.corpus import ChunkOptions, find_files, read_file, split
from odqa.index.build import build_index
from odqa.index.copying import copy
from odqa.index.stores import store_at
from odqa.models import DEFAULT_ENCODER
from odqa.reports.tables import aligned
from odqa.retrieval.encoder import Encoder
from odqa.squad import load_examples
from odqa.types import Document, Mode

KS = (1, 5, 20)


def documents_of(data: Path, files: Sequence[Path]) -> Iterator[Document]:
    """The paragraphs of the datasets, each once, and then the documents of files."""
    seen = set()
    for name in (DEV, *OTHERS):
        for example in load_examples(str(data / name)):
            if example.context not in seen:
                seen.add(example.context)
                yield Document(str(len(seen)), example.title, example.context, name)
    for path in find_files(files).files if files else ():
        yield from (item for item in read_file(path) if isinstance(item, Document))


def enough(documents: Iterable[Document], passages: int, encoder: Encoder, chunk: ChunkOptions) -> list[Document]:
    """The first documents that have so many passages together."""
    taken, count = [], 0
    for document in documents:
        taken.append(document)
        count += len(split(document, encoder.token_offsets, chunk))
        if count >= passages:
            return taken
    raise SystemExit(f"there are only {count:,} passages; name more files with --files")


def prepare(data: Path, files: Sequence[Path], folder: Path, passages: int, asked_at_most: int, name: str) -> None:
    """Make the index of so many passages, and write down the questions with their own paragraphs."""
    encoder = Encoder.load(name)
    chunk = ChunkOptions(max_tokens=encoder.passage_budget, overlap_tokens=0)
    documents = enough(documents_of(data, files), passages, encoder, chunk)
    build_index(documents=documents, folder=folder / "encoded", encoder=encoder, chunk=chunk)
    ids = {document.text: document.id for document in reversed(documents)}  # The first of those with the same text.
    dev = load_examples(str(data / DEV))
    asked = [(one.question, ids[one.context]) for one in dev if one.answerable and one.context in ids]
    asked = [asked[at] for at in np.random.default_rng(0).permutation(len(asked))[:asked_at_most].tolist()]
    np.save(folder / "queries.npy", encoder.encode_queries([text for text, _ in asked]))
    (folder / "questions.json").write_text(json.dumps(asked))


def measure(address: Address, folder: Path) -> dict[str, Any]:
    """Open an index that this process has not touched, and ask it."""
    questions = json.loads((folder / "questions.json").read_text())
    queries = np.load(folder / "queries.npy")
    if isinstance(address, MilvusAddress):
        import pymilvus  # noqa: F401  # A library is loaded once, whatever it opens.
    import faiss  # noqa: F401

    started = time.perf_counter()
    index = store_at(address).open()
    result: dict[str, Any] = {"open_s": time.perf_counter() - started}
    with closing(index):
        for mode in Mode:
            one = index.in_mode(mode)
            seconds, places = [], []
            for (question, gold), query in zip(questions, queries, strict=True):
                began = time.perf_counter()
                (hits,) = one.search([question], max(KS), query[None])
                seconds.append(time.perf_counter() - began)
                found = list(dict.fromkeys(hit.passage.document_id for hit in hits))
                places.append(found.index(gold) if gold in found else len(found) + max(KS))
            result[mode] = {
                **{f"recall@{k}": float(np.mean(np.array(places) < k)) for k in KS},
                "p50_ms": 1000 * float(np.percentile(seconds[1:], 50)),
                "p95_ms": 1000 * float(np.percentile(seconds[1:], 95)),
            }
    return result


def size_of(address: Address) -> int:
    """Bytes on the disk; of a server what its manifest says."""
    path = address.file if isinstance(address, MilvusAddress) else address
    if path is None:
        return store_at(address).manifest().bytes
    return sum(file.stat().st_size for file in path.rglob("*") if file.is_file())


def make_copy(address: Address, folder: Path) -> str:
    """Copy the index that was encoded to an address; the seconds that took, nothing where it is there already."""
    if store_at(address).exists():
        return "-"
    started = time.perf_counter()
    copy(folder / "encoded", address)
    return f"{time.perf_counter() - started:.1f}"


def in_process(what: str, address: Address, folder: Path) -> str:
    """The last line that this program prints in a process of its own."""
    command = [sys.executable, __file__, what, str(address), "--folder", str(folder)]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout.splitlines()[-1]


def rows_of(folder: Path, addresses: dict[str, Address]) -> list[list[str]]:
    """The rows of the table for one number of passages: copies where there is none, and measures in new processes."""
    rows = []
    passages = store_at(folder / "encoded").manifest().passages
    for name, address in addresses.items():
        # In processes of their own: of those that have a milvus-lite open there can be one.
        built = in_process("--copy", address, folder)
        found = json.loads(in_process("--measure", address, folder))
        for mode in Mode:
            one = found[mode]
            recalls = [f"{one[f'recall@{k}']:.3f}" for k in KS]
            times = [f"{one['p50_ms']:.1f}", f"{one['p95_ms']:.1f}"]
            rows.append(
                [f"{passages:,}", name, mode, *recalls, *times, built, f"{found['open_s']:.2f}",
                 f"{size_of(address) / 1e6:,.1f}"]
            )  # fmt: skip
    return rows


def main() -> None:
    """Make the indexes, measure them, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--passages", type=int, nargs="+", default=[10_000, 30_000], help="numbers of passages")
    parser.add_argument("--files", type=Path, nargs="+", default=[], help="files and folders, when the datasets end")
    parser.add_argument("--questions", type=int, default=1000)
    parser.add_argument("--folder", type=Path, default=Path("runs/milvus"))
    parser.add_argument("--address", default="", help="milvus://HOST:PORT, to measure a server")
    parser.add_argument("--encoder", default=DEFAULT_ENCODER)
    parser.add_argument("--measure", help=argparse.SUPPRESS)
    parser.add_argument("--copy", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.measure:
        print(json.dumps(measure(address_of(arguments.measure), arguments.folder)))
        return
    if arguments.copy:
        print(make_copy(address_of(arguments.copy), arguments.folder))
        return
    if arguments.data is None:
        parser.error("--data is needed")
    head = ["passages", "where", "mode", *(f"recall@{k}" for k in KS), "p50 ms", "p95 ms", "build s", "open s", "MB"]
    table = [head]
    for passages in arguments.passages:
        folder = arguments.folder / str(passages)
        folder.mkdir(parents=True, exist_ok=True)
        if not (folder / "questions.json").exists():
            prepare(arguments.data, arguments.files, folder, passages, arguments.questions, arguments.encoder)
        where = f"{arguments.address}/odqa_{passages}" if arguments.address else f"milvus:{folder}/lite.db/passages"
        addresses = {"folder": folder / "copy", "server" if arguments.address else "milvus-lite": address_of(where)}
        table += rows_of(folder, addresses)
    print(aligned(table))


if __name__ == "__main__":
    main()
