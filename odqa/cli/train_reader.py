"""``odqa train-reader``: parses, calls the training loop, shows its progress."""

from __future__ import annotations

import dataclasses
import os
import re
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from odqa.cli.common import command, print_json, progress_bar
from odqa.errors import OdqaError, UsageError

if TYPE_CHECKING:
    from rich.progress import Progress

SECONDS_BETWEEN_LINES = 30  # Where stderr is a file, progress is a line now and then instead of a bar.


@command
def train_reader(
    train: Annotated[
        list[str] | None,
        typer.Option(help="Training data: SQuAD-format .json, .jsonl, .parquet, or a hub id; repeat."),
    ] = None,
    eval: Annotated[list[str] | None, typer.Option(help="Data scored after each epoch; repeat for several.")] = None,
    tune: Annotated[
        list[str] | None,
        typer.Option(help="Data on which the settings of answers are fitted (not what you report on); repeat."),
    ] = None,
    output: Annotated[Path, typer.Option(help="The folder for the reader and, meanwhile, its checkpoints.")] = Path(
        "runs/reader"
    ),
    recipe: Annotated[Path | None, typer.Option(help="A TOML file with these settings; flags override it.")] = None,
    base: Annotated[
        str | None,
        typer.Option(
            help="The model to start from: a folder, shipped name or hub id, or a recipe that makes it first."
        ),
    ] = None,
    distill: Annotated[
        str | None,
        typer.Option(
            metavar="TEACHER", help="Learn a larger reader's span distributions too: a folder, shipped name or hub id."
        ),
    ] = None,
    distill_weight: Annotated[
        float | None, typer.Option(help="The teacher's share of the loss, from 0 to 1. [0.5]")
    ] = None,
    distill_temperature: Annotated[
        float | None, typer.Option(help="What softens the distributions of teacher and student. [2.0]")
    ] = None,
    epochs: Annotated[int | None, typer.Option(help="Passes over the data. [2]")] = None,
    batch_size: Annotated[int | None, typer.Option(help="Windows a batch and device. [32]")] = None,
    accumulate: Annotated[int | None, typer.Option(help="Batches an optimiser step. [1]")] = None,
    learning_rate: Annotated[float | None, typer.Option(help="The highest learning rate. [5e-5]")] = None,
    warmup: Annotated[float | None, typer.Option(help="Share of the steps with a rising learning rate. [0.1]")] = None,
    weight_decay: Annotated[float | None, typer.Option(help="AdamW's weight decay of matrices. [0.01]")] = None,
    dropout: Annotated[float | None, typer.Option(help="Dropout; the base's own by default.")] = None,
    token_dropout: Annotated[
        float | None, typer.Option(help="Share of the tokens to hide in training, against learning by heart. [0]")
    ] = None,
    frozen_layers: Annotated[
        int | None, typer.Option(help="Lowest layers, with the embeddings, to leave as the base has them. [0]")
    ] = None,
    base_weight: Annotated[
        float | None, typer.Option(help="Share of the base's weights in the finished reader, if the base is one. [0]")
    ] = None,
    max_length: Annotated[int | None, typer.Option(help="Tokens a window, question included. [384]")] = None,
    stride: Annotated[int | None, typer.Option(help="Tokens that two windows of a context share. [128]")] = None,
    negatives: Annotated[
        str | None,
        typer.Option(
            help="Make unanswerable questions of these kinds, comma-separated: negation, antonym, entity, number, "
            "exclusion, condition, article, retrieved, deleted, or all (odqa make-negatives shows them)."
        ),
    ] = None,
    negatives_ratio: Annotated[
        float | None, typer.Option(help="Made unanswerable questions for each answerable one. [0.5]")
    ] = None,
    plausible_answers: Annotated[
        bool | None,
        typer.Option(
            "--plausible-answers/--no-plausible-answers",
            help="Train unanswerable questions on their plausible answers.",
        ),
    ] = None,
    group_by_length: Annotated[
        bool | None, typer.Option("--group-by-length/--no-group-by-length", help="Batch windows of like length. [on]")
    ] = None,
    precision: Annotated[
        str | None, typer.Option(help="auto, float32, bfloat16, pure-bfloat16 or float16. [auto]")
    ] = None,
    save_precision: Annotated[str | None, typer.Option(help="Weights on disk: float32 or float16. [float32]")] = None,
    keep: Annotated[
        str | None, typer.Option(help="The epoch that is kept: best (by F1 on --eval) or last. [best]")
    ] = None,
    save_every: Annotated[int | None, typer.Option(help="Optimiser steps between checkpoints. [500]")] = None,
    seed: Annotated[int | None, typer.Option(help="Seed of everything random. [0]")] = None,
    track: Annotated[str | None, typer.Option(help="Log the run: tensorboard or mlflow (optional extras).")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on from the last checkpoint in --output.")] = False,
    device: Annotated[str, typer.Option(help="auto, cpu or cuda.")] = "auto",
    push_to_hub: Annotated[str | None, typer.Option(help="Upload the finished reader to this hub id.")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print the run's record as one JSON object.")] = False,
) -> None:
    """Fine-tune a reader on SQuAD v2 or any data in its format.

    Examples:

    odqa train-reader --train rajpurkar/squad_v2 --eval rajpurkar/squad_v2

    odqa train-reader --train mine.json --negatives all --output runs/mine

    odqa train-reader --recipe recipes/default-reader.toml --output runs/again

    odqa train-reader --train mine.json --distill runs/large --output runs/small

    """
    given = locals()
    from odqa.training.recipe import Recipe, Source, make_recipe, read_recipe

    settings: dict[str, Any] = read_recipe(recipe) if recipe else {}
    splits = {"train": "train", "eval": "validation", "tune": "validation"}
    for name in Recipe.__dataclass_fields__:
        value = given.get(name)
        if value is None:
            continue
        if name in splits:
            value = tuple(Source(path, split="" if Path(path).is_file() else splits[name]) for path in value)
        settings[name] = value
    changes: dict[str, Any] = {} if negatives is None else {"negatives": tuple(re.split(r"[\s,]+", negatives.strip()))}
    if negatives_ratio is not None:
        changes["negatives_ratio"] = negatives_ratio
    settings["train"] = tuple(dataclasses.replace(source, **changes) for source in settings.get("train", ()))
    if negatives_ratio is not None and not any(source.negatives for source in settings["train"]):
        raise UsageError("--negatives-ratio says how many; say which, too: --negatives all")
    chosen = make_recipe(settings)
    # Forking tokenizers after they ran in parallel warns on every batch; the loop does not fork.
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "true")
    from odqa.training.train import train as run

    with progress_bar() as progress:
        try:
            folder = run(chosen, output, _Terminal(progress), resume=resume, device=device)
        except KeyboardInterrupt:
            raise OdqaError(f"interrupted; run the same command with --resume to go on ({output})") from None
    if os.environ.get("RANK", "0") != "0":
        return  # One of several processes under ``accelerate launch``: the first one reports.
    if push_to_hub:
        _push(folder, push_to_hub)
    if json:
        from odqa.training.folder import read_run

        print_json(read_run(folder))
    else:
        print(f"The reader is in {folder}. Try it: odqa eval --reader {folder} --dataset FILE")


class _Terminal:
    """A progress bar with loss and rate on a terminal; a line now and then where stderr is a file."""

    def __init__(self, progress: Progress) -> None:
        self.progress = progress
        self.live = progress.console.is_terminal
        self.task: Any = None
        self.last_line = 0.0

    def note(self, text: str) -> None:
        """Print a line above the bar."""
        self.progress.console.print(text) if self.live else print(text, file=sys.stderr, flush=True)

    def step(self, done: int, total: int, loss: float, windows_per_second: float) -> None:
        """Move the bar."""
        text = f"loss {loss:.3f}, {windows_per_second:.1f} windows/s"
        if self.live:
            if self.task is None:
                self.task = self.progress.add_task(text, total=total)
            self.progress.update(self.task, completed=done, description=text)
        elif time.monotonic() - self.last_line > SECONDS_BETWEEN_LINES or done == total:
            self.last_line = time.monotonic()
            print(f"step {done:,} of {total:,}: {text}", file=sys.stderr, flush=True)

    def evaluated(self, epoch: int, metrics: dict[str, float]) -> None:
        """Print an epoch's metrics."""
        self.note(f"epoch {epoch}: " + ", ".join(f"{name} {value:.3f}" for name, value in metrics.items()))


def _push(folder: Path, name: str) -> None:
    """Upload a reader's folder; the run's scratch is already gone from it."""
    from huggingface_hub import HfApi
    from huggingface_hub.errors import HfHubHTTPError

    try:
        api = HfApi()
        api.create_repo(name, exist_ok=True)
        api.upload_folder(repo_id=name, folder_path=str(folder))
    except (HfHubHTTPError, OSError, ValueError) as error:
        detail = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise OdqaError(f"the reader is whole in {folder}, but {name} could not be uploaded: {detail}") from None
