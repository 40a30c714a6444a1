"""A recipe and an output folder go in, a run that can begin comes out. All that can be refused is refused here."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from odqa.answering.question import tidy
from odqa.errors import DataError, UsageError
from odqa.files import sha256
from odqa.index.ingest import fit_chunk
from odqa.index.layout import MANIFEST
from odqa.index.manifest import read_manifest
from odqa.index.reencoding import reencode
from odqa.index.retriever import Retriever
from odqa.index.search import Index
from odqa.models import ResolvedModel, content_hash, resolve
from odqa.retrieval.encoder import Encoder
from odqa.retriever_training import cloze, live, mining, pairs, pool, prepared, teachers
from odqa.retriever_training.contrastive import Contrastive, Round, Texts
from odqa.retriever_training.pairs import Pair
from odqa.retriever_training.prepared import Mined
from odqa.retriever_training.recipe import RetrieverRecipe
from odqa.training import data, hardware, start
from odqa.training.loop import Run
from odqa.training.watch import Watcher
from odqa.types import Passage
from odqa.views import plain


@dataclass(frozen=True, slots=True)
class Job:
    """A run that can begin, or go on, and what only its end needs.

    ``training`` counts its pairs; ``sources`` are those of :func:`odqa.retriever_training.pairs.read`, of all datasets.
    """

    run: Run
    recipe: RetrieverRecipe
    origin: ResolvedModel
    training: int
    unanswerable: int
    held_out: Sequence[Pair]
    sources: dict[str, str]
    hashes: dict[str, str]
    flops_per_token: int


@dataclass(frozen=True, slots=True)
class _Material:
    """All pairs of a run: those to train on, those held out, and what was left out or came without a context."""

    training: list[Pair]
    held_out: list[Pair]
    sources: dict[str, str]
    unanswerable: int


def prepare(recipe: RetrieverRecipe, output: Path, watcher: Watcher, *, resume: bool, device: str) -> Job:
    """Read the data, load the base, encode what is to be found, and take up the checkpoint with ``resume``.

    Raises UsageError where ``output`` holds something else and where settings and models do not fit, ModelError and
    DataError where a model or all data are missing or unfit, OdqaError where an extra is missing.
    """
    where = start.check(recipe, output, resume=resume, device=device)
    if int(os.environ.get("WORLD_SIZE", "1")) > 1:
        raise UsageError(
            "a retriever is trained by one process, since the passages of a batch are compared with one another; start "
            "odqa without accelerate launch, and take a larger --batch-size on a larger GPU"
        )
    if recipe.index:
        read_manifest(recipe.index)
    origin = resolve(recipe.base)
    hashes = _hashes(recipe)
    again = resume and start.check_resumed(recipe, output, hashes) and prepared.is_made(output)
    accelerator = start.accelerator(recipe, output, where)
    model, encoder = live.load(origin, where)
    _check_dimensions(recipe, encoder)
    teacher = teachers.load(recipe, where)
    material = _read(recipe, encoder, watcher.note)
    both = [*material.training, *material.held_out]
    watcher.note(
        f"{len(material.training):,} pairs to train on, {len(material.held_out):,} held out"
        + (f"; {material.unanswerable:,} questions without an answer left out" if material.unanswerable else "")
    )
    if not again:
        held_out = [pair.example for pair in material.held_out]
        prepared.make(recipe, output, both, held_out, material.sources, encoder, watcher.note)
    right = pool.positives(prepared.index_of(output), both)
    to_train = len(material.training)
    training = _texts(material.training, right[:to_train], encoder)
    others = _texts(material.held_out, right[to_train:], encoder)

    def find(number: int, now: Any) -> Round:
        return _round(recipe, output, number, material.training, right[:to_train], now, encoder, teacher, watcher.note)

    start.set_dropout(model, recipe.dropout)
    prompts = encoder.before("query"), encoder.before("document")
    task = Contrastive(recipe, accelerator, model, prompts, training, others, find if recipe.negatives else None)
    flops = hardware.flops_per_token(model)
    run = start.place(recipe, output, accelerator, model, task, watcher)
    start.take_up(run, hashes, resume=resume)
    return Job(
        run,
        recipe,
        origin,
        len(material.training),
        material.unanswerable,
        material.held_out,
        material.sources,
        hashes,
        flops,
    )


def _read(recipe: RetrieverRecipe, encoder: Encoder, tell: Callable[[str], None]) -> _Material:
    """All pairs; without ``eval``, those whose texts a hash of their first letters chooses are held out."""
    found, sources, unanswerable = [], {}, 0
    if recipe.train:
        read = pairs.read(recipe.train, recipe.index, recipe.seed, tell)
        found, sources, unanswerable = read.pairs, read.sources, read.unanswerable
    if recipe.from_documents:
        files = cloze.files_of(recipe.from_documents)
        made = cloze.pairs_from(
            files,
            encoder.token_offsets,
            fit_chunk(pool.chunk_of(recipe.index, recipe.language), encoder),
            keep_sentence=recipe.keep_sentence,
            seed=recipe.seed,
            tell=tell,
        )
        found = [*found, *made]
    if recipe.eval:
        others = pairs.read(recipe.eval, recipe.index, recipe.seed, tell)
        held_out, sources = others.pairs, sources | others.sources
    else:
        held_out = [pair for pair in found if _place(pair) < recipe.held_out]
        found = [pair for pair in found if _place(pair) >= recipe.held_out]
    names = ", ".join((*(source.path for source in recipe.train), *recipe.from_documents))
    if len(found) < 2:
        raise DataError(f"{names}: {len(found)} pair(s) to train on; give more questions, or larger documents")
    if recipe.held_out and not held_out:
        raise DataError(
            f"{names}: by their hashes none of the passages is among the {recipe.held_out:.0%} that are held out; give "
            "more of them, --eval with other questions, or --held-out 0 to compare nothing"
        )
    return _Material(found, held_out, sources, unanswerable)


def _place(pair: Pair) -> float:
    return data.place_of(pair.example.context)


def _texts(some: Sequence[Pair], right: Sequence[Passage], encoder: Encoder) -> Texts:
    """What the encoder reads of the pairs, as it does when it searches and when it indexes."""
    return Texts(
        [plain(tidy(pair.example.question)) for pair in some],
        encoder.inputs(right)[0],
        [" ".join(passage.text.split()) for passage in right],
    )


def _round(
    recipe: RetrieverRecipe,
    output: Path,
    number: int,
    training: Sequence[Pair],
    right: Sequence[Passage],
    model: Any,
    base: Encoder,
    teacher: teachers.Teacher | None,
    tell: Callable[[str], None],
) -> Round:
    """The negatives of a round; the first one's are found by the base, the others' by the model as it is."""
    index = prepared.index_of(output)

    def mine() -> Mined:
        encoder = base
        if number:
            encoder = live.encoder_of(model.eval(), base.name)
            reencode(index, encoder, progress=pool.told(tell))
        with Retriever(Index.open(index), encoder) as retriever:
            found = mining.mine(
                training, right, retriever, recipe.negatives, recipe.margin, f"{recipe.seed}/round {number}"
            )
        return Mined(
            [[passage.id for passage in some] for some in found],
            _worth(teacher, training, right, found) if teacher else [],
        )

    mined = prepared.round_of(output, number, len(training), mine)
    passages = pool.fetch(index, (id for some in mined.negatives for id in some))
    texts = dict(zip(passages, base.inputs(list(passages.values()))[0], strict=True))
    tell(f"round {number + 1}: {recipe.negatives} hard negative(s) for each of {len(training):,} questions")
    return Round([[texts[id] for id in some] for some in mined.negatives], mined.scores)


def _worth(
    teacher: teachers.Teacher,
    training: Sequence[Pair],
    right: Sequence[Passage],
    negatives: Sequence[Sequence[Passage]],
) -> list[list[float]]:
    """The teacher's scores of each question's right passage and its negatives."""
    passages = [one for passage, some in zip(right, negatives, strict=True) for one in (passage, *some)]
    each = 1 + len(negatives[0])
    questions = [pair.example.question for pair in training for _ in range(each)]
    found = teacher(questions, passages)
    return [found[at : at + each] for at in range(0, len(found), each)]


def _check_dimensions(recipe: RetrieverRecipe, encoder: Encoder) -> None:
    if recipe.matryoshka and max(recipe.matryoshka) > encoder.dimension:
        raise UsageError(
            f"matryoshka is {list(recipe.matryoshka)}, but a vector of {encoder.name} has {encoder.dimension} numbers"
        )


def _hashes(recipe: RetrieverRecipe) -> dict[str, str]:
    """The SHA-256 of every file that is read, and of the content of base and teacher, by path or name.

    So is that of the index; it is the manifest's, which has those of its other files.
    """
    paths = [Path(source.path) for source in (*recipe.train, *recipe.eval)]
    files = [path for path in (*paths, *cloze.files_of(recipe.from_documents)) if path.is_file()]
    models = {name: content_hash(resolve(name).folder) for name in (recipe.base, recipe.teacher) if name}
    index = Path(recipe.index) / MANIFEST if recipe.index else None
    found = {str(path): sha256(path) for path in dict.fromkeys(files)} | models
    return found | ({recipe.index: sha256(index)} if index and index.is_file() else {})
