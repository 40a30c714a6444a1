"""A recipe and an output folder go in, what a run learns from comes out: its pairs, and an index of their passages.

All that can be refused is refused here. Knows no loss.
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
from odqa.index.retriever import Retriever
from odqa.index.search import Index
from odqa.models import ResolvedModel, resolve
from odqa.retrieval.encoder import Encoder
from odqa.retriever_training import answers, live, material, pool, prepared, scores, teachers
from odqa.retriever_training.answers import Answerer
from odqa.retriever_training.material import Material
from odqa.retriever_training.questions import Pair
from odqa.retriever_training.recipe import RetrieverRecipe
from odqa.retriever_training.scores import Found
from odqa.training import start
from odqa.training.watch import Watcher
from odqa.types import Mode, Passage
from odqa.views import plain

MODES = (Mode.DENSE, Mode.HYBRID)


@dataclass(frozen=True, slots=True)
class Begun:
    """What a run has read before it makes its task.

    ``model`` is what is trained, made of ``origin``, ``encoder`` what the run's index was made with. ``right`` are the
    passages of the pairs: of those to train on, then of those held out. ``before`` is what the latter find at first.
    """

    origin: ResolvedModel
    hashes: dict[str, str]
    accelerator: Any
    model: Any
    encoder: Encoder
    teacher: teachers.Teacher | None
    answerer: Answerer | None
    material: Material
    right: list[Passage]
    before: dict[str, Found]

    @property
    def questions(self) -> list[str]:
        """The questions of all pairs, in the order of ``right``, as a model reads them."""
        both = (*self.material.training, *self.material.held_out)
        return [plain(tidy(pair.example.question)) for pair in both]


def begin(recipe: RetrieverRecipe, output: Path, watcher: Watcher, *, resume: bool, device: str) -> Begun:
    """Read the data, load the base, encode what is to be found; with ``resume`` what is made already is taken up.

    Raises UsageError where ``output`` holds something else and where settings and models do not fit, ModelError and
    DataError where a model or all data are missing or unfit, OdqaError where an extra is missing.
    """
    where = start.check(recipe, output, resume=resume, device=device)
    if int(os.environ.get("WORLD_SIZE", "1")) > 1:
        raise UsageError(
            "an encoder is trained by one process; start odqa without accelerate launch, and take a larger "
            "--batch-size on a larger GPU"
        )
    if recipe.index:
        read_manifest(recipe.index)
    origin = resolve(recipe.base)
    hashes = material.hashes(recipe)
    again = resume and start.check_resumed(recipe, output, hashes) and prepared.is_made(output)
    accelerator = start.accelerator(recipe, output, where)
    model, encoder = live.load(origin, where)
    _check_dimensions(recipe, encoder)
    teacher = teachers.load(recipe, where)
    answerer = answers.load(recipe.reader, recipe.index, pool.chunk_of(recipe.index, recipe.language).language, where)
    found = material.read(recipe, encoder, watcher.note)
    if recipe.reader and not found.answered:
        raise UsageError(
            f"no answer is known of the {len(found.held_out):,} held-out question(s), so that none can be compared; "
            "give --eval with questions and their answers, or leave --reader out"
        )
    both = [*found.training, *found.held_out]
    watcher.note(
        f"{len(found.training):,} pairs to train on, {len(found.held_out):,} held out"
        + (f"; {found.unanswerable:,} questions without an answer left out" if found.unanswerable else "")
    )
    if not again:
        prepared.make(
            output,
            lambda folder: pool.make(
                folder, both, encoder, index=recipe.index, language=recipe.language, tell=watcher.note
            ),
            lambda folder: (
                find(encoder, found.held_out, found.sources, folder, answerer, watcher.note) if found.held_out else {}
            ),
        )
    before = prepared.before(output, len(found.held_out), found.answered)
    right = pool.positives(prepared.index_of(output), both)
    return Begun(origin, hashes, accelerator, model, encoder, teacher, answerer, found, right, before)


def find(
    encoder: Encoder,
    pairs: Sequence[Pair],
    sources: Mapping[str, str],
    index: Path,
    answerer: Answerer | None,
    tell: Callable[[str], None],
) -> dict[str, Found]:
    """By mode, what the questions find in an index that has the encoder's vectors; in hybrid mode answers too."""
    found = {}
    for mode in MODES:
        with Retriever(Index.open(index, mode=mode), encoder) as retriever:
            who = answerer if mode is Mode.HYBRID else None
            found[mode.value] = scores.find(pairs, sources, retriever, who, tell)
    return found


def _check_dimensions(recipe: RetrieverRecipe, encoder: Encoder) -> None:
    if recipe.matryoshka and max(recipe.matryoshka) > encoder.dimension:
        raise UsageError(
            f"matryoshka is {list(recipe.matryoshka)}, but a vector of {encoder.name} has {encoder.dimension} numbers"
        )
