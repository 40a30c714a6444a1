"""``odqa copy``: an index and another place in; the same index there, and a summary, out."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from odqa.cli import complete
from odqa.cli.changes import bars, print_report
from odqa.cli.common import command
from odqa.cli.options import INDEX_HELP, FactoryOption, JsonOption, RecallOption, index_address, storage_of


@command
def copy(
    source: Annotated[
        Any,
        typer.Argument(metavar="FROM", parser=index_address, help=f"{INDEX_HELP}.", autocompletion=complete.indexes),
    ],
    target: Annotated[
        Any, typer.Argument(metavar="TO", parser=index_address, help="Where there is no index yet: the same.")
    ],
    factory: FactoryOption = None,
    tune_recall: RecallOption = None,
    json_output: JsonOption = False,
) -> None:
    """Copy an index between folders and Milvus, with its vectors; nothing is encoded, and no model is loaded.

    An index that is there already is not replaced. In the end both are compared: the documents by their hashes, and
    passages with their vectors by a sample; a copy that is another is taken away again. A ranking that odqa tune has
    fitted is not copied.

    Examples:

    odqa copy indexes/wiki milvus://localhost:19530/wiki

    odqa copy milvus:wiki.db/wiki indexes/wiki --factory HNSW32

    """
    from odqa.index.copying import copy as copy_index
    from odqa.index.interface import Storage

    with bars() as show:
        report = copy_index(source, target, storage=storage_of(factory, tune_recall, Storage()), progress=show)
    print_report(report, json_output, changes=False)
