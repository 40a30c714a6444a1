"""``odqa remove``: names or filters in; the index without those documents, and a summary, out."""

from __future__ import annotations

from typing import Annotated

import typer

from odqa.cli.changes import print_report
from odqa.cli.common import command
from odqa.cli.options import FilterOption, IndexOption, JsonOption, parse_filters
from odqa.types import DEFAULT_INDEX


@command
def remove(
    names: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="NAME", help="Ids of documents, or files or folders by the names they were indexed under."
        ),
    ] = None,
    index: IndexOption = DEFAULT_INDEX,
    filters: FilterOption = None,
    json_output: JsonOption = False,
) -> None:
    """Remove documents from an index: those with the given names, and those that match all filters.

    No search finds them any more. Their passages stay on the disk until odqa compact rewrites the index. A name that
    no document has, or filters that no document matches, are an error, and then nothing is removed.

    Examples:

    odqa remove docs/old.md docs/drafts --index indexes/handbook

    odqa remove --filter "year<2020" --filter lang=en --index indexes/articles

    """
    from odqa.index.removal import remove as remove_from_index

    print_report(remove_from_index(index, names or (), parse_filters(filters)), json_output, vectors=False)
