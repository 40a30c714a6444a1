"""``odqa update``: parse, update, print the summary."""

from __future__ import annotations

from typing import Annotated

import typer

from odqa.cli.changes import (
    DEFAULT_INDEX,
    DeviceOption,
    IndexOption,
    JsonOption,
    OnDuplicateOption,
    Paths,
    StrictOption,
    bars,
    print_report,
)
from odqa.cli.common import command


@command
def update(
    paths: Paths,
    index: IndexOption = DEFAULT_INDEX,
    prune: Annotated[
        bool, typer.Option("--prune", help="Remove the documents of files under PATH... that are no longer there.")
    ] = False,
    on_duplicate: OnDuplicateOption = "error",
    strict: StrictOption = False,
    device: DeviceOption = "auto",
    json_output: JsonOption = False,
) -> None:
    """Bring an index up to its files: only documents that are new or have changed are encoded.

    Name the same paths as when the index was made. A file whose content is as it was is not read again; of one that
    has changed, the documents that are no longer in it are removed. Files that are no longer there are listed, and
    removed with --prune. If the run fails or is interrupted, the index stays as it was.

    Examples:
    odqa update docs README.md --index indexes/handbook

    odqa update docs --index indexes/handbook --prune

    """
    from odqa.index.build import update as update_index

    with bars() as show:
        report = update_index(
            paths, index, prune=prune, on_duplicate=on_duplicate, strict=strict, device=device, progress=show
        )
    print_report(report, json_output)
