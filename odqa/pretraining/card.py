"""A language model's record goes in, its model card comes out, in Markdown. Pure; knows no model, no file, no clock."""

from __future__ import annotations

from odqa.pretraining.record import LanguageRecord
from odqa.training.card import hash_of, name_of, table

MOST_FILES = 20  # Of which the card tells the hash; the record tells of all.
SHAPE = ("layers", "hidden", "heads", "positions", "vocab_size", "min_frequency")
SETTINGS = (
    *("mask_share", "whole_word", "max_length", "epochs", "batch_size", "accumulate", "learning_rate", "warmup"),
    *("weight_decay", "dropout", "precision", "seed"),
)


def card(record: LanguageRecord) -> str:
    """The model card of a run, from its record."""
    recipe, base = record.recipe, record.recipe["base"]
    shown = (*(() if base else SHAPE), *SETTINGS)
    lines = [
        "---",
        "tags: [fill-mask, odqa]",
        "pipeline_tag: fill-mask",
        "---",
        "",
        "# A masked language model trained by odqa",
        "",
        f"It guesses the tokens that are hidden in a text; `odqa train-reader --base` makes a reader of it. This card "
        f"was written by `odqa pretrain` {record.versions['odqa']} on {record.created[:10]}; all that it says is in "
        "`pretraining.json` beside it, with the versions of the libraries and the SHA-256 of every file.",
        "",
        f"{'It went on from `' + name_of(base) + '`' if base else 'It was trained from nothing, a RoBERTa'}: "
        f"{record.parameters:,} parameters, a vocabulary of {record.vocabulary:,} tokens.",
        "",
        "## Data",
        "",
        *(f"- `{name_of(path)}`{hash_of(digest)}" for path, digest in list(record.sha256.items())[:MOST_FILES]),
        *([f"- and {len(record.sha256) - MOST_FILES:,} more"] if len(record.sha256) > MOST_FILES else []),
        *(f"- the hub's `{one}`, split {recipe['split']}" for one in record.datasets),
        "",
        f"{record.read.texts:,} texts in {record.blocks:,} blocks to train on, {record.read.held_out:,} texts in "
        f"{record.held_out_blocks:,} blocks held out; {record.read.repeated:,} texts that were there twice were read "
        "once. The licences of the data are not recorded.",
        "",
        "## Recipe",
        "",
        *table(["", "value"], [[name.replace("_", " "), str(recipe[name])] for name in shown]),
        f"- {speed(record)}",
        "",
        "## Numbers",
        "",
        "On the held-out blocks, the same tokens hidden after each epoch (loss in nats; perplexity is its exponential; "
        "accuracy is the share of hidden tokens that are the first guess):",
        "",
        *_evaluations(record),
        "![Loss](loss.svg)",
    ]
    return "\n".join(lines) + "\n"


def speed(record: LanguageRecord) -> str:
    """Steps, tokens, time, machine and, where a GPU's peak is known, the share of it that was used."""
    times = f"{record.hardware.processes} × " if record.hardware.processes > 1 else ""
    threads = f", {record.hardware.threads} thread(s)" if record.hardware.device == "cpu" else ""
    text = (
        f"{record.steps:,} steps over {record.tokens:,} tokens in {record.seconds:,.0f} seconds of training on {times}"
        f"{record.hardware.name}{threads}"
    )
    text += f": {record.tokens_per_second:,.0f} tokens a second" if record.tokens_per_second else ""
    if record.mfu is not None:
        text += f", {record.mfu:.1%} of the peak in bfloat16 (MFU, 6 FLOPs a parameter without embeddings and token)"
    return text


def _evaluations(record: LanguageRecord) -> list[str]:
    if not record.evaluations:
        return ["Nothing was held out.", ""]
    rows = [
        [str(one["epoch"]), f"{one['loss']:.4f}", f"{one['perplexity']:,.2f}", f"{one['accuracy']:.3f}"]
        for one in record.evaluations
    ]
    return table(["After epoch", "loss", "perplexity", "accuracy"], rows)
