"""A recipe goes in; its pairs, to train on and held out, and the SHA-256 of what it reads come out. Makes no index."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from odqa.errors import DataError, UsageError
from odqa.files import sha256
from odqa.index.ingest import fit_chunk
from odqa.index.layout import MANIFEST
from odqa.models import content_hash, resolve
from odqa.retrieval.encoder import Encoder
from odqa.retriever_training import cloze, pool, questions
from odqa.retriever_training.questions import Pair
from odqa.retriever_training.recipe import RetrieverRecipe
from odqa.training import data


@dataclass(frozen=True, slots=True)
class Material:
    """All pairs of a run: those to train on, those held out, and what was left out or came without a context.

    ``sources`` are those of :func:`odqa.retriever_training.questions.read`, of all datasets.
    """

    training: list[Pair]
    held_out: list[Pair]
    sources: dict[str, str]
    unanswerable: int

    @property
    def answered(self) -> int:
        """How many held-out questions have an answer that is known."""
        return sum(pair.example.answerable for pair in self.held_out)


def read(recipe: RetrieverRecipe, encoder: Encoder, tell: Callable[[str], None]) -> Material:
    """All pairs; without ``eval``, those whose texts a hash of their first letters chooses are held out.

    Raises as :func:`odqa.retriever_training.questions.read` does, and DataError where there is too little of either.
    """
    found, sources, unanswerable = [], {}, 0
    if recipe.train:
        read = questions.read(recipe.train, recipe.index, recipe.seed, tell)
        found, sources, unanswerable = read.pairs, read.sources, read.unanswerable
    if recipe.from_documents:
        made = cloze.pairs_from(
            cloze.files_of(recipe.from_documents),
            encoder.token_offsets,
            fit_chunk(pool.chunk_of(recipe.index, recipe.language), encoder),
            keep_sentence=recipe.keep_sentence,
            seed=recipe.seed,
            tell=tell,
        )
        found = [*found, *made]
    if recipe.eval:
        others = questions.read(recipe.eval, recipe.index, recipe.seed, tell)
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
    return Material(found, held_out, sources, unanswerable)


def _place(pair: Pair) -> float:
    return data.place_of(pair.example.context)


def hashes(recipe: RetrieverRecipe) -> dict[str, str]:
    """The SHA-256 of every file that is read, and of the content of the models, by path or name.

    So is that of the index; it is the manifest's, which has those of its other files.
    """
    paths = dict.fromkeys(Path(source.path) for source in (*recipe.train, *recipe.eval))
    found = {str(path): sha256(path) for path in paths if path.is_file()}
    for path in cloze.files_of(recipe.from_documents).files:
        with suppress(OSError, UsageError):  # Reading it says why.
            found[str(path)] = sha256(path)
    models = {name: content_hash(resolve(name).folder) for name in recipe.models}
    index = Path(recipe.index) / MANIFEST if recipe.index else None
    return found | models | ({recipe.index: sha256(index)} if index and index.is_file() else {})
