"""A retriever's record goes in, its model card comes out, in Markdown. Pure; knows no model, no file."""

from __future__ import annotations

from collections.abc import Iterator

from odqa.retriever_training.record import RetrieverRecord
from odqa.retriever_training.scores import ANSWERS, DEPTH, Score, verdicts
from odqa.training import model_card
from odqa.training.model_card import hash_of, page, table
from odqa.training.names import name_of
from odqa.training.record import RUN_FILE

SETTINGS = (
    *("negatives", "rounds", "margin", "symmetric", "matryoshka", "scale", "epochs", "batch_size", "learning_rate"),
    *("warmup", "weight_decay", "dropout", "base_weight", "max_length", "precision", "seed"),
)


def card(record: RetrieverRecord) -> str:
    """The model card of a run, from its record."""
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
        origin=_origin(record),
        data=_data(record),
        settings=SETTINGS,
        speed=speed(record),
        numbers=_numbers(record),
    )


def speed(record: RetrieverRecord) -> str:
    """Steps, pairs, time, machine and, where a GPU's peak is known, the share of it that was used."""
    over = f"{record.seen:,} pairs ({record.tokens:,} tokens with their padding)"
    return model_card.speed(record, over, f"{record.pairs_per_second:,} pairs" if record.pairs_per_second else "")


def _origin(record: RetrieverRecord) -> Iterator[str]:
    """What the model was made of: its base and its teacher."""
    recipe = record.recipe
    teacher = recipe["distill"] or recipe["distill_reader"]
    yield f"Base: `{record.base}`."
    if teacher:
        yield f"Distilled from `{name_of(teacher)}`: {recipe['distill_weight']:g} of the loss."


def _data(record: RetrieverRecord) -> Iterator[str]:
    """A line for each source, and how many pairs they gave."""
    for source in {one["path"]: one for one in record.recipe["train"]}.values():
        of_hub = f", split {source['split']}" if source["split"] else ""
        said = f"licence: {source['license']}" if source["license"] else "licence not recorded"
        yield f"- `{source['path']}`{of_hub}{hash_of(record.sha256.get(source['path']))}; {said}"
    if record.recipe["from_documents"]:
        names = ", ".join(f"`{name_of(one)}`" for one in record.recipe["from_documents"])
        yield f"- questions made out of the sentences and headings of {names} (inverse cloze); licence not recorded"
    yield ""
    yield f"{record.pairs:,} pairs of a question and a passage to train on, {record.held_out:,} held out."


def _numbers(record: RetrieverRecord) -> Iterator[str]:
    """A table of the scores of the held-out questions, a row for each way of searching, and whether it is better."""
    if not record.comparisons:
        yield "Nothing was held out, so whether it finds more than its base is not known."
        yield ""
        return
    yield (
        f"The {record.held_out:,} held-out questions, each looking for its passage among {record.passages:,}; in "
        "brackets the 95 % bootstrap interval:"
    )
    yield ""
    names = list(next(iter(record.comparisons.values())).before)
    rows = [
        [f"{mode}, {when}", *(_cell(scores[name]) for name in names)]
        for mode, one in record.comparisons.items()
        for when, scores in (("before", one.before), ("after", one.after))
    ]
    yield from table(["", *names], rows)
    for line in verdicts(record.comparisons):
        yield f"- {line}"
    yield ""
    if record.recipe["keep"] == "best" and record.recipe["epochs"] > 1:
        yield "The epoch that was kept has the lowest loss on these questions, which is in favour of it."
        yield ""
    if record.answers:
        asked = next(iter(record.answers.values())).questions
        yield (
            f"ROUGE-1 F1 of the first answer of `{name_of(record.recipe['reader'])}` out of the first {DEPTH} passages,"
            f" whatever it would withhold, to the {asked:,} held-out questions whose answers are known:"
        )
        yield ""
        yield from table(
            ["", "before", "after"],
            [
                [name, *(_cell(scores[ANSWERS]) for scores in (one.before, one.after))]
                for name, one in record.answers.items()
            ],
        )
        for line in verdicts(record.answers):
            yield f"- {line}"
        yield ""


def _cell(score: Score) -> str:
    return f"{score.mean:.3f} ({score.interval[0]:.3f} – {score.interval[1]:.3f})"
