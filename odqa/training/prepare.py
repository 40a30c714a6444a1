"""A recipe and an output folder go in, a run that can begin comes out. All that can be refused is refused here."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from odqa.device import pick_device, pick_dtype
from odqa.errors import DataError, OdqaError, UsageError
from odqa.models import ResolvedModel, resolve
from odqa.runtime.precision import lower
from odqa.training import average, base, checkpoint, data, distill, hardware, inputs, masking, master_weights, tuning
from odqa.training.card import card
from odqa.training.checkpoint import State
from odqa.training.data import LabelledWindow
from odqa.training.distill import Teacher
from odqa.training.inputs import Inputs
from odqa.training.loop import Run
from odqa.training.memory import Memory
from odqa.training.recipe import PURE, Recipe, as_dict
from odqa.training.record import RUN_FILE, Ancestors, RunRecord, TeacherRecord, read_record
from odqa.training.tuning import Tuning
from odqa.training.watch import Watcher
from odqa.types import Example

SAMPLE = 100  # Texts of the data on which the teacher's tokenizer is compared with the student's.


@dataclass(frozen=True, slots=True)
class Job:
    """A run that can begin, or go on, and what only its end needs.

    ``start`` is the model that the run starts from, ``ancestors`` what is known of how that and the teacher were made,
    ``kept`` what was fitted for the first, which the reader has where there is nothing to fit its settings on.
    """

    run: Run
    inputs: Inputs
    start: ResolvedModel
    ancestors: Ancestors
    kept: Tuning
    flops_per_token: int


def prepare(recipe: Recipe, output: Path, watcher: Watcher, *, resume: bool, device: str) -> Job:
    """Read the data, load base, tokenizer and teacher, and take up the checkpoint in ``output`` with ``resume``.

    Raises UsageError where ``output`` holds something else and where recipe, base and teacher do not fit, ModelError
    and DataError where a model or a dataset is missing or unfit, OdqaError where an extra is missing.
    """
    checkpoint.check_output(output, resume=resume)
    if recipe.track and importlib.util.find_spec(recipe.track) is None:
        raise OdqaError(f'--track {recipe.track} needs an extra; run: pip install "odqa[{recipe.track}]"')
    where = pick_device(device).type
    mixed = _mixed_precision(recipe, where)
    start = resolve(recipe.base)
    questions = inputs.read_inputs(recipe, watcher.note)
    kept = _kept(start, questions, watcher)
    if recipe.base_weight:
        average.load_base(start)

    accelerator = _accelerator(recipe, output, where, mixed)
    model, tokenizer = _load_base(recipe, start, where)
    teacher = _load_teacher(recipe, start, tokenizer, questions.train) if recipe.distill else None
    ancestors = Ancestors(start.name, _record_of(start.folder), _teacher_record(recipe, teacher, questions))
    max_length = min(recipe.max_length, tokenizer.model_max_length)
    labelled = list(data.label(tokenizer, questions.train, max_length, recipe.stride))
    inputs.check_spans(recipe, labelled)
    watcher.note(
        f"{len(questions.train):,} questions ({sum(one.answerable for one in questions.counts):,} answerable; offsets: "
        f"{questions.repairs.repaired:,} repaired, {questions.repairs.dropped:,} questions dropped), "
        f"{len(labelled):,} windows"
    )
    flops = hardware.flops_per_token(model, teacher.model if teacher else None, recipe.epochs)
    run = _place(recipe, output, accelerator, model, tokenizer, teacher, labelled, watcher)
    _take_up(run, questions.hashes, resume=resume)
    return Job(run, questions, start, ancestors, kept, flops)


def _kept(start: ResolvedModel, questions: Inputs, watcher: Watcher) -> Tuning:
    """What was fitted for the base; says so where the reader will have it, as there is nothing to fit anew on."""
    found = tuning.kept(start)
    if not questions.tune and found != Tuning():
        watcher.note(
            f"warning: nothing is fitted without --tune, so the reader keeps what was fitted for {start.name}: "
            f"threshold {found.threshold:.4g}, temperature {found.temperature:.4g}, length penalty "
            f"{found.length_penalty:.4g}. The new weights may need others: give --tune with questions that are not "
            "trained on"
        )
    return found


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


def _mixed_precision(recipe: Recipe, device: str) -> str:
    """What accelerate casts to: no, bf16 or fp16. Raises UsageError for float16 on a CPU."""
    dtype = "float32" if recipe.precision == PURE else str(pick_dtype(recipe.precision, device)).removeprefix("torch.")
    if dtype == "float16" and device == "cpu":
        raise UsageError("training in float16 needs a GPU; use --precision bfloat16 or float32")
    return {"float32": "no", "bfloat16": "bf16", "float16": "fp16"}[dtype]


def _accelerator(recipe: Recipe, output: Path, device: str, mixed_precision: str) -> Any:
    """The accelerator of a run; the random state of the process is that of the recipe's seed from here on.

    accelerate keeps precision and device of the process's first Accelerator and refuses a second one that wants
    others. It has no public way to forget them, and says in its errors which function does: without it a notebook
    could train once. Several processes stay connected as they are.
    """
    import accelerate

    alone = int(os.environ.get("WORLD_SIZE", "1")) == 1
    accelerate.state.AcceleratorState._reset_state(reset_partial_state=alone)
    accelerator = accelerate.Accelerator(
        cpu=device == "cpu",
        mixed_precision=mixed_precision,
        gradient_accumulation_steps=recipe.accumulate,
        log_with=recipe.track or None,
        project_dir=str(output),
    )
    accelerate.utils.set_seed(recipe.seed)
    return accelerator


def _load_base(recipe: Recipe, start: ResolvedModel, device: str) -> tuple[Any, Any]:
    """The model to train and its tokenizer, checked against the recipe."""
    # On a CPU the backward pass of fused attention takes longer than that of plain matrix products.
    model, tokenizer = base.load(start, recipe.max_length, attention="eager" if device == "cpu" else None)
    base.freeze(model, recipe.frozen_layers)
    if recipe.token_dropout:
        masking.check(tokenizer, start.name)
    set_dropout(model, recipe.dropout)
    return model, tokenizer


def _load_teacher(recipe: Recipe, start: ResolvedModel, tokenizer: Any, examples: Sequence[Example]) -> Teacher:
    """The teacher, checked against the recipe and the student's tokenizer, with a memory where epochs repeat."""
    texts = [text for example in examples[:SAMPLE] for text in (example.question, example.context)]
    teacher = distill.load_teacher(recipe.distill, start.name, tokenizer, recipe.max_length, texts)
    return replace(teacher, memory=Memory()) if recipe.epochs > 1 else teacher


