"""A recipe and an output folder go in, a run that can begin comes out, with what only its end needs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from odqa.index.reencoding import reencode
from odqa.index.retriever import Retriever
from odqa.index.search import Index
from odqa.retriever_training import live, mining, pool, prepared, teachers
from odqa.retriever_training.begin import Begun, begin
from odqa.retriever_training.contrastive import Contrastive, Round, Texts
from odqa.retriever_training.prepared import Mined
from odqa.retriever_training.recipe import RetrieverRecipe
from odqa.training import hardware, start
from odqa.training.loop import Run
from odqa.training.watch import Watcher


@dataclass(frozen=True, slots=True)
class Job:
    """A run that can begin, or go on, and what only its end needs: what was read for it, too."""

    run: Run
    recipe: RetrieverRecipe
    begun: Begun
    flops_per_token: int


def prepare(recipe: RetrieverRecipe, output: Path, watcher: Watcher, *, resume: bool, device: str) -> Job:
    """A run that can begin, or go on from its checkpoint with ``resume``. Raises as :func:`begin` does."""
    begun = begin(recipe, output, watcher, resume=resume, device=device)
    to_train, questions, passages = len(begun.material.training), begun.questions, begun.encoder.inputs(begun.right)[0]
    keys = [" ".join(passage.text.split()) for passage in begun.right]
    training = Texts(questions[:to_train], passages[:to_train], keys[:to_train])
    others = Texts(questions[to_train:], passages[to_train:], keys[to_train:])

    def mined(number: int, now: Any) -> Round:
        return _round(recipe, output, number, begun, now, watcher.note)

    start.set_dropout(begun.model, recipe.dropout)
    prompts = begun.encoder.before("query"), begun.encoder.before("document")
    task = Contrastive(recipe, begun.model, prompts, training, others, mined if recipe.negatives else None)
    run = start.place(recipe, output, begun.accelerator, begun.model, task, watcher)
    start.take_up(run, begun.hashes, resume=resume)  # Its last checkpoint, if it has one.
    return Job(run, recipe, begun, hardware.flops_per_token(begun.model))


def _round(
    recipe: RetrieverRecipe, output: Path, number: int, begun: Begun, model: Any, tell: Callable[[str], None]
) -> Round:
    """The negatives of a round; the first one's are found by the base, the others' by the model as it is."""
    index, base, training = prepared.index_of(output), begun.encoder, begun.material.training
    right = begun.right[: len(training)]

    def mine() -> Mined:
        encoder = base
        if number:
            encoder = live.encoder_of(model.eval(), base.name)
            reencode(index, encoder, progress=pool.told(tell))
        with Retriever(Index.open(index), encoder) as retriever:
            found = mining.mine(
                training, right, retriever, recipe.negatives, recipe.margin, f"{recipe.seed}/round {number}"
            )
        asked = [pair.example.question for pair in training]
        worth = teachers.worth(begun.teacher, asked, right, found) if begun.teacher else []
        return Mined([[passage.id for passage in some] for some in found], worth)

    scored = len(training) if begun.teacher else 0
    mined = prepared.round_of(output, number, len(training), mine, scored=scored)
    passages = pool.fetch(index, (id for some in mined.negatives for id in some))
    texts = dict(zip(passages, base.inputs(list(passages.values()))[0], strict=True))
    tell(f"round {number + 1}: {recipe.negatives} hard negative(s) for each of {len(training):,} questions")
    return Round([[texts[id] for id in some] for some in mined.negatives], mined.scores)
