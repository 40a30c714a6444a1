"""A reranker's record goes in, its model card comes out, in Markdown. Pure; knows no model, no file."""

from __future__ import annotations

from odqa.pairs.card import data, numbers, origin, speed
from odqa.pairs.record import PairsRecord
from odqa.reranker_training.prepare import BASE, SEARCH
from odqa.training.model_card import page
from odqa.training.record import RUN_FILE

SETTINGS = (
    *("encoder", "negatives", "margin", "epochs", "batch_size", "accumulate", "learning_rate", "warmup"),
    *("weight_decay", "dropout", "max_length", "precision", "seed"),
)
ROWS = {SEARCH: "the search alone", BASE: "reranked by the base"}


def card(record: PairsRecord) -> str:
    """The model card of a run, from its record."""
    comparisons = record.comparisons
    rows = [
        *((ROWS[name], one.before) for name, one in comparisons.items()),
        *(("reranked by it", one.after) for one in list(comparisons.values())[:1]),
    ]
    return page(
        record,
        command="train-reranker",
        file=RUN_FILE,
        metadata=[
            "library_name: sentence-transformers",
            "pipeline_tag: text-ranking",
            "tags: [sentence-transformers, cross-encoder, reranker, odqa]",
        ],
        title="A reranker trained by odqa",
        what="It reads a question and a passage together and says how well the passage answers. `odqa ask --reranker` "
        "and `odqa search --reranker` put what was found into the order of its scores, and sentence-transformers loads "
        "it as a CrossEncoder.",
        origin=origin(record),
        data=data(record),
        settings=SETTINGS,
        speed=speed(record),
        numbers=numbers(record, rows, "whether its order is better than that of the search"),
    )
