"""``odqa list``: a folder of indexes in; each of them with what it holds out. Opens no data file."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from shlex import quote
from typing import Annotated, Any

import typer

from odqa.cli.common import command
from odqa.cli.options import JsonOption
from odqa.cli.output import megabytes, print_json, print_lines, tell
from odqa.cli.tables import print_table
from odqa.errors import IndexFolderError, UsageError
from odqa.types import DEFAULT_INDEX

_SPANS = (("year", 365 * 86400), ("month", 30 * 86400), ("day", 86400), ("hour", 3600), ("minute", 60))


@command
def list_indexes(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="Folder that holds indexes.")] = DEFAULT_INDEX.parent,
    json_output: JsonOption = False,
) -> None:
    """List the indexes of a folder: their documents, passages, size, age and encoder.

    Examples:

    odqa list

    odqa list shared/indexes --json

    """
    from odqa.index.layout import MANIFEST, entries
    from odqa.index.manifest import read_manifest

    if folder.exists() and not folder.is_dir():
        raise UsageError(f"{folder} is not a folder; name the one that holds the indexes, as in: odqa list indexes")
    found: list[dict[str, Any]] = []
    broken: list[dict[str, str]] = []
    for path in [folder, *entries(folder)]:
        if not (path / MANIFEST).is_file():
            continue
        try:
            manifest = read_manifest(path)
        except IndexFolderError as error:
            broken.append({"index": str(path), "reason": str(error)})
            continue
        found.append(
            {
                "index": str(path),
                "documents": manifest.documents,
                "passages": manifest.passages,
                "bytes": manifest.bytes,
                "changed": manifest.changed,
                "encoder": manifest.encoder,
            }
        )
    if json_output:
        print_json({"indexes": found, "broken": broken})
    elif found:
        print_table([["index", "encoder", "documents", "passages", "size", "changed"], *map(_row, found)], left=2)
    elif not broken:
        print_lines(
            [f"There is no index in {folder}. Make one: odqa index PATH... --index {quote(str(folder / 'NAME'))}"]
        )
    for one in broken:
        tell(one["reason"])
    if broken:
        raise typer.Exit(1)


def _row(one: dict[str, Any]) -> list[str]:
    counts = [f"{one[name]:,}" for name in ("documents", "passages")]
    return [one["index"], one["encoder"], *counts, megabytes(one["bytes"]), age(one["changed"], datetime.now(UTC))]


def age(then: str, now: datetime) -> str:
    """How long ago a moment was, in its largest unit; the moment itself where it cannot be read."""
    try:
        moment = datetime.fromisoformat(then)
    except ValueError:
        return then
    seconds = (now - (moment if moment.tzinfo else moment.replace(tzinfo=UTC))).total_seconds()  # Clocks differ.
    for name, length in _SPANS:
        if (number := int(seconds // length)) > 0:
            return f"{number} {name}{'s' * (number > 1)} ago"
    return "just now"
