"""A recipe goes in, an encoder's folder comes out, in three steps: prepare, fit, finish. Knows no terminal."""

from __future__ import annotations

from pathlib import Path

from odqa.index.reencoding import reencode
from odqa.pairs import finish as folder
from odqa.pairs import pool, prepared
from odqa.pairs.prepare import Job
from odqa.pairs.scores import Found
from odqa.retriever_training import live
from odqa.retriever_training.card import card
from odqa.retriever_training.prepare import find, prepare
from odqa.retriever_training.recipe import RetrieverRecipe
from odqa.training import average
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
    finish(job, recipe.base_weight)
    return output


def finish(job: Job, base_weight: float) -> None:
    """Write the encoder's folder, and remove what only the unfinished run needed."""
    run = job.run
    # Questions are encoded in float32, as they will be: without the arithmetic of the training around the model.
    model = run.accelerator.unwrap_model(run.final_model(), keep_fp32_wrapper=False).eval()
    if base_weight:
        base = live.load(job.origin, run.accelerator.device.type)[0]
        average.interpolate(model, base, base_weight)
    folder.finish(job, model, _find(job, model), card)


def _find(job: Job, model: object) -> dict[str, Found]:
    """What the held-out questions find with the trained encoder; empty where there are none."""
    examples = [pair.example for pair in job.material.held_out]
    if not examples:
        return {}
    run = job.run
    index, tell = prepared.index_of(run.output), run.watcher.note
    encoder = live.encoder_of(model, run.output.name)
    reencode(index, encoder, progress=pool.told(tell))
    return find(job.recipe, encoder, examples, job.material.sources, index, tell)
