"""A recipe's settings in, a command's options out; a run's progress in, a bar and lines out: what all runs share."""

from __future__ import annotations

import inspect
import os
import signal
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import MISSING, Field, dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, get_type_hints

import typer

from odqa import extras
from odqa.cli import complete
from odqa.cli.common import OUTPUT
from odqa.cli.output import note, print_json, print_lines
from odqa.cli.progress import progress_bar
from odqa.cli.surroundings import Terminated
from odqa.errors import OdqaError
from odqa.files import read_json
from odqa.models import resolve
from odqa.training.output import TRACKED
from odqa.training.recipe import Source, setting_of, settings_of, split_of
from odqa.training.watch import is_first_process

if TYPE_CHECKING:
    from rich.progress import Progress

SECONDS_BETWEEN_LINES = 30  # Where stderr is a file, progress is a line now and then instead of a bar.


@dataclass(frozen=True, slots=True)
class RunOptions:
    """The options that every training has, besides the settings of its recipe."""

    recipe: Annotated[Path | None, typer.Option(help="A TOML file with these settings; flags override it.")] = None
    resume: Annotated[bool, typer.Option("--resume", help="Go on from the last checkpoint in --output.")] = False
    device: Annotated[str, typer.Option(help="auto, cpu or cuda.")] = "auto"
    push_to_hub: Annotated[str | None, typer.Option(help="Upload the finished model to this hub id.")] = None
    json: Annotated[
        bool, typer.Option("--json", help="Print the run's record as one JSON object.", rich_help_panel=OUTPUT)
    ] = False

    @classmethod
    def taken(cls, given: dict[str, Any]) -> RunOptions:
        """Those among all that a command was given, of which the settings are left."""
        return cls(**{one.name: given.pop(one.name) for one in fields(cls)})


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


def with_settings(
    kind: type,
    first: Sequence[str] = (),
    without: Collection[str] = (),
    panels: Mapping[str, Collection[str]] | None = None,
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Give a command with ``**given`` the :class:`RunOptions` and an option for each setting of a recipe.

    The settings named ``first`` come first, then the function's own options, then the others, but for those ``without``
    an option, in the groups ``panels`` (title: names) or in that of all the rest. None stands for one not given.
    """

    def given(function: Callable[..., None]) -> Callable[..., None]:
        all_own = inspect.signature(function, eval_str=True).parameters.values()
        own = [one for one in all_own if one.kind is not inspect.Parameter.VAR_KEYWORD]
        titles = {name: title for title, names in (panels or {}).items() for name in names}
        known = {one.name: one for one in fields(kind)}
        # In a group as it lists them, then the others.
        order = [name for name in dict.fromkeys((*titles, *settings_of(kind))) if name not in without]
        options = {name: _option(kind, known[name], titles, first) for name in order}
        parameters = [
            *(one for one in own if one.kind is not inspect.Parameter.KEYWORD_ONLY),
            *(options[name] for name in first),
            *(one for one in own if one.kind is inspect.Parameter.KEYWORD_ONLY),
            *_run_options(),
            *(option for name, option in options.items() if name not in first),
        ]
        function.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
        return function

    return given


def _run_options() -> list[inspect.Parameter]:
    hints = get_type_hints(RunOptions, include_extras=True)
    kind = inspect.Parameter.KEYWORD_ONLY
    return [
        inspect.Parameter(one.name, kind, default=one.default, annotation=hints[one.name]) for one in fields(RunOptions)
    ]


def _option(kind: type, one: Field[Any], titles: Mapping[str, str], first: Sequence[str]) -> inspect.Parameter:
    of_field: Any = list[str] if one.name in first else get_type_hints(kind)[one.name]
    flag = f"--{one.name.replace('_', '-')}"
    flags = [f"{flag}/--no-{flag.removeprefix('--')}"] if of_field is bool else [flag]
    option = typer.Option(
        *flags,
        help=help_of(kind, one.name),
        metavar=setting_of(kind, one.name).metavar,
        show_default=False,
        autocompletion=complete.indexes if one.name == "index" else None,
        rich_help_panel=None if one.name in first else titles.get(one.name, "How it is trained"),
    )
    annotation = Annotated[of_field | None, option]
    return inspect.Parameter(one.name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=annotation)


def as_sources(name: str, paths: Sequence[str]) -> tuple[Source, ...]:
    """The datasets that ``--train`` or another option called ``name`` names; of the hub's, the split that is meant."""
    return tuple(Source(path, split="" if Path(path).is_file() else split_of(name)) for path in paths)


def ready(models: Sequence[str]) -> None:
    """Raise OdqaError where what a training needs is not installed, ModelError where one of the models is not there."""
    extras.need("train", "training", "accelerate")  # Before a model is fetched.
    for model in filter(None, models):
        resolve(model)
    # Forking tokenizers after they ran in parallel warns on every batch; the loop does not fork.
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "true")


