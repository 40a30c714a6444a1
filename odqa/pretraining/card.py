"""A language model's record goes in, its model card comes out, in Markdown. Pure; knows no model, no file, no clock."""

from __future__ import annotations

from odqa.pretraining.record import RECORD_FILE, LanguageRecord
from odqa.training import model_card
from odqa.training.model_card import hash_of, page, table
from odqa.training.names import name_of

MOST_FILES = 20  # Of which the card tells the hash; the record tells of all.
SHAPE = ("layers", "hidden", "heads", "positions", "vocab_size", "min_frequency", "short_share")
SETTINGS = (
    *("mask_share", "whole_word", "max_length", "epochs", "batch_size", "accumulate", "learning_rate", "warmup"),
    *("weight_decay", "dropout", "precision", "seed"),
)


def card(record: LanguageRecord) -> str:
    """The model card of a run, from its record."""
    base = record.recipe["base"]
    return page(
        record,
        command="pretrain",
        file=RECORD_FILE,
        metadata=["tags: [fill-mask, odqa]", "pipeline_tag: fill-mask"],
        title="A masked language model trained by odqa",
        what="It guesses the tokens that are hidden in a text; `odqa train-reader --base` makes a reader of it.",
        origin=[
            f"{'It went on from `' + name_of(base) + '`' if base else 'It was trained from nothing, a RoBERTa'}: "
            f"{record.parameters:,} parameters, a vocabulary of {record.vocabulary:,} tokens."
        ],
        data=_data(record),
        settings=(*(() if base else SHAPE), *SETTINGS),
        speed=speed(record),
        numbers=[
            "On the held-out blocks, the same tokens hidden after each epoch (loss in nats; perplexity is its "
            "exponential; accuracy is the share of hidden tokens that are the first guess):",
            "",
            *_evaluations(record),
        ],
    )


def speed(record: LanguageRecord) -> str:
    """Steps, tokens, time, machine and, where a GPU's peak is known, the share of it that was used."""
    rate = f"{record.tokens_per_second:,.0f} tokens" if record.tokens_per_second else ""
    return model_card.speed(record, f"{record.tokens:,} tokens", rate)


def _data(record: LanguageRecord) -> list[str]:
    return [
        *(f"- `{name_of(path)}`{hash_of(digest)}" for path, digest in list(record.sha256.items())[:MOST_FILES]),
        *([f"- and {len(record.sha256) - MOST_FILES:,} more"] if len(record.sha256) > MOST_FILES else []),
        *(f"- the hub's `{one}`, split {record.recipe['split']}" for one in record.datasets),
        "",
        f"{record.read.texts:,} texts in {record.blocks:,} blocks to train on, {record.read.held_out:,} texts in "
        f"{record.held_out_blocks:,} blocks held out; {record.read.repeated:,} texts that were there twice were read "
        "once. The licences of the data are not recorded.",
    ]


def _evaluations(record: LanguageRecord) -> list[str]:
    if not record.evaluations:
        return ["Nothing was held out.", ""]
    rows = [
        [str(one["epoch"]), f"{one['loss']:.4f}", f"{one['perplexity']:,.2f}", f"{one['accuracy']:.3f}"]
        for one in record.evaluations
    ]
    return table(["After epoch", "loss", "perplexity", "accuracy"], rows)
