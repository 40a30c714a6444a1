"""``odqa remove``: parse, remove, print the summary."""

from __future__ import annotations

from typing import Annotated

import typer

from odqa.cli.changes import DEFAULT_INDEX, FilterOption, IndexOption, JsonOption, parse_filters, print_report
from odqa.cli.common import command


@command
def remove(
    names: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[NAME...]", help="Ids of documents, or files or folders, as they were named when indexed."
        ),
    ] = None,
    index: IndexOption = DEFAULT_INDEX,
    filter: FilterOption = None,
    json_output: JsonOption = False,
) -> None:
    """Take documents out of an index: those of the given names, and those that meet all filters.

    They are found no more from now on. Their passages leave the disk when odqa compact folds the index. A name or
    filters that fit no document are an error, and then nothing is removed.

    Examples:
    odqa remove docs/old.md docs/drafts --index indexes/handbook

    odqa remove --filter "year<2020" --filter lang=en --index indexes/articles

    """
    from odqa.index.removal import remove as remove_from_index

    print_report(remove_from_index(index, names or (), parse_filters(filter)), json_output, vectors=False)
