"""``odqa train-reader``: a recipe goes in, from a file and flags; a reader's folder comes out, and its progress."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer

from odqa import extras
from odqa.cli.common import OUTPUT, command
from odqa.cli.output import print_json, print_lines
from odqa.cli.progress import progress_bar
from odqa.cli.training import Terminal, as_sources, help_of, push, with_settings
from odqa.errors import OdqaError, UsageError
from odqa.files import read_json
from odqa.models import resolve
from odqa.squad import check_source
from odqa.training.recipe import SOURCES, Recipe, Source, make_recipe, read_recipe
from odqa.training.watch import is_first_process


@with_settings(Recipe, first=SOURCES)
@command
def train_reader(
    *,
    output: Annotated[Path, typer.Option(help="The folder for the reader and, meanwhile, its checkpoints.")] = Path(
        "runs/reader"
    ),
    recipe: Annotated[Path | None, typer.Option(help="A TOML file with these settings; flags override it.")] = None,
    negatives: Annotated[str | None, typer.Option(help=help_of(Source, "negatives"))] = None,
    negatives_ratio: Annotated[float | None, typer.Option(help=help_of(Source, "negatives_ratio"))] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on from the last checkpoint in --output.")] = False,
    device: Annotated[str, typer.Option(help="auto, cpu or cuda.")] = "auto",
    push_to_hub: Annotated[str | None, typer.Option(help="Upload the finished reader to this hub id.")] = None,
    json: Annotated[
        bool, typer.Option("--json", help="Print the run's record as one JSON object.", rich_help_panel=OUTPUT)
    ] = False,
    **settings: Any,
) -> None:
    """Fine-tune a reader on SQuAD v2, any data in its format, or questions and answers about the documents of an index.

    Examples:

    odqa train-reader --train rajpurkar/squad_v2 --eval rajpurkar/squad_v2

    odqa train-reader --train mine.json --negatives all --output runs/mine

    odqa train-reader --train questions.jsonl --index indexes/docs --base odqa/default-reader --output runs/mine

    odqa train-reader --recipe recipes/first-reader.toml --output runs/first

    odqa train-reader --train mine.json --distill runs/large --output runs/small

    """
    chosen = make_recipe(_chosen(recipe, settings, negatives, negatives_ratio))
    for source in (*chosen.train, *chosen.eval, *chosen.tune):
        check_source(source.path)
    extras.need("train", "training", "accelerate")  # Before a model is fetched.
    for model in filter(None, (chosen.base, chosen.distill)):
        resolve(model)
    # Forking tokenizers after they ran in parallel warns on every batch; the loop does not fork.
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "true")
    from odqa.training.train import train

    with progress_bar() as progress:
        try:
            folder = train(chosen, output, Terminal(progress), resume=resume, device=device)
        except KeyboardInterrupt:
            raise OdqaError(f"interrupted; run the same command with --resume to go on ({output})") from None
    if not is_first_process():
        return
    if push_to_hub:
        push(folder, push_to_hub, "reader")
    if json:
        from odqa.training.record import RUN_FILE

        print_json(read_json(folder / RUN_FILE, "train the reader again"))
    else:
        print_lines([f"The reader is in {folder}. Try it: odqa eval --reader {folder} --dataset FILE"])


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
    changes: dict[str, Any] = {} if negatives is None else {"negatives": tuple(re.split(r"[\s,]+", negatives.strip()))}
    if negatives_ratio is not None:
        changes["negatives_ratio"] = negatives_ratio
    settings["train"] = tuple(replace(source, **changes) for source in settings.get("train", ()))
    if negatives_ratio is not None and not any(source.negatives for source in settings["train"]):
        raise UsageError("--negatives-ratio says how many; say which, too: --negatives all")
    return settings
