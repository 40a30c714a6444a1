"""``odqa index``: parse, build, print the summary. Knows nothing of how a build is done."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from odqa.cli.changes import (
    DEFAULT_INDEX,
    DeviceOption,
    FactoryOption,
    JsonOption,
    OnDuplicateOption,
    Paths,
    RecallOption,
    StrictOption,
    bars,
    print_report,
    storage_of,
)
from odqa.cli.common import command


@command
def index(
    paths: Paths,
    index: Annotated[Path, typer.Option(help="Folder to write, in place of the index that is there.")] = DEFAULT_INDEX,
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
    factory: FactoryOption = None,
    tune_recall: RecallOption = None,
    on_duplicate: OnDuplicateOption = "error",
    strict: StrictOption = False,
    device: DeviceOption = "auto",
    json_output: JsonOption = False,
) -> None:
    """Index documents, so that questions can be asked of them.

    An index that is there already is replaced in one step when the new one is whole, and stays as it is when the
    run fails or is interrupted. Files that cannot be used are listed with the reason at the end.

    Examples:
    odqa index docs README.md --index indexes/handbook

    odqa index articles.jsonl --text-field body --id-field url --index indexes/articles

    odqa index wiki --index indexes/wiki --factory IVF4096,SQ8 --tune-recall 0.98

    """
    from odqa.corpus import ChunkOptions, ReadOptions
    from odqa.index.build import build_index
    from odqa.index.ingest import Storage
    from odqa.models import DEFAULT_ENCODER

    chunk = ChunkOptions(max_tokens=max_tokens, overlap_tokens=overlap, language=language)
    storage = storage_of(factory, tune_recall, Storage())
    with bars() as show:
        report = build_index(
            paths,
            index,
            encoder=encoder or DEFAULT_ENCODER,
            read=ReadOptions(text_field=text_field, id_field=id_field, title_field=title_field),
            chunk=chunk,
            storage=storage,
            on_duplicate=on_duplicate,
            strict=strict,
            device=device,
            progress=show,
        )
    print_report(report, json_output, changes=report.skipped > 0)
