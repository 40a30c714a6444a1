"""``odqa trim-vocabulary``: a model and texts go in; a folder with the model cut to their tokens comes out."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from odqa.cli.common import command
from odqa.cli.options import FILES, JsonOption, text
from odqa.cli.output import note, print_json, print_lines

MB = 1e6


@command
def trim_vocabulary(
    model: Annotated[
        str, typer.Argument(metavar="MODEL", help="Encoder, reader or language model: a folder or a name.")
    ],
    *,
    texts: Annotated[
        list[Path],
        typer.Option(
            metavar="PATH",
            help="Files and folders, as odqa index reads them, whose tokens are kept; repeatable.",
        ),
    ],
    output: Annotated[Path, typer.Option(help="The folder for the smaller model, which must be new or empty.")],
    min_frequency: Annotated[
        int, typer.Option(min=1, help="Keep only tokens that the texts use so often; above 1 rare words are cut anew.")
    ] = 1,
    text_field: Annotated[
        str,
        typer.Option(
            help="Field of a JSONL, CSV or TSV row that holds its text.", callback=text, rich_help_panel=FILES
        ),
    ] = "text",
    json_output: JsonOption = False,
) -> None:
    """Make a multilingual model smaller: keep only the tokens that your texts use, with their embeddings.

    The texts are cut into the same tokens as before, so that the model says the same of them. Special tokens and single
    characters stay, so that any other text can still be read. Of SQuAD-format files the questions count, too.

    Examples:

    odqa trim-vocabulary models/multilingual --texts docs --output models/smaller

    odqa trim-vocabulary FacebookAI/xlm-roberta-base --texts docs --texts questions.json --output models/base

    """
    from odqa.trimming.trim import trim

    done = trim(model, texts, output, min_frequency=min_frequency, text_field=text_field, note=note)
    if json_output:
        print_json(asdict(done))
        return
    lines = [
        f"The model is in {output}.",
        f"{done.texts:,} texts, {done.characters:,} characters",
        f"tokens: {done.tokens_before:,} before, {done.tokens_after:,} now",
        f"megabytes: {done.bytes_before / MB:,.1f} before, {done.bytes_after / MB:,.1f} now",
        f"of the texts' own tokens {done.changed:.2%} changed",
    ]
    if done.changed_elsewhere is None:
        lines.append("of other texts' tokens: too few texts to tell")
    else:
        lines.append(f"of other texts' tokens, if they are like these, {done.changed_elsewhere:.2%} change")
    print_lines(lines)
