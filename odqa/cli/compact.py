"""``odqa compact``: an index in; the same one as a single segment, and a summary, out."""

from __future__ import annotations

from odqa.addresses import folder_of
from odqa.cli.changes import print_report
from odqa.cli.common import command
from odqa.cli.options import FactoryOption, IndexOption, JsonOption, RecallOption, storage_of
from odqa.cli.output import count, landed, megabytes, print_lines
from odqa.types import DEFAULT_INDEX


@command
def compact(
    index: IndexOption = DEFAULT_INDEX,
    factory: FactoryOption = None,
    tune_recall: RecallOption = None,
    json_output: JsonOption = False,
) -> None:
    """Rewrite an index as one segment, without the passages that were removed; nothing is encoded.

    Searches find the same passages, faster, and the removed ones no longer take space on the disk. --factory and
    --tune-recall change how the vectors are stored from now on; what is not given stays as it is. An index that is one
    segment already is left alone. If the run fails or is interrupted, the index stays as it was.

    Examples:

    odqa compact --index indexes/handbook

    odqa compact --index indexes/wiki --factory IVF4096,SQ8 --tune-recall 0.98

    """
    from odqa.index.compaction import compact as compact_index
    from odqa.index.interface import Storage
    from odqa.index.manifest import read_manifest

    folder = folder_of(index, "odqa compact")
    before = read_manifest(folder)
    storage = None
    if factory is not None or tune_recall is not None:
        storage = storage_of(factory, tune_recall, Storage(**before.storage))
    print_report(compact_index(folder, storage=storage), json_output, changes=False)
    if not json_output:
        parts = [count(len(before.segments), "segment"), megabytes(before.bytes)]
        if before.deleted_passages:
            parts.append(count(before.deleted_passages, "deleted passage"))
        with landed(f"{index} is compact"):
            print_lines([f"Before     {', '.join(parts)}"])
