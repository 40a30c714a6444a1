"""A recipe goes in, a reranker's folder comes out, in three steps: prepare, fit, finish. Knows no terminal."""

from __future__ import annotations

from pathlib import Path

from odqa.pairs import finish as folder
from odqa.pairs import prepared
from odqa.pairs.prepare import Job
from odqa.pairs.scores import Found
from odqa.reranker_training.card import card
from odqa.reranker_training.prepare import find, prepare
from odqa.reranker_training.recipe import RerankerRecipe
from odqa.retrieval.reranker import Reranker
from odqa.training.loop import fit
from odqa.training.watch import Watcher


def train(
    recipe: RerankerRecipe, output: Path, watcher: Watcher, *, resume: bool = False, device: str = "auto"
) -> Path:
    """Train a reranker by ``recipe`` into the folder ``output``, compare it with none and with its base, and return it.

    A kill loses at most ``recipe.save_every`` steps, Ctrl-C none. Raises what :func:`prepare` and :func:`fit` raise,
    and OdqaError where the disk is full.
    """
    job = prepare(recipe, output, watcher, resume=resume, device=device)
    fit(job.run)
    run = job.run
    # Pairs are scored in float32, as they will be: without the arithmetic of the training around the model.
    model = run.accelerator.unwrap_model(run.final_model(), keep_fp32_wrapper=False).eval()
    folder.finish(job, model, _find(job, model), card)
    return output


def _find(job: Job, model: object) -> dict[str, Found]:
    """What the held-out questions find, reranked: the same against the search alone and the base. Empty without any."""
    examples, run = [pair.example for pair in job.material.held_out], job.run
    if not examples:
        return {}
    index, tell = prepared.index_of(run.output), run.watcher.note
    reranker = Reranker(model, run.output.name)
    after = find(job.recipe, job.encoder, reranker, examples, job.material.sources, index, tell)
    return dict.fromkeys(prepared.before(run.output, len(examples)), after)
