"""``odqa train-retriever``: questions, passages and a recipe go in; an encoder's folder comes out, and its progress."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from shlex import quote
from typing import Annotated, Any

import typer

from odqa.cli.common import command
from odqa.cli.training import RunOptions, as_sources, carry_out, help_of, ready, with_settings
from odqa.retriever_training.recipe import SOURCES, RetrieverRecipe, make_recipe, read_recipe
from odqa.squad import check_source

LISTS = (*SOURCES, "from_documents")  # What may be given several times.
PANELS = {
    "What is learned": (
        *("index", "language", "held_out", "reader", "keep_sentence", "negatives", "rounds", "margin", "symmetric"),
        "matryoshka",
        *("distill_reader", "distill", "distill_weight", "distill_temperature"),
    ),
    "How it is trained": ("base", "epochs", "batch_size", "mini_batch_size", "scale"),
}


def _dimensions(value: str | None) -> tuple[int, ...] | None:
    """``64,128`` as numbers."""
    if value is None:
        return None
    parts = re.split(r"[\s,]+", value.strip())
    if not all(part.isascii() and part.isdigit() and len(part) < 10 for part in parts):
        raise typer.BadParameter(f"{value!r} is no list of whole numbers such as 64,128,256")
    return tuple(map(int, parts))


@with_settings(RetrieverRecipe, first=LISTS, without=("matryoshka",), panels=PANELS)
@command
def train_retriever(
    *,
    output: Annotated[Path, typer.Option(help="The folder for the encoder and, meanwhile, its checkpoints.")] = Path(
        "runs/retriever"
    ),
    matryoshka: Annotated[
        str | None, typer.Option(help=help_of(RetrieverRecipe, "matryoshka"), rich_help_panel="What is learned")
    ] = None,
    **given: Any,
) -> None:
    """Fine-tune the encoder on your own questions, or on your documents alone, and say whether it finds more.

    What it makes is a sentence-transformers model, for odqa index --encoder and odqa update --encoder.

    Examples:

    odqa train-retriever --train mine.json --output runs/retriever

    odqa train-retriever --train questions.jsonl --index indexes/docs --output runs/retriever

    odqa train-retriever --from-documents docs --output runs/retriever

    odqa train-retriever --train mine.json --negatives 4 --distill-reader odqa/default-reader --output runs/retriever

    odqa train-retriever --train mine.json --eval held-out.json --reader odqa/default-reader --output runs/retriever

    odqa train-retriever --recipe recipes/retriever-docs.toml --output runs/retriever

    """
    run = RunOptions.taken(given)
    chosen = _chosen(read_recipe(run.recipe) if run.recipe else {}, given)
    if (dimensions := _dimensions(matryoshka)) is not None:
        chosen["matryoshka"] = dimensions
    made = make_recipe(chosen)
    for source in (*made.train, *made.eval):
        check_source(source.path)
    ready(made.models)
    from odqa.retriever_training.train import train
    from odqa.training.record import RUN_FILE

    use = f"Use it: odqa update --encoder {quote(str(output))} --index INDEX"
    carry_out(train, made, output, run, what="encoder", use=use, record=RUN_FILE, unit="pairs")


def _chosen(recipe: Mapping[str, Any], flags: Mapping[str, Any]) -> dict[str, Any]:
    """The settings of a recipe on questions and passages, with those of the flags instead where they are given."""
    found = dict(recipe)
    for name, value in flags.items():
        if value is not None:
            listed = tuple(value) if name in LISTS else value
            found[name] = as_sources(name, value) if name in SOURCES else listed
    return found
