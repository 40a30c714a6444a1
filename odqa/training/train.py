"""A recipe goes in, a reader's folder comes out, in three steps: prepare, fit, finish. Knows no terminal."""

from __future__ import annotations

from pathlib import Path

from odqa.training import average, checkpoint, folder, start, tuning
from odqa.training.loop import fit
from odqa.training.output import alone
from odqa.training.prepare import Job, prepare
from odqa.training.recipe import Recipe
from odqa.training.record import make_record
from odqa.training.watch import SilentWatcher, Watcher, is_first_process


def train(recipe: Recipe, output: Path, watcher: Watcher, *, resume: bool = False, device: str = "auto") -> Path:
    """Train a reader by ``recipe`` into the folder ``output`` and return it.

    Runs on one device, or on several under ``accelerate launch``, whose first process writes the folder. A kill
    loses at most ``recipe.save_every`` steps, Ctrl-C none. Raises what :func:`prepare` and :func:`fit` raise, and
    OdqaError where the disk is full.
    """
    if not is_first_process():
        watcher = SilentWatcher()
    with alone(output):
        job = prepare(recipe, output, watcher, resume=resume, device=device)
        fit(job.run)
        finish(job)
    return output


def finish(job: Job) -> None:
    """Fit the reader's settings, write its folder, and remove what only the unfinished run needed."""
    run, recipe, tokenizer, output = job.run, job.recipe, job.tokenizer, job.run.output
    accelerator = run.accelerator
    if accelerator.is_main_process:
        model = run.final_model()
        if recipe.base_weight:
            average.interpolate(model, average.load_base(job.origin), recipe.base_weight)
        reader = tuning.as_reader(model, tokenizer, recipe, output.name)
        tuned = tuning.tune(reader, job.inputs.tune, run.watcher.note, recipe.language) if job.inputs.tune else job.kept
        machine = start.machine(recipe, accelerator)
        record = make_record(recipe, job.inputs, job.ancestors, run.state, tuned, machine, job.flops_per_token)
        with checkpoint.room_for(output):
            folder.write(output, model, tokenizer, recipe, record)
        checkpoint.remove(output)
    accelerator.wait_for_everyone()  # The folder is whole when any of the processes goes on.
    accelerator.end_training()
