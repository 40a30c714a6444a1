"""From a recipe to a reader's folder: prepares data and model, runs the loop, tunes, writes. Knows no terminal.

Whatever can be refused is refused before the first step, and before the base is made where a recipe makes it.
"""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from odqa.device import pick_device, pick_dtype
from odqa.errors import OdqaError, UsageError
from odqa.evaluation.cases import check_examples
from odqa.models import ResolvedModel, content_hash, resolve
from odqa.reader.precision import lower
from odqa.training import average, base, checkpoint, data, distill, folder, hardware, inputs, masking, precision, tuning
from odqa.training.base import Plan
from odqa.training.checkpoint import State
from odqa.training.loop import Run
from odqa.training.memory import Memory
from odqa.training.recipe import PURE, Recipe, as_dict, differences
from odqa.training.watch import Silent, Watcher, interruptible
from odqa.types import Example

SAMPLE = 100  # Texts of the data on which the teacher's tokenizer is compared with the student's.


def train(recipe: Recipe, output: Path, watcher: Watcher, *, resume: bool = False, device: str = "auto") -> Path:
    """Train a reader by ``recipe`` into the folder ``output`` and return it.

    Runs on one device, or on several under ``accelerate launch``, whose first process writes the folder. A kill
    loses at most ``recipe.save_every`` steps, Ctrl-C none. A base or a teacher that another recipe makes is trained
    first, a teacher of several stages once, into a folder of ``output`` that goes when the run is finished. Raises
    UsageError where ``output`` holds something else and where recipe, base and teacher do not fit, OdqaError where
    loss, gradients or weights are not finite or the disk is full.
    """
    _train(base.plan(recipe), output, watcher, resume=resume, device=device)
    import accelerate

    accelerate.PartialState().destroy_process_group()
    return output


