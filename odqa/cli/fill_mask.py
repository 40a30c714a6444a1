"""``odqa fill-mask``: a masked language model and texts with masks in; the likeliest tokens for each mask out."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from odqa.cli.common import command
from odqa.cli.options import AUTO, DeviceOption, JsonOption
from odqa.cli.output import print_json
from odqa.cli.tables import print_table


@command
def fill_mask(
    model: Annotated[str, typer.Argument(metavar="MODEL", help="A masked language model: a folder or a hub id.")],
    query: Annotated[list[str], typer.Argument(metavar="TEXT", help="A text with <mask> where a word is missing.")],
    k: Annotated[int, typer.Option("-k", min=1, help="Tokens to show for each mask.")] = 5,
    device: DeviceOption = AUTO,
    json_output: JsonOption = False,
) -> None:
    """Show what a masked language model puts in the place of <mask>, the likeliest tokens first.

    With --json it prints an object a text. A mask may be written as <mask> or [MASK], whatever the model's own is.

    Examples:

    odqa fill-mask models/mine "Ciao, <mask> va?"

    odqa fill-mask google-bert/bert-base-uncased "Paris is the <mask> of France." --json

    """
    from odqa.device import pick_device
    from odqa.pretraining.fill import fill
    from odqa.pretraining.model import load_for_filling

    where = pick_device(device)
    loaded, tokenizer = load_for_filling(model)
    loaded.to(where)
    for text in query:
        masks = fill(loaded, tokenizer, text, k)
        if json_output:
            print_json({"text": text, "masks": [[asdict(guess) for guess in some] for some in masks]})
            continue
        for number, some in enumerate(masks, start=1):
            head = "token" if len(masks) == 1 else f"token for mask {number}"
            rows = [[guess.token.strip() or repr(guess.token), guess.text, f"{guess.score:.3f}"] for guess in some]
            print_table([[head, "text", "score"], *rows], left=2)
