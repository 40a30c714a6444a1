"""``odqa make-negatives``: a dataset goes in; unanswerable questions made of it are shown or written."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from odqa.cli.common import OUTPUT, command
from odqa.cli.output import landed, print_json, print_lines
from odqa.reports.visible import visible
from odqa.training.negatives.kinds import KINDS, split_kinds

if TYPE_CHECKING:
    from odqa.types import Example

SHOWN = 3  # Questions of each kind that are printed.
CUT = 160  # Characters of a new context that are printed.


@command
def make_negatives(
    source: Annotated[str, typer.Argument(metavar="FILE", help="SQuAD-format .json, .jsonl, .parquet, or a hub id.")],
    kinds: Annotated[
        str,
        typer.Option(help=f"Separated by commas: {', '.join(KINDS)}, or all. A kind is drawn as often as it is named."),
    ] = "all",
    ratio: Annotated[float, typer.Option(help="Unanswerable questions for each answerable one.")] = 1.0,
    limit: Annotated[int, typer.Option(help="Draw this many questions of the file at random (0: all).")] = 0,
    seed: Annotated[int, typer.Option(help="Seed of everything random.")] = 0,
    output: Annotated[
        Path | None, typer.Option(help="Write all of them to this .jsonl file, which train-reader and eval read.")
    ] = None,
    json: Annotated[
        bool, typer.Option("--json", help="Print the counts as one JSON object.", rich_help_panel=OUTPUT)
    ] = False,
) -> None:
    """Make unanswerable questions out of answerable ones, to look at or to keep.

    These are the questions that train-reader --negatives trains on; with --index it takes those of the kind retrieved
    from there instead. Without --output a few of each kind are printed.

    Examples:

    odqa make-negatives mine.json

    odqa make-negatives mine.json --kinds entity,exclusion --limit 200

    odqa make-negatives mine.json --ratio 0.5 --output made.jsonl

    """
    from odqa.training.negatives.listing import by_kind, draw, write

    made, originals = draw(source, split_kinds(kinds, "--kinds"), ratio, limit, seed, output)
    if output:
        write(output, made)
    with landed(f"they are in {output}") if output else nullcontext():
        kinds_made = by_kind(made)
        if json:
            counts = {kind: len(some) for kind, some in kinds_made.items()}
            print_json({"questions": len(originals), "negatives": len(made), "kinds": counts})
        else:
            print_lines([f"{len(made):,} unanswerable questions of {len(originals):,} answerable ones"])
            print_lines(_lines(kinds_made, 0 if output else SHOWN))
            if output:
                print_lines(["", f"They are in {visible(str(output))}."])


def _lines(made: Mapping[str, Sequence[tuple[Example, Example]]], shown: int) -> Iterator[str]:
    """Each kind with how many there are, and the first ``shown`` of it beside their originals."""
    for kind, some in made.items():
        yield ""
        yield f"{kind} ({len(some):,})"
        for negative, original in some[:shown]:
            changed = negative.question != original.question
            yield f"  {visible(original.question)}"
            yield f"  → {visible(negative.question)}" if changed else f"  over: {visible(negative.context)[:CUT]}…"
