"""A report of a change to an index in; its progress on stderr and its summary on stdout out.

What the commands that change an index share. Knows nothing of how an index is changed.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Any

from odqa.cli.output import count, landed, megabytes, note, print_json, print_lines
from odqa.cli.progress import progress_bar
from odqa.cli.tables import print_table
from odqa.reports.visible import brief

if TYPE_CHECKING:
    from odqa.addresses import Address
    from odqa.index.report import ChangeReport, ShowProgress

ROWS = 20  # Of a list of files; --json has them all.
NAMES = 3  # Of the files that share a reason.
LONGEST_NAME = 100  # Characters.


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

    ``changes`` adds a line on what happened to the documents. ``vectors`` adds one on how the newest segment's vectors
    are stored, where searching them is not exact, and a warning on stderr where it finds less than was asked for.
    Raises OdqaError, which says that the change has been made, where it cannot be printed.
    """
    with landed(f"{report.folder} is changed (version {report.version})"):
        _print_report(report, json_output, changes, vectors)


def tell_of_ranking(index: Address, how: str) -> None:
    """Say ``how`` a ranking that the index keeps was fitted before it was made anew, where it keeps one."""
    from odqa.answering.fit_file import has_own

    if isinstance(index, Path) and has_own(index):
        note(
            f"the ranking that odqa tune has fitted on {index} was fitted {how}, and is used on; "
            f"`odqa tune --index {quote(str(index))} --dataset FILE` fits it anew"
        )


def _print_report(report: ChangeReport, json_output: bool, changes: bool, vectors: bool) -> None:
    from odqa.index.stores import store_at

    manifest = store_at(report.folder).manifest()
    newest = manifest.newest_vectors
    if vectors:
        _warn_of_recall(newest["recall"], manifest.storage["recall"])
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
    if vectors and newest["recall"] is not None:
        rows.append(("Vectors", describe_vectors(newest)))
    rows += [
        ("Time", f"{report.seconds:,.1f} s"),
        ("Size", megabytes(report.bytes)),
    ]
    print_table(rows, left=2)
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


def _warn_of_recall(measured: float | None, wanted: float) -> None:
    if measured is not None and measured < wanted:
        note(
            f"a search finds {measured:.3f} of the nearest passages, less than the {wanted:g} asked for, however "
            f"long it takes; index again with a --factory that loses less, such as Flat, HNSW32 or IVF...,SQ8"
        )


def _changes(report: ChangeReport) -> str:
    """How many documents and passages were added, changed and so on; counts of 0 are left out."""
    counts = {name: getattr(report, name) for name in ("added", "changed", "removed", "unchanged", "skipped")}
    parts = [f"{number:,} {name}" for name, number in counts.items() if number]
    if report.encoded:
        parts.append(f"{count(report.encoded, 'passage')} encoded")
    return ", ".join(parts) or "none"


def _print_vanished(report: ChangeReport) -> None:
    if not report.vanished:
        return
    files = count(len(report.vanished), "file")
    print_lines(["", f"No longer there, but kept in the index: {files}; --prune removes what was read from them"])
    print_lines(f"  {brief(source)}" for source in report.vanished[:ROWS])
    _print_more(len(report.vanished))


def _print_unusable(report: ChangeReport) -> None:
    """The files that are not in the index, or not all of them, by their reasons."""
    files = defaultdict(list)
    for item in report.unusable:
        files[item.reason].append(item.source)
    if files:
        number = len({item.source for item in report.unusable})
        print_lines(["", f"Could not be used: {count(number, 'file')}, or a part of it"])
        rows = [(f"  {_names(sources)}", brief(reason)) for reason, sources in list(files.items())[:ROWS]]
        print_table(rows, left=2)
        _print_more(len(files), "reasons")
    if report.excluded:
        globs = [f"--include {glob}" for glob in report.include] + [f"--exclude {glob}" for glob in report.exclude]
        print_lines(["", f"Left out by {brief(' '.join(globs))}: {_files_and_folders(report.excluded)}"])
    if report.hidden:
        print_lines(["", f"Passed over, being hidden, a tool's or an index: {_files_and_folders(report.hidden)}"])


def _files_and_folders(number: int) -> str:
    return "1 file or folder" if number == 1 else f"{number:,} files and folders"


def _names(sources: Sequence[str]) -> str:
    """The first files, and how many more there are."""
    more = f" and {len(sources) - NAMES:,} more" if len(sources) > NAMES else ""
    return ", ".join(brief(source, LONGEST_NAME) for source in sources[:NAMES]) + more


def _print_more(total: int, what: str = "") -> None:
    if total > ROWS:
        print_lines([f"and {total - ROWS:,} more{f' {what}' * bool(what)}; --json lists them all"])
