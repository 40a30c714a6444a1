"""``odqa train-reader``: a recipe goes in, from a file and flags; a reader's folder comes out, and its progress."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from shlex import quote
from typing import Annotated, Any

import typer

from odqa.cli.common import command
from odqa.cli.training import RunOptions, as_sources, carry_out, help_of, ready, with_settings
from odqa.errors import UsageError
from odqa.squad import check_source
from odqa.training.negatives.kinds import split_kinds
from odqa.training.recipe import SOURCES, Recipe, Source, make_recipe, read_recipe

PANELS = {
    "How it is trained": ("base", "index", "distill", "distill_weight", "distill_temperature", "language", "epochs")
}


@with_settings(Recipe, first=SOURCES, panels=PANELS)
@command
def train_reader(
    *,
    output: Annotated[Path, typer.Option(help="The folder for the reader and, meanwhile, its checkpoints.")] = Path(
        "runs/reader"
    ),
    negatives: Annotated[str | None, typer.Option(help=help_of(Source, "negatives"))] = None,
    negatives_ratio: Annotated[float | None, typer.Option(help=help_of(Source, "negatives_ratio"))] = None,
    **given: Any,
) -> None:
    """Fine-tune a reader on SQuAD v2, any data in its format, or questions and answers about the documents of an index.

    Examples:

    odqa train-reader --train rajpurkar/squad_v2 --eval rajpurkar/squad_v2

    odqa train-reader --train mine.json --negatives all --output runs/mine

    odqa train-reader --train questions.jsonl --index indexes/docs --base odqa/default-reader --output runs/mine

    odqa train-reader --recipe recipes/default-reader.toml --output runs/mine

    odqa train-reader --train mine.json --distill runs/large --output runs/small

    """
    run = RunOptions.taken(given)
    chosen = make_recipe(_chosen(run.recipe, given, negatives, negatives_ratio))
    for source in (*chosen.train, *chosen.eval, *chosen.tune):
        check_source(source.path)
    ready((chosen.base, chosen.distill))
    from odqa.training.record import RUN_FILE
    from odqa.training.train import train

    use = f"Try it: odqa eval --reader {quote(str(output))} --dataset FILE"
    carry_out(train, chosen, output, run, what="reader", use=use, record=RUN_FILE)


def _chosen(
    recipe: Path | None, flags: Mapping[str, Any], negatives: str | None, negatives_ratio: float | None
) -> dict[str, Any]:
    """The settings of the recipe file, if any, with those of the flags instead where they are given."""
    settings: dict[str, Any] = read_recipe(recipe) if recipe else {}
    for name, value in flags.items():
        if value is None:
            continue
        if name in SOURCES:
            value = as_sources(name, value)
        settings[name] = value
    changes: dict[str, Any] = {} if negatives is None else {"negatives": split_kinds(negatives, "--negatives")}
    if negatives_ratio is not None:
        changes["negatives_ratio"] = negatives_ratio
    settings["train"] = tuple(replace(source, **changes) for source in settings.get("train", ()))
    if negatives_ratio is not None and not any(source.negatives for source in settings["train"]):
        raise UsageError("--negatives-ratio says how many; say which, too: --negatives all")
    return settings
