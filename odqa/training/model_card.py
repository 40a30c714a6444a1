"""A run's record and what is particular to it go in; a model card comes out, in Markdown. Pure; knows no model."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from odqa.training.record import Facts


def page(
    record: Facts,
    *,
    command: str,
    file: str,
    metadata: Sequence[str],
    title: str,
    what: str,
    origin: Iterable[str],
    data: Iterable[str],
    settings: Sequence[str],
    speed: str,
    numbers: Iterable[str],
) -> str:
    """The card of what ``odqa COMMAND`` trained, whose record is in ``file``.

    ``metadata`` are lines for the hub, ``what`` says in a sentence what the model is for, ``origin`` what it was made
    of; ``settings`` are the names of those of the recipe that are shown.
    """
    lines = [
        "---",
        *metadata,
        "---",
        "",
        f"# {title}",
        "",
        f"{what} This card was written by `odqa {command}` {record.versions['odqa']} on {record.created[:10]}; all "
        f"that it says is in `{file}` beside it, with the versions of the libraries and the SHA-256 of every file.",
        "",
        *origin,
        "",
        "## Data",
        "",
        *data,
        "",
        "## Recipe",
        "",
        *table(["", "value"], [[name.replace("_", " "), str(record.recipe[name])] for name in settings]),
        f"- {speed}",
        "",
        "## Numbers",
        "",
        *numbers,
        "![Loss](loss.svg)",
    ]
    return "\n".join(lines) + "\n"


def speed(record: Facts, over: str, rate: str) -> str:
    """Steps ``over`` how much, time, machine, ``rate`` and, where a GPU's peak is known, the share that was used."""
    text = f"{record.steps:,} steps over {over} in {record.seconds:,.0f} seconds of training on {record.hardware}"
    text += f": {rate} a second" if rate else ""
    return text + used(record.mfu)


def used(mfu: float | None) -> str:
    """The share of a GPU's peak that was used, after a comma; nothing where it is not known."""
    if mfu is None:
        return ""
    return f", {mfu:.1%} of the peak in bfloat16 (MFU, 6 FLOPs a parameter without embeddings and token)"


def table(head: list[str], rows: list[list[str]]) -> list[str]:
    """The lines of a table, and an empty one after it."""
    return [f"| {' | '.join(row)} |" for row in (head, ["---"] * len(head), *rows)] + [""]


def hash_of(digest: str | None) -> str:
    """The first part of a SHA-256, in brackets; nothing where there is none."""
    return f" (SHA-256 {digest[:12]}…)" if digest else ""