def _train(
    plan: Plan, output: Path, watcher: Watcher, *, resume: bool, device: str, teachers: Mapping[Path, Path] = {}
) -> None:
    """One stage, the stages before it included; the processes stay connected for the next one.

    ``teachers`` are the folders of those that a later stage has made and will use again, by their recipe.
    """
    recipe, stage, taught = plan.recipe, plan.base, plan.teacher
    if os.environ.get("RANK", "0") != "0":
        watcher = Silent()  # One of several processes: the first one tells.
    checkpoint.check_output(output, resume=resume)
    if recipe.track and importlib.util.find_spec(recipe.track) is None:
        raise OdqaError(f'--track {recipe.track} needs an extra; run: pip install "odqa[{recipe.track}]"')
    import accelerate
    import torch

    where = pick_device(device)
    mixed = "float32" if recipe.precision == PURE else str(pick_dtype(recipe.precision, where.type))
    mixed = mixed.removeprefix("torch.")
    if mixed == "float16" and where.type == "cpu":
        raise UsageError("training in float16 needs a GPU; use --precision bfloat16 or float32")
    # On a CPU the backward pass of fused attention takes longer than that of plain matrix products.
    attention = "eager" if where.type == "cpu" else None
    start = resolve(plan.root)
    examples, repairs, taken = inputs.training_examples(recipe)
    evaluated, tuned_on = (_held_out(recipe, name) for name in ("eval", "tune"))
    hashes = inputs.hashes(recipe, plan.paths)
    base_run, teacher_folder, shared = None, recipe.distill, False
    if recipe.base_weight and not stage:
        average.load_base(start)
    if stage or taught:
        # What does not fit is refused before anything is made.
        model, tokenizer = _load(recipe, start, attention)
        if taught:
            own_recipe = Path(taught.path).resolve()
            shared = own_recipe in teachers
            teachers = {own_recipe: output / checkpoint.TEACHER, **teachers}
            place = teachers[own_recipe]
            there = (place / "config.json").exists()
            teacher_folder = str(place) if there else taught.root
            _load_teacher(recipe, teacher_folder, start, tokenizer, examples, head_required=there)
        elif recipe.distill:
            _load_teacher(recipe, recipe.distill, start, tokenizer, examples)
    if taught:
        made, _ = _make("teacher", taught, place, output, watcher, resume=resume, device=device)
        teacher_folder = str(made.folder)
    if stage:
        place = output / checkpoint.BASE
        start, base_run = _make("base", stage, place, output, watcher, resume=resume, device=device, teachers=teachers)

    _forget_other_runs(accelerate)
    accelerator = accelerate.Accelerator(
        cpu=where.type == "cpu",
        mixed_precision={"float32": "no", "bfloat16": "bf16", "float16": "fp16"}[mixed],
        gradient_accumulation_steps=recipe.accumulate,
        log_with=recipe.track or None,
        project_dir=str(output),
    )
    accelerate.utils.set_seed(recipe.seed)
    model, tokenizer = _load(recipe, start, attention)
    teacher = _load_teacher(recipe, teacher_folder, start, tokenizer, examples) if recipe.distill else None
    if teacher and (recipe.epochs > 1 or taught):
        teacher = replace(teacher, memory=Memory())  # Later epochs, and later stages, read the same windows.
    set_dropout(model, recipe.dropout)
    labelled = list(data.label(tokenizer, examples, min(recipe.max_length, tokenizer.model_max_length), recipe.stride))
    inputs.check_spans(recipe, labelled)
    watcher.note(
        f"{len(examples):,} questions ({sum(one.answerable for one in taken):,} answerable; offsets: "
        f"{repairs.repaired:,} repaired, {repairs.dropped:,} questions dropped), {len(labelled):,} windows"
    )

    model.to(accelerator.device)
    flops = hardware.flops_per_token(model, teacher.model if teacher else None, recipe.epochs)
    master = None
    if recipe.precision == PURE:
        master = precision.split(model)
        accelerator.register_for_checkpointing(master)
    if teacher is not None:
        teacher.model.to(accelerator.device)
        if teacher.memory is not None:
            accelerator.register_for_checkpointing(teacher.memory)
            if taught:
                teacher.memory.read(teacher.folder)
        if master:
            lower(teacher.model)
    optimizer = torch.optim.AdamW(_decay_split(master or model, recipe.weight_decay), lr=recipe.learning_rate)
    model, optimizer = accelerator.prepare(model, optimizer)
    state = State(recipe=as_dict(recipe), inputs=hashes)
    found = checkpoint.find(output) if resume else None
    if not found:
        checkpoint.remove(output)
    else:
        state = checkpoint.load_state(found, as_dict(recipe), hashes)
        accelerator.load_state(str(found))
        watcher.note(f"resumed at step {state.step:,} (epoch {state.epoch + 1})")
    if recipe.track:
        accelerator.init_trackers(
            "odqa", config={k: v for k, v in as_dict(recipe).items() if isinstance(v, int | float)}
        )

    run = Run(recipe, output, accelerator, model, master, teacher, optimizer, tokenizer, labelled, state, watcher)
    with interruptible() as interrupted:
        for epoch in range(state.epoch, recipe.epochs):
            run.epoch(epoch, interrupted)
            if evaluated:
                run.evaluate(epoch, evaluated)
            state.epoch, state.batch = epoch + 1, 0
            run.save()
            if run.stopped(interrupted):
                raise KeyboardInterrupt
    if accelerator.is_main_process:
        if shared and teacher and teacher.memory is not None:
            with checkpoint.room_for(output):
                teacher.memory.write(teacher.folder)
        final = run.final_model()
        if recipe.base_weight:
            average.towards(final, average.load_base(start), recipe.base_weight)
        finished = folder.Finished(
            recipe=recipe,
            base=start.name,
            base_run=base_run,
            teacher=_described(recipe, Path(teacher.folder)) if teacher else None,
            state=state,
            repairs=repairs,
            taken=taken,
            tuned=tuning.tune(tuning.as_reader(final, tokenizer, recipe, output.name), tuned_on),
            hardware=hardware.describe(accelerator.device, accelerator.num_processes),
            flops_per_token=flops,
        )
        with checkpoint.room_for(output):
            folder.write(output, final, tokenizer, finished)
        checkpoint.remove(output, made=True)
    for tracker in accelerator.trackers:
        tracker.finish()
    accelerator.wait_for_everyone()  # The folder is whole when any of the processes goes on.


