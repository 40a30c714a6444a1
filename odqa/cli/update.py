"""``odqa update``: files and an index in; the index brought up to date with them, and a summary, out."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from odqa.cli import complete
from odqa.cli.changes import bars, print_report, tell_of_ranking
from odqa.cli.common import MODELS, command
from odqa.cli.defaults import setting
from odqa.cli.options import (
    AUTO,
    MAX_FILE_SECONDS,
    MAX_FILE_SIZE,
    DeviceOption,
    ExcludeOption,
    IncludeOption,
    IndexOption,
    JsonOption,
    MaxFileSecondsOption,
    MaxFileSizeOption,
    OnDuplicateOption,
    RayOption,
    StrictOption,
)
from odqa.errors import UsageError
from odqa.types import DEFAULT_INDEX


@command
def update(
    paths: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="PATH", help="Files and folders, as for odqa index; not needed with --encoder.", show_default=False
        ),
    ] = None,
    index: IndexOption = DEFAULT_INDEX,
    prune: Annotated[
        bool, typer.Option("--prune", help="Remove the documents of files under PATH... that are no longer there.")
    ] = False,
    include: IncludeOption = None,
    exclude: ExcludeOption = None,
    on_duplicate: OnDuplicateOption = "error",
    max_file_size: MaxFileSizeOption = MAX_FILE_SIZE,
    max_file_seconds: MaxFileSecondsOption = MAX_FILE_SECONDS,
    strict: StrictOption = False,
    encoder: Annotated[
        str | None,
        typer.Option(
            "--encoder",
            help="Encode all passages anew, with this encoder: a folder, shipped name or hub id.",
            autocompletion=complete.encoders,
            rich_help_panel=MODELS,
        ),
    ] = None,
    device: DeviceOption = AUTO,
    ray: RayOption = None,
    json_output: JsonOption = False,
) -> None:
    """Bring an index up to date with its files: only documents that are new or have changed are encoded.

    Name the same paths as when the index was made. A file whose content has not changed is not read again; where it
    has, the documents that are no longer in it are removed. Files that are no longer there are listed, and removed
    with --prune. If the run fails or is interrupted, the index stays as it was.

    With --encoder the index gets another encoder, one that odqa train-retriever has made: its passages stay, and all of
    them are encoded anew, on this machine. That is a change of its own, before files under PATH... are read, if any are
    named.

    Examples:

    odqa update docs README.md --index indexes/handbook

    odqa update docs --index indexes/handbook --prune

    odqa update --encoder runs/retriever --index indexes/handbook

    """
    if not paths and not encoder:
        raise UsageError("nothing to update: name the files or folders to read, or another --encoder")
    reading = {
        "--include": bool(include),
        "--exclude": bool(exclude),
        "--prune": prune,
        "--strict": strict,
        "--ray": ray is not None,
        "--on-duplicate": on_duplicate != setting("on_duplicate", "error"),
        "--max-file-size": max_file_size != setting("max_file_size", MAX_FILE_SIZE),
        "--max-file-seconds": max_file_seconds != setting("max_file_seconds", MAX_FILE_SECONDS),
    }
    if not paths and (given := next((name for name, asked in reading.items() if asked), None)):
        raise UsageError(f"{given} is for reading files, and --encoder alone reads none: leave it out, or name files")
    if encoder:
        if paths:
            from odqa.index.build import check_update

            check_update(paths, index)  # Before hours of encoding.
        from odqa.index.reencoding import reencode

        with bars() as show:
            report = reencode(index, encoder, device=device, progress=show)
        if report.encoded:
            tell_of_ranking(report.folder, "with the encoder before")
        if not paths:
            print_report(report, json_output)
            return
    assert paths
    from odqa.corpus import ReadLimits
    from odqa.index.build import update as update_index

    with bars() as show:
        report = update_index(
            paths,
            index,
            include=include or (),
            exclude=exclude or (),
            prune=prune,
            on_duplicate=on_duplicate,
            strict=strict,
            limits=ReadLimits(max_file_size, max_file_seconds),
            device=device,
            ray=ray,
            progress=show,
        )
    print_report(report, json_output)
