"""``odqa train-retriever``: questions, passages and a recipe go in; an encoder's folder comes out, and its progress."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Annotated, Any

import typer

from odqa import extras
from odqa.cli.common import OUTPUT, command
from odqa.cli.output import print_json, print_lines
from odqa.cli.progress import progress_bar
from odqa.cli.training import Terminal, as_sources, help_of, push, with_settings
from odqa.errors import OdqaError
from odqa.files import read_json
from odqa.models import resolve
from odqa.retriever_training.recipe import SOURCES, RetrieverRecipe, make_recipe, read_recipe
from odqa.squad import check_source

FIRST = (*SOURCES, "from_documents")
PANELS = {
    "What is learned": (
        *("index", "language", "held_out", "keep_sentence", "negatives", "rounds", "margin", "symmetric", "matryoshka"),
        *("distill_reader", "distill", "distill_weight", "distill_temperature"),
    ),
}


def _dimensions(value: str | None) -> tuple[int, ...] | None:
    """``64,128`` as numbers."""
    if value is None:
        return None
    parts = re.split(r"[\s,]+", value.strip())
    if not all(part.isascii() and part.isdigit() and len(part) < 10 for part in parts):
        raise typer.BadParameter(f"{value!r} is no list of whole numbers such as 64,128,256")
    return tuple(map(int, parts))


@with_settings(RetrieverRecipe, first=FIRST, without=("matryoshka",), panels=PANELS)
@command
def train_retriever(
    *,
    output: Annotated[Path, typer.Option(help="The folder for the encoder and, meanwhile, its checkpoints.")] = Path(
        "runs/retriever"
    ),
    recipe: Annotated[Path | None, typer.Option(help="A TOML file with these settings; flags override it.")] = None,
    matryoshka: Annotated[
        str | None, typer.Option(help=help_of(RetrieverRecipe, "matryoshka"), rich_help_panel="What is learned")
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on from the last checkpoint in --output.")] = False,
    device: Annotated[str, typer.Option(help="auto, cpu or cuda.")] = "auto",
    push_to_hub: Annotated[str | None, typer.Option(help="Upload the finished encoder to this hub id.")] = None,
    json: Annotated[
        bool, typer.Option("--json", help="Print the run's record as one JSON object.", rich_help_panel=OUTPUT)
    ] = False,
    **settings: Any,
) -> None:
    """Fine-tune the encoder on your own questions, or on your documents alone, and say whether it finds more.

    What it makes is a sentence-transformers model, for odqa index --encoder and odqa update --encoder.

    Examples:

    odqa train-retriever --train mine.json --output runs/retriever

    odqa train-retriever --train questions.jsonl --index indexes/docs --output runs/retriever

    odqa train-retriever --from-documents docs --output runs/retriever

    odqa train-retriever --train mine.json --negatives 4 --distill-reader odqa/default-reader --output runs/retriever

    odqa train-retriever --recipe recipes/retriever-docs.toml --output runs/retriever

    """
    chosen = read_recipe(recipe) if recipe else {}
    for name, value in settings.items():
        if value is not None:
            chosen[name] = as_sources(name, value) if name in SOURCES else tuple(value) if name in FIRST else value
    if (dimensions := _dimensions(matryoshka)) is not None:
        chosen["matryoshka"] = dimensions
    made = make_recipe(chosen)
    for source in (*made.train, *made.eval):
        check_source(source.path)
    extras.need("train", "training", "accelerate")  # Before a model is fetched.
    for model in filter(None, (made.base, made.teacher)):
        resolve(model)
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "true")  # As in odqa train-reader.
    from odqa.retriever_training.train import train

    with progress_bar() as progress:
        try:
            folder = train(made, output, Terminal(progress, "pairs"), resume=resume, device=device)
        except KeyboardInterrupt:
            raise OdqaError(f"interrupted; run the same command with --resume to go on ({output})") from None
    if push_to_hub:
        push(folder, push_to_hub, "encoder")
    if json:
        from odqa.training.record import RUN_FILE

        print_json(read_json(folder / RUN_FILE, "train the encoder again"))
    else:
        print_lines([f"The encoder is in {folder}. Use it: odqa update --encoder {folder} --index INDEX"])