def _held_out(recipe: Recipe, name: str) -> list[Example]:
    """The examples of eval or tune. What cannot be scored is refused before the training, not after it."""
    sources = getattr(recipe, name)
    examples = data.gather(sources, recipe.seed)[0]
    if sources:
        check_examples(examples, ", ".join(source.path for source in sources))
    return examples


def _load(recipe: Recipe, start: ResolvedModel, attention: str | None) -> tuple[Any, Any]:
    """The model to train and its tokenizer, checked against the recipe."""
    model, tokenizer = base.load(start, recipe.max_length, attention=attention)
    base.freeze(model, recipe.frozen_layers)
    if recipe.token_dropout:
        masking.check(tokenizer, start.name)
    return model, tokenizer


def _load_teacher(
    recipe: Recipe,
    name: str,
    start: ResolvedModel,
    tokenizer: Any,
    examples: Sequence[Example],
    *,
    head_required: bool = True,
) -> distill.Teacher:
    """The teacher, checked against the recipe and the student's tokenizer."""
    texts = [text for example in examples[:SAMPLE] for text in (example.question, example.context)]
    return distill.load_teacher(name, start.name, tokenizer, recipe.max_length, texts, head_required=head_required)


def _make(
    what: str,
    plan: Plan,
    place: Path,
    output: Path,
    watcher: Watcher,
    *,
    resume: bool,
    device: str,
    teachers: Mapping[Path, Path] = {},
) -> tuple[ResolvedModel, dict[str, Any]]:
    """The reader of another recipe and its run's record, made in the folder ``place`` unless it is there already.

    ``what`` it is for, base or teacher, is said; ``output`` is the folder of the run that needs it.
    """
    if not (place / "config.json").exists():
        watcher.note(f"first the {what}: {plan.path} into {place}")
        _train(plan, place, watcher, resume=resume, device=device, teachers=teachers)
    record = folder.read_run(place)
    # A run that has begun to train on it may go on: its own checkpoint says of what it is.
    changed = [] if checkpoint.find(output) else differences(record["recipe"], as_dict(plan.recipe))
    if changed:
        raise UsageError(
            f"{place} was made by another recipe than {plan.path} is now ({'; '.join(changed)}); remove that folder to "
            "make it anew, or give another --output"
        )
    return resolve(place), record


def _described(recipe: Recipe, teacher: Path) -> dict[str, Any]:
    """What the record says of a teacher: how the recipe calls it, its content's hash, and its own record."""
    made = (teacher / folder.RUN_FILE).is_file()
    return {
        "name": recipe.distill,
        "sha256": content_hash(teacher),
        "run": folder.read_run(teacher) if made else None,
    }


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


def _decay_split(model: Any, weight_decay: float) -> list[dict[str, Any]]:
    """Weight decay for matrices alone: biases and the weights of normalisation layers have one dimension."""
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    return [
        {"params": [parameter for parameter in trained if parameter.ndim > 1], "weight_decay": weight_decay},
        {"params": [parameter for parameter in trained if parameter.ndim <= 1], "weight_decay": 0.0},
    ]


def _forget_other_runs(accelerate: Any) -> None:
    """Let this run choose its precision and, where it is the only process, its device.

    accelerate holds on to those of the process's first run; several processes stay connected as they are.
    """
    alone = int(os.environ.get("WORLD_SIZE", "1")) == 1
    accelerate.state.AcceleratorState._reset_state(reset_partial_state=alone)
    accelerate.state.GradientState._reset_state()
