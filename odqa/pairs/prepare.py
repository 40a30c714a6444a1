"""A recipe and an output folder go in, what a run learns from comes out: its pairs, and an index of their passages.

All that can be refused is refused here. Knows not what is learned.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from odqa.answering.question import tidy
from odqa.errors import UsageError
from odqa.index.manifest import read_manifest
from odqa.models import ResolvedModel, resolve
from odqa.pairs import material, pool, prepared, teachers
from odqa.pairs.material import Material
from odqa.pairs.recipe import PairsRecipe
from odqa.pairs.scores import Found
from odqa.retrieval.encoder import Encoder
from odqa.training import start
from odqa.training.loop import Run
from odqa.training.watch import Watcher
from odqa.types import Example, Passage
from odqa.views import plain


@dataclass(frozen=True, slots=True)
class Begun:
    """What a run has read before it makes its task.

    ``model`` is what is trained, made of ``origin``, ``encoder`` what the run's index was made with. ``right`` are the
    passages of the pairs: of those to train on, then of those held out.
    """

    origin: ResolvedModel
    hashes: dict[str, str]
    accelerator: Any
    model: Any
    encoder: Encoder
    teacher: teachers.Teacher | None
    material: Material
    right: list[Passage]

    @property
    def questions(self) -> list[str]:
        """The questions of all pairs, in the order of ``right``, as a model reads them."""
        both = (*self.material.training, *self.material.held_out)
        return [plain(tidy(pair.example.question)) for pair in both]


@dataclass(frozen=True, slots=True)
class Job:
    """A run that can begin, or go on, and what only its end needs."""

    run: Run
    recipe: PairsRecipe
    origin: ResolvedModel
    encoder: Encoder
    material: Material
    hashes: dict[str, str]
    flops_per_token: int


def begin(
    recipe: PairsRecipe,
    output: Path,
    watcher: Watcher,
    *,
    resume: bool,
    device: str,
    load: Callable[[ResolvedModel, str], tuple[Any, Encoder]],
    first: Callable[[Any, Encoder, Sequence[Example], Mapping[str, str], Path], Mapping[str, Found]],
) -> Begun:
    """Read the data, load the base, encode what is to be found; with ``resume`` what is made already is taken up.

    ``load`` gives the model and the encoder that searches, from the base and the kind of device; ``first`` what the
    held-out questions find in the run's index before the training. Raises UsageError where ``output`` holds
    something else and where settings and models do not fit, ModelError and DataError where a model or all data are
    missing or unfit, OdqaError where an extra is missing.
    """
    where = start.check(recipe, output, resume=resume, device=device)
    if int(os.environ.get("WORLD_SIZE", "1")) > 1:
        raise UsageError(
            "an encoder is trained by one process; start odqa without accelerate launch, and take a "
            "larger --batch-size on a larger GPU"
        )
    if recipe.index:
        read_manifest(recipe.index)
    origin = resolve(recipe.base)
    hashes = material.hashes(recipe)
    again = resume and start.check_resumed(recipe, output, hashes) and prepared.is_made(output)
    accelerator = start.accelerator(recipe, output, where)
    model, encoder = load(origin, where)
    teacher = teachers.load(recipe, where)
    found = material.read(recipe, encoder, watcher.note)
    if recipe.reader and not any(pair.example.answerable for pair in found.held_out):
        raise UsageError(
            f"no answer is known of the {len(found.held_out):,} held-out question(s), so that none can be compared; "
            "give --eval with questions in SQuAD's format, or leave --reader out"
        )
    both = [*found.training, *found.held_out]
    watcher.note(
        f"{len(found.training):,} pairs to train on, {len(found.held_out):,} held out"
        + (f"; {found.unanswerable:,} questions without an answer left out" if found.unanswerable else "")
    )
    if not again:
        examples = [pair.example for pair in found.held_out]
        prepared.make(
            output,
            lambda folder: pool.make(
                folder, both, encoder, index=recipe.index, language=recipe.language, tell=watcher.note
            ),
            lambda folder: first(model, encoder, examples, found.sources, folder) if examples else {},
        )
    right = pool.positives(prepared.index_of(output), both)
    return Begun(origin, hashes, accelerator, model, encoder, teacher, found, right)


def place(
    recipe: PairsRecipe, output: Path, begun: Begun, task: Any, flops: int, watcher: Watcher, *, resume: bool
) -> Job:
    """The run of a task at its beginning or, with ``resume``, at its last checkpoint, which may have none."""
    run = start.place(recipe, output, begun.accelerator, begun.model, task, watcher)
    start.take_up(run, begun.hashes, resume=resume)
    return Job(run, recipe, begun.origin, begun.encoder, begun.material, begun.hashes, flops)
