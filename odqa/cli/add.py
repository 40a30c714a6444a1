"""``odqa add``: parse, add, print the summary."""

from __future__ import annotations

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
def add(
    paths: Paths,
    index: IndexOption = DEFAULT_INDEX,
    on_duplicate: OnDuplicateOption = "error",
    strict: StrictOption = False,
    device: DeviceOption = "auto",
    json_output: JsonOption = False,
) -> None:
    """Take more documents into an index.

    They are read, split and encoded as those before: with the fields, the passage length and the encoder that the
    index was made with. If the run fails or is interrupted, the index stays as it was. For files that are in the index
    already, use odqa update.

    Examples:
    odqa add minutes/2026-11.pdf --index indexes/handbook

    odqa add articles.jsonl --index indexes/articles --on-duplicate replace

    """
    from odqa.index.build import add as add_to_index

    with bars() as show:
        report = add_to_index(paths, index, on_duplicate=on_duplicate, strict=strict, device=device, progress=show)
    print_report(report, json_output)
