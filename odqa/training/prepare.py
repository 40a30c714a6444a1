"""A recipe and an output folder go in, a run that can begin comes out. All that can be refused is refused here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from odqa.errors import DataError, UsageError
from odqa.models import ResolvedModel, resolve
from odqa.reader.features import lengths
from odqa.runtime.precision import lower
from odqa.training import average, base, data, distill, hardware, inputs, masking, start, tuning
from odqa.training.card import card
from odqa.training.data import LabelledWindow
from odqa.training.distill import Teacher
from odqa.training.inputs import Inputs
from odqa.training.loop import Run
from odqa.training.memory import Memory
from odqa.training.recipe import PURE, Recipe
from odqa.training.record import RUN_FILE, Ancestors, RunRecord, TeacherRecord, read_record
from odqa.training.spans import Spans
from odqa.training.tuning import Tuning
from odqa.training.watch import Watcher
from odqa.types import Example

SAMPLE = 100  # Texts of the data on which the teacher's tokenizer is compared with the student's.


@dataclass(frozen=True, slots=True)
class Job:
    """A run that can begin, or go on, and what only its end needs.

    ``origin`` is the model that the run starts from, ``ancestors`` what is known of how that and the teacher were made,
    ``kept`` what was fitted for the first, which the reader has where there is nothing to fit its settings on.
    """

    run: Run
    recipe: Recipe
    tokenizer: Any
    inputs: Inputs
    origin: ResolvedModel
    ancestors: Ancestors
    kept: Tuning
    flops_per_token: int


def prepare(recipe: Recipe, output: Path, watcher: Watcher, *, resume: bool, device: str) -> Job:
    """Read the data, load base, tokenizer and teacher, and take up the checkpoint in ``output`` with ``resume``.

    Raises UsageError where ``output`` holds something else and where recipe, base and teacher do not fit, ModelError
    and DataError where a model or a dataset is missing or unfit, OdqaError where an extra is missing.
    """
    where = start.check(recipe, output, resume=resume, device=device)
    origin = resolve(recipe.base)
    questions = inputs.read_inputs(recipe, watcher.note)
    kept = _kept(origin, questions, watcher)
    if recipe.base_weight:
        average.load_base(origin)

    accelerator = start.accelerator(recipe, output, where)
    model, tokenizer = _load_base(recipe, origin, where)
    inputs.check_held_out(recipe, questions, tokenizer)
    teacher = _load_teacher(recipe, origin, tokenizer, questions.train) if recipe.distill else None
    ancestors = Ancestors(origin.name, _record_of(origin.folder), _teacher_record(recipe, teacher, questions))
    labelled = _labelled(recipe, questions, tokenizer)
    inputs.check_spans(recipe, labelled)
    watcher.note(
        f"{len(questions.train):,} questions ({sum(one.answerable for one in questions.counts):,} answerable"
        f"{_missed(questions.train, labelled)}; offsets: {questions.repairs.repaired:,} repaired, "
        f"{questions.repairs.dropped:,} questions dropped), {len(labelled):,} windows"
    )
    flops = hardware.flops_per_token(model, teacher.model if teacher else None, recipe.epochs)
    if teacher is not None:
        teacher.model.to(accelerator.device)
        if start.arithmetic(recipe.precision, where) == PURE:
            lower(teacher.model)
    task = Spans(recipe, tokenizer, accelerator, teacher, labelled, questions.eval, watcher.note)
    run = start.place(recipe, output, accelerator, model, task, watcher)
    start.take_up(run, questions.hashes, resume=resume)
    return Job(run, recipe, tokenizer, questions, origin, ancestors, kept, flops)


def _kept(origin: ResolvedModel, questions: Inputs, watcher: Watcher) -> Tuning:
    """What was fitted for the base; says so where the reader will have it, as there is nothing to fit anew on."""
    found = tuning.kept(origin)
    if not questions.tune and found != Tuning():
        watcher.note(
            f"warning: nothing is fitted without --tune, so the reader keeps what was fitted for {origin.name}: "
            f"threshold {found.threshold:.4g}, temperature {found.temperature:.4g}, length penalty "
            f"{found.length_penalty:.4g}. The new weights may need others: give --tune with questions that are not "
            "trained on"
        )
    return found


def _load_base(recipe: Recipe, origin: ResolvedModel, device: str) -> tuple[Any, Any]:
    """The model to train and its tokenizer, checked against the recipe."""
    model, tokenizer = base.load(origin, recipe.max_length, attention=start.attention(device))
    base.freeze(model, recipe.frozen_layers)
    if recipe.token_dropout:
        masking.check(tokenizer, origin.name)
    start.set_dropout(model, recipe.dropout)
    return model, tokenizer


def _labelled(recipe: Recipe, questions: Inputs, tokenizer: Any) -> list[LabelledWindow]:
    """The windows to train on. Raises DataError where a question leaves no room for its context."""
    max_length, stride = lengths(tokenizer, recipe.max_length, recipe.stride)
    if max_length == recipe.max_length:
        stride = recipe.stride  # As the recipe says; only where the base allows fewer tokens it may not fit.
    try:
        return list(data.label(tokenizer, questions.train, max_length, stride))
    except UsageError:
        # The windows of all are made at once, and each question is looked at alone only where one is too long.
        inputs.check_trained(recipe, questions, tokenizer, max_length, stride)
        raise


def _missed(examples: Sequence[Example], labelled: Sequence[LabelledWindow]) -> str:
    """What is to be told of the answerable examples that no window answers; nothing where there are none."""
    answered = {item.window.pair for item in labelled if item.answered}
    missed = sum(example.answerable and at not in answered for at, example in enumerate(examples))
    return f", of which {missed:,} have their answer in no window, and teach that there is none" if missed else ""


def _load_teacher(recipe: Recipe, origin: ResolvedModel, tokenizer: Any, examples: Sequence[Example]) -> Teacher:
    """The teacher, checked against the recipe and the student's tokenizer, with a memory where epochs repeat."""
    texts = [text for example in examples[:SAMPLE] for text in (example.question, example.context)]
    teacher = distill.load_teacher(recipe.distill, origin.name, tokenizer, recipe.max_length, texts)
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