def _teacher_record(recipe: Recipe, teacher: Teacher | None, questions: Inputs) -> TeacherRecord | None:
    if teacher is None:
        return None
    return TeacherRecord(recipe.distill, questions.hashes[recipe.distill], _record_of(teacher.folder))


def _record_of(folder: Path) -> RunRecord | None:
    """The record in a reader's folder. Raises DataError where a model card could not tell of it after the training."""
    record = read_record(folder)
    try:
        if record:
            card(record)
    except (KeyError, IndexError, TypeError, ValueError, AttributeError) as error:
        detail = f"{type(error).__name__}: {error}"
        raise DataError(f"{folder / RUN_FILE}: not a run's record ({detail}); put that back, or remove it") from None
    return record


def _place(
    recipe: Recipe,
    output: Path,
    accelerator: Any,
    model: Any,
    tokenizer: Any,
    teacher: Teacher | None,
    labelled: Sequence[LabelledWindow],
    watcher: Watcher,
) -> Run:
    """The run at its beginning: models on the device and in their precision, and an optimiser for what is trained."""
    import torch

    model.to(accelerator.device)
    master = master_weights.split(model) if recipe.precision == PURE else None
    if teacher is not None:
        teacher.model.to(accelerator.device)
        if master:
            lower(teacher.model)
    # Fused: one pass over the weights, which on a CPU halves the time of a step.
    fused = accelerator.device.type in ("cpu", "cuda")
    groups = _decay_split(master or model, recipe.weight_decay)
    optimizer = torch.optim.AdamW(groups, lr=recipe.learning_rate, fused=fused)
    model, optimizer = accelerator.prepare(model, optimizer)
    state = State(recipe=as_dict(recipe), processes=accelerator.num_processes)
    return Run(recipe, output, accelerator, model, master, teacher, optimizer, tokenizer, labelled, state, watcher)


def _take_up(run: Run, hashes: dict[str, str], *, resume: bool) -> None:
    """Bring the run to its last checkpoint, with ``resume`` and where there is one; else remove what is left of it."""
    run.state.inputs = hashes
    saved = checkpoint.find(run.output) if resume else None
    if saved:
        checkpoint.verify(saved)
        run.state = checkpoint.load_state(saved, as_dict(run.recipe), hashes, run.accelerator.num_processes)
        if run.state.best:
            remedy = f"put it back, or remove {run.output} and train again"
            checkpoint.check_file(checkpoint.best_file(run.output, run.state), run.state.best, remedy)
        run.load(saved)
        run.watcher.note(f"resumed at step {run.state.step:,} (epoch {run.state.epoch + 1})")
    else:
        checkpoint.remove(run.output)
    if run.recipe.track:
        numbers = {name: value for name, value in as_dict(run.recipe).items() if isinstance(value, int | float)}
        run.accelerator.init_trackers("odqa", config=numbers)


def _decay_split(model: Any, weight_decay: float) -> list[dict[str, Any]]:
    """Weight decay for matrices alone: biases and the weights of normalisation layers have one dimension."""
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    return [
        {"params": [parameter for parameter in trained if parameter.ndim > 1], "weight_decay": weight_decay},
        {"params": [parameter for parameter in trained if parameter.ndim <= 1], "weight_decay": 0.0},
    ]
