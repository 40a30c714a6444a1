"""A finished run goes in, its record comes out: all that is known of it, as it stands in ``pretraining.json``."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from odqa.pretraining.prepare import Job
from odqa.pretraining.texts import Counts
from odqa.training.hardware import Hardware, describe
from odqa.training.recipe import as_dict
from odqa.training.record import facts

RECORD_FILE = "pretraining.json"  # Not run.json, which a reader that is trained on this model will have.


@dataclass(frozen=True, slots=True, kw_only=True)
class LanguageRecord:
    """All that is known of a finished run.

    ``datasets`` are those of the hub; ``sha256`` the hashes of the files that were read, by their paths, and of the
    base. ``tokens`` are those read in all epochs, ``seconds`` those of training alone, without evaluations and
    checkpoints. ``mfu`` is the model FLOPs utilisation (:mod:`odqa.training.hardware`), None where it is not known.
    ``losses`` are (step, mean loss).
    """

    created: str
    recipe: dict[str, Any]
    datasets: list[str]
    sha256: dict[str, str]
    versions: dict[str, str]
    read: Counts
    vocabulary: int
    parameters: int
    blocks: int
    held_out_blocks: int
    steps: int
    tokens: int
    seconds: float
    tokens_per_second: float | None
    hardware: Hardware
    flops_per_token: int
    mfu: float | None
    losses: list[tuple[int, float]]
    evaluations: list[dict[str, Any]]

    def to_json(self) -> dict[str, Any]:
        """The record as plain values."""
        return asdict(self)


def make_record(job: Job) -> LanguageRecord:
    """The record of a run that has just been finished."""
    state, accelerator, made = job.run.state, job.run.accelerator, job.prepared
    machine = describe(accelerator.device, accelerator.num_processes)
    return LanguageRecord(
        **facts(state, machine, job.flops_per_token),
        recipe=as_dict(job.recipe),
        datasets=job.datasets,
        sha256=job.hashes,
        read=made.counts,
        vocabulary=len(made.tokenizer),
        parameters=job.parameters,
        blocks=len(made.training),
        held_out_blocks=len(made.held_out or ()),
        tokens_per_second=round(state.tokens / state.seconds, 1) if state.seconds else None,
    )
