"""What the commands that change an index share: options, progress, the summary. Knows nothing of how it is changed."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeAlias

import typer

from odqa.cli.common import print_json, print_lines, progress_bar
from odqa.errors import UsageError

if TYPE_CHECKING:
    from odqa.index.filters import Filter
    from odqa.index.ingest import Storage
    from odqa.index.report import ChangeReport, ShowProgress

DEFAULT_INDEX = Path("indexes/default")
AUTO = "auto"
ROWS = 20  # Of a list of files; --json has them all.
_UNBOUNDED = 10_000

Paths: TypeAlias = Annotated[
    list[Path],
    typer.Argument(
        metavar="PATH...",
        help="Files and folders: .txt .md .rst .html .pdf .docx .jsonl .csv .tsv, SQuAD-format .json.",
    ),
]
IndexOption: TypeAlias = Annotated[Path, typer.Option("--index", help="Index folder to change.")]
OnDuplicateOption: TypeAlias = Annotated[
    Literal["error", "replace", "skip"],  # Spelled out: importing them would make every --help slower.
    typer.Option(
        "--on-duplicate",
        help="When two documents have one id: stop, let the later one replace the earlier, or skip the later.",
    ),
]
StrictOption: TypeAlias = Annotated[bool, typer.Option("--strict", help="Stop at the first file that cannot be used.")]
DeviceOption: TypeAlias = Annotated[str, typer.Option("--device", help="auto, cpu, cuda, cuda:1, mps, ...")]
JsonOption: TypeAlias = Annotated[bool, typer.Option("--json", help="Print the summary as one JSON object.")]
FilterOption: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(
        "--filter",
        metavar="FILTER",
        help="Only documents with such a field: lang=en, lang!=en, year>=2020, 'source~=*/policies/*'; "
        "repeat for documents that meet all.",
    ),
]
FactoryOption: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--factory",
        help="How FAISS stores the vectors, as a factory string: Flat, HNSW32, IVF1024,SQ8, ...; "
        "auto goes by the number of passages.",
    ),
]
RecallOption: TypeAlias = Annotated[
    float | None,
    typer.Option(
        "--tune-recall",
        metavar="FLOAT",
        help="Share of what an exact search finds that searching must find, above 0 and at most 1; measured against "
        "Flat, and reached by searching longer.",
    ),
]


def storage_of(factory: str | None, recall: float | None, before: Storage) -> Storage:
    """What the options say of how vectors are stored; what they leave open is as ``before``.

    Raises UsageError for a recall that is none.
    """
    from odqa.index.ingest import Storage

    if recall is not None and not 0 < recall <= 1:
        raise UsageError(f"--tune-recall is {recall}: give a share above 0 and at most 1, such as 0.95")
    return Storage(
        factory=before.factory if factory is None else "" if factory == AUTO else factory,
        recall=before.recall if recall is None else recall,
    )


def parse_filters(texts: Sequence[str] | None) -> list[Filter]:
    """The filters as they were written. Raises UsageError for one that is none."""
    from odqa.index.filters import parse

    return [parse(text) for text in texts or ()]


@contextmanager
def bars() -> Iterator[ShowProgress]:
    """One bar for each stage of a change."""
    from odqa.index.report import READING, Progress

    with progress_bar() as display:
        tasks = {}

        def show(progress: Progress) -> None:
            reading = progress.stage == READING
            if progress.stage not in tasks:
                tasks[progress.stage] = display.add_task("")
            unit = 1000 if reading else 1
            display.update(
                tasks[progress.stage],
                description=f"Reading {progress.documents:,} documents (kB)" if reading else "Encoding passages",
                completed=progress.done // unit,
                total=max(1, progress.total // unit),
            )

        yield show


def print_report(report: ChangeReport, json_output: bool, *, changes: bool = True, vectors: bool = True) -> None:
    """Print what a change did: as one JSON object, or for a person.

    ``changes`` has a line of what became of the documents, ``vectors`` one of how the newest segment's vectors are
    stored, where a search of them is not exact, and a warning on stderr where it finds less than was asked for.
    """
    from odqa.index.manifest import read_manifest

    manifest = read_manifest(report.folder)
    newest = manifest.segments[-1]
    if vectors:
        _warn_of_recall(newest.vectors["recall"], manifest.storage["recall"])
    if json_output:
        print_json({**asdict(report), "folder": str(report.folder)})
        return
    rows = [("Index", str(report.folder))]
    if changes:
        rows.append(("Changes", _changes(report)))
    length = f" of at most {report.chunk.max_tokens} tokens" if report.encoded else ""
    rows += [
        ("Documents", f"{report.documents:,}"),
        ("Passages", f"{report.passages:,}{length}"),
    ]
    if vectors and newest.vectors["recall"] is not None:
        rows.append(("Vectors", describe_vectors(newest.vectors)))
    rows += [
        ("Time", f"{report.seconds:,.1f} s"),
        ("Size", megabytes(report.bytes)),
    ]
    print_lines(f"{name:<10} {value}" for name, value in rows)
    _print_vanished(report)
    _print_unusable(report)


def describe_vectors(vectors: Mapping[str, Any]) -> str:
    """How a segment's vectors are stored and searched, in a few words."""
    parts = [vectors["factory"]]
    if vectors["trained_on"]:
        parts.append(f"trained on {vectors['trained_on']:,}")
    parts += [f"{name} {value}" for name, value in vectors["parameters"].items()]
    if vectors["recall"] is not None:
        parts.append(f"recall@20 {vectors['recall']:.3f}")
    return ", ".join(parts)


def count(number: int, noun: str) -> str:
    """The number and its noun, which has a plural in s."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def megabytes(size: int) -> str:
    """A number of bytes, for a person."""
    return f"{size / 1e6:,.1f} MB"


def _warn_of_recall(measured: float | None, wanted: float) -> None:
    if measured is not None and measured < wanted:
        print(
            f"odqa: a search finds {measured:.3f} of the nearest passages, less than the {wanted:g} asked for, however "
            f"long it takes; index again with a --factory that loses less, such as Flat, HNSW32 or IVF...,SQ8",
            file=sys.stderr,
        )


def _changes(report: ChangeReport) -> str:
    """What became of documents and passages, without what did not happen."""
    counts = {name: getattr(report, name) for name in ("added", "changed", "removed", "unchanged", "skipped")}
    parts = [f"{count:,} {name}" for name, count in counts.items() if count]
    if report.encoded:
        parts.append(f"{count(report.encoded, 'passage')} encoded")
    return ", ".join(parts) or "none"


def _print_vanished(report: ChangeReport) -> None:
    if not report.vanished:
        return
    files = count(len(report.vanished), "file")
    print(f"\nNo longer there, but kept in the index: {files}; --prune removes what was read from them")
    print_lines(f"  {source}" for source in report.vanished[:ROWS])
    _print_more(len(report.vanished))


def _print_unusable(report: ChangeReport) -> None:
    if not report.unusable:
        return
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table("File", "Reason", title=f"Could not be used: {len(report.unusable):,}", title_justify="left")
    for item in report.unusable[:ROWS]:
        table.add_row(Text(item.source), Text(item.reason))
    print()
    # A file or a pipe has no width: there a path stays in one piece.
    Console(width=None if sys.stdout.isatty() else _UNBOUNDED).print(table)
    _print_more(len(report.unusable))


def _print_more(count: int) -> None:
    if count > ROWS:
        print(f"and {count - ROWS:,} more; --json lists them all")
