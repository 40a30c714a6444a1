"""``odqa pretrain``: texts and a recipe go in; a masked language model's folder comes out, and its progress."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from odqa.cli.common import command
from odqa.cli.training import RunOptions, carry_out, ready, with_settings
from odqa.pretraining.recipe import LanguageRecipe, make_recipe, overridden, read_recipe

PANELS = {
    "Which texts": ("lines", "split", "text_field", "limit", "held_out"),
    "The model and its tokenizer": (
        *("base", "tokenizer", "vocab_size", "min_frequency", "preset", "layers", "hidden", "heads", "positions"),
        "dropout",
    ),
}


@with_settings(LanguageRecipe, without=("texts",), panels=PANELS)
@command
def pretrain(
    texts: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="PATH",
            help="Files and folders, as odqa index reads them, or hub ids (owner/name, owner/name:configuration).",
            show_default=False,
        ),
    ] = None,
    *,
    output: Annotated[Path, typer.Option(help="The folder for the model and, meanwhile, its checkpoints.")] = Path(
        "models/mine"
    ),
    **given: Any,
) -> None:
    """Train a masked language model on your texts, from nothing or on from another one.

    It trains a tokenizer first. What it makes is a base for odqa train-reader; odqa fill-mask shows what it knows.

    Examples:

    odqa pretrain docs --preset tiny --vocab-size 8000 --output models/mine

    odqa pretrain poems.txt --lines --output models/poems

    odqa pretrain docs --base FacebookAI/roberta-base --learning-rate 5e-5 --output models/adapted

    odqa pretrain Salesforce/wikitext:wikitext-103-raw-v1 --preset small --output models/wiki

    """
    run = RunOptions.taken(given)
    flags = {name: value for name, value in given.items() if value is not None}
    flags |= {"texts": tuple(texts)} if texts else {}
    made = make_recipe(overridden(read_recipe(run.recipe) if run.recipe else {}, flags))
    ready((made.base, made.tokenizer))
    from odqa.pretraining.pretrain import pretrain as train
    from odqa.pretraining.record import RECORD_FILE

    use, each = f"Try it: odqa fill-mask {output} 'TEXT WITH A <mask>'", made.max_length
    carry_out(train, made, output, run, what="model", use=use, record=RECORD_FILE, unit="tokens", each=each)
