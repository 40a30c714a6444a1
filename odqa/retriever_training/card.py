"""A retriever's record goes in, its model card and the lines of its result come out. Pure; knows no model, no file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from odqa.retriever_training.record import Comparison, RetrieverRecord
from odqa.retriever_training.scores import BETTER, DECISIVE, WORSE, Score
from odqa.training.card import hash_of, name_of, table

SETTINGS = (
    *("negatives", "rounds", "margin", "symmetric", "matryoshka", "scale", "epochs", "batch_size", "learning_rate"),
    *("warmup", "weight_decay", "dropout", "base_weight", "max_length", "precision", "seed"),
)


def card(record: RetrieverRecord) -> str:
    """The model card of a run, from its record."""
    recipe = record.recipe
    teacher = recipe["distill"] or recipe["distill_reader"]
    lines = [
        "---",
        "library_name: sentence-transformers",
        "pipeline_tag: sentence-similarity",
        "tags: [sentence-transformers, retrieval, odqa]",
        "---",
        "",
        "# A retriever trained by odqa",
        "",
        "It gives a question and the passage that answers it vectors that point the same way. `odqa index --encoder` "
        "makes an index with it, `odqa update --encoder` gives it to one that is there, and sentence-transformers "
        f"loads it. This card was written by `odqa train-retriever` {record.versions['odqa']} on "
        f"{record.created[:10]}; all that it says is in `run.json` beside it, with the versions of the libraries and "
        "the SHA-256 of every file.",
        "",
        f"Base: `{name_of(record.base)}`.",
        *([f"Distilled from `{name_of(teacher)}`: {recipe['distill_weight']:g} of the loss."] if teacher else []),
        "",
        "## Data",
        "",
        *_data(record),
        "",
        f"{record.pairs:,} pairs of a question and a passage to train on, {record.held_out:,} held out.",
        "",
        "## Recipe",
        "",
        *table(["", "value"], [[name.replace("_", " "), str(recipe[name])] for name in SETTINGS]),
        f"- {speed(record)}",
        "",
        "## Numbers",
        "",
        *_numbers(record),
        "![Loss](loss.svg)",
    ]
    return "\n".join(lines) + "\n"


def verdicts(comparisons: Mapping[str, Comparison]) -> Iterator[str]:
    """A line for each way of searching: the decisive score before and after, and whether it is better."""
    for mode, one in comparisons.items():
        change = one.difference
        words = {BETTER: "better", WORSE: "worse"}.get(change.verdict, "not better: chance may do as much")
        low, high = change.interval
        yield (
            f"{mode}: {DECISIVE} {one.before[DECISIVE].mean:.3f} before, {one.after[DECISIVE].mean:.3f} after "
            f"({change.mean:+.3f}, from {low:+.3f} to {high:+.3f}, p = {change.p:.4f}): {words}"
        )


def speed(record: RetrieverRecord) -> str:
    """Steps, pairs, time, machine and, where a GPU's peak is known, the share of it that was used."""
    threads = f", {record.hardware.threads} thread(s)" if record.hardware.device == "cpu" else ""
    text = (
        f"{record.steps:,} steps over {record.seen:,} pairs ({record.tokens:,} tokens with their padding) in "
        f"{record.seconds:,.0f} seconds of training on {record.hardware.name}{threads}"
    )
    text += f": {record.pairs_per_second:,} pairs a second" if record.pairs_per_second else ""
    return text + (f", {record.mfu:.1%} of the peak in bfloat16" if record.mfu is not None else "")


def _data(record: RetrieverRecord) -> Iterator[str]:
    licences = {source["path"]: source["license"] for source in record.recipe["train"]}
    splits = {source["path"]: source["split"] for source in record.recipe["train"]}
    for path, licence in licences.items():
        of_hub = f", split {splits[path]}" if splits[path] else ""
        said = f"licence: {licence}" if licence else "licence not recorded"
        yield f"- `{name_of(path)}`{of_hub}{hash_of(record.sha256.get(path))}; {said}"
    if record.recipe["from_documents"]:
        names = ", ".join(f"`{name_of(one)}`" for one in record.recipe["from_documents"])
        yield f"- questions made out of the sentences and headings of {names} (inverse cloze); licence not recorded"


def _numbers(record: RetrieverRecord) -> Iterator[str]:
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


def _cell(score: Score) -> str:
    return f"{score.mean:.3f} ({score.interval[0]:.3f} – {score.interval[1]:.3f})"
