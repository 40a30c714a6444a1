"""A recipe and an output folder go in, a run that can begin comes out. All that can be refused is refused here."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from odqa.models import content_hash, resolve
from odqa.pretraining import model, prepared, texts, tokens
from odqa.pretraining.growth import Growing
from odqa.pretraining.masked import MaskedTokens
from odqa.pretraining.masking import Masker
from odqa.pretraining.prepared import Prepared
from odqa.pretraining.recipe import LanguageRecipe
from odqa.training import checkpoint, hardware, start
from odqa.training.base import positions
from odqa.training.loop import Run
from odqa.training.watch import Watcher


@dataclass(frozen=True, slots=True)
class Job:
    """A run that can begin, or go on, and what only its end needs.

    ``datasets`` are those of the hub that are read, ``hashes`` are those of files and base.
    """

    run: Run
    recipe: LanguageRecipe
    prepared: Prepared
    datasets: list[str]
    hashes: dict[str, str]
    parameters: int
    flops_per_token: int


def prepare(recipe: LanguageRecipe, output: Path, watcher: Watcher, *, resume: bool, device: str) -> Job:
    """Read the texts, make tokenizer, blocks and model, and take up the checkpoint in ``output`` with ``resume``.

    Raises UsageError where ``output`` holds something else and where texts, vocabulary, length and model do not fit,
    ModelError and DataError where a model or all texts are missing or unfit, OdqaError where an extra is missing.
    """
    where = start.check(recipe, output, resume=resume, device=device)
    sources = texts.find(recipe)
    hashes = sources.hashes() | {
        name: content_hash(resolve(name).folder) for name in (recipe.base, recipe.tokenizer) if name
    }
    if not recipe.base:
        given = model.load_tokenizer(resolve(recipe.tokenizer)) if recipe.tokenizer else None
        model.check_room(recipe, given.pad_token_id if given else tokens.SPECIAL.index("<pad>"))
    accelerator = start.accelerator(recipe, output, where)
    attention = start.attention(where)
    learned = _load_base(recipe, watcher, attention) if recipe.base else None
    with accelerator.main_process_first():
        again = resume and checkpoint.find(output) is not None and prepared.is_made(output)
        if accelerator.is_main_process and not again:
            prepared.make(recipe, sources, output, watcher.note)
    made = prepared.read(output)
    learned = learned or model.make(recipe, made.tokenizer, attention=attention)
    made.tokenizer.model_max_length = min(made.tokenizer.model_max_length, positions(learned) or recipe.max_length)
    start.set_dropout(learned, recipe.dropout)
    parameters = sum(weight.numel() for weight in learned.parameters())
    watcher.note(
        f"{len(made.training):,} blocks of {recipe.max_length} tokens to train on, {len(made.held_out or ()):,} held "
        f"out; {parameters:,} parameters"
    )
    growing = Growing(made.training, recipe.short_share)
    if short := growing.lengths[:-1]:
        note = f"the first {growing.share:.0%} of the steps read them in pieces of {' and then '.join(map(str, short))}"
        watcher.note(f"{note} tokens")
    masker = Masker.of(made.tokenizer, recipe.mask_share, whole_word=recipe.whole_word)
    task = MaskedTokens(recipe, accelerator, masker, made.tokenizer.pad_token_id, growing, made.held_out)
    flops = hardware.flops_per_token(learned)
    run = start.place(recipe, output, accelerator, learned, task, watcher)
    start.take_up(run, hashes | made.hashes, resume=resume)
    return Job(run, recipe, made, [name for name, _ in sources.datasets], hashes, parameters, flops)


def _load_base(recipe: LanguageRecipe, watcher: Watcher, attention: str | None) -> Any:
    """The model to go on from, checked against the recipe. One without a head for masked tokens gets a new one."""
    found = resolve(recipe.base)
    learned, _, missing = model.load(found, attention=attention)
    model.check_length(learned, found.name, recipe.max_length)
    if missing:
        watcher.note(f"{recipe.base} has no head for masked tokens; a new one is learned")
    return learned
