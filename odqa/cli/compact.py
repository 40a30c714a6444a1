"""``odqa compact``: parse, compact, print the summary."""

from __future__ import annotations

from odqa.cli.changes import (
    DEFAULT_INDEX,
    FactoryOption,
    IndexOption,
    JsonOption,
    RecallOption,
    count,
    megabytes,
    print_report,
    storage_of,
)
from odqa.cli.common import command


@command
def compact(
    index: IndexOption = DEFAULT_INDEX,
    factory: FactoryOption = None,
    tune_recall: RecallOption = None,
    json_output: JsonOption = False,
) -> None:
    """Write an index anew as one segment, without what was removed; nothing is encoded.

    Searches find what they found, faster, and the removed passages leave the disk. With --factory or --tune-recall the
    vectors are stored in another way from now on; what is not given stays as it is. An index that is one segment
    already is left alone. If the run fails or is interrupted, the index stays as it was.

    Examples:
    odqa compact --index indexes/handbook

    odqa compact --index indexes/wiki --factory IVF4096,SQ8 --tune-recall 0.98

    """
    from odqa.index.compaction import compact as compact_index
    from odqa.index.ingest import Storage
    from odqa.index.manifest import read_manifest

    before = read_manifest(index)
    asked = None
    if factory is not None or tune_recall is not None:
        asked = storage_of(factory, tune_recall, Storage(**before.storage))
    print_report(compact_index(index, storage=asked), json_output, changes=False)
    if not json_output:
        parts = [count(len(before.segments), "segment"), megabytes(before.bytes)]
        if before.deleted_passages:
            parts.append(count(before.deleted_passages, "deleted passage"))
        print(f"Before     {', '.join(parts)}")
