"""``odqa index``: parse, build, print the summary. Knows how a build looks in a terminal, nothing of how it is done."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from odqa.cli.common import command, print_json, progress_bar

if TYPE_CHECKING:
    from odqa.index import BuildReport
    from odqa.index.build import ShowProgress

_UNBOUNDED = 10_000
ROWS = 20  # Of the table of unusable files; --json has them all.


@command
def index(
    paths: Annotated[
        list[Path],
        typer.Argument(
            metavar="PATH...",
            help="Files and folders: .txt .md .rst .html .pdf .docx .jsonl .csv .tsv, SQuAD-format .json.",
        ),
    ],
    index: Annotated[Path, typer.Option(help="Folder to write, in place of the index that is there.")] = Path(
        "indexes/default"
    ),
    encoder: Annotated[
        str | None, typer.Option(help="Encoder: a sentence-transformers folder or name; the shipped one if not given.")
    ] = None,
    max_tokens: Annotated[
        int, typer.Option(min=1, help="Longest passage in the encoder's tokens; less where the encoder reads less.")
    ] = 200,
    overlap: Annotated[int, typer.Option(min=0, help="Tokens that a passage repeats of the one before.")] = 40,
    language: Annotated[str, typer.Option(help="Language whose rules find the sentences, as a code.")] = "en",
    text_field: Annotated[str, typer.Option(help="Field of a JSONL, CSV or TSV row that holds its text.")] = "text",
    id_field: Annotated[str, typer.Option(help="Field that holds its id, which is optional.")] = "id",
    title_field: Annotated[str, typer.Option(help="Field that holds its title, which is optional.")] = "title",
    strict: Annotated[bool, typer.Option("--strict", help="Stop at the first file that cannot be used.")] = False,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:1, mps, ...")] = "auto",
    json_output: Annotated[bool, typer.Option("--json", help="Print the summary as one JSON object.")] = False,
) -> None:
    """Index documents, so that questions can be asked of them.

    An index that is there already is replaced in one step when the new one is whole, and stays as it is when the
    run fails or is interrupted. Files that cannot be used are listed with the reason at the end.

    Examples:
    odqa index docs README.md --index indexes/handbook

    odqa index articles.jsonl --text-field body --id-field url --index indexes/articles

    """
    from odqa.corpus import ChunkOptions, ReadOptions
    from odqa.index import build_index
    from odqa.models import DEFAULT_ENCODER

    chunk = ChunkOptions(max_tokens=max_tokens, overlap_tokens=overlap, language=language)
    with _bars() as show:
        report = build_index(
            paths,
            index,
            encoder=encoder or DEFAULT_ENCODER,
            read=ReadOptions(text_field=text_field, id_field=id_field, title_field=title_field),
            chunk=chunk,
            strict=strict,
            device=device,
            progress=show,
        )
    if json_output:
        print_json({**asdict(report), "folder": str(report.folder)})
    else:
        _print_summary(report)


@contextmanager
def _bars() -> Iterator[ShowProgress]:
    """One bar for each stage of a build."""
    from odqa.index import Progress
    from odqa.index.build import READING

    with progress_bar() as bars:
        tasks = {}

        def show(progress: Progress) -> None:
            reading = progress.stage == READING
            if progress.stage not in tasks:
                tasks[progress.stage] = bars.add_task("")
            unit = 1000 if reading else 1
            bars.update(
                tasks[progress.stage],
                description=f"Reading {progress.documents:,} documents (kB)" if reading else "Encoding passages",
                completed=progress.done // unit,
                total=max(1, progress.total // unit),
            )

        yield show


def _print_summary(report: BuildReport) -> None:
    print(f"Index      {report.folder}")
    print(f"Documents  {report.documents:,}")
    print(f"Passages   {report.passages:,} of at most {report.chunk.max_tokens} tokens")
    print(f"Time       {report.seconds:,.1f} s")
    print(f"Size       {report.bytes / 1e6:,.1f} MB")
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
    if len(report.unusable) > ROWS:
        print(f"and {len(report.unusable) - ROWS:,} more; --json lists them all")
