"""A recipe goes in, its tokenizer and its blocks of tokens come out, made once and kept in the run's folder. No model.

A run that is resumed takes up what it made before: neither the tokenizer nor the hub has to give the same again.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

from odqa.checked import checked
from odqa.files import read_json, sha256, write_json
from odqa.models import ResolvedModel, resolve
from odqa.pretraining import blocks, texts, tokens
from odqa.pretraining.blocks import Blocks
from odqa.pretraining.model import load_tokenizer
from odqa.pretraining.recipe import LanguageRecipe
from odqa.pretraining.texts import Counts, Sources
from odqa.training.output import PREPARED

_TRAINING, _HELD_OUT, _TOKENIZER, _DONE = "training.tokens", "held_out.tokens", "tokenizer", "prepared.json"
_SPOOLS = ("training.jsonl", "held_out.jsonl")
_REMEDY = "remove the folder and train again"

_Count = Annotated[int, Field(ge=0)]


@dataclass(frozen=True, slots=True)
class _Made:
    """What stands in ``prepared.json``, which is written last: the counts by their names, and the length of a block."""

    counts: dict[str, _Count]
    length: _Count


@dataclass(frozen=True, slots=True)
class Prepared:
    """The tokenizer, the blocks to train on and the held-out ones, None where nothing is; what was read for them.

    ``hashes`` are the SHA-256 of the files, by names that do not depend on where the run's folder is.
    """

    tokenizer: Any
    training: Blocks
    held_out: Blocks | None
    counts: Counts
    hashes: dict[str, str]


def make(recipe: LanguageRecipe, sources: Sources, output: Path, note: Callable[[str], None]) -> None:
    """Read the texts, train the tokenizer where none is given, and write both as tokens into ``output``.

    Raises DataError, UsageError and ModelError where the texts, the vocabulary or a model's tokenizer are unfit.
    """
    folder = output / PREPARED
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    try:
        _make(recipe, sources, folder, note)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        with suppress(OSError):
            output.rmdir()  # Where it is empty.
        raise


def _make(recipe: LanguageRecipe, sources: Sources, folder: Path, note: Callable[[str], None]) -> None:
    spools = [folder / name for name in _SPOOLS]
    counts = texts.spool(recipe, sources, spools[0], spools[1], note)
    note(
        f"{counts.texts:,} texts to train on, {counts.held_out:,} held out ({counts.characters:,} characters; "
        f"{counts.repeated:,} texts were there twice)"
    )
    if given := recipe.base or recipe.tokenizer:
        tokenizer = load_tokenizer(resolve(given))
    else:
        tokenizer = tokens.train(texts.read_spool(spools[0]), recipe.vocab_size, recipe.min_frequency)
        note(f"a tokenizer of {len(tokenizer):,} tokens is trained")
    for name, spool in zip((_TRAINING, _HELD_OUT), spools, strict=True):
        blocks.write(folder / name, tokenizer, texts.read_spool(spool), recipe.max_length)
        spool.unlink()
    tokenizer.save_pretrained(str(folder / _TOKENIZER))
    write_json(folder / _DONE, asdict(_Made(asdict(counts), recipe.max_length)))


def is_made(output: Path) -> bool:
    """Whether a run has left what :func:`make` writes."""
    return (output / PREPARED / _DONE).is_file()


def read(output: Path) -> Prepared:
    """What :func:`make` wrote. Raises DataError, naming the file, where it is not that any more."""
    folder = output / PREPARED
    made: _Made = checked(_Made, read_json(folder / _DONE, _REMEDY), str(folder / _DONE), _REMEDY)
    counts: Counts = checked(Counts, made.counts, str(folder / _DONE), _REMEDY)
    tokenizer = load_tokenizer(ResolvedModel(str(folder / _TOKENIZER), folder / _TOKENIZER))
    held_out = blocks.read(folder / _HELD_OUT, made.length) if counts.held_out else None
    files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    hashes = {f"{PREPARED}/{path.relative_to(folder).as_posix()}": sha256(path) for path in files}
    return Prepared(tokenizer, blocks.read(folder / _TRAINING, made.length), held_out, counts, hashes)


def remove(output: Path) -> None:
    """Remove it: the run is finished."""
    shutil.rmtree(output / PREPARED, ignore_errors=True)
