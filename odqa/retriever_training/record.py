"""A finished run goes in, its record comes out: all that is known of it, as it stands in ``run.json``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from odqa.retriever_training.prepare import Job
from odqa.retriever_training.scores import Difference, Score, difference, scores
from odqa.training.hardware import Hardware, describe
from odqa.training.recipe import as_dict
from odqa.training.record import RUN_FILE, facts

__all__ = ["RUN_FILE", "Comparison", "RetrieverRecord", "make_record"]

LIBRARIES = ("torch", "transformers", "sentence-transformers", "accelerate")


@dataclass(frozen=True, slots=True)
class Comparison:
    """A way of searching (``dense``, ``hybrid``), before the training and after it, on the held-out questions."""

    before: Mapping[str, Score]
    after: Mapping[str, Score]
    difference: Difference


@dataclass(frozen=True, slots=True, kw_only=True)
class RetrieverRecord:
    """All that is known of a finished run.

    ``sha256`` are the hashes of the files that were read and of the models, by path or name. ``passages`` counts those
    that were searched, for negatives and in ``comparisons``, which are by mode and empty where nothing was held out.
    ``seen`` counts pairs in all epochs, ``tokens`` those of their texts with their padding,
    ``seconds`` are those of training alone. ``mfu`` is the model FLOPs utilisation (:mod:`odqa.training.hardware`),
    None where it is not known. ``losses`` are (step, mean loss).
    """

    created: str
    base: str
    recipe: dict[str, Any]
    sha256: dict[str, str]
    versions: dict[str, str]
    pairs: int
    held_out: int
    unanswerable: int
    passages: int
    comparisons: dict[str, Comparison]
    steps: int
    seen: int
    tokens: int
    seconds: float
    pairs_per_second: float | None
    hardware: Hardware
    flops_per_token: int
    mfu: float | None
    losses: list[tuple[int, float]]
    evaluations: list[dict[str, Any]]

    def to_json(self) -> dict[str, Any]:
        """The record as plain values."""
        return asdict(self)


def compared(before: Mapping[str, list[int]], after: Mapping[str, list[int]]) -> dict[str, Comparison]:
    """By mode, what the places of the held-out questions' passages say."""
    return {
        mode: Comparison(scores(before[mode]), scores(after[mode]), difference(before[mode], after[mode]))
        for mode in after
    }


def make_record(job: Job, passages: int, comparisons: dict[str, Comparison]) -> RetrieverRecord:
    """The record of a run that has just been finished."""
    state, accelerator = job.run.state, job.run.accelerator
    machine = describe(accelerator.device, accelerator.num_processes)
    return RetrieverRecord(
        **facts(state, machine, job.flops_per_token, LIBRARIES),
        base=job.origin.name,
        recipe=as_dict(job.recipe),
        sha256=job.hashes,
        pairs=job.training,
        held_out=len(job.held_out),
        unanswerable=job.unanswerable,
        passages=passages,
        comparisons=comparisons,
        seen=state.windows,
        pairs_per_second=round(state.windows / state.seconds, 1) if state.seconds else None,
    )
