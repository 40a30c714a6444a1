"""A recipe goes in, a language model's folder comes out, in three steps: prepare, fit, finish. Knows no terminal."""

from __future__ import annotations

from pathlib import Path

from odqa.files import write_json
from odqa.pretraining import prepared
from odqa.pretraining.card import card, speed
from odqa.pretraining.prepare import Job, prepare
from odqa.pretraining.recipe import LanguageRecipe
from odqa.pretraining.record import RECORD_FILE, make_record
from odqa.runtime.quiet import quiet
from odqa.training import checkpoint
from odqa.training.loop import fit
from odqa.training.output import alone
from odqa.training.watch import SilentWatcher, Watcher, is_first_process


def pretrain(
    recipe: LanguageRecipe, output: Path, watcher: Watcher, *, resume: bool = False, device: str = "auto"
) -> Path:
    """Train a masked language model by ``recipe`` into the folder ``output`` and return it.

    Devices, kills and errors are as in :func:`odqa.training.train.train`; raises what :func:`prepare` and :func:`fit`
    raise, and OdqaError where the disk is full.
    """
    if not is_first_process():
        watcher = SilentWatcher()
    with alone(output):
        job = prepare(recipe, output, watcher, resume=resume, device=device)
        fit(job.run)
        finish(job)
    return output


def finish(job: Job) -> None:
    """Write the model's folder, and remove what only the unfinished run needed."""
    run, output = job.run, job.run.output
    if run.accelerator.is_main_process:
        model = run.final_model()
        record = make_record(job)
        run.watcher.note(speed(record))
        if job.recipe.save_precision == "float16":
            model = model.half()
        model.config.name_or_path = ""
        with checkpoint.room_for(output), quiet():
            job.prepared.tokenizer.save_pretrained(str(output))
            write_json(output / RECORD_FILE, record.to_json())
            (output / "README.md").write_text(card(record), encoding="utf-8")
            model.save_pretrained(str(output))  # What makes it a model comes last.
        checkpoint.remove(output)
        prepared.remove(output)
    run.accelerator.wait_for_everyone()  # The folder is whole when any of the processes goes on.
    run.accelerator.end_training()
