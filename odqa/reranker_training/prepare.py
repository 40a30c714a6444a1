"""A recipe and an output folder go in, a run that can begin comes out. All that can be refused is refused here."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from odqa.index.manifest import read_manifest
from odqa.index.retriever import Retriever
from odqa.index.search import Index
from odqa.models import DEFAULT_ENCODER, ResolvedModel
from odqa.pairs import mining, pool, prepared, scores, teachers
from odqa.pairs.answers import answering
from odqa.pairs.prepare import Begun, Job, begin, place
from odqa.pairs.prepared import Mined
from odqa.pairs.recipe import PairsRecipe
from odqa.pairs.scores import Found
from odqa.reranker_training.ordering import Lists, Ordering
from odqa.reranker_training.recipe import RerankerRecipe
from odqa.retrieval.encoder import Encoder
from odqa.retrieval.reranker import Reranker, load_model
from odqa.training import hardware, start
from odqa.training.watch import Watcher
from odqa.types import Example

SEARCH, BASE = "search", "base"  # What a reranker is compared with: no reranker, and the one that it started from.


def prepare(recipe: RerankerRecipe, output: Path, watcher: Watcher, *, resume: bool, device: str) -> Job:
    """A run that can begin, or go on from its checkpoint with ``resume``. Raises as :func:`begin` does."""
    searcher = recipe.encoder or (read_manifest(recipe.index).encoder if recipe.index else DEFAULT_ENCODER)
    recipe = replace(recipe, encoder=searcher)

    def load(origin: ResolvedModel, where: str) -> tuple[Any, Encoder]:
        model = load_model(origin, where, labels=1).float()
        if model.model is not None and (attention := start.attention(where)):
            model.model.set_attn_implementation(attention)
        return model, Encoder.load(recipe.encoder, device=where)

    def first(
        model: Any, encoder: Encoder, examples: Sequence[Example], sources: Mapping[str, str], index: Path
    ) -> dict[str, Found]:
        rerankers = {SEARCH: None} | ({BASE: Reranker(model, recipe.base)} if _has_scores(model) else {})
        return {
            name: find(recipe, encoder, one, examples, sources, index, watcher.note) for name, one in rerankers.items()
        }

    begun = begin(recipe, output, watcher, resume=resume, device=device, load=load, first=first)
    training, others = _lists(recipe, output, begun, watcher)
    start.set_dropout(begun.model, recipe.dropout)
    task = Ordering(recipe, begun.accelerator, begun.model, training, others)
    return place(recipe, output, begun, task, hardware.flops_per_token(begun.model), watcher, resume=resume)


def find(
    recipe: PairsRecipe,
    encoder: Encoder,
    reranker: Reranker | None,
    examples: Sequence[Example],
    sources: Mapping[str, str],
    index: Path,
    tell: Callable[[str], None],
) -> Found:
    """What the questions find in the index, in the order of the search or that of a reranker.

    ``tell`` is called now and then with how far a reranker has come.
    """
    done = 0

    def advance(count: int) -> None:
        nonlocal done
        done += count
        if reranker and len(examples) > count:
            tell(f"reranked the passages of {done:,} of {len(examples):,} held-out questions by {reranker.name}")

    language = pool.chunk_of(str(index), "").language
    with (
        answering(recipe.reader, encoder.device, language, scores.DEPTH, tell) as worth,
        Retriever(Index.open(index), encoder, reranker) as retriever,
    ):
        return scores.find(examples, sources, retriever, worth, advance)


def _lists(recipe: RerankerRecipe, output: Path, begun: Begun, watcher: Watcher) -> tuple[Lists, Lists]:
    """The passages that are put in order for each question to train on, and for each held-out one."""
    index, found, right = prepared.index_of(output), begun.material, begun.right
    both, to_train = [*found.training, *found.held_out], len(found.training)

    def mine() -> Mined:
        with Retriever(Index.open(index), begun.encoder) as retriever:
            negatives = mining.mine(both, right, retriever, recipe.negatives, recipe.margin, str(recipe.seed))
        asked = [pair.example.question for pair in found.training]
        worth = teachers.worth(begun.teacher, asked, right[:to_train], negatives[:to_train]) if begun.teacher else []
        return Mined([[passage.id for passage in some] for some in negatives], worth)

    mined = prepared.round_of(output, 0, len(both), mine, scored=to_train if begun.teacher else 0)
    reranker = Reranker(begun.model, recipe.base)
    texts = {
        id: reranker.text(one) for id, one in pool.fetch(index, (id for some in mined.negatives for id in some)).items()
    }
    passages = [
        [reranker.text(first), *(texts[id] for id in some)] for first, some in zip(right, mined.negatives, strict=True)
    ]
    watcher.note(f"{recipe.negatives} hard negative(s) for each of {len(both):,} questions")
    questions = begun.questions
    return (
        Lists(questions[:to_train], passages[:to_train], mined.scores),
        Lists(questions[to_train:], passages[to_train:]),
    )


def _has_scores(model: Any) -> bool:
    """Whether a base was a cross-encoder before, so that its order says something."""
    architectures = getattr(getattr(model.model, "config", None), "architectures", None) or ()
    return len(model) > 1 or any(one.endswith("ForSequenceClassification") for one in architectures)
