"""A recipe and an output folder go in, a run that can begin comes out. All that can be refused is refused here."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from odqa.errors import UsageError
from odqa.index.reencoding import reencode
from odqa.index.retriever import Retriever
from odqa.index.search import Index
from odqa.models import ResolvedModel
from odqa.pairs import mining, pool, prepared, scores, teachers
from odqa.pairs.answers import answering
from odqa.pairs.prepare import Begun, Job, begin, place
from odqa.pairs.prepared import Mined
from odqa.pairs.recipe import PairsRecipe
from odqa.pairs.scores import Found
from odqa.retrieval.encoder import Encoder
from odqa.retriever_training import live
from odqa.retriever_training.contrastive import Contrastive, Round, Texts
from odqa.retriever_training.recipe import RetrieverRecipe
from odqa.training import hardware, start
from odqa.training.watch import Watcher
from odqa.types import Example, Mode

MODES = (Mode.DENSE, Mode.HYBRID)


def prepare(recipe: RetrieverRecipe, output: Path, watcher: Watcher, *, resume: bool, device: str) -> Job:
    """A run that can begin, or go on from its checkpoint with ``resume``. Raises as :func:`begin` does."""

    def load(origin: ResolvedModel, where: str) -> tuple[Any, Encoder]:
        model, encoder = live.load(origin, where)
        _check_dimensions(recipe, encoder)
        return model, encoder

    begun = begin(
        recipe,
        output,
        watcher,
        resume=resume,
        device=device,
        load=load,
        first=lambda model, encoder, examples, sources, index: find(
            recipe, encoder, examples, sources, index, watcher.note
        ),
    )
    to_train, questions, passages = len(begun.material.training), begun.questions, begun.encoder.inputs(begun.right)[0]
    keys = [" ".join(passage.text.split()) for passage in begun.right]
    training = Texts(questions[:to_train], passages[:to_train], keys[:to_train])
    others = Texts(questions[to_train:], passages[to_train:], keys[to_train:])

    def mined(number: int, now: Any) -> Round:
        return _round(recipe, output, number, begun, now, watcher.note)

    start.set_dropout(begun.model, recipe.dropout)
    prompts = begun.encoder.before("query"), begun.encoder.before("document")
    task = Contrastive(recipe, begun.model, prompts, training, others, mined if recipe.negatives else None)
    return place(recipe, output, begun, task, hardware.flops_per_token(begun.model), watcher, resume=resume)


def find(
    recipe: PairsRecipe,
    encoder: Encoder,
    examples: Sequence[Example],
    sources: Mapping[str, str],
    index: Path,
    tell: Callable[[str], None],
) -> dict[str, Found]:
    """By mode, what the questions find in an index that has the encoder's vectors; in hybrid mode answers too."""
    found = {}
    language = pool.chunk_of(str(index), "").language
    with answering(recipe.reader, encoder.device, language, scores.DEPTH, tell) as worth:
        for mode in MODES:
            with Retriever(Index.open(index, mode=mode), encoder) as retriever:
                found[mode.value] = scores.find(examples, sources, retriever, worth if mode is Mode.HYBRID else None)
    return found


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


def _check_dimensions(recipe: RetrieverRecipe, encoder: Encoder) -> None:
    if recipe.matryoshka and max(recipe.matryoshka) > encoder.dimension:
        raise UsageError(
            f"matryoshka is {list(recipe.matryoshka)}, but a vector of {encoder.name} has {encoder.dimension} numbers"
        )
