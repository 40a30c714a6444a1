"""The command line: one module for each command, registered here. Imports nothing heavy: ``odqa --help`` is quick."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from odqa import __version__
from odqa.cli.common import EXIT_INTERRUPTED, EXIT_TERMINATED, Commands, Program
from odqa.cli.defaults import prepare
from odqa.cli.output import print_lines
from odqa.cli.surroundings import Terminated, home, open_closed_streams, signals

# The commands in the groups and the order of the help, and where the function of each is, in this package.
GROUPS = {
    "Ask": {"index": "index:index", "ask": "ask:ask", "search": "search:search", "serve": "serve:serve"},
    "Keep an index": {
        "list": "list:list_indexes",
        "info": "info:info",
        "add": "add:add",
        "update": "update:update",
        "remove": "remove:remove",
        "compact": "compact:compact",
        "copy": "copy:copy",
        "verify": "verify:verify",
    },
    "Measure and improve": {
        "questions": "questions:questions",
        "tune": "tune:tune",
        "eval": "eval:evaluate",
        "compare": "compare:compare",
        "feedback": "feedback:feedback",
        "train-reader": "train_reader:train_reader",
        "train-retriever": "train_retriever:train_retriever",
        "make-negatives": "make_negatives:make_negatives",
        "pretrain": "pretrain:pretrain",
        "fill-mask": "fill_mask:fill_mask",
        "trim-vocabulary": "trim_vocabulary:trim_vocabulary",
    },
    "See to this installation": {"config": "config:config", "doctor": "doctor:doctor"},
}
COMMANDS = Commands(__name__, GROUPS)


class Odqa(Program):
    """The program ``odqa``."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **{**kwargs, "commands": COMMANDS})


app = typer.Typer(
    name="odqa",
    cls=Odqa,
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100, "color": False},
    epilog="Exit codes: 0 done, and also where no answer is found; 1 failed; 2 wrongly used; 130 and 143 stopped, by "
    "Ctrl-C and by the system.",
)


def _version(wanted: bool) -> None:
    if wanted:
        print_lines([f"odqa {__version__}"])
        raise typer.Exit


@app.callback()
def root(
    context: typer.Context,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """Answer questions from your own documents: exact spans, where each one is, and how confident the system is.

    Start with:

    odqa index docs/ --index indexes/docs

    odqa ask "How many vacation days do I have?" --index indexes/docs
    """
    name = context.invoked_subcommand
    if name is not None and name not in OF_SETTINGS:
        context.default_map = prepare({name: COMMANDS.function(name)})


OF_SETTINGS = ("doctor",)  # Says itself what is wrong with the settings.


def main() -> None:
    """Run the command line."""
    open_closed_streams()
    try:
        with signals(), home():
            app()
    except Terminated:
        raise SystemExit(EXIT_TERMINATED) from None
    except KeyboardInterrupt:  # Before a command began, or after it ended; in between the command says so itself.
        raise SystemExit(EXIT_INTERRUPTED) from None
