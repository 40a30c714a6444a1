"""A finished run goes in, its record comes out: all that is known of it, as it stands in ``run.json``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from odqa.retriever_training.prepare import Job
from odqa.retriever_training.scores import Comparison, Found, answers_compared, compared
from odqa.training import start
from odqa.training.names import inputs, name_of
from odqa.training.record import Facts, facts

LIBRARIES = ("torch", "transformers", "sentence-transformers", "accelerate")


@dataclass(frozen=True, slots=True, kw_only=True)
class RetrieverRecord(Facts):
    """All that is known of a finished run.

    ``pairs`` and ``held_out`` count questions, ``passages`` those that were searched, for negatives and in
    ``comparisons``, which are empty where nothing was held out. ``answers`` compares the first answers of the recipe's
    reader; empty without one. ``seen`` counts the questions that were learned from in all epochs.
    """

    base: str
    pairs: int
    held_out: int
    unanswerable: int
    passages: int
    comparisons: dict[str, Comparison]
    answers: dict[str, Comparison]
    seen: int
    pairs_per_second: float | None


def make_record(job: Job, passages: int, after: Mapping[str, Found]) -> RetrieverRecord:
    """The record of a run that has just been finished; ``after`` is what the held-out questions find now."""
    state, begun = job.run.state, job.begun
    machine = start.machine(job.recipe, job.run.accelerator)
    recipe, hashes = inputs(job.recipe, begun.hashes)
    return RetrieverRecord(
        **facts(state, machine, job.flops_per_token, LIBRARIES),
        recipe=recipe,
        sha256=hashes,
        base=name_of(begun.origin.name),
        pairs=len(begun.material.training),
        held_out=len(begun.material.held_out),
        unanswerable=begun.material.unanswerable,
        passages=passages,
        comparisons=compared(begun.before, after),
        answers=answers_compared(begun.before, after),
        seen=state.windows,
        pairs_per_second=round(state.windows / state.seconds, 1) if state.seconds else None,
    )
