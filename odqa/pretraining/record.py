"""A finished run goes in, its record comes out: all that is known of it, as it stands in ``pretraining.json``."""

from __future__ import annotations

from dataclasses import dataclass

from odqa.pretraining.prepare import Job
from odqa.pretraining.texts import Counts
from odqa.training import start
from odqa.training.names import inputs
from odqa.training.record import Facts, facts

RECORD_FILE = "pretraining.json"  # Not run.json, which a reader that is trained on this model will have.


@dataclass(frozen=True, slots=True, kw_only=True)
class LanguageRecord(Facts):
    """All that is known of a finished run. ``datasets`` are those of the hub."""

    datasets: list[str]
    read: Counts
    vocabulary: int
    parameters: int
    blocks: int
    held_out_blocks: int
    tokens_per_second: float | None


def make_record(job: Job) -> LanguageRecord:
    """The record of a run that has just been finished."""
    state, made = job.run.state, job.prepared
    machine = start.machine(job.recipe, job.run.accelerator)
    recipe, hashes = inputs(job.recipe, job.hashes)
    return LanguageRecord(
        **facts(state, machine, job.flops_per_token),
        recipe=recipe,
        sha256=hashes,
        datasets=job.datasets,
        read=made.counts,
        vocabulary=len(made.tokenizer),
        parameters=job.parameters,
        blocks=len(made.training),
        held_out_blocks=len(made.held_out or ()),
        tokens_per_second=round(state.tokens / state.seconds, 1) if state.seconds else None,
    )
