"""A recipe goes in, an encoder's folder comes out, in three steps: prepare, fit, finish. Knows no terminal."""

from __future__ import annotations

from pathlib import Path

from odqa.files import write_json
from odqa.index.manifest import read_manifest
from odqa.index.reencoding import reencode
from odqa.retriever_training import live, pool, prepared, scores
from odqa.retriever_training.card import card, speed, verdicts
from odqa.retriever_training.prepare import Job, prepare
from odqa.retriever_training.recipe import RetrieverRecipe
from odqa.retriever_training.record import RUN_FILE, Comparison, compared, make_record
from odqa.runtime.quiet import quiet
from odqa.training import average, checkpoint
from odqa.training.loop import fit
from odqa.training.watch import Watcher


def train(
    recipe: RetrieverRecipe, output: Path, watcher: Watcher, *, resume: bool = False, device: str = "auto"
) -> Path:
    """Train an encoder by ``recipe`` into the folder ``output``, compare it with its base, and return the folder.

    A kill loses at most ``recipe.save_every`` steps, Ctrl-C none. Raises what :func:`prepare` and :func:`fit` raise,
    and OdqaError where the disk is full.
    """
    job = prepare(recipe, output, watcher, resume=resume, device=device)
    fit(job.run)
    finish(job)
    return output


def finish(job: Job) -> None:
    """Write the encoder's folder, and remove what only the unfinished run needed."""
    run, output = job.run, job.run.output
    # Questions are encoded in float32, as they will be: without the arithmetic of the training around the model.
    model = run.accelerator.unwrap_model(run.final_model(), keep_fp32_wrapper=False).eval()
    if job.recipe.base_weight:
        base = live.load(job.origin, run.accelerator.device.type)[0]
        average.interpolate(model, base, job.recipe.base_weight)
    comparisons = _compare(job, model)
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


def _compare(job: Job, model: object) -> dict[str, Comparison]:
    """The encoder before and after, on the held-out questions; empty where there are none."""
    if not job.held_out:
        return {}
    index = prepared.index_of(job.run.output)
    encoder = live.encoder_of(model, job.run.output.name)
    reencode(index, encoder, progress=pool.told(job.run.watcher.note))
    after = scores.ranks([pair.example for pair in job.held_out], job.sources, index, encoder)
    return compared(prepared.before(job.run.output, len(job.held_out)), after)
