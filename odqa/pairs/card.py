"""A run's record goes in; the parts of its card come out. Pure; knows no model, no file."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from odqa.pairs.record import PairsRecord
from odqa.pairs.scores import ANSWERS, DEPTH, Score, verdicts
from odqa.training import model_card
from odqa.training.model_card import hash_of, table
from odqa.training.names import name_of


def speed(record: PairsRecord) -> str:
    """Steps, pairs, time, machine and, where a GPU's peak is known, the share of it that was used."""
    over = f"{record.seen:,} pairs ({record.tokens:,} tokens with their padding)"
    return model_card.speed(record, over, f"{record.pairs_per_second:,} pairs" if record.pairs_per_second else "")


def origin(record: PairsRecord) -> Iterator[str]:
    """What the model was made of: its base and its teacher."""
    recipe = record.recipe
    teacher = recipe["distill"] or recipe["distill_reader"]
    yield f"Base: `{record.base}`."
    if teacher:
        yield f"Distilled from `{name_of(teacher)}`: {recipe['distill_weight']:g} of the loss."


def data(record: PairsRecord) -> Iterator[str]:
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


def numbers(record: PairsRecord, rows: Iterable[tuple[str, Mapping[str, Score]]], unknown: str) -> Iterator[str]:
    """A table of the scores of the held-out questions, a row for each way of searching, and whether it is better.

    ``unknown`` says what is not known where nothing was held out.
    """
    if not record.comparisons:
        yield f"Nothing was held out, so {unknown} is not known."
        yield ""
        return
    yield (
        f"The {record.held_out:,} held-out questions, each looking for its passage among {record.passages:,}; in "
        "brackets the 95 % bootstrap interval:"
    )
    yield ""
    names = list(next(iter(record.comparisons.values())).before)
    yield from table(["", *names], [[said, *(_cell(scores[name]) for name in names)] for said, scores in rows])
    for line in verdicts(record.comparisons):
        yield f"- {line}"
    yield ""
    if record.answers:
        yield (
            f"ROUGE-1 F1 of the first answer of `{name_of(record.recipe['reader'])}` out of the first {DEPTH} passages,"
            " whatever it would withhold, over the held-out questions whose answers are known:"
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
