"""``odqa add``: files and an index in; the index with their documents, and a summary, out."""

from __future__ import annotations

from odqa.cli.changes import bars, print_report
from odqa.cli.common import command
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
    Paths,
    RayOption,
    StrictOption,
)
from odqa.types import DEFAULT_INDEX


@command
def add(
    paths: Paths,
    index: IndexOption = DEFAULT_INDEX,
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
    """Add documents to an index.

    They are read, split and encoded with the fields, the passage length and the encoder that the index was made with.
    If the run fails or is interrupted, the index stays as it was. For files that are in the index already, use odqa
    update.

    Examples:

    odqa add minutes/2026-11.pdf --index indexes/handbook

    odqa add articles.jsonl --index indexes/articles --on-duplicate replace

    """
    from odqa.corpus import ReadLimits
    from odqa.index.build import add as add_to_index

    with bars() as show:
        report = add_to_index(
            paths,
            index,
            include=include or (),
            exclude=exclude or (),
            on_duplicate=on_duplicate,
            strict=strict,
            limits=ReadLimits(max_file_size, max_file_seconds),
            device=device,
            ray=ray,
            progress=show,
        )
    print_report(report, json_output)