def carry_out(
    train: Callable[..., Path],
    recipe: Any,
    output: Path,
    run: RunOptions,
    *,
    what: str,
    use: str,
    record: str,
    unit: str = "windows",
    each: int = 1,
) -> None:
    """Train by a recipe, upload, and print the run's ``record`` or, after where the model is, how to ``use`` it.

    ``train`` takes recipe, folder and watcher, and ``resume`` and ``device``; ``what`` is the kind of model that it
    makes; a window counts as ``each`` of what is named ``unit``. Raises KeyboardInterrupt, with the way to go on, where
    the run is interrupted.
    """
    with progress_bar() as progress:
        try:
            folder = train(recipe, output, Terminal(progress, unit, each), resume=run.resume, device=run.device)
        except KeyboardInterrupt as error:
            kind = Terminated if signal.SIGTERM in error.args else type(error)
            raise kind(f"interrupted; run the same command with --resume to go on ({output})") from None
    if not is_first_process():
        return
    if run.push_to_hub:
        push(folder, run.push_to_hub, what)
    if run.json:
        print_json(read_json(folder / record, f"train the {what} again"))
    else:
        print_lines([f"The {what} is in {folder}. {use}"])


class Terminal:
    """A progress bar with loss and rate on a terminal; a line now and then where stderr is a file.

    A window counts as ``each`` of what is named ``unit``.
    """

    def __init__(self, progress: Progress, unit: str = "windows", each: int = 1) -> None:
        self.progress = progress
        self.live = progress.console.is_terminal
        self.unit, self.each = unit, each
        self.task: Any = None
        self.last_line = 0.0
        self.began: tuple[float, int] | None = None  # When, and at which step, this process began.

    def note(self, text: str) -> None:
        """Print a line above the bar."""
        note(text)

    def step(self, done: int, total: int, loss: float, windows_per_second: float) -> None:
        """Move the bar."""
        rate = windows_per_second * self.each
        text = f"loss {loss:.3f}, {rate:,.{0 if rate >= 1000 else 1}f} {self.unit}/s"
        now = time.monotonic()
        self.began = self.began or (now, done)
        if self.live:
            if self.task is None:
                self.task = self.progress.add_task(text, total=total)
            self.progress.update(self.task, completed=done, description=text)
        elif now - self.last_line > SECONDS_BETWEEN_LINES or done == total:
            self.last_line = now
            note(f"step {done:,} of {total:,}: {text}{self._left(now, done, total)}")

    def _left(self, now: float, done: int, total: int) -> str:
        """About how long the rest will take, once some of it is done."""
        assert self.began
        when, first = self.began
        if done in (first, total):
            return ""
        minutes = (now - when) / (done - first) * (total - done) / 60
        return f", about {minutes / 60:.1f} h left" if minutes > 90 else f", about {minutes:.0f} min left"

    def evaluated(self, epoch: int, metrics: dict[str, float]) -> None:
        """Print an epoch's metrics."""
        self.note(f"epoch {epoch}: " + ", ".join(f"{name} {value:.3f}" for name, value in metrics.items()))


def push(folder: Path, name: str, what: str) -> None:
    """Upload a model's folder to the hub; the run's scratch is gone from it. Raises OdqaError where it fails."""
    from huggingface_hub import HfApi

    try:
        api = HfApi()
        api.create_repo(name, exist_ok=True)
        # A log of tensorboard has the name of this machine in that of its file.
        api.upload_folder(repo_id=name, folder_path=str(folder), ignore_patterns=[f"{TRACKED}/*"])
    # Errors of the client, and of its HTTP library, which changes between its versions.
    except Exception as error:
        detail = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise OdqaError(f"the {what} is whole in {folder}, but {name} could not be uploaded: {detail}") from None
