"""A run that was fitted goes in; an encoder's folder comes out, and what only the run needed is gone."""

from __future__ import annotations

from typing import Any

from odqa.files import write_json
from odqa.index.manifest import read_manifest
from odqa.index.reencoding import reencode
from odqa.retriever_training import live, pool, prepared
from odqa.retriever_training.begin import find
from odqa.retriever_training.card import card, speed
from odqa.retriever_training.prepare import Job
from odqa.retriever_training.record import make_record
from odqa.retriever_training.scores import Found, verdicts
from odqa.runtime.quiet import quiet
from odqa.training import average, checkpoint
from odqa.training.record import RUN_FILE


def finish(job: Job) -> None:
    """Compare the encoder with its base, write its folder with its record and its card, and say what came of it.

    Raises OdqaError where the disk is full.
    """
    run, output, recipe = job.run, job.run.output, job.recipe
    # Questions are encoded in float32, as they will be: without the arithmetic of the training around the model.
    model = run.accelerator.unwrap_model(run.final_model(), keep_fp32_wrapper=False).eval()
    if recipe.base_weight:
        base = live.load(job.begun.origin, run.accelerator.device.type)[0]
        average.interpolate(model, base, recipe.base_weight)
    after = _find(job, model)
    record = make_record(job, read_manifest(prepared.index_of(output)).passages, after)
    run.watcher.note(speed(record))
    for line in (*verdicts(record.comparisons), *verdicts(record.answers)):
        run.watcher.note(line)
    if recipe.save_precision == "float16":
        model = model.half()
    with checkpoint.room_for(output), quiet():
        write_json(output / RUN_FILE, record.to_json())
        (output / "README.md").write_text(card(record), encoding="utf-8")
        model.save_pretrained(str(output), create_model_card=False)  # What makes it a model comes last.
    checkpoint.remove(output)
    prepared.remove(output)
    run.accelerator.end_training()


def _find(job: Job, model: Any) -> dict[str, Found]:
    """What the held-out questions find with the trained encoder; empty where there are none."""
    run, begun = job.run, job.begun
    if not begun.material.held_out:
        return {}
    index, tell = prepared.index_of(run.output), run.watcher.note
    encoder = live.encoder_of(model, run.output.name)
    reencode(index, encoder, progress=pool.told(tell))
    return find(encoder, begun.material.held_out, begun.material.sources, index, begun.answerer, tell)
