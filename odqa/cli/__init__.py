"""The command line: one module for each command, registered here. Imports nothing heavy: ``odqa --help`` is quick."""

from __future__ import annotations

from typing import Annotated

import typer

from odqa import __version__
from odqa.cli import (
    add,
    ask,
    compact,
    compare,
    eval,
    feedback,
    index,
    info,
    make_negatives,
    remove,
    search,
    train_reader,
    tune,
    update,
    verify,
)
from odqa.cli.common import EXIT_INTERRUPTED, EXIT_TERMINATED, Program
from odqa.cli.output import print_lines
from odqa.cli.surroundings import Terminated, home, open_closed_streams, signals

app = typer.Typer(
    name="odqa",
    cls=Program,
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(wanted: bool) -> None:
    if wanted:
        print_lines([f"odqa {__version__}"])
        raise typer.Exit


@app.callback()
def root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """Answer questions from your own documents: exact spans, where each one is, and how confident the system is.

    Start with:

    odqa index docs/ --index indexes/docs

    odqa ask "How many vacation days do I have?" --index indexes/docs
    """


app.command("index")(index.index)
app.command("ask")(ask.ask)
app.command("search")(search.search)
app.command("add")(add.add)
app.command("update")(update.update)
app.command("remove")(remove.remove)
app.command("compact")(compact.compact)
app.command("info")(info.info)
app.command("verify")(verify.verify)
app.command("train-reader")(train_reader.train_reader)
app.command("make-negatives")(make_negatives.make_negatives)
app.command("tune")(tune.tune)
app.command("eval")(eval.evaluate)
app.command("compare")(compare.compare)
app.command("feedback")(feedback.feedback)


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
