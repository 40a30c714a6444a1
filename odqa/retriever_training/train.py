"""A recipe goes in, an encoder's folder comes out, in three steps: prepare, fit, finish. Knows no terminal."""

from __future__ import annotations

from pathlib import Path

from odqa.retriever_training.finish import finish
from odqa.retriever_training.prepare import prepare
from odqa.retriever_training.recipe import RetrieverRecipe
from odqa.training.loop import fit
from odqa.training.output import alone
from odqa.training.watch import Watcher


def train(
    recipe: RetrieverRecipe, output: Path, watcher: Watcher, *, resume: bool = False, device: str = "auto"
) -> Path:
    """Train an encoder by ``recipe`` into the folder ``output``, compare it with its base, and return the folder.

    A kill loses at most ``recipe.save_every`` steps, Ctrl-C none. Raises what :func:`prepare` and :func:`fit` raise,
    and OdqaError where the disk is full.
    """
    with alone(output):
        job = prepare(recipe, output, watcher, resume=resume, device=device)
        fit(job.run)
        finish(job)
    return output
