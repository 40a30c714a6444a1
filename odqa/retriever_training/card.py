"""A retriever's record goes in, its model card comes out, in Markdown. Pure; knows no model, no file."""

from __future__ import annotations

from odqa.pairs.card import data, numbers, origin, speed
from odqa.pairs.record import PairsRecord
from odqa.training.model_card import page
from odqa.training.record import RUN_FILE

SETTINGS = (
    *("negatives", "rounds", "margin", "symmetric", "matryoshka", "scale", "epochs", "batch_size", "learning_rate"),
    *("warmup", "weight_decay", "dropout", "base_weight", "max_length", "precision", "seed"),
)


def card(record: PairsRecord) -> str:
    """The model card of a run, from its record."""
    rows = [
        (f"{mode}, {when}", scores)
        for mode, one in record.comparisons.items()
        for when, scores in (("before", one.before), ("after", one.after))
    ]
    return page(
        record,
        command="train-retriever",
        file=RUN_FILE,
        metadata=[
            "library_name: sentence-transformers",
            "pipeline_tag: sentence-similarity",
            "tags: [sentence-transformers, retrieval, odqa]",
        ],
        title="A retriever trained by odqa",
        what="It gives a question and the passage that answers it vectors that point the same way. `odqa index "
        "--encoder` makes an index with it, `odqa update --encoder` gives it to one that is there, and "
        "sentence-transformers loads it.",
        origin=origin(record),
        data=data(record),
        settings=SETTINGS,
        speed=speed(record),
        numbers=numbers(record, rows, "whether it finds more than its base"),
    )
