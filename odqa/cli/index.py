"""``odqa index``: files in; an index folder and a summary out. Knows nothing of how an index is built."""

from __future__ import annotations

import re
from typing import Annotated, Any

import typer

from odqa.cli import complete
from odqa.cli.changes import bars, print_report, tell_of_ranking
from odqa.cli.common import MODELS, command
from odqa.cli.options import (
    AUTO,
    FILES,
    MAX_FILE_SECONDS,
    MAX_FILE_SIZE,
    PASSAGES,
    DeviceOption,
    ExcludeOption,
    FactoryOption,
    IncludeOption,
    JsonOption,
    MaxFileSecondsOption,
    MaxFileSizeOption,
    OnDuplicateOption,
    Paths,
    RayOption,
    RecallOption,
    StrictOption,
    index_address,
    storage_of,
    text,
)
from odqa.cli.output import note
from odqa.models import DEFAULT_ENCODER
from odqa.types import DEFAULT_INDEX

_CODE = re.compile(r"[a-zA-Z]{2,3}([-_][a-zA-Z0-9]+)*")


def language_code(value: str) -> str:
    """The code of a language. Raises BadParameter for what can be none, such as its name."""
    if not _CODE.fullmatch(value):
        raise typer.BadParameter(f"{value!r} is no code of a language; give one such as en, de, vi or pt-BR")
    return value


@command
def index(
    paths: Paths,
    index: Annotated[
        Any,
        typer.Option(
            metavar="INDEX",
            parser=index_address,
            help="Folder to write, or milvus://HOST:PORT/COLLECTION, or milvus:FILE.db/COLLECTION; an index that is "
            "there is replaced.",
            autocompletion=complete.indexes,
        ),
    ] = DEFAULT_INDEX,
    encoder: Annotated[
        str,
        typer.Option(
            help="Encoder: a sentence-transformers folder or name.",
            autocompletion=complete.encoders,
            rich_help_panel=MODELS,
        ),
    ] = DEFAULT_ENCODER,
    max_tokens: Annotated[
        int,
        typer.Option(
            min=1,
            help="Longest passage in the encoder's tokens; less where the encoder reads less.",
            rich_help_panel=PASSAGES,
        ),
    ] = 200,
    overlap: Annotated[
        int, typer.Option(min=0, help="Tokens that a passage shares with the one before it.", rich_help_panel=PASSAGES)
    ] = 40,
    language: Annotated[
        str,
        typer.Option(
            help="Language of the documents, as a code (vi): its rules split sentences and find words.",
            callback=language_code,
            rich_help_panel=PASSAGES,
        ),
    ] = "en",
    text_field: Annotated[
        str,
        typer.Option(
            help="Field of a JSONL, CSV or TSV row that holds its text.", callback=text, rich_help_panel=FILES
        ),
    ] = "text",
    id_field: Annotated[
        str, typer.Option(help="Field that holds its id, which is optional.", callback=text, rich_help_panel=FILES)
    ] = "id",
    title_field: Annotated[
        str, typer.Option(help="Field that holds its title, which is optional.", callback=text, rich_help_panel=FILES)
    ] = "title",
    factory: FactoryOption = None,
    tune_recall: RecallOption = None,
    include: IncludeOption = None,
    exclude: ExcludeOption = None,
    on_duplicate: OnDuplicateOption = "error",
    max_file_size: MaxFileSizeOption = MAX_FILE_SIZE,
    max_file_seconds: MaxFileSecondsOption = MAX_FILE_SECONDS,
    strict: StrictOption = False,
    device: DeviceOption = AUTO,
    ray: RayOption = None,
    json_output: JsonOption = False,
) -> None:
    """Index documents, so that questions can be answered from them.

    An index that is there already is replaced in one step once the new one is complete, and stays as it is when the
    run fails or is interrupted. Files that cannot be used are listed at the end, each with the reason.

    Examples:

    odqa index docs README.md --index indexes/handbook

    odqa index articles.jsonl --text-field body --id-field url --index indexes/articles

    odqa index wiki --index indexes/wiki --factory IVF4096,SQ8 --tune-recall 0.98

    odqa index /shared/wiki --index /shared/indexes/wiki --ray 10.0.0.1:6379

    """
    from odqa.corpus import ChunkOptions, ReadLimits, ReadOptions
    from odqa.index.build import build_index
    from odqa.index.interface import Storage

    if encoder == DEFAULT_ENCODER and not re.match("en([-_]|$)", language.lower()):
        note(
            f"the default encoder reads English alone; for {language} name a multilingual one with --encoder, or "
            "search with --mode bm25"
        )
    chunk = ChunkOptions(max_tokens=max_tokens, overlap_tokens=overlap, language=language)
    storage = storage_of(factory, tune_recall, Storage())
    with bars() as show:
        report = build_index(
            paths,
            index,
            include=include or (),
            exclude=exclude or (),
            encoder=encoder,
            read=ReadOptions(text_field=text_field, id_field=id_field, title_field=title_field),
            chunk=chunk,
            storage=storage,
            on_duplicate=on_duplicate,
            strict=strict,
            limits=ReadLimits(max_file_size, max_file_seconds),
            device=device,
            ray=ray,
            progress=show,
        )
    tell_of_ranking(report.folder, "for the index before")
    print_report(report, json_output, changes=report.skipped > 0)
