"""A run that was fitted and what it finds go in; a model's folder comes out, and what only the run needed is gone."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from odqa.files import write_json
from odqa.index.manifest import read_manifest
from odqa.pairs import prepared
from odqa.pairs.card import speed
from odqa.pairs.prepare import Job
from odqa.pairs.record import PairsRecord, make_record
from odqa.pairs.scores import Found, verdicts
from odqa.runtime.quiet import quiet
from odqa.training import checkpoint
from odqa.training.record import RUN_FILE


def finish(job: Job, model: Any, after: Mapping[str, Found], card: Callable[[PairsRecord], str]) -> None:
    """Write the folder of a sentence-transformers model with its record and its card, and say what came of it.

    ``after`` is what the held-out questions find with it; empty where there are none. Raises OdqaError where the disk
    is full.
    """
    run, output = job.run, job.run.output
    before = prepared.before(output, len(job.material.held_out)) if after else {}
    record = make_record(job, read_manifest(prepared.index_of(output)).passages, before, after)
    run.watcher.note(speed(record))
    for line in (*verdicts(record.comparisons), *verdicts(record.answers)):
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
