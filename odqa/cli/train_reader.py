"""``odqa train-reader``: a recipe goes in, from a file and flags; a reader's folder comes out, and its progress."""

from __future__ import annotations

import inspect
import os
import re
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import MISSING, Field, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, get_type_hints

import typer

from odqa.cli.common import OUTPUT, command
from odqa.cli.output import print_json
from odqa.cli.progress import progress_bar
from odqa.errors import OdqaError, UsageError
from odqa.files import read_json
from odqa.models import resolve
from odqa.squad import check_source
from odqa.training.recipe import SOURCES, Recipe, Source, make_recipe, read_recipe, setting_of

if TYPE_CHECKING:
    from rich.progress import Progress

SECONDS_BETWEEN_LINES = 30  # Where stderr is a file, progress is a line now and then instead of a bar.


def help_of(kind: type, name: str) -> str:
    """The help of a recipe's or a source's setting: what it is, what it may be and, in brackets, its default."""
    setting = setting_of(kind, name)
    default: Any = {one.name: one.default for one in fields(kind)}[name]
    text = setting.help
    if choices := [choice for choice in setting.choices if choice]:
        text += f": {', '.join(choices[:-1])} or {choices[-1]}."
    if default in (MISSING, "", ()):
        return text
    shown = {True: "on", False: "off"}[default] if isinstance(default, bool) else default
    return f"{text} [{shown:g}]" if isinstance(shown, float) else f"{text} [{shown}]"


def with_settings(function: Callable[..., None]) -> Callable[..., None]:
    """Give a command with ``**settings`` an option for each setting of a recipe; None stands for one not given.

    The data come first, then the function's own options, then the other settings.
    """
    own = [one for one in inspect.signature(function, eval_str=True).parameters.values() if one.name != "settings"]
    options = [_option(field) for field in fields(Recipe)]
    parameters = [*options[: len(SOURCES)], *own, *options[len(SOURCES) :]]
    function.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    return function


def _option(field: Field[Any]) -> inspect.Parameter:
    kind: Any = list[str] if field.name in SOURCES else get_type_hints(Recipe)[field.name]
    flag = f"--{field.name.replace('_', '-')}"
    flags = [f"{flag}/--no-{flag.removeprefix('--')}"] if kind is bool else [flag]
    option = typer.Option(
        *flags,
        help=help_of(Recipe, field.name),
        metavar=setting_of(Recipe, field.name).metavar,
        show_default=False,
        rich_help_panel=None if field.name in SOURCES else "How it is trained",
    )
    annotation = Annotated[kind | None, option]
    return inspect.Parameter(field.name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=annotation)


@with_settings
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
    for model in filter(None, (chosen.base, chosen.distill)):
        resolve(model)
    # Forking tokenizers after they ran in parallel warns on every batch; the loop does not fork.
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "true")
    from odqa.training.train import train

    with progress_bar() as progress:
        try:
            folder = train(chosen, output, _Terminal(progress), resume=resume, device=device)
        except KeyboardInterrupt:
            raise OdqaError(f"interrupted; run the same command with --resume to go on ({output})") from None
    if os.environ.get("RANK", "0") != "0":
        return  # One of several processes under ``accelerate launch``: the first one reports.
    if push_to_hub:
        _push(folder, push_to_hub)
    if json:
        from odqa.training.record import RUN_FILE

        print_json(read_json(folder / RUN_FILE, "train the reader again"))
    else:
        print(f"The reader is in {folder}. Try it: odqa eval --reader {folder} --dataset FILE")


def _chosen(
    recipe: Path | None, flags: Mapping[str, Any], negatives: str | None, negatives_ratio: float | None
) -> dict[str, Any]:
    """The settings of the recipe file, if any, with those of the flags instead where they are given."""
    settings: dict[str, Any] = read_recipe(recipe) if recipe else {}
    for name, value in flags.items():
        if value is None:
            continue
        if name in SOURCES:
            split = "train" if name == "train" else "validation"
            value = tuple(Source(path, split="" if Path(path).is_file() else split) for path in value)
        settings[name] = value
    changes: dict[str, Any] = {} if negatives is None else {"negatives": tuple(re.split(r"[\s,]+", negatives.strip()))}
    if negatives_ratio is not None:
        changes["negatives_ratio"] = negatives_ratio
    settings["train"] = tuple(replace(source, **changes) for source in settings.get("train", ()))
    if negatives_ratio is not None and not any(source.negatives for source in settings["train"]):
        raise UsageError("--negatives-ratio says how many; say which, too: --negatives all")
    return settings


class _Terminal:
    """A progress bar with loss and rate on a terminal; a line now and then where stderr is a file."""

    def __init__(self, progress: Progress) -> None:
        self.progress = progress
        self.live = progress.console.is_terminal
        self.task: Any = None
        self.last_line = 0.0

    def note(self, text: str) -> None:
        """Print a line above the bar."""
        print(text, file=sys.stderr, flush=True)

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
