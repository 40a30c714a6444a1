"""``odqa pretrain``: texts and a recipe go in; a masked language model's folder comes out, and its progress."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Any

import typer

from odqa import extras
from odqa.cli.common import OUTPUT, command
from odqa.cli.output import print_json, print_lines
from odqa.cli.progress import progress_bar
from odqa.cli.training import Terminal, push, with_settings
from odqa.errors import OdqaError
from odqa.files import read_json
from odqa.models import resolve
from odqa.pretraining.recipe import LanguageRecipe, make_recipe, read_recipe
from odqa.training.watch import is_first_process

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
    recipe: Annotated[Path | None, typer.Option(help="A TOML file with these settings; flags override it.")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on from the last checkpoint in --output.")] = False,
    device: Annotated[str, typer.Option(help="auto, cpu or cuda.")] = "auto",
    push_to_hub: Annotated[str | None, typer.Option(help="Upload the finished model to this hub id.")] = None,
    json: Annotated[
        bool, typer.Option("--json", help="Print the run's record as one JSON object.", rich_help_panel=OUTPUT)
    ] = False,
    **settings: Any,
) -> None:
    """Train a masked language model on your texts, from nothing or on from another one.

    It trains a tokenizer first. What it makes is a base for odqa train-reader; odqa fill-mask shows what it knows.

    Examples:

    odqa pretrain docs --preset tiny --vocab-size 8000 --output models/mine

    odqa pretrain poems.txt --lines --output models/poems

    odqa pretrain docs --base FacebookAI/roberta-base --learning-rate 5e-5 --output models/adapted

    odqa pretrain Salesforce/wikitext:wikitext-103-raw-v1 --preset small --output models/wiki

    """
    chosen = read_recipe(recipe) if recipe else {}
    chosen |= {name: value for name, value in settings.items() if value is not None}
    chosen |= {"texts": tuple(texts)} if texts else {}
    made = make_recipe(chosen)
    extras.need("train", "training", "accelerate")  # Before a model is fetched.
    for model in filter(None, (made.base, made.tokenizer)):
        resolve(model)
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "true")  # As in odqa train-reader.
    from odqa.pretraining.pretrain import pretrain as train

    with progress_bar() as progress:
        try:
            watcher = Terminal(progress, "tokens", made.max_length)
            folder = train(made, output, watcher, resume=resume, device=device)
        except KeyboardInterrupt:
            raise OdqaError(f"interrupted; run the same command with --resume to go on ({output})") from None
    if not is_first_process():
        return
    if push_to_hub:
        push(folder, push_to_hub, "model")
    if json:
        from odqa.pretraining.record import RECORD_FILE

        print_json(read_json(folder / RECORD_FILE, "train the model again"))
    else:
        print_lines([f"The model is in {folder}. Try it: odqa fill-mask {folder} 'TEXT WITH A <mask>'"])
