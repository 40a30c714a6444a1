"""Settings, a model and an output folder go in, a run at its beginning or its last checkpoint comes out.

What every training run begins with, whatever it learns. Knows no data and no loss.
"""

from __future__ import annotations

import os
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from odqa import extras
from odqa.device import has_bfloat16, pick_device
from odqa.errors import UsageError
from odqa.reports import loss_curve
from odqa.training import checkpoint, master_weights
from odqa.training import output as output_folder
from odqa.training.checkpoint import State
from odqa.training.hardware import Hardware, describe
from odqa.training.loop import Run
from odqa.training.recipe import PURE, as_dict
from odqa.training.task import Schedule, Task
from odqa.training.watch import Watcher


def check(recipe: Schedule, output: Path, *, resume: bool, device: str) -> str:
    """The kind of device that a run will be on, before anything is read.

    Raises UsageError where ``output`` holds something else, for a device that is not there and for one that has not
    the recipe's precision, OdqaError where an extra is missing.
    """
    extras.need("train", "training", "accelerate")
    output_folder.check(output, resume=resume)
    if recipe.track:
        extras.need(recipe.track, f"--track {recipe.track}", recipe.track)
    kind = pick_device(device).type
    _mixed_precision(recipe, kind)
    return kind


def arithmetic(precision: str, device: str) -> str:
    """What a run with the recipe's ``precision`` computes in on a kind of device: all but ``auto`` is as it says.

    ``auto`` is the fastest that the hardware multiplies: on a CPU pure bfloat16, on a GPU mixed bfloat16, else float32.
    """
    if precision != "auto":
        return precision
    if not has_bfloat16(device):
        return "float32"
    return PURE if device == "cpu" else "bfloat16"


def machine(recipe: Schedule, accelerator: Any) -> Hardware:
    """The hardware of a run, and what it computes in there."""
    device = accelerator.device
    return describe(device, accelerator.num_processes, arithmetic(recipe.precision, device.type))


def attention(device: str) -> str | None:
    """The implementation of attention to train with on a kind of device, by transformers' name; None is its own choice.

    On a CPU the backward pass of fused attention takes longer than that of plain matrix products.
    """
    return "eager" if device == "cpu" else None


def set_dropout(model: Any, share: float) -> None:
    """Set every dropout of the model; a share below 0 leaves the model's own."""
    import torch

    if share < 0:
        return
    for module in model.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = share
        elif isinstance(getattr(module, "attention_dropout", None), float):
            module.attention_dropout = share


def accelerator(recipe: Schedule, output: Path, device: str) -> Any:
    """The accelerator of a run; the random state of the process is that of the recipe's seed from here on.

    accelerate keeps precision and device of the process's first Accelerator and refuses a second one that wants
    others. It has no public way to forget them, and says in its errors which function does: without it a notebook
    could train once. Several processes stay connected as they are.
    """
    import accelerate

    alone = int(os.environ.get("WORLD_SIZE", "1")) == 1
    accelerate.state.AcceleratorState._reset_state(reset_partial_state=alone)
    made = accelerate.Accelerator(
        cpu=device == "cpu",
        mixed_precision=_mixed_precision(recipe, device),
        gradient_accumulation_plugin=accelerate.utils.GradientAccumulationPlugin(
            recipe.accumulate,
            # Gradients in bfloat16 are taken out after each batch, and must be those of all processes by then.
            sync_each_batch=arithmetic(recipe.precision, device) == PURE,
        ),
        log_with=recipe.track or None,
        project_dir=str(output),
    )
    accelerate.utils.set_seed(recipe.seed)
    return made


def autocast(recipe: Schedule, accelerator: Any, device: str) -> AbstractContextManager[Any]:
    """The arithmetic of the run, for a model whose weights are in float32 whatever the run's are."""
    import torch

    if arithmetic(recipe.precision, device) == PURE:
        return torch.autocast(device, torch.bfloat16)
    found: AbstractContextManager[Any] = accelerator.autocast()
    return found


def place(recipe: Schedule, output: Path, accelerator: Any, model: Any, task: Task, watcher: Watcher) -> Run:
    """The run at its beginning: the model on the device and in its precision, and an optimiser for what is trained."""
    import torch

    device = accelerator.device.type
    chosen = arithmetic(recipe.precision, device)
    if device == "cpu" and chosen in ("bfloat16", PURE) and not has_bfloat16(device):
        watcher.note(
            f"warning: this CPU does not multiply bfloat16; {chosen} is emulated, several times slower than float32: "
            "use --precision auto"
        )
    model.to(accelerator.device)
    master = master_weights.split(model) if chosen == PURE else None
    if master and accelerator.num_processes == 1:
        master_weights.hand_at_once(model, master)
    # Fused: one pass over the weights, which on a CPU halves the time of a step.
    fused = device in ("cpu", "cuda")
    groups = _decay_split(master or model, recipe.weight_decay)
    optimizer = torch.optim.AdamW(groups, lr=recipe.learning_rate, fused=fused)
    model, optimizer = accelerator.prepare(model, optimizer)
    state = State(recipe=as_dict(recipe), processes=accelerator.num_processes)
    return Run(recipe, output, accelerator, model, master, optimizer, task, state, watcher)


def check_resumed(recipe: Schedule, output: Path, hashes: dict[str, str]) -> bool:
    """Whether there is a checkpoint to go on from.

    Raises UsageError where it is of another recipe or of other inputs than have the ``hashes``, DataError where it is
    damaged.
    """
    saved = checkpoint.find(output)
    if saved:
        checkpoint.verify(saved)
        checkpoint.load_state(saved, as_dict(recipe), hashes, kind=type(recipe))
    return saved is not None


def take_up(run: Run, hashes: dict[str, str], *, resume: bool) -> None:
    """Bring the run to its last checkpoint, with ``resume`` and where there is one; else remove what is left of it."""
    run.state.inputs = hashes
    if run.accelerator.is_main_process:
        loss_curve.remove_unfinished(run.output)
    saved = checkpoint.find(run.output) if resume else None
    if saved:
        checkpoint.verify(saved)
        recipe = run.recipe
        run.state = checkpoint.load_state(saved, as_dict(recipe), hashes, run.accelerator.num_processes, type(recipe))
        if run.state.best:
            remedy = f"put it back, or remove {run.output} and train again"
            checkpoint.check_file(checkpoint.best_file(run.output, run.state), run.state.best, remedy)
        run.load(saved)
        run.watcher.note(f"resumed at step {run.state.step:,} (epoch {run.state.epoch + 1})")
    else:
        checkpoint.remove(run.output)
    if run.recipe.track:
        numbers = {name: value for name, value in as_dict(run.recipe).items() if isinstance(value, int | float)}
        run.accelerator.init_trackers(output_folder.TRACKED, config=numbers)


def _mixed_precision(recipe: Schedule, device: str) -> str:
    """What accelerate casts to: no, bf16 or fp16. Raises UsageError for float16 on a CPU."""
    chosen = arithmetic(recipe.precision, device)
    if chosen == "float16" and device == "cpu":
        raise UsageError("training in float16 needs a GPU; use --precision bfloat16 or float32")
    return {"bfloat16": "bf16", "float16": "fp16"}.get(chosen, "no")


def _decay_split(model: Any, weight_decay: float) -> list[dict[str, Any]]:
    """Weight decay for matrices alone: biases and the weights of normalisation layers have one dimension."""
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    return [
        {"params": [parameter for parameter in trained if parameter.ndim > 1], "weight_decay": weight_decay},
        {"params": [parameter for parameter in trained if parameter.ndim <= 1], "weight_decay": 0.0},
    ]
