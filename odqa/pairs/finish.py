"""A run that was fitted and its comparisons go in; a model's folder comes out, and what only the run needed is gone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from odqa.files import write_json
from odqa.index.manifest import read_manifest
from odqa.pairs import prepared
from odqa.pairs.card import speed
from odqa.pairs.prepare import Job
from odqa.pairs.record import PairsRecord, make_record
from odqa.pairs.scores import Comparison, verdicts
from odqa.runtime.quiet import quiet
from odqa.training import checkpoint
from odqa.training.record import RUN_FILE


def finish(job: Job, model: Any, comparisons: dict[str, Comparison], card: Callable[[PairsRecord], str]) -> None:
    """Write the folder of a sentence-transformers model with its record and its card, and say what came of it.

    Raises OdqaError where the disk is full.
    """
    run, output = job.run, job.run.output
    record = make_record(job, read_manifest(prepared.index_of(output)).passages, comparisons)
    run.watcher.note(speed(record))
    for line in verdicts(comparisons):
        run.watcher.note(line)
    if job.recipe.save_precision == "float16":
        model = model.half()
    with checkpoint.room_for(output), quiet():
        write_json(output / RUN_FILE, record.to_json())
        (output / "README.md").write_text(card(record), encoding="utf-8")
        model.save_pretrained(str(output), create_model_card=False)  # What makes it a model comes last.
    checkpoint.remove(output)
    prepared.remove(output)
    run.accelerator.end_training()
