"""``odqa train-reranker``: a recipe goes in, from a file and flags; a reranker's folder comes out, and its progress."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from odqa.cli.common import command
from odqa.cli.training import LISTS, RunOptions, carry_out, chosen_pairs, ready, with_settings
from odqa.reranker_training.recipe import RerankerRecipe, make_recipe, read_recipe
from odqa.squad import check_source

PANELS = {
    "What is learned": (
        *("index", "encoder", "language", "held_out", "reader", "keep_sentence", "negatives", "margin"),
        *("distill_reader", "distill", "distill_weight", "distill_temperature"),
    ),
    "How it is trained": ("base", "epochs", "batch_size", "accumulate"),
}


@with_settings(RerankerRecipe, first=LISTS, panels=PANELS)
@command
def train_reranker(
    *,
    output: Annotated[Path, typer.Option(help="The folder for the reranker and, meanwhile, its checkpoints.")] = Path(
        "runs/reranker"
    ),
    **given: Any,
) -> None:
    """Fine-tune a cross-encoder to order what the search finds, and say whether its order is better.

    What it makes is a sentence-transformers CrossEncoder, for --reranker of odqa ask, search and eval.

    Examples:

    odqa train-reranker --train mine.json --output runs/reranker

    odqa train-reranker --train questions.jsonl --index indexes/docs --output runs/reranker

    odqa train-reranker --train mine.json --base cross-encoder/ms-marco-MiniLM-L6-v2 --output runs/reranker

    odqa train-reranker --train mine.json --negatives 8 --distill-reader odqa/default-reader --output runs/reranker

    """
    run = RunOptions.taken(given)
    made = make_recipe(chosen_pairs(read_recipe(run.recipe) if run.recipe else {}, given))
    for source in (*made.train, *made.eval):
        check_source(source.path)
    ready(made.models)
    from odqa.reranker_training.train import train
    from odqa.training.record import RUN_FILE

    use = f"Use it: odqa ask QUESTION --index INDEX --reranker {output}"
    carry_out(train, made, output, run, what="reranker", use=use, record=RUN_FILE, unit="pairs")
