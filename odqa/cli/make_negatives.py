"""``odqa make-negatives``: a dataset goes in; unanswerable questions made of it are shown or written."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from odqa.cli.common import command, print_json
from odqa.training.negatives.kinds import KINDS

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
    json: Annotated[bool, typer.Option("--json", help="Print the counts as one JSON object.")] = False,
) -> None:
    """Make unanswerable questions out of answerable ones, to look at or to keep.

    These are the questions that train-reader --negatives trains on. Without --output a few of each kind are printed.

    Examples:
    odqa make-negatives mine.json

    odqa make-negatives mine.json --kinds entity,exclusion --limit 200

    odqa make-negatives mine.json --ratio 0.5 --output made.jsonl

    """
    from odqa.training.negatives.listing import by_kind, draw, write

    made, originals = draw(source, kinds.split(","), ratio, limit, seed, output)
    if output:
        write(output, made)
    counts = {kind: len(some) for kind, some in by_kind(made).items()}
    if json:
        print_json({"questions": len(originals), "negatives": len(made), "kinds": counts})
        return
    print(f"{len(made):,} unanswerable questions of {len(originals):,} answerable ones")
    for kind, some in by_kind(made).items():
        print(f"\n{kind} ({len(some):,})")
        for negative, original in [] if output else some[:SHOWN]:
            changed = negative.question != original.question
            print(f"  {original.question}")
            print(f"  → {negative.question}" if changed else f"  over: {' '.join(negative.context.split())[:CUT]}…")
    if output:
        print(f"\nThey are in {output}.")
